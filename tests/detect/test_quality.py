# SPDX-License-Identifier: Apache-2.0
"""Each quality test by itself, against ``ioos_qc`` and against cases worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ioos_qc import qartod
from river_town import STAGE_RULES, Town, gauge, hourly, town

from cheoyong.detect.window import REACH
from cheoyong.domain.city import QualityRules
from cheoyong.domain.errors import ConfigurationError
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.domain.quality import Flag, Test

# Hourly stage (m) at Taehwa Bridge, 2016-10-05 01:00 to 20:00 Korea time: typhoon Chaba (HRFCO).
CHABA_M = [
    1.31,
    1.3,
    1.3,
    1.31,
    1.34,
    1.38,
    1.43,
    1.55,
    1.75,
    2.18,
    2.83,
    4.42,
    5.64,
    5.02,
    4.2,
    3.6,
    3.15,
    2.8,
    2.5,
    2.3,
]

values_m = st.lists(st.integers(-300, 1500).map(lambda cm: cm / 100), min_size=3, max_size=60)
bounded = settings(max_examples=60, deadline=None)


def judged(values: list[float], rules: QualityRules) -> Town:
    one = town(gauge(rules))
    one.send(hourly(values), recorded_us=len(values) * HOUR_US)
    return one


def flags(values: list[float], rules: QualityRules) -> list[int]:
    one = judged(values, rules)
    return [int(one.flag(identity)) for identity in range(1, len(values) + 1)]


def oracle(found: np.ma.MaskedArray) -> list[int]:
    """The oracle's flags; where it could not judge (2, ends of the series) ours are PASS."""
    return [1 if flag == 2 else int(flag) for flag in found]


def seconds(values: list[float]) -> np.ndarray:
    return np.arange(len(values)) * np.timedelta64(3600, "s") + np.datetime64("2016-10-05")


@bounded
@given(values_m)
def test_gross_range_agrees_with_ioos_qc(values: list[float]) -> None:
    rules = QualityRules(fail_range=(-2.0, 14.0), suspect_range=(-1.0, 10.0), silence_s=1e6)
    assert flags(values, rules) == oracle(qartod.gross_range_test(values, (-2.0, 14.0), (-1.0, 10.0)))


@bounded
@given(values_m)
def test_rate_of_change_agrees_with_ioos_qc(values: list[float]) -> None:
    rules = QualityRules(rate_suspect_per_s=1.003 / 3600, rate_fail_per_s=4.003 / 3600)
    expected = qartod.rate_of_change_test(values, seconds(values), 1.003 / 3600, 4.003 / 3600)
    assert flags(values, rules) == oracle(expected)


@bounded
@given(values_m)
def test_spike_agrees_with_ioos_qc(values: list[float]) -> None:
    rules = QualityRules(spike_suspect=0.503, spike_fail=3.003)
    assert flags(values, rules) == oracle(qartod.spike_test(values, 0.503, 3.003))


@bounded
@given(
    st.lists(st.integers(0, 3).map(lambda cm: cm / 100), min_size=3, max_size=60),
    st.sampled_from([0.005, 0.015]),
)
def test_flat_line_agrees_with_ioos_qc(values: list[float], tolerance: float) -> None:
    rules = QualityRules(flat_tolerance=tolerance, flat_suspect_count=4, flat_fail_count=7)
    # The oracle's threshold is a span: count - 1 steps of an hour.
    expected = qartod.flat_line_test(values, seconds(values), 3 * 3600, 6 * 3600, tolerance)
    assert flags(values, rules) == oracle(expected)


def test_the_storm_of_2016_gets_the_flags_of_ioos_qc_test_by_test() -> None:
    values, times = CHABA_M, seconds(CHABA_M)
    rate = QualityRules(rate_suspect_per_s=1.0 / 3600, rate_fail_per_s=1.5 / 3600)
    assert flags(values, rate) == oracle(qartod.rate_of_change_test(values, times, 1.0 / 3600, 1.5 / 3600))
    spike = QualityRules(spike_suspect=0.3, spike_fail=0.9)
    assert flags(values, spike) == oracle(qartod.spike_test(values, 0.3, 0.9))
    assert {3, 4} <= set(flags(values, rate)), "the case must exercise both verdicts"


def test_the_storm_of_2016_passes_the_rules_of_a_steep_river() -> None:
    # 8 m in an hour, half of it as a spike: what the city pack asks of the gauges upstream.
    rules = replace(
        STAGE_RULES, rate_suspect_per_s=8 / 3600, rate_fail_per_s=16 / 3600, spike_suspect=4.8, spike_fail=9.6
    )
    assert judged(CHABA_M, rules).bad() == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_F11_what_is_not_a_finite_number_fails(value: float) -> None:
    one = judged([1.0, value, 1.1], STAGE_RULES)
    assert one.bad() == {2: (Flag.FAIL, Test.NOT_A_NUMBER)}


@pytest.mark.parametrize("value", [1e308, -1e308])
def test_F11_an_absurd_number_fails_the_range_and_spoils_no_neighbour(value: float) -> None:
    assert judged([1.0, value, 1.1], STAGE_RULES).bad() == {2: (Flag.FAIL, Test.GROSS_RANGE)}


def test_F11_absurd_numbers_without_a_range_are_spikes_not_crashes() -> None:
    one = judged([1.0, 1e308, -1e308, 5e-324, -0.0], QualityRules(spike_suspect=1.0, spike_fail=2.0))
    assert one.flag(2) == one.flag(3) == Flag.FAIL
    assert one.flag(5) == Flag.PASS


def test_a_spike_is_found_when_the_value_after_it_arrives() -> None:
    one = town(gauge(QualityRules(spike_suspect=1.0, spike_fail=2.0)))
    one.send(hourly([1.0, 5.0]), recorded_us=2 * HOUR_US)
    assert one.bad() == {}
    one.send([(3, 1, 2 * HOUR_US, 1.1)], recorded_us=3 * HOUR_US)
    assert one.bad() == {2: (Flag.FAIL, Test.SPIKE)}


def test_F13_a_stuck_sensor_is_suspect_after_four_values_and_fails_after_six() -> None:
    found = flags([1.0] * 7 + [1.2], STAGE_RULES)
    assert found == [1, 1, 1, 3, 3, 4, 4, 1]


def test_F13_a_sensor_stuck_between_broken_readings_is_still_found() -> None:
    found = flags([1.0, math.nan, 1.0, 1.0, math.nan, 1.0, 1.3], STAGE_RULES)
    assert found == [1, 4, 1, 1, 4, 3, 1]


def test_a_slow_rise_within_the_tolerance_step_by_step_is_no_flat_line() -> None:
    assert set(flags([1.0 + 0.004 * i for i in range(20)], STAGE_RULES)) == {1}


def test_a_flat_line_may_be_asked_to_last_longer_than_the_window() -> None:
    rules = QualityRules(flat_tolerance=0.005, flat_suspect_count=400)
    one = town(gauge(rules))
    for start in range(0, 450, 50):
        one.send(
            hourly([1.0] * 50, start_us=start * HOUR_US, first_id=start + 1),
            recorded_us=(start + 50) * HOUR_US,
        )
    assert [one.flag(399), one.flag(400), one.flag(450)] == [Flag.PASS, Flag.SUSPECT, Flag.SUSPECT]


def test_the_value_after_a_gap_is_not_evaluated_and_no_spike() -> None:
    one = town(gauge(replace(STAGE_RULES, silence_s=7200.0)))
    rows = [(1, 1, 0, 1.0), (2, 1, 10 * HOUR_US, 5.5), (3, 1, 11 * HOUR_US, 5.6), (4, 1, 21 * HOUR_US, 1.5)]
    one.send([*rows, (5, 1, 22 * HOUR_US, 1.6)], recorded_us=22 * HOUR_US)
    gap = (Flag.NOT_EVALUATED, Test.GAP)
    assert one.bad() == {2: gap, 4: gap}  # each 1.9 m or more off the mean of its neighbours


@pytest.mark.parametrize(("broken", "found"), [(REACH - 1, Flag.SUSPECT), (REACH, Flag.PASS)])
def test_neighbours_are_looked_for_across_so_many_broken_values_and_no_more(broken: int, found: Flag) -> None:
    one = judged([1.0, *[math.nan] * broken, 200.0], QualityRules(rate_suspect_per_s=1 / 3600, silence_s=1e6))
    assert one.flag(broken + 2) == found


def test_F08_future_and_ancient_values_are_flagged_and_kept_out_of_detection() -> None:
    one = town(gauge(STAGE_RULES))
    now_us = 40 * 366 * DAY_US
    rows = [
        (1, 1, now_us + HOUR_US, 9.0),
        (2, 1, 0, 9.0),
        (3, 1, now_us, 1.0),
        (4, 1, now_us + 200_000_000, 1.0),
    ]
    one.send(rows, recorded_us=now_us)
    assert one.bad() == {1: (Flag.FAIL, Test.FUTURE), 2: (Flag.FAIL, Test.ANCIENT)}
    assert (one.state.counts.future, one.state.counts.ancient) == (1, 1)
    assert one.told() == []


def test_a_gauge_sent_in_centimetres_is_judged_in_metres() -> None:
    one = town(replace(gauge(STAGE_RULES), scale=0.01))
    one.send(hourly([100.0, 1500.0]), recorded_us=2 * HOUR_US)
    assert one.bad() == {2: (Flag.FAIL, Test.GROSS_RANGE)}


def test_a_rule_that_cannot_be_kept_is_refused_with_the_name_of_the_gauge() -> None:
    with pytest.raises(ConfigurationError, match="stage_m"):
        judged([1.0], QualityRules(flat_suspect_count=1))
