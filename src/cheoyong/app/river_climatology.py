# SPDX-License-Identifier: Apache-2.0
"""Climatology of a gauge: what a stage usually is in that month at that hour, learnt from one record."""

from __future__ import annotations

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.hazards.river.sampling import HOUR_US, finite_only, without

_CELLS = 12 * 24


class Climatology:
    """Mean stage (m) of each month of the year and hour of the day (UTC); the whole mean where none was seen.

    >>> hours = np.arange(48, dtype=np.int64)
    >>> usual = Climatology(Series(hours * HOUR_US, np.where(hours % 24 == 5, 3.0, 1.0)))
    >>> usual.at(np.array([5, 6, 24 + 5], np.int64) * HOUR_US).tolist()
    [3.0, 1.0, 3.0]
    """

    def __init__(self, record: Series, left_out: tuple[tuple[int, int], ...] = ()) -> None:
        """Learns from ``record`` (m) without the windows [start_us, end_us) of ``left_out``."""
        known = without(finite_only({"": record})[""], left_out)
        cell = _cell(known.time_us)
        count = np.bincount(cell, minlength=_CELLS)
        total = np.bincount(cell, known.value, minlength=_CELLS)
        whole = float(known.value.mean()) if len(known.value) else np.nan
        self._mean_m = np.where(count > 0, total / np.maximum(count, 1), whole)

    def at(self, time_us: Int64s) -> Float64s:
        """Usual stage (m) at instants (µs UTC), same shape."""
        return np.asarray(self._mean_m[_cell(time_us)])


def _cell(time_us: Int64s) -> Int64s:
    """Month and hour of the day as one number, 0 to 287."""
    month = time_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
    return np.asarray(month * 24 + time_us // HOUR_US % 24)
