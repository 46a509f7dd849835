# SPDX-License-Identifier: Apache-2.0
"""Tests of quality on columns, after the QARTOD manuals (U.S. IOOS) as ``ioos_qc`` computes them.

``alone`` looks at one value, ``among_neighbours`` at a value between those before and after it in
time. Numbers in the gross range are the series; NaN and impossible values are flagged and stepped
over. References: U.S. IOOS, Manual for Real-Time Quality Control of Water Level Data (QARTOD),
version 2.0 (2016), tests 1, 3, 6, 7 and 8; flag codes of IOC Manuals and Guides 54 volume 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.rules import Rules
from cheoyong.detect.window import REACH, Stretch, Windows
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.observation import Float64s, Int64s, UInt8s, UInt16s
from cheoyong.domain.quality import Flag, Test

Bools = NDArray[np.bool_]

_CALM_MAX = np.iinfo(np.uint16).max
_CHUNK = 4096  # flat lines measured at a time: bounds the memory of the look back


def alone(
    rules: Rules, row: Int64s, time_us: Int64s, value: Float64s, latest_us: Int64s, earliest_us: Int64s
) -> tuple[UInt8s, UInt16s]:
    """Flag and tests of each value by itself: not a number, gross range, future, ancient.

    ``value`` in the gauge's unit, NaN for what is not finite; ``latest_us`` and ``earliest_us`` bound
    credible times, per value.
    """
    flag = np.full(len(row), Flag.PASS, np.uint8)
    tests = np.zeros(len(row), np.uint16)
    low, high = rules.suspect_low[row], rules.suspect_high[row]
    _mark(flag, tests, (value < low) | (value > high), Flag.SUSPECT, Test.GROSS_RANGE)
    low, high = rules.fail_low[row], rules.fail_high[row]
    _mark(flag, tests, (value < low) | (value > high), Flag.FAIL, Test.GROSS_RANGE)
    _mark(flag, tests, np.isnan(value), Flag.FAIL, Test.NOT_A_NUMBER)
    _mark(flag, tests, time_us > latest_us, Flag.FAIL, Test.FUTURE)
    _mark(flag, tests, time_us < earliest_us, Flag.FAIL, Test.ANCIENT)
    return flag, tests


def among_neighbours(windows: Windows, rules: Rules, stretch: Stretch) -> None:
    """Set flag, tests and calm of every number of a stretch; points that are none stay as they are.

    Rate of change against the value before (fail or suspect by amount per second); spike against the
    mean of both neighbours; flat line over the gauge's count of values; gap: silent for longer than
    the gauge may be, after which the value stands unjudged by its neighbours (NOT_EVALUATED).
    """
    here = _numbers(windows, stretch)
    if not len(here.index):
        return
    row = stretch.row[here.segment]
    flag = np.full(len(row), Flag.PASS, np.uint8)
    tests = np.zeros(len(row), np.uint16)
    gap = here.since_us > rules.silence_us[row]
    _mark(flag, tests, gap, Flag.NOT_EVALUATED, Test.GAP)
    low, high = rules.suspect_low[row], rules.suspect_high[row]
    _mark(flag, tests, (here.value < low) | (here.value > high), Flag.SUSPECT, Test.GROSS_RANGE)
    with np.errstate(all="ignore"):  # overflow of 1e308 and NaN for a missing neighbour are meant
        rate_per_s = np.abs(here.step) / (here.since_us / SECOND_US)
        spike = np.abs(here.value - (here.before + here.after) / 2)
    spike[gap | (here.until_us > rules.silence_us[row])] = np.nan
    _mark(flag, tests, rate_per_s > rules.rate_suspect_per_s[row], Flag.SUSPECT, Test.RATE_OF_CHANGE)
    _mark(flag, tests, rate_per_s > rules.rate_fail_per_s[row], Flag.FAIL, Test.RATE_OF_CHANGE)
    _mark(flag, tests, spike > rules.spike_suspect[row], Flag.SUSPECT, Test.SPIKE)
    _mark(flag, tests, spike > rules.spike_fail[row], Flag.FAIL, Test.SPIKE)
    calm = _calm(here, rules.flat_tolerance[row])
    for limit, verdict in ((rules.flat_suspect_count, Flag.SUSPECT), (rules.flat_fail_count, Flag.FAIL)):
        flat = np.flatnonzero(calm + 1 >= limit[row])
        level = _range_back(windows, stretch, here, flat, limit[row[flat]]) <= rules.flat_tolerance[row[flat]]
        is_flat = np.zeros(len(row), np.bool_)
        is_flat[flat[level]] = True
        _mark(flag, tests, is_flat, verdict, Test.FLAT_LINE)
    stretch.flag[here.index], stretch.tests[here.index] = flag, tests
    stretch.calm[here.index] = calm


def _mark(flag: UInt8s, tests: UInt16s, where: Bools, verdict: Flag, test: Test) -> None:
    flag[where] = np.maximum(flag[where], np.uint8(verdict))
    tests[where] |= np.uint16(test)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers of a stretch with their neighbours; NaN and a negative span where there is none."""

    index: Int64s
    segment: Int64s
    position: Int64s
    value: Float64s
    before: Float64s
    after: Float64s
    step: Float64s
    since_us: Int64s
    until_us: Int64s
    first: Bools
    calm_before: Int64s


def _numbers(windows: Windows, stretch: Stretch) -> _Numbers:
    index = np.flatnonzero(~np.isnan(stretch.value))
    segment = stretch.segment()[index]
    position = stretch.position()[index]
    value, time_us = stretch.value[index], stretch.time_us[index]
    first = np.ones(len(index), np.bool_)
    first[1:] = segment[1:] != segment[:-1]
    before, since_us, apart = (
        np.roll(value, 1),
        time_us - np.roll(time_us, 1),
        position - np.roll(position, 1),
    )
    calm_before = np.zeros(len(index), np.int64)
    leading = segment[first]
    row = stretch.row[leading]
    earlier = windows.number_before(row, stretch.first[leading])
    held = windows.at(row, earlier)
    before[first] = np.where(earlier >= 0, windows.value[held], np.nan)
    since_us[first] = time_us[first] - windows.time_us[held]
    apart[first] = position[first] - earlier
    calm_before[first] = windows.calm[held]
    lone = apart > REACH
    lone[first] |= earlier < 0
    before[lone], since_us[lone] = np.nan, -1
    last_or_lone = np.roll(first | lone, -1)
    after = np.where(last_or_lone, np.nan, np.roll(value, -1))
    until_us = np.where(last_or_lone, -1, np.roll(since_us, -1))
    with np.errstate(over="ignore"):
        step = value - before
    return _Numbers(
        index, segment, position, value, before, after, step, since_us, until_us, first, calm_before
    )


def _calm(here: _Numbers, tolerance: Float64s) -> Int64s:
    """Successive steps within the tolerance up to and including each number's own."""
    place = np.arange(len(here.index))
    small = np.abs(here.step) <= tolerance
    began = np.maximum.accumulate(np.where(here.first | ~small, place, 0))
    carried = np.where(small & here.first, here.calm_before + 1, 0)[began]
    return np.minimum(place - began + carried, _CALM_MAX)


def _range_back(windows: Windows, stretch: Stretch, here: _Numbers, which: Int64s, count: Int64s) -> Float64s:
    """Greatest less smallest of the last ``count`` numbers (at most REACH points back) up to each.

    A look ``count`` points back is enough unless points that are no numbers lie between.
    """
    spread = np.empty(len(which), np.float64)
    for start in range(0, len(which), _CHUNK):
        part = slice(start, start + _CHUNK)
        reach = min(int(count[part].max()), REACH)
        spread[part], complete = _spread(windows, stretch, here, which[part], count[part], reach)
        again = start + np.flatnonzero(~complete)
        if len(again) and reach < REACH:
            spread[again] = _spread(windows, stretch, here, which[again], count[again], REACH)[0]
    return spread


def _spread(
    windows: Windows, stretch: Stretch, here: _Numbers, which: Int64s, count: Int64s, reach: int
) -> tuple[Float64s, Bools]:
    segment = here.segment[which][:, None]
    position = here.position[which][:, None] - np.arange(reach)
    inside = position - stretch.first[segment]
    held = windows.value[windows.at(np.broadcast_to(stretch.row[segment], position.shape), position)]
    fresh = stretch.value[np.maximum(stretch.offset[segment] + inside, 0)]
    value = np.where(inside >= 0, fresh, held)
    number = ~np.isnan(value) & (position >= 0)
    so_far = np.cumsum(number, axis=1)
    wanted = number & (so_far <= count[:, None])
    top = np.max(value, axis=1, where=wanted, initial=-np.inf)
    bottom = np.min(value, axis=1, where=wanted, initial=np.inf)
    return top - bottom, so_far[:, -1] >= count
