# SPDX-License-Identifier: Apache-2.0
"""Passwords: which are good enough, and their argon2id hashes.

The rules are those of NIST SP 800-63B-4 §3.1.1.2: at least 15 characters while a password is the only
factor, at least 64 allowed, no rules of composition, no rotation, nothing that is commonly used. Common
is what zxcvbn (Wheeler 2016, USENIX Security) knows: its list of 30,000 leaked passwords, and its estimate
of how many guesses a password withstands.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from secrets import token_urlsafe
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from cheoyong.domain.errors import InvalidInput

PASSWORD_CHARACTERS_MIN = 15
PASSWORD_CHARACTERS_MAX = 1024
UNRELATED_CHARACTERS_MIN = 8  # beside the words of `about`
SCORE_MIN = 3  # of 0-4; 3 withstands 10^8 guesses, far beyond what the sign-in rate allows in a year
_ESTIMATED_CHARACTERS = 72  # the estimate is quadratic; what is strong up to here stays strong beyond

_Result = TypeVar("_Result")
_HASHER = PasswordHasher()  # argon2id, 64 MiB, 3 passes: RFC 9106 §4, second recommended option
_HASHING = ThreadPoolExecutor(2, thread_name_prefix="argon2")  # bounds memory to two hashes at once


def normalised(password: str) -> str:
    """NFKC, so that one password typed on two keyboards is one password.

    >>> normalised("ｐａｓｓ")
    'pass'
    """
    return unicodedata.normalize("NFKC", password)


def is_common(password: str) -> bool:
    """Whether it stands in the list of 30,000 leaked passwords, whatever its case.

    >>> is_common("Password1"), is_common("처용이 문 앞에서 춤을 추었다")
    (True, False)
    """
    return normalised(password).casefold() in _leaked()


def check_password(password: str, about: Iterable[str] = ()) -> None:
    """Do nothing when good enough; raises InvalidInput with what to do otherwise.

    ``about`` are words an attacker would try first: login, name, organisation.

    >>> check_password("correct horse battery staple")
    >>> check_password("passwordpassword")
    Traceback (most recent call last):
    cheoyong.domain.errors.InvalidInput: password: it is easy to guess (use three or four unrelated words)
    """
    text = normalised(password)
    if len(text) < PASSWORD_CHARACTERS_MIN:
        raise _refused(f"it has fewer than {PASSWORD_CHARACTERS_MIN} characters")
    if len(text) > PASSWORD_CHARACTERS_MAX:
        raise _refused(f"it has more than {PASSWORD_CHARACTERS_MAX} characters")
    if is_common(text):
        raise _refused("it is among the commonly used ones")
    words = [word.casefold() for entry in about for word in entry.split() if len(word) >= 2]
    if _left_without(text.casefold(), words) < UNRELATED_CHARACTERS_MIN or _score(text, words) < SCORE_MIN:
        raise _refused("it is easy to guess")


async def hash_password(password: str) -> str:
    """Its argon2id hash in PHC form (``$argon2id$…``), made off the event loop."""
    return await _off_loop(_HASHER.hash, normalised(password))


async def password_matches(stored: str | None, password: str) -> bool:
    """Whether it is the password of ``stored``; takes as long when there is none to compare with."""
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return False
    if not stored:
        decoy: str = await _off_loop(_decoy)
        await _off_loop(_verify, decoy, normalised(password))
        return False
    return await _off_loop(_verify, stored, normalised(password))


async def _off_loop(function: Callable[..., _Result], *arguments: object) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(_HASHING, function, *arguments)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _HASHER.hash(token_urlsafe())


@cache
def _leaked() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _left_without(text: str, words: Iterable[str]) -> int:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return len(text)


def _score(text: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn

    return int(zxcvbn(text[:_ESTIMATED_CHARACTERS], user_inputs=words)["score"])


def _refused(detail: str) -> InvalidInput:
    return InvalidInput(detail, where="password", mend="use three or four unrelated words")
