# SPDX-License-Identifier: Apache-2.0
"""Band corrected as it goes: forecasts of the last day that missed widen the next one, hits narrow it.

    s_jl = |came − median| / half of the 90 % band on that side,   of what came j hours ago, forecast l before
    θ    ← clip(θ + γ (share of leads l with log s_jl > θ, less 0.1), log 0.9, log 3),   j = 23, …, 0
    σ±   ← e^θ σ±,   from θ = 0

The quantile tracker of Angelopoulos, Candès and Tibshirani (2023, NeurIPS, Conformal PID Control, eq. 5), a
form of adaptive conformal inference (Gibbs and Candès 2021, NeurIPS), on the logarithm of scores in units of
the model's own spread. All leads share one θ: a miss one hour ahead tells of six hours ahead, whose outcome
is still to come. Both sides do: apart, the band would lean upward in every rise, and its mean with it.
θ starts anew for each forecast and reads its last day alone, so a forecast stays a pure function of what it
is given. For the same reason the long-run coverage of the endless tracker is not guaranteed, only measured
(docs/explanation/river.md). Down to a tenth narrower, no further: a quiet day is no evidence about a storm.
"""

from __future__ import annotations

import numpy as np

from cheoyong.domain.observation import Float64s

BACK_H = 24
BAND = (0.05, 0.5, 0.95)
# γ and both bounds: best sum of interval scores over 2016 and 2017 at Taehwa, each forecast by the other.
_STEP = 0.2
_NARROWEST, _WIDEST = 0.9, 3.0
_MISS = 0.1  # what a 90 % band may miss
_HALF_MIN_M = 1e-3


def excess(came_m: Float64s, band_m: Float64s) -> Float64s:
    """Scores s (any shape) of what came, ``band_m`` (…, 3) at ``BAND``; over 1 is outside, NaN unknown.

    >>> excess(np.array([2.0, 1.0, 5.0]), np.array([[0.0, 2.0, 3.0]] * 3)).tolist()
    [0.0, 0.5, 3.0]
    """
    low, middle, high = (band_m[..., i] for i in range(3))
    half = np.where(came_m >= middle, high - middle, middle - low)
    return np.asarray(np.abs(came_m - middle) / np.maximum(half, _HALF_MIN_M))


def widening(scores: Float64s) -> Float64s:
    """Factors (issues,), 0.9 to 3, from scores (issues, ``BACK_H``, leads).

    Hours go back, the newest first; those of which nothing is known (NaN) change nothing.

    >>> calm, struck = np.full((1, BACK_H, 2), 0.5), np.full((1, BACK_H, 2), np.nan)
    >>> struck[0, :3] = 9.0  # three hours of misses at every lead
    >>> widening(calm).tolist(), widening(struck).round(2).tolist()
    ([0.9], [1.72])
    """
    theta = np.zeros(len(scores))
    for hour in range(scores.shape[1] - 1, -1, -1):
        known = np.isfinite(scores[:, hour])
        beyond = np.where(known, scores[:, hour], 0.0) > np.exp(theta)[:, None]
        share = beyond.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        step = np.where(known.any(axis=1), _STEP * (share - _MISS), 0.0)
        theta = np.clip(theta + step, np.log(_NARROWEST), np.log(_WIDEST))
    return np.asarray(np.exp(theta))
