# SPDX-License-Identifier: Apache-2.0
"""Laws of judging past forecasts, and an independent library as oracle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.city import Level
from cheoyong.domain.fact import Crossing, Forecast
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import Series
from cheoyong.learn.judged import judged
from cheoyong.learn.level_verification import level_scores
from cheoyong.learn.past import past_of
from cheoyong.learn.verification import FEW, crps, lead_scores, season_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
HOURS = 400
DICE = np.random.default_rng(7)


def river(hours: int = HOURS) -> Series:
    """A wobbling level with one flood of ten hours at hour 200."""
    at = np.arange(hours, dtype=np.int64)
    value = 1.0 + 0.2 * np.sin(at / 4.0) + np.where((at >= 200) & (at < 210), 3.0, 0.0)
    return Series(at * HOUR_US, value)


def forecast(
    own: Series, hour: int, *, off_m: float = 0.0, spread_m: float = 0.0, chance: float = 0.0
) -> Forecast:
    """What comes in 1 to 3 hours, off by ``off_m``, with a band of ``spread_m`` on each side."""
    rows = [
        tuple(
            float(own.value[min(hour + lead, len(own.value) - 1)]) + off_m + spread_m * side
            for side in (-1, -0.5, 0, 0.5, 1)
        )
        for lead in (1, 2, 3)
    ]
    crossing = Crossing("advisory", 3.0, 2, (3600, 7200, 10800), (chance, chance, chance))
    return Forecast(
        "river", "test", "x", hour * HOUR_US, (3600, 7200, 10800), QUANTILES, tuple(rows), (crossing,)
    )


def all_hours(own: Series, **how: float) -> list[Forecast]:
    return [forecast(own, hour, **how) for hour in range(len(own.value) - 3)]


def test_a_perfect_forecast_scores_perfectly_and_no_change_does_not() -> None:
    own = river()
    for lead in lead_scores(past_of(all_hours(own)), own):
        assert (lead.nse, lead.kge, lead.rmse, lead.bias, lead.crps) == (1.0, 1.0, 0.0, 0.0, 0.0)
        assert lead.coverage_90 == 1.0
        assert lead.crps_persistence > 0.01
        assert lead.nse_persistence < 1.0


def test_the_season_has_no_skill_over_itself() -> None:
    before = Series(np.arange(2000, dtype=np.int64) * HOUR_US, DICE.normal(2.0, 0.5, 2000))
    season = season_of(before, QUANTILES)
    assert season is not None
    own = Series(np.arange(HOURS, dtype=np.int64) * HOUR_US, DICE.normal(2.0, 0.5, HOURS))
    said = [
        replace(
            forecast(own, hour),
            value=tuple(map(tuple, season(np.array([hour + 1, hour + 2, hour + 3]) * HOUR_US))),
        )
        for hour in range(HOURS - 3)
    ]
    for lead in lead_scores(past_of(said), own, before):
        assert lead.crps == pytest.approx(lead.crps_climatology)
        assert lead.nse == pytest.approx(lead.nse_climatology)


def test_quantiles_that_are_right_lie_on_the_diagonal() -> None:
    own = Series(np.arange(4000, dtype=np.int64) * HOUR_US, DICE.normal(0.0, 1.0, 4000))
    normal = tuple(float(q) for q in np.quantile(own.value, QUANTILES))
    said = [replace(forecast(own, hour), value=(normal,) * 3) for hour in range(3997)]
    for lead in lead_scores(past_of(said), own):
        for quantile, share in lead.reliability:
            assert share == pytest.approx(quantile, abs=0.01)
        assert lead.coverage_90 == pytest.approx(0.9, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=5, max_size=5), st.floats(-60, 60))
def test_the_score_of_quantiles_is_that_of_an_independent_library(values: list[float], came: float) -> None:
    """``scoringrules``: twice the pinball score, weighted as our quantiles stand for probability."""
    said = np.sort(np.array([values]))
    edges = np.concatenate([[0.0], (np.array(QUANTILES)[1:] + np.array(QUANTILES)[:-1]) / 2, [1.0]])
    pinball = [
        float(scoringrules.quantile_score(np.array([came]), said[:, i], quantile)[0])
        for i, quantile in enumerate(QUANTILES)
    ]
    assert crps(QUANTILES, said, np.array([came])) == pytest.approx(
        2 * np.dot(pinball, np.diff(edges)), abs=1e-9
    )


def test_the_order_of_forecasts_does_not_matter() -> None:
    own = river()
    said = all_hours(own, off_m=0.1, spread_m=0.3, chance=0.2)
    mixed = [said[i] for i in DICE.permutation(len(said))]
    assert lead_scores(past_of(mixed), own) == lead_scores(past_of(said), own)


def test_with_few_cases_nothing_is_said() -> None:
    own = river()
    some = all_hours(own)[: FEW - 5]
    for lead in lead_scores(past_of(some), own):
        assert 0 < lead.cases < FEW
        assert (lead.nse, lead.rmse, lead.crps, lead.coverage_90) == (None,) * 4
    assert judged([], own, None, ()) == {"leads": [], "seasons": [], "levels": []}


def test_what_was_not_measured_is_no_case() -> None:
    own = river()
    gone = Series(own.time_us[:300], own.value[:300])
    cases = lead_scores(past_of(all_hours(own)), gone)[0].cases
    assert cases == 299


@pytest.mark.parametrize(
    ("likely", "hits", "misses", "false", "lead_s"),
    [
        ((198, 199), 1, 0, 0, 7200),
        ((), 0, 1, 0, None),
        ((50, 198), 1, 0, 1, 7200),
        ((50, 51, 120), 0, 1, 2, None),
    ],
)
def test_a_storm_counts_once_however_often_it_was_foretold(
    likely: tuple[int, ...], hits: int, misses: int, false: int, lead_s: int | None
) -> None:
    own = river()
    said = [forecast(own, hour, chance=0.8 if hour in likely else 0.01) for hour in range(HOURS - 3)]
    (score,) = level_scores(past_of(said), own, [("advisory", 3.0)])
    assert (score.events, score.hits, score.misses, score.false_alarms) == (1, hits, misses, false)
    assert score.median_lead_s == lead_s
    assert score.pod is None, "one storm is too few for a ratio"


def test_brier_is_zero_for_one_who_knows_and_without_skill_for_one_who_says_the_usual() -> None:
    own = river()
    knows = [forecast(own, hour, chance=1.0 if 197 <= hour < 200 else 0.0) for hour in range(HOURS - 3)]
    (score,) = level_scores(past_of(knows), own, [("advisory", 3.0)])
    assert (score.brier, score.brier_skill) == (0.0, 1.0)
    below = HOURS - 3 - 10
    usual = [forecast(own, hour, chance=3 / below) for hour in range(HOURS - 3)]
    (score,) = level_scores(past_of(usual), own, [("advisory", 3.0)])
    assert score.brier_skill == pytest.approx(0.0, abs=0.02)


def test_judged_is_plain_and_names_its_levels() -> None:
    own = river()
    level = Level(
        "advisory",
        {"ko": "주의보", "en": "advisory"},
        3.0,
        CrisisLevel.CAUTION,
        Priority.MEDIUM,
        "test",
        True,
    )
    found = judged(all_hours(own, chance=0.1), own, None, [level, replace(level, id="low", below=True)])
    assert [one["name"]["en"] for one in found["levels"]] == ["advisory"]
    assert found["leads"][0]["cases_high"] == 10
    assert [one["quantile"] for one in found["leads"][0]["reliability"]] == list(QUANTILES)
