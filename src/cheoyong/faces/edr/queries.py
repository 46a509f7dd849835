# SPDX-License-Identifier: Apache-2.0
"""The five queries: which streams each asks for. ``coords`` is well-known text, longitude before latitude.

A gauge measures where it stands and nowhere else: nothing is interpolated. So a position is answered by the
nearest gauge of each parameter, if it stands within 1,000 m, and the answer says where that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cheoyong.domain.errors import InvalidInput, NotFound
from cheoyong.faces.edr.network import Network
from cheoyong.faces.ogc_common.asking import bbox_of, number_of
from cheoyong.faces.ogc_common.shapes import Booleans, distances_m, meets, parse_wkt, within_box

POSITION_REACH_M = 1_000.0
UNITS_M = {"m": 1.0, "km": 1_000.0, "mi": 1_609.344, "nmi": 1_852.0}
RADIUS_MAX_M = 20_100_000.0  # half-way round the earth
_POINT, _AREA = "POINT(129.32 35.55)", "POLYGON((129.2 35.5,129.4 35.5,129.4 35.6,129.2 35.5))"
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """One kind of query: its title, its parameters beyond the common ones, how it chooses streams.

    ``choose(network, values, among)`` is given the streams that have the parameters asked for.
    """

    title: str
    parameters: tuple[str, ...]
    choose: Callable[[Network, Values, Booleans], Booleans]


def _required(values: Values, name: str, example: str) -> str:
    if name not in values:
        raise InvalidInput("it is needed here", where=name, mend=f"write {name}={example}")
    return values[name]


def _distances(network: Network, values: Values) -> np.ndarray:
    point = parse_wkt(_required(values, "coords", _POINT), ["Point"], _POINT)
    return distances_m(network.shapes, point.x, point.y)


def position(network: Network, values: Values, among: Booleans) -> Booleans:
    """The nearest location of each parameter within reach; NotFound when there is none."""
    distance_m = np.where(among, _distances(network, values), np.inf)
    chosen = np.zeros(len(network.streams), bool)
    names = np.array([stream.parameter for stream in network.streams], object)
    things = np.array([stream.thing_id for stream in network.streams], np.int64)
    for name in network.parameters:
        of_name = np.where(names == name, distance_m, np.inf)
        nearest = int(of_name.argmin())
        if of_name[nearest] <= POSITION_REACH_M:
            chosen |= (names == name) & (things == things[nearest]) & among
    if not chosen.any():
        raise NotFound(_nothing_near(distance_m), where="coords", mend="ask radius, area or locations")
    return chosen


def _nothing_near(distance_m: np.ndarray) -> str:
    least_m = distance_m.min() if len(distance_m) else np.inf
    said = f"; the nearest is {least_m:,.0f} m away" if np.isfinite(least_m) else ""
    return f"nothing is measured within {POSITION_REACH_M:,.0f} m{said}"


def radius(network: Network, values: Values, among: Booleans) -> Booleans:
    """All within a distance."""
    distance_m = _distances(network, values)
    unit = _required(values, "within-units", "km")
    if unit not in UNITS_M:
        raise InvalidInput(
            f"there is no unit {unit!r:.20} here", where="within-units", mend=f"use {', '.join(UNITS_M)}"
        )
    reach = number_of(_required(values, "within", "5"), "within", "write a number, as in within=5")
    if not 0 <= reach * UNITS_M[unit] <= RADIUS_MAX_M:
        raise InvalidInput("below zero or beyond half the earth", where="within", mend="write 5")
    return among & (distance_m <= reach * UNITS_M[unit])


def area(network: Network, values: Values, among: Booleans) -> Booleans:
    """All that meet a polygon."""
    outline = parse_wkt(_required(values, "coords", _AREA), ["Polygon", "MultiPolygon"], _AREA)
    return among & meets(network.shapes, outline)


def cube(network: Network, values: Values, among: Booleans) -> Booleans:
    """All that meet a box."""
    _required(values, "bbox", "129.2,35.5,129.4,35.6")
    return among & _in_box(network, values)


def _in_box(network: Network, values: Values) -> Booleans:
    box = bbox_of(values)
    if box is None:
        return np.ones(len(network.streams), bool)
    return within_box(network.shapes, box)


def locations(network: Network, values: Values, among: Booleans) -> Booleans:
    """All that meet a box, if one is given."""
    return among & _in_box(network, values)


QUERIES: Mapping[str, Query] = {
    "position": Query("The nearest gauge of each parameter within 1,000 m", ("coords", "z"), position),
    "radius": Query("Gauges within a distance", ("coords", "within", "within-units", "z"), radius),
    "area": Query("Gauges within an area", ("coords", "z"), area),
    "cube": Query("Gauges within a box", ("bbox", "z"), cube),
}
COMMON = ("datetime", "parameter-name", "parameter_names", "crs", "f")  # OWSLib writes parameter_names
