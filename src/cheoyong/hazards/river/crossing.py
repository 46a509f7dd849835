# SPDX-License-Identifier: Apache-2.0
"""Probability that a level is reached at any time up to each lead.

    P_l = P(max over leads ≤ l of stage ≥ limit) = 1 − Φ_R(a_1, …, a_l),   a_i = Φ⁻¹(1 − p_i)

p_i is the probability at lead i alone. The errors of the leads are tied by a Gaussian copula whose
correlation R is that of the errors on unseen lively hours (normal scores; Schefzik et al. 2013, Statist.
Sci. 28(4), review such couplings). Φ_R is counted over a fixed Sobol sample, so it is the same every
time. The result is kept inside the Fréchet bounds max p_i ≤ P_l ≤ Σ p_i. What happens between the leads
is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata
from scipy.stats.qmc import Sobol

from cheoyong.domain.city import Level
from cheoyong.domain.fact import Crossing
from cheoyong.domain.observation import Float64s

_DRAWS_LOG2 = 11
_ROWS_MIN = 50  # fewer shared errors say nothing of their correlation: taken as moving together


@dataclass(frozen=True, slots=True)
class Dependence:
    """Correlation (leads, leads) between the errors of the leads, and normal draws (2047, leads) with it."""

    correlation: Float64s
    draws: Float64s

    def any_up_to(self, single: Float64s) -> Float64s:
        """P_l for single-lead probabilities (leads,), 0-1; rising with the lead.

        >>> tied = dependence(np.zeros((0, 2)))  # too few errors: moving together
        >>> tied.any_up_to(np.array([0.3, 0.2])).round(2).tolist()
        [0.3, 0.3]
        """
        reached = np.logical_or.accumulate(self.draws >= norm.isf(single), axis=1).mean(axis=0)
        low = np.maximum.accumulate(single)
        return np.clip(np.maximum.accumulate(reached), low, np.minimum(np.cumsum(single), 1.0))


def dependence(errors: Float64s) -> Dependence:
    """Dependence learnt from errors (rows, leads) of the same issue instants."""
    rows, leads = errors.shape
    correlation = np.ones((leads, leads))
    if rows >= _ROWS_MIN and leads > 1:
        scores = norm.ppf((rankdata(errors, axis=0) - 0.5) / rows)
        correlation = np.corrcoef(scores, rowvar=False)
    size, axes = np.linalg.eigh(correlation)
    root = axes * np.sqrt(np.maximum(size, 0.0))
    # The first Sobol point is the corner of the cube, which no normal reaches.
    cube = Sobol(leads, scramble=False).random_base2(_DRAWS_LOG2)[1:]
    return Dependence(correlation, norm.ppf(cube) @ root.T)


def crossings(
    levels: Sequence[Level],
    lead_s: tuple[int, ...],
    own_now_m: float,
    above: Sequence[Sequence[float]],
    tied: Dependence,
) -> tuple[Crossing, ...]:
    """One crossing a level; ``above[level][lead]`` = P(stage ≥ limit at that lead), 0-1.

    A river already at or above the limit crosses it with certainty; NaN for ``own_now_m`` says unknown.
    """
    found = []
    for level, single in zip(levels, above, strict=True):
        up_to = tied.any_up_to(np.clip(np.asarray(single, float), 0.0, 1.0))
        if own_now_m >= level.limit:
            up_to = np.ones(len(lead_s))
        probability = tuple(float(p) for p in up_to)
        found.append(Crossing(level.id, level.limit, int(level.crisis_level), lead_s, probability))
    return tuple(found)
