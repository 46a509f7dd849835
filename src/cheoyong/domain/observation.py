# SPDX-License-Identifier: Apache-2.0
"""Observations in columns, because the city is wide."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]
UInt8s = NDArray[np.uint8]
UInt16s = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class ObservationBatch:
    """``n`` numeric observations of one commit, in order of id; all columns have length ``n``.

    ``recorded_us`` is when the commit was taken in, and is the only clock the stages see. A batch
    with ``n == 0`` is a tick: nothing was measured, but time went on. ``result`` is NaN where the
    result was not a finite number.
    """

    number: int
    recorded_us: int
    id: Int64s
    datastream_id: Int64s
    phenomenon_us: Int64s
    result: Float64s

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Quality verdicts that are not PASS, one row each: observation, its flag, the tests that spoke."""

    observation_id: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    flag: UInt8s = field(default_factory=lambda: np.empty(0, np.uint8))
    tests: UInt16s = field(default_factory=lambda: np.empty(0, np.uint16))


@dataclass(frozen=True, slots=True)
class Series:
    """One measured quantity over time: strictly rising instants (µs) and values, same length."""

    time_us: Int64s
    value: Float64s

    def until(self, instant_us: int) -> Series:
        """The part at or before an instant.

        >>> Series(np.array([0, 10, 20]), np.array([1.0, 2.0, 3.0])).until(10).value.tolist()
        [1.0, 2.0]
        """
        end = int(np.searchsorted(self.time_us, instant_us, side="right"))
        return Series(self.time_us[:end], self.value[:end])

    def between(self, start_us: int, end_us: int) -> Series:
        """The part from ``start_us`` up to, not including, ``end_us``.

        >>> Series(np.array([0, 10, 20]), np.array([1.0, 2.0, 3.0])).between(5, 20).value.tolist()
        [2.0]
        """
        first, last = np.searchsorted(self.time_us, [start_us, end_us], side="left")
        return Series(self.time_us[first:last], self.value[first:last])
