# SPDX-License-Identifier: Apache-2.0
"""Arrivals that do not follow in order: where they belong in a window, or why they come too late.

The outcome depends on what has arrived, not on how the arrivals were cut into batches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from cheoyong.detect.window import COLUMNS, LATE_POINTS, LATE_US, REACH, Stretch, Windows, blank
from cheoyong.domain.quality import Flag, Test


class Point(NamedTuple):
    """One point of a window, in the order of its columns, and the verdict given out so far."""

    time_us: int
    value: float
    id: int
    flag: int
    tests: int
    calm: int = 0
    was_flag: int = int(Flag.PASS)
    was_tests: int = 0


_time = itemgetter(0)


@dataclass(slots=True)
class Merge:
    """One window with its out-of-order arrivals; ``changed`` is the first position that differs.

    ``verdicts`` are (observation id, flag, tests) of those that are no part of the window (any
    more); ``usable_id`` is the first arrival that brought a new number.
    """

    row: int
    points: list[Point]
    changed: int
    verdicts: list[tuple[int, int, int]] = field(default_factory=list)
    usable_id: int | None = None
    touched: bool = False
    late: int = 0
    duplicate: int = 0

    def start(self) -> int:
        """Position of the last number before the first change: from here on verdicts may change."""
        for position in range(self.changed - 1, max(self.changed - 1 - REACH, -1), -1):
            if not isnan(self.points[position].value):
                return position
        return self.changed


def merge(windows: Windows, row: int, arrivals: Iterable[Point], latest_us: int) -> Merge:
    """Put ``arrivals``, in order of arrival, where they belong by time in the window of ``row``.

    Points later than ``latest_us`` (taken in while the clock was wrong) are thrown out as FUTURE.
    """
    index = windows.points(row)
    columns = [getattr(windows, name)[index].tolist() for name in COLUMNS]
    flag, tests = columns[3], columns[4]
    points = list(map(Point, *columns, flag, tests))
    merged = Merge(row, points, len(points))
    _throw_out_future(merged, latest_us)
    for arrival in arrivals:
        _place(merged, arrival)
    return merged


def stretch_of(merges: list[Merge]) -> Stretch:
    """The changed ends of the merged windows as one stretch."""
    starts = [merged.start() for merged in merges]
    ends = [merged.points[start:] for merged, start in zip(merges, starts, strict=True)]
    offset = np.concatenate(([0], np.cumsum([len(end) for end in ends], dtype=np.int64)))
    stretch = blank(np.array([merged.row for merged in merges], np.int64), np.array(starts, np.int64), offset)
    cells = [point for end in ends for point in end]
    for name, column in zip(Point._fields, zip(*cells, strict=True), strict=False):
        getattr(stretch, name)[:] = column
    return stretch


def _throw_out_future(merged: Merge, latest_us: int) -> None:
    while merged.points and merged.points[-1].time_us > latest_us:
        point = merged.points.pop()
        merged.verdicts.append((point.id, int(Flag.FAIL), point.tests | int(Test.FUTURE)))
        merged.changed = len(merged.points)
        merged.touched = True


def _place(merged: Merge, arrival: Point) -> None:
    points = merged.points
    at = bisect_left(points, arrival.time_us, key=_time)
    if at < len(points) and points[at].time_us == arrival.time_us:
        _settle_twin(merged, at, arrival)
    elif _is_too_late(points, arrival.time_us):
        merged.late += 1
        _set_aside(merged, arrival)
    else:
        points.insert(at, arrival)
        _note_change(merged, at, arrival)


def _is_too_late(points: list[Point], time_us: int) -> bool:
    if not points or time_us > points[-1].time_us:
        return False
    newer = len(points) - bisect_right(points, time_us, key=_time)
    return time_us < points[-1].time_us - LATE_US or newer >= LATE_POINTS


def _settle_twin(merged: Merge, at: int, arrival: Point) -> None:
    """Of two values for one instant keep a number before none, then the one stored first."""
    held = merged.points[at]
    merged.duplicate += 1
    if held.id == arrival.id:
        return
    if (isnan(held.value), held.id) <= (isnan(arrival.value), arrival.id) or _is_too_late(
        merged.points, arrival.time_us
    ):
        _set_aside(merged, arrival)
        return
    _set_aside(merged, held)
    merged.points[at] = arrival
    _note_change(merged, at, arrival)


def _note_change(merged: Merge, at: int, arrival: Point) -> None:
    merged.changed = min(merged.changed, at)
    merged.touched = True
    if merged.usable_id is None and not isnan(arrival.value):
        merged.usable_id = arrival.id


def _set_aside(merged: Merge, point: Point) -> None:
    """Its neighbours cannot judge it; what its own value shows stays."""
    flag = Flag.FAIL if isnan(point.value) else Flag.NOT_EVALUATED
    merged.verdicts.append((point.id, int(flag), point.tests if isnan(point.value) else 0))
