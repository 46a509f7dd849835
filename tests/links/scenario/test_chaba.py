# SPDX-License-Identifier: Apache-2.0
"""Typhoon Chaba as it was measured and warned of, ready to be sent again."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.scenario import Scenario, list_scenarios, load_scenario, steps


@pytest.fixture(scope="module")
def ulsan() -> CityPack:
    return load_city("ulsan")


@pytest.fixture(scope="module")
def chaba() -> Scenario:
    return load_scenario(city_folder("ulsan"), "chaba-2016")


def at(clock: str) -> int:
    return parse_instant(f"2016-10-05T{clock}:00+09:00")


def test_the_scenario_is_found() -> None:
    assert "chaba-2016" in list_scenarios(city_folder("ulsan"))


def test_the_river_rises_as_it_is_on_record(chaba: Scenario) -> None:
    """Taehwa Bridge, Korea time, as published: 1.75 m at 9, 2.83 at 11, 4.42 at 12, 5.64 at 13 h."""
    stage = chaba.measurements["taehwa_stage_m"]
    values = dict(zip(stage.time_us.tolist(), stage.value.tolist(), strict=True))
    assert [values[at(c)] for c in ("09:00", "11:00", "12:00", "13:00")] == [1.75, 2.83, 4.42, 5.64]
    assert max(values.values()) == chaba.official.peak.value
    assert values[chaba.official.peak.at_us] == chaba.official.peak.value


def test_the_official_record_says_when_the_authorities_warned(chaba: Scenario) -> None:
    record = chaba.official
    assert [(event.id, event.at_us) for event in record.events] == [
        ("local_message", at("11:51")),
        ("flood_advisory", at("12:30")),
        ("flood_warning", at("13:20")),
    ]
    advisory = record.of_level("taehwa_stage_m", "advisory")
    assert advisory is not None
    assert advisory.sent_us == parse_instant("2016-10-05T12:29:12+09:00")
    assert record.of_level("taehwa_stage_m", "attention") is None


def test_the_official_record_names_levels_the_city_has(chaba: Scenario, ulsan: CityPack) -> None:
    for event in chaba.official.events:
        assert event.source
        if event.level:
            assert ulsan.level(event.series, event.level)


def test_steps_come_in_order_one_for_each_hour(chaba: Scenario, ulsan: CityPack) -> None:
    sent = steps(chaba, ulsan)
    assert [step.at_us for step in sent] == list(range(chaba.start_us, chaba.end_us + 1, HOUR_US))
    assert len(sent) == 61
    assert all(time_us == step.at_us for step in sent for _, time_us, _ in step.rows)


def test_what_was_not_measured_is_not_sent(chaba: Scenario, ulsan: CityPack) -> None:
    series = [name for step in steps(chaba, ulsan) for name, _, _ in step.rows]
    assert len(series) == 61 * 9
    assert "cheokgwa_stage_m" not in series
    assert "myeongjeong_stage_m" not in series


def test_the_tide_is_sent_in_metres(chaba: Scenario, ulsan: CityPack) -> None:
    noon = next(step for step in steps(chaba, ulsan) if step.at_us == at("12:00"))
    assert ("ulsan_tide_m", at("12:00"), 0.48) in noon.rows


def test_no_real_value_of_the_storm_fails_or_is_suspect(chaba: Scenario, ulsan: CityPack) -> None:
    """Plain differences and neighbour means, written anew here: the rules must let a real storm through."""
    for name, series in chaba.measurements.items():
        rules = ulsan.gauges[name].quality
        low, high = rules.suspect_range or (float("-inf"), float("inf"))
        values = series.value.tolist()
        assert all(low <= value <= high for value in values), name
        rates = [abs(b - a) / 3600.0 for a, b in pairwise(values)]
        spikes = [abs(b - (a + c) / 2) for a, b, c in zip(values, values[1:], values[2:], strict=False)]
        if rules.rate_suspect_per_s is not None:
            assert max(rates, default=0.0) < rules.rate_suspect_per_s, name
        if rules.spike_suspect is not None:
            assert max(spikes, default=0.0) < rules.spike_suspect, name


def test_no_real_value_of_the_storm_is_taken_for_a_stuck_sensor(chaba: Scenario, ulsan: CityPack) -> None:
    for name, series in chaba.measurements.items():
        rules = ulsan.gauges[name].quality
        run = longest = 1
        for before, value in pairwise(series.value.tolist()):
            run = run + 1 if abs(value - before) <= rules.flat_tolerance else 1
            longest = max(longest, run)
        if rules.flat_suspect_count is not None:
            assert longest < rules.flat_suspect_count, name


def test_the_guyeong_gauge_rises_five_metres_in_an_hour_and_is_believed(
    chaba: Scenario, ulsan: CityPack
) -> None:
    stage = chaba.measurements["guyeong_stage_m"].between(at("11:00"), at("12:00") + 1).value
    assert stage.tolist() == [1.86, 7.33]
    rules = ulsan.gauges["guyeong_stage_m"].quality
    assert rules.rate_suspect_per_s is not None
    assert rules.rate_suspect_per_s > (7.33 - 1.86) / 3600


def test_the_assumption_about_arrival_is_stated(chaba: Scenario) -> None:
    assert "assumed" in chaba.note["en"]
    assert "가정" in chaba.note["ko"]


def test_a_gauge_that_sends_centimetres_is_sent_centimetres(chaba: Scenario, ulsan: CityPack) -> None:
    """So that what screening makes of it, result times scale, is the measured metre again."""
    tide = replace(ulsan.gauges["ulsan_tide_m"], scale=0.01)
    city = replace(ulsan, gauges={**ulsan.gauges, "ulsan_tide_m": tide})
    noon = next(step for step in steps(chaba, city) if step.at_us == at("12:00"))
    sent = {name: value for name, _, value in noon.rows}
    assert sent["ulsan_tide_m"] == pytest.approx(48.0)
    assert sent["taehwa_stage_m"] == 4.42
