# SPDX-License-Identifier: Apache-2.0
"""Alarms on levels, silence and faults, told as a control room would see them."""

from __future__ import annotations

import math
from dataclasses import replace

from river_town import ADVISORY, OWNER, STAGE, STAGE_RULES, WARNING, gauge, hourly, town

from cheoyong.detect.silence import BACK_HELD_US
from cheoyong.domain.city import QualityRules
from cheoyong.domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from cheoyong.domain.level import Priority
from cheoyong.domain.quality import Flag, Test

RAISED, CLEARED = ("level", "advisory", "raised"), ("level", "advisory", "cleared")


def test_a_crossing_raises_one_alarm_that_says_what_where_and_since_when() -> None:
    one = town(gauge(levels=(ADVISORY,)))
    (step,) = one.send(hourly([4.0, 4.6, 4.9]), recorded_us=3 * HOUR_US)
    assert (step.step, step.series, step.rule, step.value, step.limit) == (
        "raised",
        "stage_m",
        "advisory",
        4.6,
        4.5,
    )
    assert (step.since_us, step.crisis_level, step.priority) == (HOUR_US, 2, "high")
    fact = one.facts[0]
    assert (fact.organisation_id, fact.about_us, fact.recorded_us) == (OWNER, HOUR_US, 3 * HOUR_US)
    assert fact.observation_ids == (2,)


def test_an_alarm_clears_below_the_dead_band_under_the_same_id() -> None:
    one = town(gauge(levels=(ADVISORY,)))
    one.send(hourly([4.6, 4.35, 4.2]), recorded_us=3 * HOUR_US)
    assert one.told() == [RAISED, CLEARED]
    raised, cleared = one.facts
    assert raised.body.alarm_id == cleared.body.alarm_id and raised.id != cleared.id  # type: ignore[union-attr]
    assert (cleared.about_us, cleared.observation_ids) == (2 * HOUR_US, (3,))


def test_F13_chattering_about_a_level_is_one_alarm() -> None:
    one = town(gauge(levels=(ADVISORY,)))
    one.send(hourly([4.6, 4.4] * 40), recorded_us=80 * HOUR_US)
    assert one.told() == [RAISED]


def test_F13_a_single_splash_does_not_pass_the_on_delay() -> None:
    one = town(gauge(levels=(WARNING,)))
    minutes = [
        (i, 1, i * 10 * MINUTE_US, value) for i, value in enumerate([5.0, 5.6, 5.1, 5.6, 5.6, 5.6, 5.6], 1)
    ]
    one.send(minutes, recorded_us=2 * HOUR_US)
    assert one.told() == []  # 30 minutes above is less than the hour asked for
    one.send([(9, 1, 105 * MINUTE_US, 5.7)], recorded_us=2 * HOUR_US)
    (alarm,) = one.alarms().values()
    assert alarm == ("level", "warning", 40 * MINUTE_US, 105 * MINUTE_US, 5.7, None)


def test_noise_inside_the_dead_band_does_not_restart_the_on_delay() -> None:
    one = town(gauge(levels=(WARNING,)))
    rows = [(i, 1, i * 20 * MINUTE_US, value) for i, value in enumerate([5.55, 5.45, 5.55, 5.4, 5.45])]
    one.send(rows, recorded_us=2 * HOUR_US)
    assert (
        one.told() == []
    )  # below the limit at the hour: nothing is raised by a value that does not reach it
    one.send([(9, 1, 100 * MINUTE_US, 5.5)], recorded_us=2 * HOUR_US)
    assert one.told() == [("level", "warning", "raised")]


def test_values_that_fail_neither_raise_nor_clear_a_level() -> None:
    one = town(gauge(replace(STAGE_RULES, rate_fail_per_s=None, spike_fail=None), levels=(ADVISORY,)))
    one.send(hourly([4.0, 99.0, math.nan, 4.6, math.nan, -50.0]), recorded_us=6 * HOUR_US)
    assert [alarm for alarm in one.alarms().values() if alarm[0] == "level"] == [
        ("level", "advisory", 3 * HOUR_US, 3 * HOUR_US, 4.6, None)
    ]


def test_an_alarm_raised_by_a_spike_is_withdrawn_with_the_reason() -> None:
    one = town(gauge(QualityRules(spike_fail=2.0), levels=(ADVISORY,)))
    one.send(hourly([1.0, 6.0]), recorded_us=2 * HOUR_US)
    assert one.told() == [RAISED]
    (step,) = one.send([(3, 1, 2 * HOUR_US, 1.0)], recorded_us=3 * HOUR_US)
    assert (step.step, step.reason) == ("withdrawn", "found bad by what followed")
    assert one.flag(2) == Flag.FAIL and one.alarms() == {}


def test_F14_a_gauge_that_stops_sending_raises_a_silence_alarm_within_two_periods() -> None:
    one = town(STAGE)
    one.send([(1, 1, 0, 1.0)], recorded_us=0)
    raised_at = [minute for minute in range(1, 181) if one.tick(minute * MINUTE_US)]
    assert raised_at == [120]  # minutes: two periods of an hour
    (alarm,) = one.alarms().values()
    assert alarm == ("silence", "silence", 0, 2 * HOUR_US, None, None)
    assert one.facts[0].body.priority == Priority.MEDIUM  # type: ignore[union-attr]


def test_one_missing_value_is_no_silence_when_the_next_is_on_time() -> None:
    one = town(STAGE, gauge(series="dam_m"))
    for hour in range(6):
        streams = (1, 2) if hour != 3 else (2,)
        one.send(
            [(10 * hour + s, s, hour * HOUR_US, 1.0 + hour / 5) for s in streams], recorded_us=hour * HOUR_US
        )
    assert one.told() == []


def test_F14_a_gauge_never_heard_of_counts_from_when_it_was_first_known() -> None:
    one = town(STAGE)
    one.tick(5 * HOUR_US)
    assert one.tick(6 * HOUR_US) == []
    assert [step.cause for step in one.tick(7 * HOUR_US)] == ["silence"]


def test_F14_one_gauge_falling_silent_says_nothing_about_the_others() -> None:
    one = town(STAGE, gauge(series="dam_m"))
    for hour in range(4):
        one.send([(hour, 2, hour * HOUR_US, 1.0 + hour)], recorded_us=hour * HOUR_US)
    assert [fact.body.series for fact in one.facts] == ["stage_m"]  # type: ignore[union-attr]


def test_F14_silence_ends_with_usable_data_and_not_with_a_repeated_or_broken_one() -> None:
    one = town(STAGE)
    one.send([(1, 1, 0, 1.0)], recorded_us=0)
    for hour in range(1, 4):
        one.tick(hour * HOUR_US)
    one.send([(1, 1, 0, 1.0)], recorded_us=4 * HOUR_US)  # the same again
    one.send([(2, 1, 4 * HOUR_US, math.nan)], recorded_us=4 * HOUR_US)
    one.send([(3, 1, 9 * HOUR_US, 1.0)], recorded_us=4 * HOUR_US)  # from the future
    assert [told[2] for told in one.told()] == ["raised"]
    one.send([(4, 1, 4 * HOUR_US + MINUTE_US, 1.2)], recorded_us=4 * HOUR_US + MINUTE_US)
    assert [told[2] for told in one.told()] == ["raised", "cleared"]
    assert one.facts[1].observation_ids == (4,)


def test_F11_a_sensor_that_sends_only_nan_alarms_as_fault_within_two_periods() -> None:
    one = town(STAGE)
    for hour in range(3):
        one.send([(hour, 1, hour * HOUR_US, math.nan)], recorded_us=hour * HOUR_US)
    assert one.told() == [("fault", "fault", "raised")]
    assert one.facts[0].recorded_us <= 2 * HOUR_US
    one.send([(3, 1, 3 * HOUR_US, 1.0)], recorded_us=3 * HOUR_US)
    assert one.told()[-1] == ("fault", "fault", "cleared")


def test_F11_two_broken_values_at_once_are_not_yet_a_fault() -> None:
    one = town(STAGE)
    one.send(
        [(1, 1, 0, 1.0), (2, 1, MINUTE_US, math.nan), (3, 1, 2 * MINUTE_US, math.nan)], recorded_us=HOUR_US
    )
    assert one.told() == []


def test_F13_a_stuck_sensor_becomes_a_fault() -> None:
    one = town(STAGE)
    one.send(hourly([1.0] * 8), recorded_us=8 * HOUR_US)
    assert one.told() == [("fault", "fault", "raised")]


def test_a_sensor_in_fault_is_not_also_called_silent() -> None:
    one = town(STAGE)
    one.send(hourly([math.nan] * 3), recorded_us=2 * HOUR_US)
    for hour in range(3, 12):
        one.tick(hour * HOUR_US)
    assert one.told() == [("fault", "fault", "raised")]


def test_F07_a_clock_that_jumps_forward_is_noted_and_silences_nobody() -> None:
    one = town(STAGE, gauge(series="dam_m"))
    eleven_years_us = 11 * 366 * DAY_US
    for number, jump_us in enumerate([0, HOUR_US, eleven_years_us], start=1):
        now_us = number * MINUTE_US + jump_us
        one.send(
            [(number, stream, number * MINUTE_US, 1.0 + number / 100) for stream in (1, 2)],
            recorded_us=now_us,
        )
        one.tick(now_us + SECOND_US)
    assert one.told() == [] and one.bad() == {}
    assert one.state.clock.jumps_forward == 1  # an hour may be a slow clock's tick, eleven years are not


def test_F07_a_clock_that_jumps_back_an_hour_neither_clears_raises_nor_calls_values_future() -> None:
    one = town(STAGE, gauge(series="dam_m"))
    for hour in range(4):
        one.send([(hour, 1, hour * HOUR_US, 1.0 + hour / 10)], recorded_us=hour * HOUR_US)
    assert one.told() == [("silence", "silence", "raised")]  # the dam, which never sent
    one.send([(9, 1, 3 * HOUR_US + MINUTE_US, 1.3)], recorded_us=2 * HOUR_US + MINUTE_US)
    one.tick(2 * HOUR_US + 2 * MINUTE_US)
    assert len(one.told()) == 1 and one.bad() == {}
    assert one.state.clock.jumps_back == 1


def test_F07_silence_is_still_found_after_the_clock_went_back() -> None:
    one = town(STAGE)
    one.send([(1, 1, 10 * HOUR_US, 1.0)], recorded_us=10 * HOUR_US)
    for hour in (9, 10, 11):
        one.tick(hour * HOUR_US)
    assert one.told() == [("silence", "silence", "raised")]


def test_F07_a_restart_after_a_long_stop_gives_the_gauges_time_to_report() -> None:
    one = town(STAGE)
    one.send([(1, 1, 0, 1.0)], recorded_us=0)
    one.tick(2 * DAY_US)
    one.send([(2, 1, 2 * DAY_US, 1.5)], recorded_us=2 * DAY_US + MINUTE_US)
    assert one.told() == []
    assert one.flag(2) == Flag.NOT_EVALUATED and one.tests(2) == Test.GAP


def test_F08_values_taken_in_while_the_clock_was_years_ahead_do_not_lock_out_the_true_ones() -> None:
    one = town(gauge(STAGE_RULES, levels=(ADVISORY,)))
    one.send(hourly([1.0, 1.2]), recorded_us=2 * HOUR_US)
    ahead_us = 2 * HOUR_US + BACK_HELD_US + DAY_US
    one.send([(3, 1, ahead_us, 4.7)], recorded_us=ahead_us)
    assert one.told() == [RAISED]
    one.send([(4, 1, 2 * HOUR_US, 1.4)], recorded_us=3 * HOUR_US)
    assert one.bad() == {3: (Flag.FAIL, Test.FUTURE | Test.GAP)}
    assert one.alarms() == {}
