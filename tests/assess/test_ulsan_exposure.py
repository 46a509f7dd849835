# SPDX-License-Identifier: Apache-2.0
"""The stage and the pack of Ulsan together: the reach of the Taehwa Bridge gauge."""

from __future__ import annotations

import pytest
import shapely
from pyproj import Transformer

from cheoyong.assess.area import POINTS_MAX, area_km2, reach_polygons
from cheoyong.assess.exposure import exposure
from cheoyong.domain.city import CityPack
from cheoyong.links.city_pack import load_city


@pytest.fixture(scope="module")
def ulsan() -> CityPack:
    return load_city("ulsan")


def test_the_whole_city_is_as_large_as_published(ulsan: CityPack) -> None:
    """Ulsan's published area is about 1,062 km²; simplified outlines may miss one per cent."""
    assert area_km2([ring for town in ulsan.towns.values() for ring in town.rings]) == pytest.approx(
        1062, rel=0.01
    )


def test_the_area_of_the_reach_agrees_with_the_metric_projection(ulsan: CityPack) -> None:
    impact = exposure(ulsan, "taehwa_stage_m", "advisory")
    assert impact is not None
    metric = Transformer.from_crs("EPSG:4326", ulsan.metric_crs, always_xy=True).transform
    towns = [shapely.Polygon(ring) for code in ulsan.reaches[0].towns for ring in ulsan.towns[code].rings]
    projected_m2 = shapely.transform(shapely.union_all(towns), metric, interleaved=False).area
    assert impact.area_km2 == pytest.approx(projected_m2 / 1e6, rel=5e-4)


def test_those_along_the_taehwa_are_16_towns_and_less_than_the_city(ulsan: CityPack) -> None:
    """Sums by hand from the residents' table of 2026-06-30: 298,638, of whom 63,168 and 10,068."""
    impact = exposure(ulsan, "taehwa_stage_m", "warning")
    assert impact is not None
    assert len(impact.towns) == 16
    assert (impact.people, impact.over_65, impact.under_7) == (298_638, 63_168, 10_068)


def test_the_outline_for_cap_is_one_closed_valid_ring_near_the_towns(ulsan: CityPack) -> None:
    (ring,) = reach_polygons(ulsan, ulsan.reaches[0])
    outline = shapely.Polygon(ring)
    assert ring[0] == ring[-1]
    assert outline.is_valid
    assert len(ring) <= POINTS_MAX
    towns = shapely.union_all(
        [shapely.Polygon(part) for code in ulsan.reaches[0].towns for part in ulsan.towns[code].rings]
    )
    assert outline.symmetric_difference(towns).area < 0.03 * towns.area  # measured 2.8 %


def test_every_part_of_the_outline_lies_inside_the_box(ulsan: CityPack) -> None:
    assert shapely.box(*ulsan.box).covers(shapely.Polygon(reach_polygons(ulsan, ulsan.reaches[0])[0]))
