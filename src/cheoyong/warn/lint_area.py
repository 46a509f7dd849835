# SPDX-License-Identifier: Apache-2.0
"""Checks of an alert's area: closed, simple, longitude first, inside the city, no larger than it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shapely.geometry import Polygon, box

from cheoyong.domain.city import CityPack, Ring
from cheoyong.domain.fact import AlertContent
from cheoyong.warn.finding import Finding, finding

POINTS_MAX = 5_000  # points in all rings together; a CAP message must stay small
SHARE_MAX = 0.95  # of the city's box: an area this large says nothing about where


def lint_area(content: AlertContent, city: CityPack) -> Iterator[Finding]:
    """Findings about ``content.polygons``, rings of (longitude, latitude) in degrees."""
    if not content.polygons:
        yield finding("polygon_missing", "polygons")
    points = sum(len(ring) for ring in content.polygons)
    if points > POINTS_MAX:
        yield finding("polygon_too_large", "polygons", f"{points} > {POINTS_MAX}")
        return
    for number, ring in enumerate(content.polygons):
        found = _ring_code(ring, city)
        if found is not None:
            yield finding(found, f"polygons[{number}]", f"> {SHARE_MAX:.0%} of the city's box")


def _ring_code(ring: Ring, city: CityPack) -> str | None:
    """The first thing wrong with a ring, in the order in which a person would mend it."""
    if not ring or any(len(p) != 2 or not all(map(math.isfinite, p)) for p in ring):
        return "polygon_missing"
    if ring[0] != ring[-1]:
        return "polygon_open"
    if len(ring) < 4:
        return "polygon_missing"
    return _place_code(ring, city) or _shape_code(ring, city)


def _place_code(ring: Ring, city: CityPack) -> str | None:
    """Outside the city's box, and if so whether swapping the coordinates would bring it in."""
    west, south, east, north = city.box
    if all(_inside(x, y, city) for x, y in ring):
        return None
    if all(_inside(y, x, city) for x, y in ring):
        return "polygon_swapped"
    shape = Polygon(ring)
    if shape.is_valid and shape.covers(box(west, south, east, north)):
        return "polygon_too_large"
    return "polygon_outside"


def _inside(longitude: float, latitude: float, city: CityPack) -> bool:
    """Within the city's box."""
    west, south, east, north = city.box
    return west <= longitude <= east and south <= latitude <= north


def _shape_code(ring: Ring, city: CityPack) -> str | None:
    """Self-crossing or without an inside; or nearly the whole city."""
    shape = Polygon(ring)
    if not shape.is_valid:
        return "polygon_missing" if shape.convex_hull.area == 0 else "polygon_crossing"
    west, south, east, north = city.box
    if shape.area > SHARE_MAX * (east - west) * (north - south):
        return "polygon_too_large"
    return None
