# SPDX-License-Identifier: Apache-2.0
"""Towns of a city pack from GeoJSON: rings closed, valid and inside the city's box."""

from __future__ import annotations

import shapely

from cheoyong.domain.city import Ring, Town
from cheoyong.links.city_pack.schema import TownFeature, TownsFile
from cheoyong.links.city_pack.strict import Spot

Box = tuple[float, float, float, float]
_POINTS_MAX = 20_000


def check_inside(longitude: float, latitude: float, box: Box, spot: Spot) -> None:
    """ConfigurationError when a point (degrees) is outside ``box``; says so when it is only swapped.

    >>> check_inside(35.5, 129.3, (128.9, 35.2, 129.6, 35.8), Spot("x"))
    Traceback (most recent call last):
    cheoyong.domain.errors.ConfigurationError: x: longitude and latitude are swapped (write longitude first)
    """
    if _inside(longitude, latitude, box):
        return
    detail = f"{longitude}, {latitude} lies outside the box {list(box)}"
    if _inside(latitude, longitude, box):
        raise spot.fault("longitude and latitude are swapped", "write longitude first")
    raise spot.fault(detail, "correct the coordinates, or widen box in city.toml")


def read_towns(towns_file: TownsFile, box: Box, languages: tuple[str, ...], file: str) -> dict[str, Town]:
    """Towns by code; ConfigurationError for a code given twice, impossible heads or a bad ring."""
    towns: dict[str, Town] = {}
    for index, feature in enumerate(towns_file.features):
        town = feature.properties
        spot = Spot(file, f"features[{index}] {town.code}")
        if town.code in towns:
            raise spot.fault("this town is given twice", "keep one feature for each code")
        _check_heads(feature, languages, spot)
        rings = _rings(feature, box, spot)
        towns[town.code] = Town(town.code, town.name, rings, town.people, town.over_65, town.under_7)
    if not towns:
        raise Spot(file, "features").fault("there is no town", "add at least one town")
    return towns


def _check_heads(feature: TownFeature, languages: tuple[str, ...], spot: Spot) -> None:
    town = feature.properties
    if town.over_65 + town.under_7 > town.people:
        raise spot.fault(
            f"over_65 and under_7 together ({town.over_65 + town.under_7}) exceed people ({town.people})",
            "people counts everyone, the old and the young included",
        )
    if missing := [language for language in languages if language not in town.name]:
        raise (spot / "name").fault(f"no text in {missing[0]}", "name the town in each language of the pack")


def _rings(feature: TownFeature, box: Box, spot: Spot) -> tuple[Ring, ...]:
    outline = feature.geometry
    polygons = [outline.coordinates] if outline.type == "Polygon" else outline.coordinates
    rings = []
    for polygon in polygons:
        if not isinstance(polygon, list) or len(polygon) != 1:
            raise spot.fault("a polygon of the town has a hole", "cut it into polygons without holes")
        rings.append(_ring(polygon[0], box, spot))
    if not rings:
        raise spot.fault("the town has no boundary", "add a polygon")
    return tuple(rings)


def _ring(points: object, box: Box, spot: Spot) -> Ring:
    if not isinstance(points, list) or not 4 <= len(points) <= _POINTS_MAX:
        raise spot.fault(f"a ring needs 4 to {_POINTS_MAX} points", "draw the whole boundary")
    ring = tuple(_point(point, spot) for point in points)
    for longitude, latitude in ring:
        check_inside(longitude, latitude, box, spot)
    if ring[0] != ring[-1]:
        raise spot.fault("a ring is not closed", "repeat its first point at its end")
    reason = shapely.is_valid_reason(shapely.Polygon(ring))
    if reason != "Valid Geometry":
        raise spot.fault(f"a ring is not valid: {reason}", "mend it, for example with shapely.make_valid")
    return ring


def _point(point: object, spot: Spot) -> tuple[float, float]:
    if isinstance(point, list) and len(point) == 2 and all(type(number) in (int, float) for number in point):
        return float(point[0]), float(point[1])
    raise spot.fault(f"{point!r:.60} is not a point", "write [longitude, latitude] in degrees")


def _inside(longitude: float, latitude: float, box: Box) -> bool:
    west, south, east, north = box
    return west <= longitude <= east and south <= latitude <= north
