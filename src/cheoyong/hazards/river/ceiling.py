# SPDX-License-Identifier: Apache-2.0
"""A bound on extrapolation: beyond the highest stage ever learnt from, water spreads and rises more slowly.

    T(h) = h                                 up to the highest stage H of the training record
    T(h) = H + C (1 − exp(−(h − H) / C))     above, with C = H − median: slope 1 at H, never over H + C

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
        return 2 * self.lowest_m - self.median_m, 2 * self.highest_m - self.median_m

    def bend(self, stage_m: Float64s) -> Float64s:
        """T(h), any shape.

        >>> c = Ceiling(0.5, 1.0, 4.0)
        >>> c.bend(np.array([2.0, 4.0, 7.0, 1e9])).round(3).tolist()
        [2.0, 4.0, 5.896, 7.0]
        """
        above, below = self.highest_m - self.median_m, self.median_m - self.lowest_m
        high = self.highest_m - above * np.expm1(-np.maximum(stage_m - self.highest_m, 0) / above)
        low = self.lowest_m + below * np.expm1(np.minimum(stage_m - self.lowest_m, 0) / below)
        return np.where(stage_m > self.highest_m, high, np.where(stage_m < self.lowest_m, low, stage_m))

    def unbend(self, stage_m: float) -> float:
        """The h with T(h) = stage_m; ±inf outside the bounds.

        >>> c = Ceiling(0.5, 1.0, 4.0)
        >>> round(c.unbend(float(c.bend(np.array(5.5)))), 9), c.unbend(8.0)
        (5.5, inf)
        """
        floor, top = self.bounds_m
        if stage_m >= top:
            return float("inf")
        if stage_m <= floor:
            return float("-inf")
        above, below = self.highest_m - self.median_m, self.median_m - self.lowest_m
        if stage_m > self.highest_m:
            return float(self.highest_m - above * np.log1p(-(stage_m - self.highest_m) / above))
        if stage_m < self.lowest_m:
            return float(self.lowest_m + below * np.log1p((stage_m - self.lowest_m) / below))
        return float(stage_m)
