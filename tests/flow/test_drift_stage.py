# SPDX-License-Identifier: Apache-2.0
"""Drift of inputs: what is unlike its training is told of once in thirty days, silences nobody, ends."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from test_pipeline import GAUGES, SERIES, SETUP

from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.fact import AlarmStep, Fact, Forecast, InputDrift, ModelState
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import PipelineState, step
from cheoyong.flow.state import Setup
from cheoyong.flow.state_bytes import from_bytes, to_bytes
from cheoyong.learn.input_drift import DAYS, reference_of

TARGET = "taehwa_stage_m"
STREAM = SERIES.index(TARGET) + 1
START_US = 1_500_000_000_000_000 // DAY_US * DAY_US
DRAW = np.random.default_rng(3)
STAGE_M = np.round(1.0 + 0.2 * np.sin(np.arange(400 * 24) / 2.0) + DRAW.normal(0, 0.01, 400 * 24), 3)
HISTORY = Series(START_US + np.arange(-300 * 24, 0) * HOUR_US, STAGE_M[: 300 * 24])
REFERENCE = reference_of(HISTORY)
assert REFERENCE is not None
LEARNT = replace(SETUP, references={TARGET: REFERENCE}, models=())


def days(
    count: int, value: Callable[[int, float], float | None], setup: Setup = LEARNT
) -> tuple[list[Fact], PipelineState]:
    """The facts of so many days of hours, an hour with None an empty batch; the state through bytes daily."""
    state, facts = PipelineState(ScreenState()), []
    for hour in range(count * 24):
        at_us = START_US + hour * HOUR_US
        came = value(hour, float(STAGE_M[300 * 24 + hour % (100 * 24)]))
        there = [] if came is None else [came]
        batch = ObservationBatch(
            hour + 1, at_us, np.array([hour + 1] * len(there), np.int64),
            np.array([STREAM] * len(there), np.int64), np.array([at_us] * len(there), np.int64),
            np.array(there, np.float64),
        )  # fmt: skip
        outcome = step(setup, state, batch, GAUGES, {})
        state, facts = outcome.state, facts + list(outcome.facts)
        if hour % 24 == 0:
            assert from_bytes(to_bytes(state)).inputs == state.inputs
            assert from_bytes(to_bytes(state)).drifts == state.drifts
    return facts, state


def told(facts: list[Fact]) -> list[tuple[str, str, int]]:
    """Sign, step and day of what was said of inputs."""
    return [
        (fact.body.sign, fact.body.step, (fact.about_us - START_US) // DAY_US)
        for fact in facts
        if isinstance(fact.body, InputDrift)
    ]


def test_what_goes_on_as_in_training_is_not_told_of() -> None:
    facts, state = days(45, lambda hour, stage: stage)
    assert told(facts) == []
    assert len(state.inputs[TARGET].days) <= DAYS + 1


def test_a_gauge_read_to_the_decimetre_is_told_of_once_on_the_thirtieth_day() -> None:
    facts, _ = days(45, lambda hour, stage: round(stage, 1))
    assert told(facts) == [("changes", "drifting", DAYS)]
    (said,) = (fact.body for fact in facts if isinstance(fact.body, InputDrift))
    assert said.value > said.limit > 0.0
    assert said.since_us == START_US + DAYS * DAY_US


def test_one_in_five_hours_missing_is_told_of_and_is_over_when_they_come_again() -> None:
    facts, state = days(75, lambda hour, stage: None if hour < 20 * 24 and hour % 5 == 0 else stage)
    missing = [(step_, day) for sign, step_, day in told(facts) if sign == "missing"]
    assert [step_ for step_, _ in missing] == ["drifting", "over"]
    assert 30 == missing[0][1] < missing[1][1] <= 50
    assert state.drifts == {}


def test_an_input_that_sends_nothing_any_more_is_judged_all_the_same() -> None:
    facts, _ = days(70, lambda hour, stage: stage if hour < 35 * 24 else None)
    assert ("missing", "drifting") in {(sign, step_) for sign, step_, _ in told(facts)}


def test_a_gauge_that_reads_in_feet_is_out_of_range() -> None:
    facts, _ = days(32, lambda hour, stage: round(stage * 3.28, 3))
    assert ("range", "drifting", DAYS) in told(facts)


def test_drift_is_for_who_minds_the_models_no_alarm_and_no_model_off_comes_of_it() -> None:
    facts, _ = days(32, lambda hour, stage: round(stage, 1))
    assert told(facts)
    assert not [fact for fact in facts if isinstance(fact.body, ModelState)]
    assert "drift" not in {fact.body.cause for fact in facts if isinstance(fact.body, AlarmStep)}


class Leaning:
    """A model that always says a little less than comes; its band is wide and holds."""

    id, series, inputs, window_s = "leaning", TARGET, (TARGET,), 3600

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast:
        hour = (issued_us - START_US) // HOUR_US + 1
        middle = float(STAGE_M[300 * 24 + hour % (100 * 24)]) - 0.05
        row = (middle - 0.5, middle, middle + 0.5)
        return Forecast("river", self.id, TARGET, issued_us, (3600,), (0.05, 0.5, 0.95), (row,))


def test_a_median_below_what_comes_is_told_of_and_its_band_that_holds_keeps_it_heard() -> None:
    facts, _ = days(32, lambda hour, stage: stage, replace(LEARNT, models=(Leaning(),)))
    ((sign, step_, day),) = told(facts)
    assert (sign, step_) == ("lean", "drifting")
    assert day == 19  # the twentieth
    assert not [fact for fact in facts if isinstance(fact.body, ModelState)]
    (said,) = (fact.body for fact in facts if isinstance(fact.body, InputDrift))
    assert said.value == 0.5
    assert said.models == (f"river:{TARGET}",)


def test_what_no_model_reads_any_more_is_over() -> None:
    _, state = days(32, lambda hour, stage: round(stage, 1))
    none = np.array([], np.int64)
    batch = ObservationBatch(10**6, START_US + 33 * DAY_US, none, none, none, np.array([]))
    outcome = step(replace(LEARNT, references={}), state, batch, GAUGES, {})
    assert told(list(outcome.facts)) == [("changes", "over", 33)]
    assert (outcome.state.inputs, outcome.state.drifts) == ({}, {})


def test_it_is_told_the_same_however_the_hours_are_cut_into_batches() -> None:
    setup, state, facts = LEARNT, PipelineState(ScreenState()), []
    for day in range(40):
        hours = np.arange(day * 24, day * 24 + 24)
        at_us = START_US + hours * HOUR_US
        values = np.round(STAGE_M[300 * 24 + hours], 1)
        batch = ObservationBatch(day + 1, int(at_us[-1]), hours + 1, np.full(24, STREAM), at_us, values)
        outcome = step(setup, state, batch, GAUGES, {})
        state, facts = outcome.state, facts + list(outcome.facts)
    hourly, _ = days(40, lambda hour, stage: round(stage, 1))
    assert told(facts) == told(hourly)
