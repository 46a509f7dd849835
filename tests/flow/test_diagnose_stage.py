# SPDX-License-Identifier: Apache-2.0
"""A gauge at odds with its neighbours alarms as a fault and leaves the forecast; no level waits for it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made_up_river import (
    FAULT_H,
    GAUGES,
    HISTORY_H,
    LIVE_H,
    NAMES,
    SETUP,
    STAGES,
    START_US,
    alarms,
    batches,
    run,
    spoilt,
)

from cheoyong.domain.fact import Fact, Forecast
from cheoyong.domain.instant import HOUR_US
from cheoyong.flow.pipeline import step
from cheoyong.flow.state_bytes import to_bytes


@cache
def spoilt_run(name: str, kind: str) -> tuple[Fact, ...]:
    return tuple(run(batches(spoilt(name, kind)))[0])


@pytest.fixture(scope="module")
def sound() -> list[Fact]:
    return run(batches(STAGES))[0]


def test_F13_a_sound_river_in_flood_raises_its_level_and_no_fault(sound: list[Fact]) -> None:
    assert alarms(sound, "fault") == []
    assert [one.step for _, one in alarms(sound, "level")][:1] == ["raised"]


def test_F13_a_level_alarm_names_the_neighbours_that_speak_for_it(sound: list[Fact]) -> None:
    _, level = alarms(sound, "level")[0]
    assert set(level.witnesses) == set(NAMES[1:])


@pytest.mark.parametrize(
    ("kind", "rule", "within_h"),
    [("drifting", "fault:drift", 15), ("stepped", "fault:step", 3), ("frozen", "fault:stuck", 24)],
)
def test_F13_a_faulty_gauge_alarms_as_a_fault_and_the_forecast_goes_on_without_it_and_says_so(
    kind: str, rule: str, within_h: int
) -> None:
    facts = spoilt_run("middle_m", kind)
    at_h, fault = next(pair for pair in alarms(facts, "fault") if pair[1].rule != "fault:disagreement")
    assert (fault.series, fault.rule, fault.step) == ("middle_m", rule, "raised")
    assert FAULT_H < at_h < FAULT_H + within_h
    assert {one.series for _, one in alarms(facts, "fault")} == {"middle_m"}
    after = [
        fact.body
        for fact in facts
        if isinstance(fact.body, Forecast) and fact.body.issued_us > START_US + (HISTORY_H + at_h) * HOUR_US
    ]
    assert len(after) == LIVE_H - at_h - 1, "the forecast goes on"
    assert {forecast.missing for forecast in after} == {("middle_m",)}


@pytest.mark.parametrize("kind", ["drifting", "stepped", "frozen"])
def test_F13_no_level_alarm_is_lost_or_late_by_a_diagnosis(kind: str) -> None:
    """What the levels tell is the same with and without relations, whichever gauge is spoilt."""
    for name in NAMES[:2]:
        deaf, _ = run(batches(spoilt(name, kind)), replace(SETUP, relations={}, models=()))
        told = [(h, replace(one, witnesses=())) for h, one in alarms(spoilt_run(name, kind), "level")]
        assert told == alarms(deaf, "level")
        assert not any(alarms(deaf, "fault"))


def test_F13_a_faulty_gauge_is_no_witness_of_a_level() -> None:
    facts = spoilt_run("middle_m", "drifting")
    _, level = next(pair for pair in alarms(facts, "level") if pair[1].step == "raised")
    assert set(level.witnesses) == {"upper_m", "brook_m"}


def test_the_option_that_is_off_live_keeps_the_levels_of_a_faulty_gauge_back() -> None:
    assert alarms(spoilt_run("lower_m", "stepped"), "level")
    given = batches(spoilt("lower_m", "stepped"))
    assert alarms(run(given, replace(SETUP, keep_back=True))[0], "level") == []


def test_an_unnamed_disagreement_is_told_and_stays_in_the_forecast() -> None:
    stages = {one: value.copy() for one, value in STAGES.items()}
    flood = stages["middle_m"][HISTORY_H + FAULT_H + 15 :]
    flood[:] = 1.0 + 0.02 * np.arange(len(flood)) % 0.1  # it is not in it, and not equal
    facts, _ = run(batches(stages))
    assert {one.rule for _, one in alarms(facts, "fault")} == {"fault:disagreement"}
    assert all(not fact.body.missing for fact in facts if isinstance(fact.body, Forecast))


def test_F26_the_same_facts_whatever_the_batch_and_after_a_restart_at_each() -> None:
    stages = spoilt("middle_m", "stepped")
    hourly, state = run(batches(stages))
    assert alarms(hourly, "fault")
    again, restored = run(batches(stages), through_bytes=True)
    assert (again, to_bytes(restored)) == (hourly, to_bytes(state))
    one_by_one = [
        replace(
            batch, id=batch.id[i : i + 1], datastream_id=batch.datastream_id[i : i + 1],
            phenomenon_us=batch.phenomenon_us[i : i + 1], result=batch.result[i : i + 1],
        )
        for batch in batches(stages)
        for i in (2, 0, 3, 1)
    ]  # fmt: skip
    for given in (one_by_one, batches(stages, hours=8)):
        told = alarms(run(given)[0], "fault")
        assert [(h, one.series, one.rule, one.step, one.reason) for h, one in told] == [
            (h, one.series, one.rule, one.step, one.reason) for h, one in alarms(hourly, "fault")
        ]


def test_a_fault_that_nobody_judges_any_more_is_withdrawn_and_keeps_no_gauge_out_of_the_forecast() -> None:
    given = batches(spoilt("middle_m", "stepped"))
    _, state = run(given[: FAULT_H + 10])
    assert set(state.faults) == {"middle_m"}
    outcome = step(replace(SETUP, relations={}), state, given[FAULT_H + 10], GAUGES, {})
    assert [one.step for _, one in alarms(outcome.facts, "fault")] == ["withdrawn"]
    assert outcome.state.faults == {}
