# SPDX-License-Identifier: Apache-2.0
"""Scores of stage forecasts against what came: pure functions of equally long arrays."""

from __future__ import annotations

import math

import numpy as np

from cheoyong.domain.observation import Float64s

CRPS_PROBABILITY = (np.arange(40) + 0.5) / 40  # midpoints: the quantile integral below by the midpoint rule


def nse(forecast: Float64s, observed: Float64s) -> float:
    """Nash-Sutcliffe efficiency, −∞ to 1 (Nash and Sutcliffe 1970, J. Hydrol. 10); NaN when nothing varies.

    >>> nse(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    0.5
    """
    variation = float(np.sum((observed - observed.mean()) ** 2)) if len(observed) else 0.0
    return 1.0 - float(np.sum((forecast - observed) ** 2)) / variation if variation > 0 else math.nan


def rmse(forecast: Float64s, observed: Float64s) -> float:
    """Root mean square error, in the unit of the inputs; NaN when there are none.

    >>> rmse(np.array([1.0, 2.0]), np.array([4.0, 6.0])) == 12.5**0.5
    True
    """
    return float(np.sqrt(np.mean((forecast - observed) ** 2))) if len(observed) else math.nan


def crps(quantiles: Float64s, observed: Float64s) -> float:
    """Mean continuous ranked probability score, in the unit of the inputs; less is better.

    ``quantiles`` (n, 40) at ``CRPS_PROBABILITY``, ``observed`` (n,). The score is twice the quantile
    (pinball) score integrated over probability (Gneiting and Raftery 2007, JASA 102(477)).

    >>> crps(np.full((1, 40), 2.0), np.array([5.0]))
    3.0
    """
    if len(observed) == 0:
        return math.nan
    error = observed[:, None] - quantiles
    pinball = np.where(error >= 0, CRPS_PROBABILITY * error, (CRPS_PROBABILITY - 1) * error)
    return float(2 * pinball.mean())


def coverage(low: Float64s, high: Float64s, observed: Float64s) -> float:
    """Share of observations inside [low, high], 0-1.

    >>> coverage(np.zeros(4), np.ones(4), np.array([0.5, 1.0, 1.5, -1.0]))
    0.5
    """
    return float(np.mean((observed >= low) & (observed <= high))) if len(observed) else math.nan
