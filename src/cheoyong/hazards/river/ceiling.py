# SPDX-License-Identifier: Apache-2.0
"""A bound on extrapolation: beyond the highest stage ever learnt from, water spreads and rises more slowly.

    T(h) = h                                 up to H
    T(h) = H + C (1 − exp(−(h − H) / C))     above: slope 1 at H, never over H + C

H is the highest stage of the training record, or the stage at the issue instant when that is higher (by at
most C: what the river has just done belongs to the record); C = highest of the record − median.

Overbank flow widens faster than it deepens, so stage grows ever less with discharge (Chow 1959, Open-Channel
Hydraulics, ch. 6); the form is ours. T is rising, so quantiles stay quantiles. The same below the lowest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cheoyong.domain.observation import Float64s


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Lowest, median and highest stage of the training record (m), lowest < median < highest."""

    lowest_m: float
    median_m: float
    highest_m: float

    @property
    def bounds_m(self) -> tuple[float, float]:
        """No forecast leaves this interval (m)."""
        return 2 * self.lowest_m - self.median_m, 3 * self.highest_m - 2 * self.median_m

    def raised_m(self, own_now_m: Float64s) -> Float64s:
        """By how much the stage at issue lifts H (m), any shape; 0 where it is unknown.

        >>> Ceiling(0.5, 1.0, 4.0).raised_m(np.array([np.nan, 3.0, 4.5, 99.0])).tolist()
        [0.0, 0.0, 0.5, 3.0]
        """
        over = np.nan_to_num(own_now_m - self.highest_m)
        return np.asarray(np.clip(over, 0.0, self.highest_m - self.median_m))

    def bend(self, stage_m: Float64s, raised_m: Float64s) -> Float64s:
        """T(h), any shape, with H lifted by ``raised_m`` (same shape or one that broadcasts).

        >>> c = Ceiling(0.5, 1.0, 4.0)
        >>> c.bend(np.array([2.0, 4.0, 7.0, 1e9]), np.zeros(1)).round(3).tolist()
        [2.0, 4.0, 5.896, 7.0]
        """
        above, below = self.highest_m - self.median_m, self.median_m - self.lowest_m
        top = self.highest_m + raised_m
        high = top - above * np.expm1(-np.maximum(stage_m - top, 0) / above)
        low = self.lowest_m + below * np.expm1(np.minimum(stage_m - self.lowest_m, 0) / below)
        return np.where(stage_m > top, high, np.where(stage_m < self.lowest_m, low, stage_m))

    def unbend(self, stage_m: float, raised_m: float) -> float:
        """The h with T(h) = stage_m; ±inf when there is none.

        >>> c = Ceiling(0.5, 1.0, 4.0)
        >>> round(c.unbend(float(c.bend(np.array(5.5), np.array(0.3))), 0.3), 9), c.unbend(8.0, 0.0)
        (5.5, inf)
        """
        above, below = self.highest_m - self.median_m, self.median_m - self.lowest_m
        top = self.highest_m + raised_m
        if stage_m >= top + above:
            return float("inf")
        if stage_m <= self.lowest_m - below:
            return float("-inf")
        if stage_m > top:
            return float(top - above * np.log1p(-(stage_m - top) / above))
        if stage_m < self.lowest_m:
            return float(self.lowest_m + below * np.log1p((stage_m - self.lowest_m) / below))
        return float(stage_m)
