# SPDX-License-Identifier: Apache-2.0
"""Laws of the intervals around scores: they hold the score, widen with fewer storms, and are reproducible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.domain.observation import Series
from cheoyong.learn.past import Past
from cheoyong.learn.seasons import season_scores
from cheoyong.learn.uncertainty import intervals, share_interval
from cheoyong.learn.verification import lead_scores

DICE = np.random.default_rng(11)
MEAN = {"mean": lambda total: total[..., 0] / total[..., 1]}


def hours_of(days: int) -> np.ndarray:
    return np.arange(days * 24, dtype=np.int64) * HOUR_US


def year(days: int = 360, error_m: float = 0.1) -> tuple[Past, Series]:
    """Forecasts of one lead, an hour, off by chance, and what came."""
    at_us = hours_of(days)
    came = 1.0 + 0.3 * np.sin(np.arange(len(at_us)) / 9.0)
    guess = np.roll(came, -1) + DICE.normal(0, error_m, len(came))
    value = guess[:, None, None] + error_m * np.array([-1.645, 0.0, 1.645])
    return Past(at_us, (3600,), (0.05, 0.5, 0.95), value, {}), Series(at_us, came)


def test_the_interval_holds_the_score_and_names_what_it_is_of() -> None:
    (score,) = lead_scores(*year())
    assert set(score.interval) == {"nse", "rmse", "crps", "crps_skill", "coverage_90"}
    for name in ("nse", "rmse", "crps", "coverage_90"):
        low, high = score.interval[name]
        assert low < getattr(score, name) < high


def test_a_perfect_forecast_is_surely_perfect() -> None:
    (score,) = lead_scores(*year(error_m=0.0))
    assert score.interval["nse"] == (1.0, 1.0)
    assert score.interval["rmse"] == (0.0, 0.0)


def test_a_tenth_of_the_record_widens_the_interval_and_less_has_none() -> None:
    def width(days: int) -> float:
        low, high = lead_scores(*year(days))[0].interval["rmse"]
        return high - low

    assert width(120) > 1.5 * width(1200)
    assert lead_scores(*year(90))[0].interval == {}


def test_errors_of_one_storm_are_one_piece_of_evidence() -> None:
    """As many wrong hours, all in one storm or spread over the year: the storm leaves more open."""
    at_us = hours_of(360)
    wrong = np.zeros(len(at_us))
    storm, spread = wrong.copy(), wrong.copy()
    storm[1000:1200] = 1.0
    spread[DICE.permutation(len(wrong))[:200]] = 1.0
    between = [
        intervals(at_us, np.column_stack([one, np.ones(len(one))]), MEAN)["mean"] for one in (storm, spread)
    ]
    assert between[0][1] - between[0][0] > 5 * (between[1][1] - between[1][0])


def test_independent_cases_get_nearly_the_interval_of_their_share() -> None:
    """Against Wilson's, which is exact enough for 3,600 independent cases."""
    at_us = np.arange(3600, dtype=np.int64) * DAY_US // 10
    hit = DICE.random(3600) < 0.9
    (low, high) = intervals(at_us, np.column_stack([hit, np.ones(3600)]), MEAN)["mean"]
    assert (low, high) == pytest.approx(share_interval(int(hit.sum()), 3600), abs=0.005)


def test_the_same_cases_give_the_same_interval_twice() -> None:
    record = year()
    assert lead_scores(*record)[0].interval == lead_scores(*record)[0].interval


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_interval_of_a_share_holds_it_and_stays_a_share(hits: int, more: int) -> None:
    between = share_interval(hits, hits + more)
    if between is None:
        assert hits + more == 0
    else:
        low, high = between
        assert 0.0 <= low <= hits / (hits + more) <= high <= 1.0


def test_seasons_share_the_cases_among_them() -> None:
    past, came = year()
    (whole,) = lead_scores(past, came)
    seasons = season_scores(past, came)
    assert [one["months"] for one in seasons] == [[12, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert sum(one["leads"][0]["cases"] for one in seasons) == whole.cases
    assert len(season_scores(past.only(past.issued_us < 40 * DAY_US), came)) == 1
