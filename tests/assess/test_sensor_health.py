# SPDX-License-Identifier: Apache-2.0
"""Where a city is blind: states of sensors, distances by plane geometry, nothing well by ignorance."""

from __future__ import annotations

from math import hypot
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from cheoyong.assess.sensor_health import Sensor, SensorState, blind_reaches, sight_of_towns, state_of
from cheoyong.domain.city import CityPack, Reach, Town

CRS = "EPSG:5187"  # Korea 2000, the belt of Ulsan
_DEGREES = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
WEST_M, SOUTH_M = 228_000.0, 331_000.0


def at(x_m: float, y_m: float) -> tuple[float, float]:
    """Metres from a corner in Ulsan as degrees."""
    longitude, latitude = _DEGREES.transform(WEST_M + x_m, SOUTH_M + y_m)
    return longitude, latitude


def square(x_m: float, y_m: float, side_m: float = 1000.0) -> tuple[tuple[float, float], ...]:
    corners = [(0, 0), (side_m, 0), (side_m, side_m), (0, side_m), (0, 0)]
    return tuple(at(x_m + dx, y_m + dy) for dx, dy in corners)


def town(code: str, *rings: Any) -> Town:
    return Town(code, {"ko": code, "en": code}, rings, 1, 0, 0)


CITY = CityPack(
    "c", {}, "Asia/Seoul", ("ko",), CRS, (129.0, 35.0, 130.0, 36.0), "s", {}, {},
    {"near": town("near", square(0, 0)), "far": town("far", square(9000, 0)),
     "two": town("two", square(30_000, 0), square(0, 9000))},
    (Reach("r", {}, "bridge", ("near",), ""),),
)  # fmt: skip


def test_a_town_is_seen_by_what_stands_in_it_or_near_its_edge_and_blind_beyond() -> None:
    seen = {one.code: one for one in sight_of_towns(CITY, {7: at(500, 500)}, 3000.0)}
    assert (seen["near"].blind, seen["near"].distance_m, seen["near"].nearest) == (False, 0.0, 7)
    assert seen["far"].blind
    assert seen["far"].distance_m == pytest.approx(8500.0, abs=1.0)  # from 500 to the edge at 9,000
    assert seen["two"].distance_m == pytest.approx(8500.0, abs=1.0)  # the nearer of its two parts


def test_the_nearest_is_the_one_that_plane_geometry_finds() -> None:
    places = {i: (i * 1700.0 % 12_000, i * 900.0 % 5000) for i in range(1, 12)}
    seen = sight_of_towns(CITY, {i: at(*place) for i, place in places.items()}, 100.0)
    for one, corner in zip(seen[:2], (0.0, 9000.0), strict=True):
        by_hand = min(
            hypot(max(corner - x, 0, x - corner - 1000), max(-y, 0, y - 1000)) for x, y in places.values()
        )
        assert one.distance_m == pytest.approx(by_hand, abs=1.0)


def test_with_nothing_heard_the_whole_city_is_blind() -> None:
    assert [(one.blind, one.nearest) for one in sight_of_towns(CITY, {})] == [(True, None)] * 3
    assert blind_reaches(CITY, set()) == ("r",)
    assert blind_reaches(CITY, {"bridge"}) == ()


@pytest.mark.parametrize(
    ("sensor", "state"),
    [
        (Sensor(1, None, 7200.0, 3600.0), SensorState.HEARD),
        (Sensor(1, None, 7201.0, 3600.0), SensorState.LATE),
        (Sensor(1, None, 4 * 3600.0 + 1, 3600.0), SensorState.SILENT),
        (Sensor(1, None, 86_400.0, 3600.0, silence_s=90_000.0), SensorState.LATE),
        (Sensor(1, None, None, 3600.0, alarms=[("silence", "raised")]), SensorState.NEVER),
        (Sensor(1, None, 60.0, 3600.0, failed=True), SensorState.FAULTY),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("fault", "acknowledged")]), SensorState.FAULTY),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("silence", "raised")]), SensorState.SILENT),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("silence", "returned")]), SensorState.HEARD),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("level", "shelved")]), SensorState.HEARD),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("silence", "shelved")]), SensorState.SHELVED),
        (Sensor(1, None, 60.0, 3600.0, alarms=[("drift", "raised")]), SensorState.FAULTY),
        (Sensor(1, None, 9.0, 60.0, alarms=[("fault", "out_of_service_calm")]), SensorState.OUT_OF_SERVICE),
        (Sensor(1, None, 60.0, None), SensorState.UNKNOWN),
        (Sensor(1, None, 60.0, 0.0), SensorState.UNKNOWN),
    ],
)  # fmt: skip
def test_O4_each_state_of_a_sensor(sensor: Sensor, state: SensorState) -> None:
    assert state_of(sensor) is state


ages = st.none() | st.floats(0, 1e9)
alarms = st.lists(
    st.tuples(st.sampled_from(["silence", "fault", "drift"]), st.sampled_from(["raised", "shelved"])),
    max_size=3,
)


@given(ages, st.none() | st.floats(0, 1e6), st.booleans(), alarms)
def test_O4_only_a_fresh_good_value_of_a_known_period_is_heard(
    age_s: float | None, period_s: float | None, failed: bool, raised: list[tuple[str, str]]
) -> None:
    state = state_of(Sensor(1, None, age_s, period_s, failed=failed, alarms=raised))
    if state is SensorState.HEARD:
        assert age_s is not None
        assert period_s
        assert age_s <= 2 * period_s
        assert not failed
        assert not raised
