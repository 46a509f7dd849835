# SPDX-License-Identifier: Apache-2.0
"""Is a model still fit: drift of its inputs, coverage of its band, precision of its alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_SHARE_MIN = 1e-4  # an empty bin has no logarithm
_CASES_MIN = 50  # judgement
_Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution


def population_stability(expected: Sequence[float], found: Sequence[float]) -> float:
    """Population stability index of two lists of shares over the same bins: 0 when alike, no upper bound.

    >>> population_stability([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(population_stability([0.5, 0.5], [0.75, 0.25]), 4)
    0.2747
    """
    before = np.maximum(np.asarray(expected, dtype=np.float64), _SHARE_MIN)
    now = np.maximum(np.asarray(found, dtype=np.float64), _SHARE_MIN)
    return float(((now - before) * np.log(now / before)).sum())


def share_interval(hits: int, cases: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) without cases.

    >>> tuple(round(x, 4) for x in share_interval(5, 10))
    (0.2366, 0.7634)
    """
    if not cases:
        return 0.0, 1.0
    share, z2 = hits / cases, _Z95 * _Z95
    middle = (share + z2 / (2 * cases)) / (1 + z2 / cases)
    half = _Z95 * math.sqrt(share * (1 - share) / cases + z2 / (4 * cases * cases)) / (1 + z2 / cases)
    return max(0.0, middle - half), min(1.0, middle + half)


def coverage_outside(inside: int, cases: int) -> bool:
    """Whether a 90 % band surely holds fewer than 85 % or more than 95 %: the whole interval lies outside.

    Fewer than 50 cases say nothing: hours of one storm err together, the interval takes them for single ones.

    >>> coverage_outside(0, 1), coverage_outside(700, 1000), coverage_outside(900, 1000)
    (False, True, False)
    """
    if cases < _CASES_MIN:
        return False
    low, high = share_interval(inside, cases)
    return high < 0.85 or low > 0.95


def capped(alarms_a_day: float, true: int, judged: int, *, per_day_max: float, precision_min: float) -> bool:
    """Whether a model speaks in a digest only: too many alarms a day, and surely too few of them true.

    >>> capped(40.0, 5, 100, per_day_max=10.0, precision_min=0.3)
    True
    >>> capped(40.0, 0, 1, per_day_max=10.0, precision_min=0.3)
    False
    """
    return alarms_a_day > per_day_max and share_interval(true, judged)[1] < precision_min
