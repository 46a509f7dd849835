# SPDX-License-Identifier: Apache-2.0
"""Where a city is blind: the state of each sensor, and the places that no working one sees.

Nothing is well because nothing is known: only a sensor that is *heard* sees. The rules are here, as words in
``RULE``, and on the screen beside the map.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import shapely
from pyproj import Transformer
from shapely import MultiPolygon, Polygon

from cheoyong.domain.city import CityPack, Ring

WITHIN_M = 3000.0
LATE_PERIODS = 2.0  # as on the rest of the screen
SILENT_PERIODS = 4.0
RULE = (
    "A town is seen when a sensor that is heard stands in it or within the distance of its edge; a reach when"
    " the gauge that speaks for it is heard. Heard: its newest value is at most 2 of its periods old and has"
    " not failed. Late: up to 4 periods, or as long as its rules allow. Everything else sees nothing."
)


class SensorState(StrEnum):
    """What is known of a sensor, the gravest first."""

    OUT_OF_SERVICE = "out_of_service"  # a person took it out, until further notice
    SHELVED = "shelved"  # its trouble is put aside for a while
    FAULTY = "faulty"  # what it sends failed the checks
    SILENT = "silent"
    LATE = "late"
    NEVER = "never"  # registered, and not heard once
    UNKNOWN = "unknown"  # heard, but nobody knows how often it should be
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class Sensor:
    """A datastream as a witness: where (degrees, None: nowhere), how old its newest value is (s, None: none).

    ``period_s`` how often it sends (None: not known), ``silence_s`` how long it may be silent; ``failed``
    whether its newest value failed the checks; ``alarms`` the open ones about itself, (cause, state).
    """

    id: int
    place: tuple[float, float] | None
    age_s: float | None
    period_s: float | None
    silence_s: float = 0.0
    failed: bool = False
    alarms: Collection[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """How a town is seen: the nearest sensor that is heard and its distance (m); None when there is none."""

    code: str
    blind: bool
    nearest: int | None
    distance_m: float | None


def state_of(sensor: Sensor) -> SensorState:
    """The state of one sensor.

    >>> state_of(Sensor(1, None, 3000.0, 3600.0)), state_of(Sensor(1, None, 9000.0, 3600.0))
    (<SensorState.HEARD: 'heard'>, <SensorState.LATE: 'late'>)
    >>> state_of(Sensor(1, None, 5.0, None)), state_of(Sensor(1, None, None, 60.0))
    (<SensorState.UNKNOWN: 'unknown'>, <SensorState.NEVER: 'never'>)
    >>> state_of(Sensor(1, None, 5.0, 60.0, alarms=[("fault", "shelved")]))
    <SensorState.SHELVED: 'shelved'>
    """
    about_itself = [(cause, state) for cause, state in sensor.alarms if cause != "level"]
    states = {state for _, state in about_itself}
    if any(state.startswith("out_of_service") for state in states):
        return SensorState.OUT_OF_SERVICE
    if "shelved" in states:
        return SensorState.SHELVED
    open_causes = {cause for cause, state in about_itself if state not in ("returned", "suppressed")}
    if sensor.age_s is None:
        return SensorState.NEVER
    if "silence" in open_causes:
        return SensorState.SILENT
    if sensor.failed or open_causes:
        return SensorState.FAULTY
    return _by_age(sensor.age_s, sensor.period_s, sensor.silence_s)


def _by_age(age_s: float, period_s: float | None, silence_s: float) -> SensorState:
    if period_s is None or period_s <= 0.0:
        return SensorState.UNKNOWN
    if age_s <= LATE_PERIODS * period_s:
        return SensorState.HEARD
    return SensorState.LATE if age_s <= max(silence_s, SILENT_PERIODS * period_s) else SensorState.SILENT


def sight_of_towns(
    city: CityPack, heard: Mapping[int, tuple[float, float]], within_m: float = WITHIN_M
) -> tuple[Sight, ...]:
    """How each town is seen by sensors that are heard (id → longitude, latitude).

    Distances in metres of the city's own metric system, from the town's edge; 0 within it.
    """
    codes = tuple(city.towns)
    outlines = _outlines(tuple(city.towns[code].rings for code in codes), city.metric_crs)
    if not heard:
        return tuple(Sight(code, blind=True, nearest=None, distance_m=None) for code in codes)
    ids = list(heard)
    x_m, y_m = _to_metres(city.metric_crs).transform(*np.array(list(heard.values())).T)
    tree = shapely.STRtree(shapely.points(x_m, y_m))
    (of, nearest), distance = tree.query_nearest(outlines, return_distance=True, all_matches=False)
    return tuple(
        Sight(codes[i], bool(metres > within_m), ids[k], round(float(metres), 1))
        for i, k, metres in zip(of.tolist(), nearest.tolist(), distance.tolist(), strict=True)
    )


def blind_reaches(city: CityPack, heard: Collection[str]) -> tuple[str, ...]:
    """The reaches whose gauge is not among the series that are heard."""
    return tuple(reach.id for reach in city.reaches if reach.series not in heard)


@lru_cache(maxsize=4)
def _to_metres(metric_crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True)


@lru_cache(maxsize=4)
def _outlines(towns: tuple[tuple[Ring, ...], ...], metric_crs: str) -> list[MultiPolygon]:
    shapes = [MultiPolygon([Polygon(ring) for ring in rings]) for rings in towns]
    to_metres = _to_metres(metric_crs)
    return [shapely.transform(shape, to_metres.transform, interleaved=False) for shape in shapes]
