# SPDX-License-Identifier: Apache-2.0
"""The link to the next page: a ``$skiptoken`` with the place of the last row, else a ``$skip``.

A token is not signed: it says where to begin among the rows that the caller may see anyway, and whoever
forges one sees the same rows from another place on.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from cheoyong.domain.errors import InvalidInput
from cheoyong.records.keyset import Key
from cheoyong.records.nouns import Kind
from cheoyong.records.readings import Row

TOKEN_CHARACTERS_MAX = 1_024
_CHECK_BYTES = 4
_INTEGER_MAX = 2**63
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # of the years 1 to 9999
_SAFE = "$(),;/:'=@"
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_decode = msgspec.json.Decoder(list[int | float | str | bool | None]).decode
_MEND = "follow @iot.nextLink as it was given, with the same $orderby"


def next_query(
    text: dict[str, str], skipped: int, keys: Sequence[Key] | None, last: Row | None = None
) -> str:
    """The query of the next page, percent-encoded; ``text`` is each option of this one as it was sent.

    ``skipped`` is how many rows to skip from where this page's token, if it has one, begins; it is said
    when the order has no keys, or the place of the ``last`` row cannot be carried.
    """
    token = None if keys is None or last is None else token_of(keys, last)
    if token is None:
        options = {**text, "$skip": str(skipped)}
    else:
        options = {name: value for name, value in text.items() if name != "$skip"}
        options["$skiptoken"] = ""
    query = "&".join(f"{name}={_quoted(value)}" for name, value in options.items())
    return query if token is None else query + token  # which is made of letters that need no quoting


@lru_cache(maxsize=256)
def _quoted(value: str) -> str:
    """Each parent of an expanded page links on with the same options."""
    return quote(value, safe=_SAFE)


def token_of(keys: Sequence[Key], row: Row) -> str | None:
    """The place of a row; None when it is too long to be carried, or holds what JSON has no word for."""
    values = [row[key.column] for key in keys]
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        return None
    body = msgspec.json.encode(values)
    token = base64.urlsafe_b64encode(_check(keys, body) + body).rstrip(b"=").decode()
    return token if len(token) <= TOKEN_CHARACTERS_MAX else None


def place_of(token: str, keys: Sequence[Key] | None) -> tuple[Any, ...]:
    """The values that a token carries for these keys.

    Raises InvalidInput, with the position, for one that is damaged, forged or of another order.
    """
    if keys is None:
        raise _bad("this order has no places to begin at")
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise _bad(f"longer than {TOKEN_CHARACTERS_MAX} characters")
    if other := _OTHER.search(token):
        raise _bad(f"{other[0]!r} is no part of a token", f"character {other.start() + 1}")
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        raise _bad("the token is cut off", f"character {len(token)}") from None
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if check != _check(keys, body):
        raise _bad("the token is damaged, or of another order", "character 1")
    try:
        values = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _bad("the token holds no list", f"character {_CHECK_BYTES * 4 // 3 + 1}") from None
    if len(values) != len(keys):
        raise _bad(f"the token holds {len(values)} values, not {len(keys)}", "character 1")
    for number, (key, value) in enumerate(zip(keys, values, strict=True), start=1):
        if not (key.nullable if value is None else _FITS[key.kind](value)):
            raise _bad(f"value {number} of the token is not one of {key.column}", f"value {number}")
    return tuple(values)


def _check(keys: Sequence[Key], body: bytes) -> bytes:
    """Tells a token that was cut, or made for another order, from a whole one."""
    order = ",".join(f"{key.column}{' desc' if key.descending else ''}" for key in keys)
    return zlib.crc32(order.encode() + b"\0" + body).to_bytes(_CHECK_BYTES, "big")


def _bad(message: str, place: str = "") -> InvalidInput:
    return InvalidInput(message, where=f"$skiptoken, {place}" if place else "$skiptoken", mend=_MEND)


def _whole(value: Any) -> bool:
    return type(value) is int and -_INTEGER_MAX <= value < _INTEGER_MAX


def _number(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _instant(value: Any) -> bool:
    return type(value) is int and _EARLIEST_US <= value <= _LATEST_US


def _text(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


_FITS: dict[Kind, Callable[[Any], bool]] = {
    Kind.INTEGER: _whole, Kind.NUMBER: _number, Kind.VARIANT: _number, Kind.TEXT: _text,
    Kind.BOOLEAN: lambda value: isinstance(value, bool), Kind.TIME: _instant, Kind.SPAN: _instant,
}  # fmt: skip
