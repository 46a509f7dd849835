# SPDX-License-Identifier: Apache-2.0
"""F26: the pipeline is a function: the storm of 2016-10-05 fed twice, and cut otherwise, gives the same."""

from dataclasses import replace

import numpy as np
import pytest

from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.fact import Fact
from cheoyong.domain.level import Status
from cheoyong.domain.observation import ObservationBatch
from cheoyong.flow.pipeline import PipelineState, Setup, step
from cheoyong.flow.state_bytes import from_bytes, to_bytes
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.scenario.parse import steps
from cheoyong.links.scenario.source import load_scenario

CITY = load_city("ulsan")
SCENARIO = load_scenario(city_folder("ulsan"), "chaba-2016")
SERIES = sorted(name for name, measured in SCENARIO.measurements.items() if len(measured.time_us))
GAUGES = {number: (1, CITY.gauges[name]) for number, name in enumerate(SERIES, 1)}
SETUP = Setup(1, CITY, (), Status.EXERCISE)  # without models: levels, incidents, drafts


def batches() -> list[ObservationBatch]:
    """The scenario as it would be recorded: one batch a step."""
    made, next_id = [], 1
    for number, moment in enumerate(steps(SCENARIO, CITY), 1):
        ids = np.arange(next_id, next_id + len(moment.rows), dtype=np.int64)
        next_id += len(ids)
        streams = np.array([SERIES.index(series) + 1 for series, _, _ in moment.rows], np.int64)
        times = np.array([time_us for _, time_us, _ in moment.rows], np.int64)
        values = np.array([value for _, _, value in moment.rows], np.float64)
        made.append(ObservationBatch(number, moment.at_us, ids, streams, times, values))
    return made


def run(given: list[ObservationBatch], *, through_bytes: bool = False) -> tuple[list[Fact], bytes]:
    state, facts = PipelineState(ScreenState()), []
    for batch in given:
        if through_bytes:
            state = from_bytes(to_bytes(state))
        outcome = step(SETUP, state, batch, GAUGES, {})
        state = outcome.state
        facts += outcome.facts
    return facts, to_bytes(state)


@pytest.fixture(scope="module")
def whole() -> tuple[list[Fact], bytes]:
    return run(batches())


def test_F26_the_same_batches_give_the_same_facts_and_the_same_state(whole: tuple[list[Fact], bytes]) -> None:
    assert {fact.kind for fact in whole[0]} >= {"alarm", "incident", "impact", "alert"}
    assert run(batches()) == whole


def test_F26_a_restart_after_every_batch_changes_nothing(whole: tuple[list[Fact], bytes]) -> None:
    assert run(batches(), through_bytes=True) == whole


def test_F26_one_instant_cut_into_many_batches_gives_the_same_facts(whole: tuple[list[Fact], bytes]) -> None:
    cut = []
    for batch in batches():
        for place in range(len(batch)):
            one = slice(place, place + 1)
            cut.append(
                replace(
                    batch, id=batch.id[one], datastream_id=batch.datastream_id[one],
                    phenomenon_us=batch.phenomenon_us[one], result=batch.result[one],
                )
            )  # fmt: skip
    facts, _ = run(cut)
    assert sorted(map(repr, facts)) == sorted(map(repr, whole[0]))


def test_F24_every_draft_of_an_exercise_says_so(whole: tuple[list[Fact], bytes]) -> None:
    contents = [fact.body.content for fact in whole[0] if fact.kind == "alert"]
    assert contents
    assert {content.status for content in contents} == {Status.EXERCISE}
