# SPDX-License-Identifier: Apache-2.0
"""How wrong the forecast may be: a two-sided error scale that grows with the storm, and its quantiles.

    σ±(s) = a± + b± · min((s − s₁)₊, s₂ − s₁) + c± · (s − s₂)₊,   a±, b±, c± ≥ 0,   s = rise + excess
    q_p   = μ + σ₊ z_p  for z_p ≥ 0,   μ + σ₋ z_p  for z_p < 0

A location-scale model (e.g. Koenker 2005). s is the activity (m), s₁ and s₂ its 97 % and 99.5 % quantiles:
below s₁ the error does not depend on it. σ± are fitted by non-negative least squares to the positive and
negative errors made on days that the fit had not seen (cross-fitting); z_p is the empirical quantile of
the standardised errors. The scored days take no part. A storm part learnt from n storms only is widened by
t₀.₉₅(n − 1) / z₀.₉₅, as the prediction interval of a sample of n would be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import norm, t

from cheoyong.domain.observation import Float64s, Int64s

GRID = np.concatenate([[0.001, 0.0025], np.arange(0.005, 0.9951, 0.005), [0.9975, 0.999]])
_SCALE_MIN_M = 1e-3
_STORM_GAP_US = 48 * 3_600_000_000  # two lively hours further apart belong to two storms
_WIDENING_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Coefficients (a, b, c) upward and downward; knots (s₁, s₂, largest s) in m; z at each of ``GRID``."""

    up: Float64s
    down: Float64s
    knots_m: Float64s
    z: Float64s

    def scales(self, activity_m: Float64s) -> tuple[Float64s, Float64s]:
        """σ₊ and σ₋ (m) at each activity; activity beyond the record counts as the record's."""
        inputs = _inputs(activity_m, self.knots_m)
        return inputs @ self.up, inputs @ self.down

    def z_at(self, probability: Float64s) -> Float64s:
        """Standardised error at probabilities (0-1), flat beyond the outermost of ``GRID``."""
        return np.asarray(np.interp(probability, GRID, self.z))

    def probability_above(self, z: Float64s) -> Float64s:
        """P(standardised error ≥ z), 0 and 1 beyond the record."""
        return np.asarray(1.0 - np.interp(z, self.z, GRID, left=0.0, right=1.0))


def fit_spread(error_m: Float64s, activity_m: Float64s, issued_us: Int64s) -> Spread:
    """Spread from errors (observed − forecast, m) on unseen rows and their activity (m); all (n,)."""
    knots_m = np.array([np.quantile(activity_m, 0.97), np.quantile(activity_m, 0.995), activity_m.max()])
    inputs = _inputs(activity_m, knots_m)
    up = _scale(inputs, error_m, error_m >= 0)
    down = _scale(inputs, -error_m, error_m < 0)
    scale = np.where(error_m >= 0, inputs @ up, inputs @ down)
    z = np.quantile(error_m / scale, GRID)
    # A quantile table must rise strictly to be read backward.
    z = np.maximum.accumulate(z) + 1e-9 * np.arange(len(z))
    storm = np.array([1.0, *[storm_widening(storm_count(issued_us[activity_m > knots_m[1]]))] * 2])
    return Spread(up * storm, down * storm, knots_m, z)


def storm_count(lively_us: Int64s) -> int:
    """How many storms the lively instants (rising) belong to.

    >>> storm_count(np.array([0, 1, 300]) * 3_600_000_000)
    2
    """
    return int(np.sum(np.diff(lively_us) > _STORM_GAP_US)) + 1 if len(lively_us) else 0


def storm_widening(storms: int) -> float:
    """Factor on a spread learnt from so few storms, 1 to 2.

    >>> round(storm_widening(5), 3), storm_widening(1), round(storm_widening(1000), 2)
    (1.296, 2.0, 1.0)
    """
    if storms < 2:
        return _WIDENING_MAX
    return min(float(t.ppf(0.95, storms - 1) / norm.ppf(0.95)), _WIDENING_MAX)


def _inputs(activity_m: Float64s, knots_m: Float64s) -> Float64s:
    first, second, largest = knots_m
    bounded = np.minimum(activity_m, largest)
    lively = np.clip(bounded - first, 0, second - first)
    return np.stack([np.ones_like(bounded), lively, np.maximum(bounded - second, 0)], axis=-1)


def _scale(inputs: Float64s, size_m: Float64s, side: NDArray[np.bool_]) -> Float64s:
    """Non-negative coefficients of the mean absolute error on one side; never a zero spread."""
    if not side.any():
        return np.array([_SCALE_MIN_M, 0.0, 0.0])
    coefficient, _ = nnls(inputs[side], size_m[side])
    coefficient[0] = max(coefficient[0], _SCALE_MIN_M)
    return np.asarray(coefficient, float)
