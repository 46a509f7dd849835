# SPDX-License-Identifier: Apache-2.0
"""Hold a parsed file against its shape, and say file, key and mend when it does not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from cheoyong.domain.errors import ConfigurationError

T = TypeVar("T")
_MESSAGE = re.compile(r"^(?P<detail>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)
_DEPTH_MAX = 32


@dataclass(frozen=True, slots=True)
class Spot:
    """A key of a file, as errors name it.

    >>> str((Spot("city.toml") / "gauges[0]" / "name").fault("no text", "write one"))
    'city.toml: gauges[0].name: no text (write one)'
    """

    file: str
    key: str = ""

    def __truediv__(self, key: str) -> Spot:
        """The spot of a key inside this one."""
        return Spot(self.file, f"{self.key}.{key}" if self.key else key)

    def fault(self, detail: str, mend: str) -> ConfigurationError:
        """The error of this spot: what is wrong and how to mend it."""
        return ConfigurationError(
            detail, where=f"{self.file}: {self.key}" if self.key else self.file, mend=mend
        )


def fit(parsed: object, shape: type[T], file: str) -> T:
    """``parsed`` as ``shape``; ConfigurationError naming the key when a key is unknown, missing or wrong.

    >>> fit({"a": 1}, dict[str, str], "x.toml")
    Traceback (most recent call last):
    cheoyong.domain.errors.ConfigurationError: x.toml: [...]: Expected `str`, got `int` (correct its value)
    """
    for spot, number in _numbers(parsed, Spot(file), 0):
        if not math.isfinite(number):
            raise spot.fault(f"{number} is not a finite number", "write a number or leave the key out")
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as error:
        match = _MESSAGE.match(str(error))
        detail, key = (match["detail"], match["key"] or "") if match else (str(error), "")
        raise Spot(file, key).fault(detail, _mend(detail)) from None


def _mend(detail: str) -> str:
    if "unknown field" in detail:
        return "remove the key or correct its spelling; docs/reference/city-pack.md lists them all"
    if "missing required" in detail:
        return "add the key; docs/reference/city-pack.md says what it means"
    return "correct its value"


def _numbers(parsed: object, spot: Spot, depth: int) -> Iterator[tuple[Spot, float]]:
    if depth > _DEPTH_MAX:
        raise spot.fault(f"nested deeper than {_DEPTH_MAX}", "flatten it")
    if isinstance(parsed, float):
        yield spot, parsed
    elif isinstance(parsed, dict):
        for name, value in parsed.items():
            yield from _numbers(value, spot / str(name), depth + 1)
    elif isinstance(parsed, list):
        for index, value in enumerate(parsed):
            yield from _numbers(value, Spot(spot.file, f"{spot.key}[{index}]"), depth + 1)
