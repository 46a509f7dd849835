# SPDX-License-Identifier: Apache-2.0
"""Scores beside closed forms and scoringrules; spread and dependence beside known distributions."""

from __future__ import annotations

import numpy as np
import pytest
import scoringrules
from scipy.stats import multivariate_normal, norm

from cheoyong.hazards.river.crossing import dependence
from cheoyong.hazards.river.regression import Normal, normal, solve
from cheoyong.hazards.river.spread import fit_spread
from cheoyong.hazards.river.verify import CRPS_PROBABILITY, coverage, crps, nse, rmse

RNG = np.random.default_rng(7)


def test_crps_of_a_normal_forecast_is_near_its_closed_form():
    """σ (z (2Φ(z) − 1) + 2φ(z) − 1/√π), Gneiting et al. 2005, Mon. Wea. Rev. 133."""
    for z in (-1.5, 0.0, 0.7, 2.0):
        closed = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi)
        ours = crps(norm.ppf(CRPS_PROBABILITY)[None, :], np.array([z]))
        assert abs(ours - closed) < 0.01


def test_crps_agrees_with_scoringrules():
    quantiles = np.sort(RNG.normal(size=(50, len(CRPS_PROBABILITY))), axis=1)
    observed = RNG.normal(size=50)
    theirs = scoringrules.crps_quantile(observed, quantiles, CRPS_PROBABILITY)
    assert crps(quantiles, observed) == pytest.approx(float(np.mean(theirs)), rel=1e-9)


def test_nse_is_one_for_the_truth_and_zero_for_its_mean():
    observed = RNG.normal(size=100)
    assert nse(observed, observed) == 1.0
    assert nse(np.full(100, observed.mean()), observed) == pytest.approx(0.0)


def test_scores_of_nothing_are_not_a_number():
    empty = np.empty(0)
    scores = (
        nse(empty, empty),
        rmse(empty, empty),
        crps(np.empty((0, 40)), empty),
        coverage(empty, empty, empty),
    )
    assert all(np.isnan(score) for score in scores)


def test_a_fitted_spread_covers_what_it_says_at_every_activity():
    n = 40_000
    activity = RNG.gamma(0.5, 0.2, n)
    edge, top = np.quantile(activity, [0.97, 0.995])
    sigma = 0.03 + 0.5 * np.clip(activity - edge, 0, top - edge)
    hours = np.arange(n) * 3_600_000_000
    spread = fit_spread(RNG.normal(size=n) * sigma, activity, hours)
    up, down = spread.scales(activity)
    low, high = down * spread.z_at(np.array(0.05)), up * spread.z_at(np.array(0.95))
    fresh = RNG.normal(size=n) * sigma
    for rows in (activity < edge, activity >= edge):
        assert 0.86 < coverage(low[rows], high[rows], fresh[rows]) < 0.95
    assert spread.probability_above(spread.z_at(np.array(0.9))) == pytest.approx(0.1, abs=1e-6)


def test_dependence_gives_the_multivariate_normal_probability():
    """Beside scipy's multivariate normal distribution function."""
    correlation = np.array([[1.0, 0.7, 0.5], [0.7, 1.0, 0.8], [0.5, 0.8, 1.0]])
    errors = RNG.multivariate_normal(np.zeros(3), correlation, 20_000)
    single = np.array([0.1, 0.3, 0.35])
    expected = 1 - multivariate_normal(cov=correlation).cdf(norm.isf(single))
    assert dependence(errors).any_up_to(single)[-1] == pytest.approx(expected, abs=0.02)


def test_striking_out_a_column_equals_training_without_it():
    """Beside NumPy's least squares on the smaller design."""
    x = np.column_stack([np.ones(500), RNG.normal(size=(500, 4)) @ RNG.normal(size=(4, 4))])
    y = x @ np.array([1.0, 2.0, -1.0, 0.5, 3.0]) + RNG.normal(size=500)
    heavy = np.full(500, 1e9)  # so that the ridge does not count
    keep = np.array([True, True, False, True, True])
    beta = solve(normal(x, y, heavy), keep, np.zeros(5, bool))
    expected, residual, *_ = np.linalg.lstsq(x[:, keep], y, rcond=None)
    np.testing.assert_allclose(beta[keep], expected, rtol=1e-6)
    assert beta[2] == 0.0
    sums: Normal = normal(x, y, np.ones(500))
    assert sums.variance(beta) == pytest.approx(residual[0] / 500, rel=1e-6)
