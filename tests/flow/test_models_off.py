# SPDX-License-Identifier: Apache-2.0
"""Degrade: whatever a model does or lacks, levels raise their alarms; that it is off is told once."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from test_pipeline import CITY, GAUGES, SETUP, batches

from cheoyong.app.models import train
from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.fact import Crossing, Fact, Forecast, ModelState
from cheoyong.domain.hazard import MissingModel
from cheoyong.domain.observation import Series
from cheoyong.flow.pipeline import PipelineState, Setup, step
from cheoyong.flow.state_bytes import from_bytes, to_bytes
from cheoyong.links.city_pack import city_folder, load_city

TARGET = "taehwa_stage_m"
GOOD = Forecast("river", "made-up", TARGET, 0, (3600, 7200), (0.1, 0.9), ((1.0, 2.0), (1.1, 2.1)))


class MadeUp:
    """A model that answers as the test tells it to; ``times`` counts how often it was asked."""

    id, series, inputs, window_s = "made-up", TARGET, (TARGET,), 3600

    def __init__(self, answer: Callable[[int, Forecast], Forecast | None]) -> None:
        self.answer, self.times = answer, 0

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        self.times += 1
        return self.answer(self.times, replace(GOOD, issued_us=issued_us))


def fails(times: int, good: Forecast) -> Forecast:
    raise ZeroDivisionError(f"defect\0 number {times}")


def run(setup: Setup, state: PipelineState | None = None) -> tuple[list[Fact], PipelineState]:
    state, facts = state or PipelineState(ScreenState()), []
    for batch in batches():
        outcome = step(setup, from_bytes(to_bytes(state)), batch, GAUGES, {})
        state, facts = outcome.state, facts + list(outcome.facts)
    return facts, state


def with_model(answer: Callable[[int, Forecast], Forecast | None]) -> Setup:
    return replace(SETUP, models=(MadeUp(answer),))


def told(facts: list[Fact]) -> list[ModelState]:
    return [fact.body for fact in facts if isinstance(fact.body, ModelState)]


@pytest.fixture(scope="module")
def by_levels_alone() -> list[Fact]:
    """What the storm gives without any model."""
    facts, _ = run(SETUP)
    return [fact for fact in facts if fact.kind in ("alarm", "incident", "alert")]


NAN, INF = float("nan"), float("inf")
WRONG: dict[str, tuple[Callable[[int, Forecast], object], str]] = {
    "raises": (fails, "failed"),
    "gives NaN": (lambda _, good: replace(good, value=((NAN, 2.0), (1.1, 2.1))), "unsound"),
    "gives infinity": (lambda _, good: replace(good, value=((1.0, INF), (1.1, 2.1))), "unsound"),
    "crosses its quantiles": (lambda _, good: replace(good, value=((2.0, 1.0), (1.1, 2.1))), "unsound"),
    "forgets a lead": (lambda _, good: replace(good, value=((1.0, 2.0),)), "unsound"),
    "speaks of another gauge": (lambda _, good: replace(good, series="elsewhere_m"), "unsound"),
    "is surer than sure": (
        lambda _, good: replace(good, crossings=(Crossing("advisory", 4.5, 2, (3600,), (1.5,)),)),
        "unsound",
    ),
    "invents a level": (
        lambda _, good: replace(good, crossings=(Crossing("dragon", 4.5, 2, (3600,), (0.9,)),)),
        "unsound",
    ),
    "gives no forecast but a word": (lambda _, good: "high", "failed"),
    "gives a value that is no number": (
        lambda _, good: replace(good, value=((None, 2.0), (1.1, 2.1))),
        "failed",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_model_that_fails_leaves_every_level_alarm_and_is_told_of_once(
    wrong: str, by_levels_alone: list[Fact]
) -> None:
    answer, cause = WRONG[wrong]
    facts, state = run(with_model(answer))  # type: ignore[arg-type]
    assert [fact for fact in facts if fact.kind in ("alarm", "incident", "alert")] == by_levels_alone
    assert {fact.kind for fact in by_levels_alone} == {"alarm", "incident", "alert"}
    assert not [fact for fact in facts if fact.kind == "forecast"]
    (off,) = told(facts)
    assert (off.hazard, off.series, off.model) == ("river", TARGET, "made-up")
    assert (off.step, off.cause) == ("off", cause)
    assert off.reason and off.reason.isprintable()
    assert list(state.models_off) == [("river", TARGET)]


def test_a_model_that_speaks_again_is_told_of_and_its_forecasts_count_from_then_on() -> None:
    facts, state = run(with_model(lambda times, good: good if times > 3 else fails(times, good)))
    off, on = told(facts)
    assert (off.step, on.step, on.since_us) == ("off", "on", off.since_us)
    first, second = (fact for fact in facts if fact.kind == "model")
    assert second.caused_by == (first.id,)
    assert first.recorded_us < second.recorded_us
    forecasts = [fact.recorded_us for fact in facts if fact.kind == "forecast"]
    assert min(forecasts) == second.recorded_us
    assert not state.models_off


def test_a_model_with_too_little_to_say_is_not_off() -> None:
    facts, _ = run(with_model(lambda times, good: None))
    assert not told(facts)


def test_another_cause_is_told_as_one_and_since_when_stays() -> None:
    nan = replace(GOOD, value=((NAN, 2.0), (1.1, 2.1)))
    facts, _ = run(
        with_model(
            lambda times, good: fails(times, good) if times < 3 else replace(nan, issued_us=good.issued_us)
        )
    )
    first, second = told(facts)
    assert (first.cause, second.cause) == ("failed", "unsound")
    assert first.since_us == second.since_us


def test_F26_a_failing_model_replayed_gives_the_same_facts_and_the_same_state() -> None:
    once, again = (run(with_model(fails)) for _ in range(2))
    assert once[0] == again[0]
    assert to_bytes(once[1]) == to_bytes(again[1])


def test_a_city_whose_history_was_deleted_warns_by_its_levels_and_says_that_the_model_is_missing(
    tmp_path: Path, by_levels_alone: list[Fact]
) -> None:
    folder = tmp_path / "ulsan"
    shutil.copytree(city_folder("ulsan"), folder)
    (folder / "history" / "stage_hourly.csv.gz").unlink()
    city = load_city(folder)
    models, missing = train(city, folder)
    assert models == ()
    facts, state = run(Setup(1, city, models, SETUP.status, missing=missing))
    assert [fact for fact in facts if fact.kind in ("alarm", "incident", "alert")] == by_levels_alone
    (off,) = told(facts)
    assert (off.step, off.cause, off.series) == ("off", "missing", TARGET)
    assert "stage_hourly.csv.gz" in off.reason and "no such file" in off.reason
    # the file is put back, the worker starts again: one more word, and no more
    mended = with_model(lambda times, good: good)
    again, after = run(mended, from_bytes(to_bytes(state)))
    assert [one.step for one in told(again)] == ["on"]
    assert not after.models_off


def test_a_hazard_that_is_not_installed_or_does_not_load_leaves_the_others_their_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_hazard.py").write_text("raise OSError('libriver.so: not found')\n")
    named = tmp_path / "broken-1.0.dist-info"
    named.mkdir()
    (named / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (named / "entry_points.txt").write_text("[cheoyong.hazards]\nbroken = broken_hazard:hazard\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    asked = {"nowhere": {TARGET: {}}, "broken": {TARGET: {}}}
    models, missing = train(replace(CITY, hazards={**CITY.hazards, **asked}), city_folder("ulsan"))
    assert [model.series for model in models] == [TARGET]
    assert {one.hazard: one.reason for one in missing} == {
        "nowhere": "no hazard 'nowhere' is installed",
        "broken": "the hazard broken cannot be loaded: OSError: libriver.so: not found",
    }


def test_a_gauge_that_cannot_be_trained_leaves_the_others_their_models() -> None:
    river = CITY.hazards["river"]
    asked = {"river": {**river, "no_such_gauge_m": {"upstream": []}}}
    models, missing = train(replace(CITY, hazards=asked), city_folder("ulsan"))
    assert [model.series for model in models] == [TARGET]
    assert [one.series for one in missing] == ["no_such_gauge_m"]


def test_a_model_that_is_asked_for_no_more_is_taken_off_the_list() -> None:
    gone = replace(SETUP, missing=(MissingModel("river", TARGET, "deleted"),))
    _, state = run(gone)
    facts, after = run(SETUP, state)
    assert [one.step for one in told(facts)] == ["removed"]
    assert not after.models_off
