# SPDX-License-Identifier: Apache-2.0
"""Query parameters that the OGC APIs share: which there are, bbox, datetime, limit.

OGC 17-069r4 (Features Core): an unknown parameter and a malformed value are both 400; each error names the
parameter, the rule and how to mend it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection

from cheoyong.domain.errors import ImpossibleValue, InvalidInput
from cheoyong.domain.instant import EARLIEST_US, LATEST_US, parse_instant

LIMIT_DEFAULT, LIMIT_MAX = 10, 10_000
VALUE_CHARACTERS_MAX = 20_000  # a polygon drawn by hand has a few hundred corners
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CRS84_NAMES = {CRS84, "CRS84", "OGC:CRS84", "https://www.opengis.net/def/crs/OGC/1.3/CRS84"}
_BBOX_MEND = "write west,south,east,north in degrees, or with heights west,south,bottom,east,north,top"
_DATETIME_MEND = "write 2016-10-05T03:30:00Z, or an interval: start/end, ../end, start/.."


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, CRS 84; ``west`` > ``east`` crosses the antimeridian. Heights in metres, None: any."""

    west: float
    south: float
    east: float
    north: float
    bottom: float | None = None
    top: float | None = None

    def parts(self) -> list[tuple[float, float, float, float]]:
        """The box as one or, over the antimeridian, two boxes (west, south, east, north).

        >>> Box(177.0, -20.0, -178.0, -10.0).parts()
        [(177.0, -20.0, 180.0, -10.0), (-180.0, -20.0, -178.0, -10.0)]
        """
        if self.west <= self.east:
            return [(self.west, self.south, self.east, self.north)]
        return [(self.west, self.south, 180.0, self.north), (-180.0, self.south, self.east, self.north)]


@dataclass(frozen=True, slots=True)
class Span:
    """A closed interval of instants, µs since 1970 UTC; an open end is the earliest or latest there is."""

    from_us: int = EARLIEST_US
    to_us: int = LATEST_US


def asked(connection: ASGIConnection[Any, Any, Any, Any], known: Iterable[str]) -> dict[str, str]:
    """The parameters of a request by name; raises InvalidInput for one unknown, repeated or too long."""
    names, found = set(known), {}
    for name, value in connection.query_params.multi_items():
        if name not in names:
            raise InvalidInput(
                "there is no such query parameter here", where=name[:100], mend=f"use {_listed(names)}"
            )
        if name in found:
            raise InvalidInput("it is given twice", where=name, mend="give it once")
        if len(value) > VALUE_CHARACTERS_MAX:
            raise InvalidInput(
                f"it is longer than {VALUE_CHARACTERS_MAX:,} characters", where=name, mend="ask for less"
            )
        if "\x00" in value:
            raise InvalidInput("it holds a zero byte", where=name, mend="leave the zero byte out")
        found[name] = value
    return found


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) if names else "none"


def bbox_of(values: Mapping[str, str]) -> Box | None:
    """The ``bbox`` parameter, None when it is not given.

    >>> bbox_of({"bbox": "129.2,35.5,129.4,35.6"})
    Box(west=129.2, south=35.5, east=129.4, north=35.6, bottom=None, top=None)
    >>> bbox_of({"bbox": "129,35,0,130,36,50"}).top
    50.0
    """
    if "bbox" not in values:
        return None
    numbers = [number_of(part, "bbox", _BBOX_MEND) for part in values["bbox"].split(",")]
    if len(numbers) not in (4, 6):
        raise InvalidInput(f"{len(numbers)} numbers instead of 4 or 6", where="bbox", mend=_BBOX_MEND)
    if len(numbers) == 6:
        west, south, bottom, east, north, top = numbers
        box = Box(west, south, east, north, bottom, top)
        if bottom > top:
            raise InvalidInput("its bottom lies above its top", where="bbox", mend=_BBOX_MEND)
    else:
        box = Box(*numbers)
    if not (-180 <= box.west <= 180 and -180 <= box.east <= 180 and -90 <= box.south <= box.north <= 90):
        raise InvalidInput(
            "longitudes are -180 to 180, latitudes -90 to 90 and south is not above north",
            where="bbox", mend=_BBOX_MEND,
        )  # fmt: skip
    return box


def number_of(text: str, where: str, mend: str) -> float:
    """A finite number in the digits of ASCII; raises InvalidInput."""
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{text!r:.40} is not a number", where=where, mend=mend)
    return number


def span_of(values: Mapping[str, str]) -> Span | None:
    """The ``datetime`` parameter, None when it is not given.

    >>> span_of({"datetime": "2016-10-05T03:30:00Z/.."}).from_us
    1475638200000000
    """
    if "datetime" not in values:
        return None
    ends = values["datetime"].split("/")
    if len(ends) > 2:
        raise InvalidInput("it has more than two ends", where="datetime", mend=_DATETIME_MEND)
    if len(ends) == 1:
        at_us = _instant(ends[0])
        return Span(at_us, at_us)
    start, end = (None if text in ("", "..") else _instant(text) for text in ends)
    span = Span(EARLIEST_US if start is None else start, LATEST_US if end is None else end)
    if span.from_us > span.to_us:
        raise InvalidInput("its end lies before its start", where="datetime", mend=_DATETIME_MEND)
    return span


def _instant(text: str) -> int:
    try:
        return parse_instant(text.replace(" ", "+"), where="datetime")  # a plus sign that was not encoded
    except ImpossibleValue as error:
        raise InvalidInput(error.detail, where="datetime", mend=error.mend) from None
    except InvalidInput as error:
        raise InvalidInput(error.detail, where="datetime", mend=_DATETIME_MEND) from None


def limit_of(values: Mapping[str, str]) -> int:
    """The ``limit`` parameter: 10 when it is not given, at most 10,000; a larger one is taken for that.

    >>> limit_of({}), limit_of({"limit": "20000"})
    (10, 10000)
    """
    text = values.get("limit", str(LIMIT_DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= 1):
        raise InvalidInput(
            f"{text!r:.40} is not a whole number from 1", where="limit", mend=f"write 1 to {LIMIT_MAX}"
        )
    return min(int(text), LIMIT_MAX)


def require_json(values: Mapping[str, str], *others: str) -> None:
    """Raises InvalidInput when ``f`` names another format than ``json`` or one of ``others``."""
    if values.get("f", "json") not in ("json", *others):
        raise InvalidInput(
            f"there is no format {values['f']!r:.40} here",
            where="f", mend=f"use {', '.join(('json', *others))}",
        )  # fmt: skip


def require_crs84(values: Mapping[str, str], name: str = "crs") -> None:
    """Raises InvalidInput when a parameter names another reference system than CRS 84."""
    if values.get(name, CRS84) not in _CRS84_NAMES:
        raise InvalidInput(
            "only WGS 84 longitude, latitude is served", where=name, mend=f"leave it out or write {CRS84}"
        )
