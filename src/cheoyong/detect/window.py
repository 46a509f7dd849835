# SPDX-License-Identifier: Apache-2.0
"""The recent past of every judged datastream: a bounded window in order of time, a ring per row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.instant import DAY_US
from cheoyong.domain.observation import Float64s, Int64s, UInt8s, UInt16s
from cheoyong.domain.quality import Flag

T = TypeVar("T", bound=np.generic)

POINTS = 256  # kept per datastream; a power of two, so that a ring position is a bit mask
LATE_US = DAY_US  # a value older than this behind the newest is too late to be judged
LATE_POINTS = 128  # as is one with this many newer values in its window
REACH = 60  # how many points back the tests look for a neighbour or a flat line's range

# A recomputation reads at most LATE_POINTS + 2 × REACH points back: all of them must still be there.
assert LATE_POINTS + 2 * REACH < POINTS

COLUMNS = ("time_us", "value", "id", "flag", "tests", "calm")


@dataclass(slots=True)
class Windows:
    """Rings of ``POINTS`` points for ``rows`` datastreams; row by row, flat in memory.

    ``value`` is in the gauge's unit, NaN where it was not a number or grossly out of range. ``calm``
    counts successive steps within the flat-line tolerance up to this point. ``first`` is the ring
    position of the oldest point and ``count`` how many there are.
    """

    rows: int = 0
    first: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    count: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    time_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    value: Float64s = field(default_factory=lambda: np.zeros(0, np.float64))
    id: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    flag: UInt8s = field(default_factory=lambda: np.zeros(0, np.uint8))
    tests: UInt16s = field(default_factory=lambda: np.zeros(0, np.uint16))
    calm: UInt16s = field(default_factory=lambda: np.zeros(0, np.uint16))

    def grow(self, rows: int) -> None:
        """Make room for ``rows`` datastreams; new ones are empty."""
        if rows > len(self.first):
            room = max(rows, 2 * len(self.first))
            self.first, self.count = _longer(self.first, room), _longer(self.count, room)
            for name in COLUMNS:
                setattr(self, name, _longer(getattr(self, name), room * POINTS))
        self.rows = rows

    def at(self, row: Int64s, position: Int64s) -> Int64s:
        """Flat index of logical positions, 0 the oldest; both arrays of one shape."""
        return row * POINTS + ((self.first[row] + position) & (POINTS - 1))

    def newest_us(self, row: Int64s) -> Int64s:
        """Time of the newest point of each row; far in the past for an empty one."""
        last = self.time_us[self.at(row, self.count[row] - 1)]
        return np.where(self.count[row] > 0, last, np.iinfo(np.int64).min // 2)

    def oldest_us(self, row: int) -> int:
        """Time of the oldest point of a row that is not empty."""
        return int(self.time_us[row * POINTS + self.first[row]])

    def points(self, row: int) -> Int64s:
        """Flat indices of all points of one row, oldest first."""
        return self.at(np.full(self.count[row], row), np.arange(self.count[row]))

    def number_before(self, row: Int64s, position: Int64s) -> Int64s:
        """Position of the last numeric point before ``position`` and within REACH of it; -1 for none."""
        found = np.full(len(row), -1, np.int64)
        open_ = np.flatnonzero(position > 0)
        for step in range(1, REACH + 1):
            here = position[open_] - step
            numeric = ~np.isnan(self.value[self.at(row[open_], here)])
            found[open_[numeric]] = here[numeric]
            open_ = open_[~numeric & (here > 0)]
            if not len(open_):
                break
        return found

    def write(self, stretch: Stretch) -> None:
        """Replace everything from each segment's first position on; the oldest points fall out."""
        length = np.diff(stretch.offset)
        total = stretch.first + length
        lost = np.maximum(total - POINTS, 0)
        place = stretch.position()
        kept = np.flatnonzero(place >= np.repeat(lost, length))
        index = self.at(stretch.rows()[kept], place[kept])
        for name in COLUMNS:
            getattr(self, name)[index] = getattr(stretch, name)[kept]
        self.first[stretch.row] = (self.first[stretch.row] + lost) & (POINTS - 1)
        self.count[stretch.row] = total - lost


@dataclass(slots=True)
class Stretch:
    """The part of some windows that a batch adds or may change; one segment a row, ``n`` points in all.

    Segment ``g`` holds the points ``offset[g]`` to ``offset[g + 1]`` and begins at the logical
    position ``first[g]`` of row ``row[g]``. ``was_flag`` and ``was_tests`` are the verdicts given out so
    far (PASS and 0 for a new point), ``flag`` and ``tests`` the ones to be.
    """

    row: Int64s
    first: Int64s
    offset: Int64s
    time_us: Int64s
    value: Float64s
    id: Int64s
    flag: UInt8s
    tests: UInt16s
    calm: UInt16s
    was_flag: UInt8s
    was_tests: UInt16s

    def segment(self) -> Int64s:
        """Segment number of every point."""
        return np.repeat(np.arange(len(self.row)), np.diff(self.offset))

    def rows(self) -> Int64s:
        """Row of every point."""
        return np.repeat(self.row, np.diff(self.offset))

    def position(self) -> Int64s:
        """Logical position of every point in its window."""
        return np.arange(len(self.id)) - np.repeat(self.offset[:-1] - self.first, np.diff(self.offset))


def appended(
    windows: Windows,
    row: Int64s,
    offset: Int64s,
    time_us: Int64s,
    value: Float64s,
    ids: Int64s,
    flag: UInt8s,
    tests: UInt16s,
) -> Stretch:
    """The stretch of rows whose new points all follow the newest one, in order.

    New points come grouped: those of ``row[g]`` at ``offset[g]`` to ``offset[g + 1]``. The stretch
    starts at the last number already there, whose verdict may still change by what follows it.
    """
    count = windows.count[row]
    last = windows.number_before(row, count)
    first = np.where(last >= 0, last, count)
    old, new = count - first, np.diff(offset)
    bounds = np.concatenate(([0], np.cumsum(old + new)))
    is_new = np.zeros(bounds[-1], np.bool_)
    is_new[np.arange(offset[-1]) + np.repeat(bounds[:-1] + old - offset[:-1], new)] = True
    held = windows.at(np.repeat(row, old), _ramp(first, old))
    stretch = blank(row, first, bounds)
    for name, fresh in zip(COLUMNS, (time_us, value, ids, flag, tests, 0), strict=True):
        column = getattr(stretch, name)
        column[is_new], column[~is_new] = fresh, getattr(windows, name)[held]
    stretch.was_flag[~is_new], stretch.was_tests[~is_new] = windows.flag[held], windows.tests[held]
    return stretch


def _ramp(first: Int64s, length: Int64s) -> Int64s:
    """``first[g], first[g] + 1, …`` for ``length[g]`` places, one group after the other.

    >>> _ramp(np.array([5, 0]), np.array([2, 1])).tolist()
    [5, 6, 0]
    """
    start: Int64s = np.cumsum(length) - length
    ramp: Int64s = np.arange(length.sum(), dtype=np.int64) + np.repeat(first - start, length)
    return ramp


def blank(row: Int64s, first: Int64s, offset: Int64s) -> Stretch:
    """A stretch of the given segments with nothing filled in but the verdicts of new points."""
    n = int(offset[-1])
    return Stretch(
        row=row,
        first=first,
        offset=offset,
        time_us=np.empty(n, np.int64),
        value=np.empty(n, np.float64),
        id=np.empty(n, np.int64),
        flag=np.empty(n, np.uint8),
        tests=np.empty(n, np.uint16),
        calm=np.zeros(n, np.uint16),
        was_flag=np.full(n, Flag.PASS, np.uint8),
        was_tests=np.zeros(n, np.uint16),
    )


def _longer(column: NDArray[T], length: int) -> NDArray[T]:
    longer = np.zeros(length, column.dtype)
    longer[: len(column)] = column
    return longer
