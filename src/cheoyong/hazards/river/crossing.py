# SPDX-License-Identifier: Apache-2.0
"""Probability that a level is reached at any time up to each lead.

The errors of the leads are taken as moving together (comonotone): if 2 h ahead comes out at its 90 %
quantile, so does 3 h ahead. Then P(max up to lead ≥ limit) is the largest of the single-lead
probabilities (Fréchet–Hoeffding). It is the smallest value that any dependence allows: never overstated
by this assumption.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cheoyong.domain.city import Level
from cheoyong.domain.fact import Crossing


def crossings(
    levels: Sequence[Level], lead_s: tuple[int, ...], own_now_m: float, above: Sequence[Sequence[float]]
) -> tuple[Crossing, ...]:
    """One crossing a level; ``above[level][lead]`` = P(stage ≥ limit at that lead), 0-1.

    A river already at or above the limit crosses it with certainty; NaN for ``own_now_m`` says unknown.
    """
    found = []
    for level, single in zip(levels, above, strict=True):
        up_to = np.maximum.accumulate(np.asarray(single, float))
        if own_now_m >= level.limit:
            up_to[:] = 1.0
        probability = tuple(float(p) for p in np.clip(up_to, 0.0, 1.0))
        found.append(Crossing(level.id, level.limit, int(level.crisis_level), lead_s, probability))
    return tuple(found)
