# SPDX-License-Identifier: Apache-2.0
"""Who lives along a reach, on how much land, and the outline a warning carries."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import shapely

from cheoyong.assess.area import POINTS_MAX, area_km2, reach_polygons
from cheoyong.assess.exposure import exposure, reach_of
from cheoyong.domain.city import CityPack, Gauge, Level, QualityRules, Reach, Ring, Town
from cheoyong.domain.errors import NotFound
from cheoyong.domain.level import CrisisLevel, Priority

SERIES = "bridge_stage_m"


def square(west: float, south: float, side: float = 0.01) -> Ring:
    east, north = west + side, south + side
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


def made_up_city(*rings: Ring, towns: tuple[str, ...] | None = None) -> CityPack:
    level = Level("advisory", {}, 4.5, CrisisLevel.CAUTION, Priority.MEDIUM, "made up", False)
    gauge = Gauge(SERIES, "b", {}, "river_stage", "m", 129.3, 35.5, "", QualityRules(), (level,))
    people = {
        f"T{i}": Town(f"T{i}", {}, (ring,), 1000 * i, 200 * i, 50 * i) for i, ring in enumerate(rings, 1)
    }
    return CityPack(
        id="square",
        name={},
        time_zone="Asia/Seoul",
        languages=(),
        metric_crs="EPSG:5187",
        box=(129.0, 35.0, 130.0, 36.0),
        sender="",
        sender_name={},
        gauges={SERIES: gauge, "other_stage_m": gauge},
        towns=people,
        reaches=(Reach("lower", {}, SERIES, towns or tuple(people), "made up"),),
    )


def zone_area_km2(degrees: float, south: float, north: float) -> float:
    """Closed form of the area between two meridians and two parallels on the WGS 84 ellipsoid.

    Snyder (1987), Map Projections: A Working Manual, eq. 3-12 (authalic q).
    """
    flattening = 1 / 298.257223563
    e2 = flattening * (2 - flattening)
    e = math.sqrt(e2)

    def q(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return (1 - e2) * (s / (1 - e2 * s * s) + math.atanh(e * s) / e)

    return 6378.137**2 / 2 * math.radians(degrees) * (q(north) - q(south))


def test_the_area_of_a_square_town_is_the_closed_form_of_its_zone() -> None:
    assert area_km2([square(129.3, 35.5)]) == pytest.approx(zone_area_km2(0.01, 35.5, 35.51), rel=1e-6)
    assert area_km2([square(129.3, 35.5)[::-1]]) > 0, "the way round does not matter"


def test_the_exposure_of_two_square_towns_is_their_sum() -> None:
    city = made_up_city(square(129.30, 35.5), square(129.31, 35.5))
    impact = exposure(city, SERIES, "advisory")
    assert impact is not None
    assert (impact.people, impact.over_65, impact.under_7) == (3000, 600, 150)
    assert [town.code for town in impact.towns] == ["T1", "T2"]
    assert impact.area_km2 == pytest.approx(zone_area_km2(0.02, 35.5, 35.51), rel=1e-6)
    assert (impact.hazard, impact.reach, impact.level) == ("river", "lower", "advisory")


def test_a_town_named_twice_counts_its_heads_once() -> None:
    city = made_up_city(square(129.30, 35.5), towns=("T1", "T1"))
    impact = exposure(city, SERIES, "advisory")
    assert impact is not None
    assert impact.people == 1000
    assert len(impact.towns) == 1


def test_a_gauge_without_a_reach_concerns_nobody() -> None:
    assert exposure(made_up_city(square(129.3, 35.5)), "other_stage_m", "advisory") is None


def test_a_level_the_gauge_does_not_have_is_not_found() -> None:
    with pytest.raises(NotFound, match="flood of the century"):
        exposure(made_up_city(square(129.3, 35.5)), SERIES, "flood of the century")


def outline(city: CityPack) -> tuple[Ring, ...]:
    reach = reach_of(city, SERIES)
    assert reach is not None
    return reach_polygons(city, reach)


def test_towns_that_touch_become_one_outline() -> None:
    rings = outline(made_up_city(square(129.30, 35.5), square(129.31, 35.5)))
    assert len(rings) == 1
    assert shapely.Polygon(rings[0]).equals(shapely.box(129.30, 35.5, 129.32, 35.51))


def test_towns_apart_become_two_outlines_the_larger_first() -> None:
    rings = outline(made_up_city(square(129.30, 35.5), square(129.40, 35.5, 0.02)))
    assert len(rings) == 2
    assert area_km2([rings[0]]) > area_km2([rings[1]])


def test_a_hole_between_towns_is_filled_because_cap_has_no_holes() -> None:
    ring_of_eight = [square(129.3 + 0.01 * i, 35.5 + 0.01 * j) for i in range(3) for j in range(3)]
    del ring_of_eight[4]
    rings = outline(made_up_city(*ring_of_eight))
    assert len(rings) == 1
    assert area_km2(rings) == pytest.approx(zone_area_km2(0.03, 35.5, 35.53), rel=1e-3)


def test_a_jagged_boundary_is_simplified_to_few_points_and_stays_near() -> None:
    circle = shapely.Point(129.3, 35.5).buffer(0.02, quad_segs=500)
    ring: Ring = tuple((x + 0.0002 * (i % 2), y) for i, (x, y) in enumerate(circle.exterior.coords[:-1]))
    city = made_up_city((*ring, ring[0]))
    (simple,) = outline(city)
    assert len(simple) <= POINTS_MAX < len(ring)
    before, after = shapely.Polygon(ring), shapely.Polygon(simple)
    assert before.symmetric_difference(after).area < 0.02 * before.area


def test_an_outline_is_the_same_each_time_and_changes_with_the_towns() -> None:
    city = made_up_city(square(129.30, 35.5), square(129.31, 35.5))
    assert outline(city) == outline(city)
    fewer = replace(city, reaches=(replace(city.reaches[0], towns=("T1",)),))
    assert outline(fewer) != outline(city)
