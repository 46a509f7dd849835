# SPDX-License-Identifier: Apache-2.0
"""Demotion by coverage: a model whose band holds too little loses its say, is told of once, wins it back."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_pipeline import CITY, GAUGES, SERIES, SETUP

from cheoyong.detect.screen import State as ScreenState
from cheoyong.domain.fact import Crossing, Fact, Forecast, ModelState
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import PipelineState, step
from cheoyong.flow.state_bytes import from_bytes, to_bytes
from cheoyong.learn.band_record import DAYS, PENDING_MAX, Band, BandRecord, Count, come_due, expecting

TARGET = "taehwa_stage_m"
STREAM = SERIES.index(TARGET) + 1
START_US = 1_500_000_000_000_000 // HOUR_US * HOUR_US
LEADS_S = (3600, 7200, 10_800)


def stage_m(hour: int) -> float:
    """A calm tide."""
    return 1.0 + 0.2 * float(np.sin(hour / 2.0))


class Banded:
    """A model that says what comes, with a band that is right, or beside it from one hour to another."""

    id, series, inputs, window_s = "banded", TARGET, (TARGET,), 3600

    def __init__(self, wrong: Callable[[int], bool], chance: float = 0.0) -> None:
        self.wrong, self.chance = wrong, chance

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast:
        hour = (issued_us - START_US) // HOUR_US
        off = 0.5 if self.wrong(hour) else 0.0
        rows = tuple(
            tuple(round(stage_m(hour + lead // 3600) + off + side, 6) for side in (-0.2, 0.0, 0.2))
            for lead in LEADS_S
        )
        crossing = Crossing("advisory", 4.5, 2, LEADS_S, (self.chance,) * 3)
        return Forecast("river", self.id, TARGET, issued_us, LEADS_S, (0.05, 0.5, 0.95), rows, (crossing,))


def hours(model: Banded, days: int) -> list[Fact]:
    """The facts of so many days of hourly values, the state through bytes each time."""
    setup, state, facts = replace(SETUP, models=(model,)), PipelineState(ScreenState()), []
    for hour in range(days * 24):
        at_us = START_US + hour * HOUR_US
        batch = ObservationBatch(
            hour + 1, at_us, np.array([hour + 1]), np.array([STREAM]), np.array([at_us]),
            np.array([stage_m(hour)]),
        )  # fmt: skip
        outcome = step(setup, from_bytes(to_bytes(state)), batch, GAUGES, {})
        state, facts = outcome.state, facts + list(outcome.facts)
    return facts


def told(facts: list[Fact]) -> list[tuple[str, str, int]]:
    """Step, cause and hour of what was said of models."""
    return [
        (fact.body.step, fact.body.cause, (fact.about_us - START_US) // HOUR_US)
        for fact in facts
        if isinstance(fact.body, ModelState)
    ]


def maturities(facts: list[Fact]) -> list[str]:
    return [fact.body.maturity for fact in facts if isinstance(fact.body, Forecast)]


def test_the_made_up_city_forecasts_this_gauge() -> None:
    assert TARGET in CITY.hazards["river"]
    assert GAUGES[STREAM][1].series == TARGET


def test_a_band_that_holds_keeps_its_model_heard() -> None:
    facts = hours(Banded(lambda hour: False), 14)
    assert told(facts) == []
    assert set(maturities(facts)) == {"advisory"}


def test_a_band_that_never_holds_is_told_of_once_and_then_speaks_in_shadow() -> None:
    facts = hours(Banded(lambda hour: True), 14)
    ((step_, cause, hour),) = told(facts)
    assert (step_, cause) == ("off", "narrow")
    assert 8 * 24 <= hour <= 10 * 24  # ten days of the calendar have judged it
    (off,) = (fact.body for fact in facts if isinstance(fact.body, ModelState))
    assert "held 0% of" in off.reason
    said = maturities(facts)
    assert said[: hour - 1] == ["advisory"] * (hour - 1)
    assert set(said[hour + 1 :]) == {"shadow"}


def test_a_model_that_holds_again_wins_its_say_back() -> None:
    facts = hours(Banded(lambda hour: hour < 8 * 24), 50)
    (off, on) = told(facts)
    assert (off[:2], on[:2]) == (("off", "narrow"), ("on", "narrow"))
    assert maturities(facts)[-1] == "advisory"


def test_while_it_is_demoted_its_certainty_opens_no_incident_and_levels_still_would() -> None:
    """Sure of a flood from the twelfth day on: that opens an incident, but none once demoted."""

    class Crier(Banded):
        def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast:
            self.chance = 0.99 if issued_us >= START_US + 12 * 24 * HOUR_US else 0.0
            return super().forecast(recent, issued_us)

    honest, demoted = hours(Crier(lambda hour: False), 13), hours(Crier(lambda hour: True), 13)
    assert [fact for fact in honest if fact.kind == "incident"]
    assert not [fact for fact in demoted if fact.kind in ("incident", "alert")]
    assert told(demoted)[0][:2] == ("off", "narrow")


def test_nothing_is_taken_away_while_an_incident_is_open() -> None:
    facts = hours(Banded(lambda hour: True, chance=0.99), 14)
    assert [fact for fact in facts if fact.kind == "incident"]
    assert told(facts) == []


def test_another_model_begins_a_record_of_its_own() -> None:
    said = Banded(lambda hour: False).forecast({}, START_US)
    old = BandRecord("before", (Band(1, 3600, 0.0, 0.5, 1.0),), (Count(1, 3600, 24, 0, 12.0),))
    assert expecting(old, said).counts == ()
    assert expecting(old, said).model == "banded"


@given(st.lists(st.tuples(st.integers(0, 40 * 24), st.booleans()), max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_record_stays_bounded_and_never_counts_a_band_twice(issues: list[tuple[int, bool]]) -> None:
    record, model = BandRecord(), Banded(lambda hour: False)
    at_us = START_US + np.arange(60 * 24, dtype=np.int64) * HOUR_US
    own = Series(at_us, np.array([stage_m(hour) for hour in range(len(at_us))]))
    for hour, judge in sorted(issues):
        record = expecting(record, model.forecast({}, START_US + hour * HOUR_US))
        if judge:
            record = come_due(record, own.until(START_US + hour * HOUR_US))
        assert len(record.pending) <= PENDING_MAX
        assert record.days <= DAYS
    # every band is exact, so every one that is judged is held, once
    whole = come_due(record, own)
    assert whole.judged <= 3 * len({hour for hour, _ in issues})
    assert whole.share == pytest.approx(1.0) or whole.judged == 0
