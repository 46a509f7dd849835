# SPDX-License-Identifier: Apache-2.0
"""Every law for every detector, both found by themselves; that each detector speaks; and the speed."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable

import laws
import numpy as np
import pytest
from river_town import STAGE_RULES, WARNING, Town, gauge, hourly, town

from cheoyong.detect.screen import State, screen, usable
from cheoyong.detect.snapshot import dump, load
from cheoyong.domain.city import Gauge
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.instant import HOUR_US, MINUTE_US
from cheoyong.domain.observation import ObservationBatch

LAWS = {name: law for name, law in vars(laws).items() if name.startswith("law_")}


@pytest.mark.parametrize("detector", laws.DETECTORS)
@pytest.mark.parametrize("law", LAWS)
def test_every_detector_keeps_every_law(law: str, detector: str) -> None:
    keeps: Callable[[Gauge], None] = LAWS[law]
    keeps(laws.DETECTORS[detector])


@pytest.mark.parametrize("rule", laws.RULES)
def test_every_rule_switched_on_alone_finds_something_in_a_storm(rule: str) -> None:
    storm = [*laws.storm(seed=1), *hourly([7.0, 1.0, 99.0, 1.1], start_us=60 * HOUR_US, first_id=60)]
    with_rule, without = laws.lived(laws.DETECTORS[rule], storm), laws.lived(gauge(), storm)
    assert with_rule.bad() != without.bad()


def test_F26_two_replays_tell_the_same_facts_with_the_same_ids_in_the_same_order() -> None:
    runs = [laws.lived(laws.DETECTORS["all"], laws.storm(seed=7), step=3) for _ in range(2)]
    assert runs[0].facts == runs[1].facts
    ids = [fact.id for fact in runs[0].facts]
    assert len(ids) > 5 and len(set(ids)) == len(ids)


def test_F26_the_id_of_an_alarm_follows_from_series_level_and_onset_alone() -> None:
    early, late = town(gauge(levels=(WARNING,))), town(gauge(levels=(WARNING,)))
    early.send(hourly([5.6, 5.7]), recorded_us=2 * HOUR_US)
    late.send(hourly([1.0, 1.1], start_us=-5 * HOUR_US, first_id=70), recorded_us=0)
    late.send(hourly([5.6, 5.7]), recorded_us=9 * HOUR_US)
    assert set(early.alarms()) == set(late.alarms())
    assert early.facts[0].id != late.facts[0].id


def test_a_datastream_without_a_gauge_is_counted_and_not_judged() -> None:
    one = town(gauge(STAGE_RULES))
    one.send([(1, 77, 0, 99.0)], recorded_us=HOUR_US)
    assert one.verdicts == {} and one.state.counts.unknown == 1
    assert len(usable(one.state, 77).value) == 0


def test_gauges_may_be_added_while_running() -> None:
    one = town(gauge(STAGE_RULES))
    one.send([(1, 1, 0, 1.0)], recorded_us=HOUR_US)
    one.gauges[9] = (5, gauge(STAGE_RULES, series="new_m"))
    one.gauges[2] = (5, gauge(STAGE_RULES, series="newer_m"))
    one.send([(2, 1, HOUR_US, 1.1), (3, 9, HOUR_US, 99.0), (4, 2, HOUR_US, 1.0)], recorded_us=2 * HOUR_US)
    assert list(one.bad()) == [3]
    assert usable(one.state, 1).value.tolist() == [1.0, 1.1]
    assert usable(one.state, 2).value.tolist() == [1.0]


def test_usable_values_leave_out_what_failed_and_keep_what_is_only_suspect() -> None:
    one = town(gauge(STAGE_RULES))
    one.send(hourly([1.0, 99.0, float("nan"), 3.5, 3.6]), recorded_us=5 * HOUR_US)
    assert usable(one.state, 1).time_us.tolist() == [0, 3 * HOUR_US, 4 * HOUR_US]


def test_S27_what_is_no_dump_is_refused_and_nothing_of_it_runs() -> None:
    whole = dump(laws.lived(laws.DETECTORS["all"], laws.storm(seed=1)).state)
    broken = [
        b"",
        b"\x02" + whole[1:],
        whole[:-1],
        whole[:40],
        whole + b"\0",
        b"\x01",
        pickle.dumps(Town({})),
    ]
    for data in broken:
        with pytest.raises(InvalidInput, match="screening state"):
            load(data)


def test_S27_a_dump_whose_bytes_are_damaged_is_read_whole_or_refused() -> None:
    whole = bytearray(dump(laws.lived(laws.DETECTORS["all"], laws.storm(seed=1)).state))
    refused = 0
    for place in range(1, len(whole), 97):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        try:
            load(bytes(damaged))
        except InvalidInput:
            refused += 1
    assert refused > 0


def test_ten_observations_from_each_of_ten_thousand_gauges_take_a_fifth_of_a_second_of_one_core() -> None:
    streams, each = 10_000, 10
    gauges = {i: (1, gauge(STAGE_RULES, (WARNING,), series=f"s{i}")) for i in range(streams)}
    draw = np.random.default_rng(1)
    state, spent_s = State(), []
    for number in range(4):
        time_us = np.repeat((number * each + np.arange(each)) * MINUTE_US, streams)
        batch = ObservationBatch(
            number,
            int(time_us[-1]),
            np.arange(len(time_us)) + number * len(time_us),
            np.tile(np.arange(streams), each),
            time_us,
            1.0 + 0.02 * (time_us // MINUTE_US % 2) + draw.uniform(0, 0.002, len(time_us)),
        )
        began = time.process_time()
        state, verdicts, _ = screen(state, batch, gauges)
        spent_s.append(time.process_time() - began)
    assert len(verdicts.flag) == 0
    assert min(spent_s[1:]) < 0.2
