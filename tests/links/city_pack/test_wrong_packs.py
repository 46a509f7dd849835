# SPDX-License-Identifier: Apache-2.0
"""A wrong pack is refused with the file, the key and the way to mend it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from square_pack import city_toml, square, towns_geojson

from cheoyong.domain.errors import ConfigurationError, NotFound
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.city_pack.parse import parse_city

City = dict[str, Any]


def refusal(change: Callable[[City, City], object]) -> ConfigurationError:
    city, towns = city_toml(), towns_geojson()
    change(city, towns)
    with pytest.raises(ConfigurationError) as caught:
        parse_city(city, towns)
    assert caught.value.mend, "an error says how to mend it"
    return caught.value


def test_the_smallest_pack_reads() -> None:
    pack = parse_city(city_toml(), towns_geojson())
    assert pack.level("bridge_stage_m", "warning").limit == 5.5
    assert pack.gauges["bridge_stage_m"].quality.silence_s == 7200.0  # the default of the domain
    assert pack.towns["T1"].rings[0][0] == (129.30, 35.50)


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    error = refusal(lambda city, _: city["gauges"][0]["quality"].update(fial_range=[0, 1]))
    assert error.where == "city.toml: gauges[0].quality"
    assert "fial_range" in error.detail
    assert "spelling" in error.mend


def test_a_missing_key_is_an_error_that_names_it() -> None:
    error = refusal(lambda city, _: city.pop("metric_crs"))
    assert error.where == "city.toml"
    assert "metric_crs" in error.detail
    assert "add the key" in error.mend


def test_a_threshold_without_a_source_is_refused() -> None:
    assert "source" in refusal(lambda city, _: city["gauges"][0]["levels"][0].pop("source")).detail
    assert "levels[0].source" in refusal(lambda c, _: c["gauges"][0]["levels"][0].update(source="")).where
    assert "source" in refusal(lambda city, _: city["gauges"][0]["quality"].pop("source")).detail


def test_true_is_not_a_number() -> None:
    error = refusal(lambda city, _: city["gauges"][0]["levels"][0].update(limit=True))
    assert error.where == "city.toml: gauges[0].levels[0].limit"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    error = refusal(lambda city, _: city["gauges"][0]["levels"][0].update(limit=number))
    assert error.where == "city.toml: gauges[0].levels[0].limit"
    assert "finite" in error.detail


def test_a_gauge_with_swapped_coordinates_is_told_so() -> None:
    error = refusal(lambda city, _: city["gauges"][0].update(longitude=35.505, latitude=129.305))
    assert "swapped" in error.detail
    assert "bridge_stage_m" in error.where


def test_a_town_with_swapped_coordinates_is_told_so() -> None:
    def swap(_: City, towns: City) -> None:
        ring = [[y, x] for x, y in square(129.30, 35.50)]
        towns["features"][1]["geometry"]["coordinates"] = [ring]

    error = refusal(swap)
    assert error.where == "towns.geojson: features[1] T2"
    assert "swapped" in error.detail


def test_a_place_outside_the_box_is_refused() -> None:
    error = refusal(lambda city, _: city["gauges"][0].update(longitude=131.0))
    assert "outside the box" in error.detail


def test_a_series_given_twice_is_refused() -> None:
    error = refusal(lambda city, _: city["gauges"].append(city["gauges"][0]))
    assert error.where == "city.toml: gauges[1] bridge_stage_m"
    assert "twice" in error.detail


def test_a_series_must_end_in_its_unit() -> None:
    error = refusal(lambda city, _: city["gauges"][0].update(unit="m3/s"))
    assert "_m3_s" in error.mend


def test_a_town_given_twice_is_refused() -> None:
    error = refusal(lambda _, towns: towns["features"].append(towns["features"][0]))
    assert error.where == "towns.geojson: features[2] T1"


def test_a_reach_that_lists_a_town_twice_is_refused() -> None:
    error = refusal(lambda city, _: city["reaches"][0].update(towns=["T1", "T1"]))
    assert error.where == "city.toml: reaches[0] lower.towns"
    assert "once" in error.mend


def test_a_reach_of_unknown_towns_or_gauges_is_refused() -> None:
    assert "T9" in refusal(lambda city, _: city["reaches"][0].update(towns=["T9"])).detail
    assert "moon" in refusal(lambda city, _: city["reaches"][0].update(series="moon_stage_m")).detail


def test_more_old_and_young_than_people_is_refused() -> None:
    error = refusal(lambda _, towns: towns["features"][0]["properties"].update(people=100))
    assert "exceed" in error.detail


def _ring(points: object) -> Callable[[City, City], object]:
    return lambda _, towns: towns["features"][0]["geometry"].update(coordinates=[points])


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (square(129.30, 35.50)[:-1], "not closed"),
        ([[129.3, 35.5], [129.31, 35.51], [129.31, 35.5], [129.3, 35.51], [129.3, 35.5]], "not valid"),
        ([[129.3, 35.5], [129.31, 35.5], [129.3, 35.5]], "4 to"),
        ([[129.3, "35.5"], *square(129.30, 35.50)], "not a point"),
        ([[True, False], *square(129.30, 35.50)], "not a point"),
    ],
)
def test_a_ring_must_be_closed_valid_and_of_points(points: object, says: str) -> None:
    error = refusal(_ring(points))
    assert error.where == "towns.geojson: features[0] T1"
    assert says in error.detail


def test_a_town_with_a_hole_is_refused_rather_than_filled() -> None:
    ring = square(129.30, 35.50)
    inner = square(129.304, 35.504, 0.002)
    error = refusal(lambda _, towns: towns["features"][0]["geometry"].update(coordinates=[ring, inner]))
    assert "hole" in error.detail


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"fail_range": [5.0, 1.0]}, "fail_range"),
        ({"suspect_range": [-5.0, 8.0]}, "suspect_range"),
        ({"rate_suspect_per_s": 0.5}, "rate_fail_per_s"),
        ({"period_s": 9000.0}, "silence_s"),
        ({"flat_suspect_count": 1}, "flat_suspect_count"),
        ({"rate_fail_per_s": -1.0}, "rate_fail_per_s"),
    ],
)
def test_quality_rules_that_contradict_each_other_are_refused(change: City, key: str) -> None:
    assert key in refusal(lambda city, _: city["gauges"][0]["quality"].update(change)).where


def test_levels_must_rise_and_be_able_to_pass_the_range_test() -> None:
    error = refusal(lambda city, _: city["gauges"][0]["levels"].reverse())
    assert "rise" in error.detail
    error = refusal(lambda city, _: city["gauges"][0]["levels"][1].update(limit=11.0))
    assert error.where.endswith("levels[1] warning.limit")


def test_a_text_is_needed_in_each_language_of_the_pack() -> None:
    error = refusal(lambda city, _: city.update(languages=["en", "ko"]))
    assert error.where == "city.toml: name"
    assert "ko" in error.detail


def test_an_unknown_time_zone_is_refused() -> None:
    assert refusal(lambda city, _: city.update(time_zone="Asia/Ulsan")).where == "city.toml: time_zone"
    assert refusal(lambda city, _: city.update(time_zone="../etc")).where == "city.toml: time_zone"


def test_an_empty_city_is_refused() -> None:
    assert "no town" in refusal(lambda _, towns: towns.update(features=[])).detail


NOT_A_PACK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(rubbish=NOT_A_PACK, key=st.sampled_from(sorted(city_toml())))
@settings(max_examples=200, deadline=None)
def test_rubbish_under_any_key_is_answered_by_an_error_and_never_by_a_crash(
    rubbish: object, key: str
) -> None:
    city = city_toml() | {key: rubbish}
    try:
        parse_city(city, towns_geojson())
    except ConfigurationError as error:
        assert error.where.startswith(("city.toml", "towns.geojson"))
        assert error.mend


@given(rubbish=NOT_A_PACK)
@settings(max_examples=100, deadline=None)
def test_rubbish_as_a_boundary_is_answered_by_an_error_and_never_by_a_crash(rubbish: object) -> None:
    error = refusal(lambda _, towns: towns["features"][0]["geometry"].update(coordinates=rubbish))
    assert error.where.startswith("towns.geojson")


def test_an_unknown_city_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound) as caught:
        city_folder("atlantis")
    assert "ulsan" in caught.value.mend


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("city.toml", b"id = ", "not TOML"),
        ("city.toml", b"\xff\xfe", "not UTF-8"),
        ("towns.geojson", b"{", "not JSON"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, raw: bytes, says: str) -> None:
    source = city_folder("ulsan")
    for file in ("city.toml", "towns.geojson"):
        (tmp_path / file).write_bytes((source / file).read_bytes())
    assert load_city(tmp_path).id == "ulsan"  # a city of the user's own, by its path
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ConfigurationError, match=says) as caught:
        load_city(tmp_path)
    assert caught.value.where == name


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_bytes((city_folder("ulsan") / "city.toml").read_bytes())
    with pytest.raises(ConfigurationError, match=r"towns\.geojson: the file is missing"):
        load_city(tmp_path)


def test_a_pack_cannot_reach_out_of_its_folder(tmp_path: Path) -> None:
    text = (city_folder("ulsan") / "city.toml").read_text("utf-8")
    (tmp_path / "city.toml").write_text(text.replace('"towns.geojson"', '"../towns.geojson"'), "utf-8")
    with pytest.raises(ConfigurationError, match="plain file name"):
        load_city(tmp_path)
