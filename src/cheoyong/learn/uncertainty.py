# SPDX-License-Identifier: Apache-2.0
"""How sure a score is: 90 % intervals around scores of cases that err together, and around shares of storms.

Hours of one storm err together, so whole blocks of ten days are drawn with replacement (block bootstrap;
Künsch 1989, Annals of Statistics 17; for forecasts Hamill 1999, Weather and Forecasting 14), not hours. The
interval speaks of other draws of weather like the one seen; of a kind of storm that never came it says
nothing. Shares of storms get Wilson's interval (1927).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.stats import binomtest, bootstrap

from cheoyong.domain.instant import DAY_US
from cheoyong.domain.observation import Float64s, Int64s

BLOCK_US = 10 * DAY_US
BLOCKS_MIN = 10
LEVEL = 0.90
_DRAWS = 1000

Interval = tuple[float, float]
Figure = Callable[[Any], Any]


def intervals(at_us: Int64s, sums: Float64s, figures: Mapping[str, Figure]) -> dict[str, Interval]:
    """90 % interval of each figure; none with fewer than ten blocks, or where it is no number.

    ``sums`` (n, k): what each case at ``at_us`` (n,) adds; a figure is a function of the totals (…, k).
    The draws are the same at every call.

    >>> days = np.arange(400) * DAY_US
    >>> found = intervals(days, np.ones((400, 2)), {"share": lambda total: total[..., 0] / total[..., 1]})
    >>> found["share"]
    (1.0, 1.0)
    >>> intervals(days[:50], np.ones((50, 2)), {"share": lambda total: total[..., 0]})
    {}
    """
    _, block = np.unique(at_us // BLOCK_US, return_inverse=True)
    count = int(block.max(initial=-1)) + 1
    if count < BLOCKS_MIN:
        return {}
    total = np.zeros((count, sums.shape[1]))
    np.add.at(total, block, sums)
    found = {}
    for name, figure in figures.items():
        low, high = _drawn(total, figure)
        if np.isfinite([low, high]).all():
            found[name] = (round(low, 6), round(high, 6))
    return found


def _drawn(total: Float64s, figure: Figure) -> Interval:
    """Percentiles of the figure over draws of the blocks' totals (blocks, k)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        between = bootstrap(
            (np.arange(len(total)),), lambda index, axis: figure(total[index].sum(axis=axis - 1)),
            n_resamples=_DRAWS, vectorized=True, confidence_level=LEVEL, method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
    return float(between.low), float(between.high)


def share_interval(part: int, whole: int) -> Interval | None:
    """90 % interval (Wilson) of a share of which ``part`` of ``whole`` were seen; None when none was.

    >>> share_interval(0, 1), share_interval(0, 0)
    ((0.0, 0.7301), None)
    """
    if whole == 0:
        return None
    found = binomtest(part, whole).proportion_ci(confidence_level=LEVEL, method="wilson")
    return round(float(found.low), 4), round(float(found.high), 4)
