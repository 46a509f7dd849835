# SPDX-License-Identifier: Apache-2.0
"""Whether a JSON value is GeoJSON (RFC 7946) with positions on this Earth."""

from __future__ import annotations

import math
from typing import Any

from cheoyong.domain.errors import ImpossibleValue, InvalidInput

# How deep the positions of a geometry are nested in arrays: a Point is one, a LineString a list of them.
_NESTING = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_COUNT_MIN = {"LineString": 2, "Polygon": 4}


def check_geojson(value: Any, where: str) -> None:
    """Do nothing for a geometry, Feature or FeatureCollection; else raises InvalidInput.

    >>> check_geojson({"type": "Point", "coordinates": [129.3, 35.55]}, "location")
    """
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "Feature":
        if value.get("geometry") is not None:
            check_geojson(value["geometry"], f"{where}.geometry")
    elif kind in ("FeatureCollection", "GeometryCollection"):
        name = "features" if kind == "FeatureCollection" else "geometries"
        for place, item in enumerate(_array(value.get(name), f"{where}.{name}")):
            check_geojson(item, f"{where}.{name}[{place}]")
    elif isinstance(kind, str) and kind in _NESTING:
        _check_positions(value.get("coordinates"), kind, _NESTING[kind], f"{where}.coordinates")
    else:
        raise InvalidInput(
            "not a GeoJSON geometry or feature", where=where, mend='e.g. {"type": "Point", ...}'
        )


def _check_positions(value: Any, kind: str, nesting: int, where: str) -> None:
    if nesting == 0:
        _check_position(value, where)
        return
    items = _array(value, where)
    innermost = kind.removeprefix("Multi")
    if nesting == 1 and len(items) < _COUNT_MIN.get(innermost, 0):
        raise InvalidInput(f"a {innermost} has at least {_COUNT_MIN[innermost]} positions", where=where)
    for place, item in enumerate(items):
        _check_positions(item, kind, nesting - 1, f"{where}[{place}]")
    if nesting == 1 and innermost == "Polygon" and items[0] != items[-1]:
        raise InvalidInput("a ring ends where it begins", where=where)


def _check_position(value: Any, where: str) -> None:
    numbers = _array(value, where)
    if not 2 <= len(numbers) <= 4 or not all(_is_finite_number(number) for number in numbers):
        raise InvalidInput("a position is longitude, latitude and perhaps height", where=where)
    if not -180 <= numbers[0] <= 180 or not -90 <= numbers[1] <= 90:
        raise ImpossibleValue(
            "outside longitude -180 to 180, latitude -90 to 90", where=where, mend="longitude comes first"
        )


def _is_finite_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _array(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput("a JSON array was expected", where=where)
    return value
