# SPDX-License-Identifier: Apache-2.0
"""Laws of the band that corrects itself: it answers to misses, forgets, and cannot be fooled by gaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.domain.observation import Series
from cheoyong.hazards.river.conformal import BACK_H, widening
from cheoyong.hazards.river.features import state_at

SCORES = arrays(np.float64, (1, BACK_H, 3), elements=st.floats(0, 100) | st.just(np.nan))
CALM_US = parse_instant("2018-04-10T08:00:00+09:00")


@given(SCORES)
def test_the_factor_stays_in_its_bounds_whatever_came(scores):
    assert 0.9 - 1e-12 <= widening(scores)[0] <= 3.0 + 1e-12


@given(SCORES)
def test_a_greater_miss_never_narrows(scores):
    worse = scores.copy()
    worse[0, 0] *= 1.5  # the newest hour alone: an older one changes what later ones are held against
    assert widening(worse)[0] >= widening(scores)[0]


def test_nothing_known_changes_nothing():
    assert widening(np.full((4, BACK_H, 6), np.nan)).tolist() == [1.0] * 4


def test_a_miss_of_yesterday_weighs_less_than_one_of_the_last_hour():
    old, new = np.full((2, 1, BACK_H, 6), 0.5)
    old[:, -4:], new[:, :4] = 9.0, 9.0
    assert 1.0 < widening(old)[0] < widening(new)[0]


def _lifted(history, series, by_m, since_us):
    """The same record, as if the gauge read ``by_m`` more from an instant on."""
    one = history[series]
    lifted = np.where(one.time_us >= since_us, one.value + by_m, one.value)
    return {**history, series: Series(one.time_us, lifted)}


def test_a_river_that_leaves_its_band_widens_the_next_one_and_no_median_moves(river_model, river_history):
    moved = _lifted(river_history, river_model.series, 0.8, CALM_US - 2 * HOUR_US)
    issued = CALM_US + np.array([-3, 0]) * HOUR_US
    outlook = river_model.outlook(moved, issued)
    before, struck = outlook.correction
    assert before < 1.1
    assert struck > 1.5 * before
    learnt = river_model._outlook(state_at(river_model.basis, moved, issued), moved, issued)
    middle = np.array([0.5])
    np.testing.assert_allclose(
        river_model.quantiles_m(outlook, middle), river_model.quantiles_m(learnt, middle), atol=1e-9
    )


def test_between_the_hours_the_band_answers_to_the_same_past(river_model, river_history):
    storm_us = parse_instant("2018-10-06T08:00:00+09:00")
    issued = storm_us + np.array([0, HOUR_US // 4, HOUR_US // 2])
    known = {name: one.until(storm_us) for name, one in river_history.items()}
    correction = river_model.outlook(known, issued).correction
    assert correction.tolist() == [correction[0]] * 3
    assert correction[0] > 1


def test_the_window_holds_all_that_the_correction_reads(river_model, river_history):
    storm_us = parse_instant("2018-10-06T08:00:00+09:00")
    recent = {
        name: one.between(storm_us - river_model.window_s * 1_000_000, storm_us + 1)
        for name, one in river_history.items()
    }
    whole = {name: one.until(storm_us) for name, one in river_history.items()}
    assert river_model.forecast(recent, storm_us) == river_model.forecast(whole, storm_us)
