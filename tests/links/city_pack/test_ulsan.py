# SPDX-License-Identifier: Apache-2.0
"""The pack of Ulsan keeps its promises: every threshold has a source, every head is in one town."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import shape

from cheoyong.domain.city import CityPack
from cheoyong.domain.level import CrisisLevel
from cheoyong.links.city_pack import city_folder, load_city, map_layers

# Column sums of the source's table of 55 towns, by awk: people, age 65 and over, age 6 and under.
SOURCE_TOTALS = (1_087_089, 211_561, 40_145)
RIVER_BUFFER_M = 300.0


@pytest.fixture(scope="module")
def ulsan() -> CityPack:
    return load_city("ulsan")


def test_every_threshold_says_where_it_comes_from(ulsan: CityPack) -> None:
    for gauge in ulsan.gauges.values():
        assert len(gauge.quality.source) > 40, gauge.series
        assert gauge.position_source.startswith("approximate"), gauge.series
        for level in gauge.levels:
            assert len(level.source) > 40, level.id
            assert not level.confirmed, "until it is checked against the office's own table"
    assert all(reach.source for reach in ulsan.reaches)


def test_the_taehwa_levels_rise_with_the_crisis_levels(ulsan: CityPack) -> None:
    levels = ulsan.gauges["taehwa_stage_m"].levels
    assert [(level.limit, level.crisis_level) for level in levels] == [
        (3.0, CrisisLevel.ATTENTION),
        (4.5, CrisisLevel.CAUTION),
        (5.5, CrisisLevel.ALERT),
        (6.48, CrisisLevel.SERIOUS),
    ]


def test_every_head_of_the_source_is_in_exactly_one_town(ulsan: CityPack) -> None:
    towns = ulsan.towns.values()
    assert len(ulsan.towns) == 55
    assert (
        sum(town.people for town in towns),
        sum(town.over_65 for town in towns),
        sum(town.under_7 for town in towns),
    ) == SOURCE_TOTALS


def test_all_56_polygons_of_2018_went_into_the_55_towns_of_today() -> None:
    features = json.loads((city_folder("ulsan") / "towns.geojson").read_text("utf-8"))["features"]
    polygons = [code for feature in features for code in feature["properties"]["kostat_2018"]]
    assert len(polygons) == len(set(polygons)) == 56
    joined = [f["properties"]["name"]["ko"] for f in features if len(f["properties"]["kostat_2018"]) > 1]
    assert joined == ["복산동"]


def test_towns_neither_overlap_nor_leave_gaps(ulsan: CityPack) -> None:
    outlines = [
        shapely.MultiPolygon([shapely.Polygon(ring) for ring in t.rings]) for t in ulsan.towns.values()
    ]
    assert shapely.coverage_is_valid(outlines)
    assert sum(outline.area for outline in outlines) == pytest.approx(
        shapely.union_all(outlines).area, rel=1e-9
    )


def test_the_reach_is_what_its_stated_rule_gives(ulsan: CityPack) -> None:
    metric = Transformer.from_crs("EPSG:4326", ulsan.metric_crs, always_xy=True).transform
    river = map_layers("ulsan")["river"]["features"]
    line = next(shape(f["geometry"]) for f in river if f["properties"]["id"] == "taehwa-lower")
    line_m = shapely.transform(line, metric, interleaved=False)
    near = []
    for town in ulsan.towns.values():
        outline = shapely.MultiPolygon([shapely.Polygon(ring) for ring in town.rings])
        if shapely.transform(outline, metric, interleaved=False).distance(line_m) <= RIVER_BUFFER_M:
            near.append(town.code)
    assert near == list(ulsan.reaches[0].towns)


def test_the_illustrative_river_line_says_so_in_each_language() -> None:
    for feature in map_layers("ulsan")["river"]["features"]:
        assert feature["properties"]["illustrative"] is True
        assert set(feature["properties"]["note"]) == {"ko", "en"}
        assert "illustrative line" in feature["properties"]["note"]["en"]


def test_a_gauge_on_the_river_stands_near_the_line(ulsan: CityPack) -> None:
    metric = Transformer.from_crs("EPSG:4326", ulsan.metric_crs, always_xy=True)
    lines = [shape(f["geometry"]) for f in map_layers("ulsan")["river"]["features"]]
    river = shapely.transform(shapely.MultiLineString(lines), metric.transform, interleaved=False)
    for series in ("guyeong_stage_m", "samho_stage_m", "taehwa_stage_m"):
        gauge = ulsan.gauges[series]
        assert shapely.Point(*metric.transform(gauge.longitude, gauge.latitude)).distance(river) < 100.0


def test_every_gauge_sends_its_own_unit(ulsan: CityPack) -> None:
    assert all(gauge.scale == 1.0 for gauge in ulsan.gauges.values()), "a stored metre is a metre"


def test_the_river_model_is_told_to_leave_the_replayed_storm_out(ulsan: CityPack) -> None:
    target = ulsan.hazards["river"]["taehwa_stage_m"]
    assert isinstance(target, dict)
    assert target["exclude"] == [["2016-10-03T00:00:00+09:00", "2016-10-08T00:00:00+09:00"]]
    assert {*target["upstream"], *target["reservoir"], *target["release"], target["tide"]} <= set(
        ulsan.gauges
    )


def test_the_map_has_every_layer_inside_the_city() -> None:
    layers, box = map_layers("ulsan"), shapely.box(*load_city("ulsan").box).buffer(0.02)
    assert {name: len(layer["features"]) for name, layer in layers.items()} == {
        "towns": 55,
        "gauges": 11,
        "coast": 8,
        "river": 2,
        "plants": 20,
    }
    for layer in layers.values():
        assert all(box.covers(shape(feature["geometry"])) for feature in layer["features"])


def test_the_packed_files_stay_small_and_each_has_its_origin() -> None:
    folder = city_folder("ulsan")
    origin = (folder / "ORIGIN.md").read_text("utf-8")
    limits = {"towns.geojson": 150_000, "coast.geojson": 60_000, "river.geojson": 5_000, "plants.csv": 5_000}
    for name, limit in limits.items():
        assert (folder / name).stat().st_size < limit
        assert f"`{name}`" in origin
    assert not list(Path(folder).rglob("*.py")), "a city is data only"
