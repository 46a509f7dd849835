# SPDX-License-Identifier: Apache-2.0
"""What a level would have alarmed in the past: the same following of levels, over values that are stored.

Uses ``signs`` and ``follow`` of ``detect.level`` as the pipeline does, so that what a person is shown before
saving a threshold is what it does after. Values in order of time, as they are known now: what came late is
in its place, so an alarm that late data took back again at the time is not among the episodes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cheoyong.detect.level import Sample, follow, signs
from cheoyong.domain.city import Level
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.domain.quality import Flag


class Episode(NamedTuple):
    """One alarm: since when beyond the limit, when raised, when over (None: it lasts), its worst value.

    Times in µs, ``peak`` in the unit of the values.
    """

    onset_us: int
    raised_us: int
    ended_us: int | None
    peak: float
    peak_us: int


def episodes(time_us: Int64s, value: Float64s, flag: Int64s, level: Level) -> list[Episode]:
    """The alarms ``level`` would have raised over values in order of time, the oldest first.

    ``flag``: QARTOD codes; FAIL and what is no number neither begin nor end an alarm. One that lasts over the
    first value counts from there.

    >>> minutes = np.arange(6, dtype=np.int64) * 60_000_000
    >>> level = Level("t", {}, 30.0, 0, "medium", "", True, hysteresis=1.0, on_delay_s=60.0)
    >>> [(e.raised_us // 60_000_000, e.ended_us // 60_000_000, e.peak) for e in episodes(
    ...     minutes, np.array([29.0, 30.5, 31.5, 29.5, 28.0, 30.0]), np.ones(6, np.int64), level)]
    [(2, 4, 31.5)]
    """
    usable = (flag != Flag.FAIL) & np.isfinite(value)
    sign = signs(value.tolist(), usable.tolist(), level.limit, level.hysteresis, below=level.below)
    samples = map(Sample, time_us.tolist(), range(len(value)), value.tolist(), sign)
    found = []
    for run in follow(None, samples, round(level.on_delay_s * SECOND_US)):
        if run.raised_us is None:
            continue
        end = len(value) if run.ended_us is None else run.ended_id
        part = slice(int(np.searchsorted(time_us, run.onset_us)), end)
        at = _worst(value[part], usable[part], level) + part.start
        found.append(Episode(run.onset_us, run.raised_us, run.ended_us, float(value[at]), int(time_us[at])))
    return found


def _worst(value: Float64s, usable: np.ndarray[tuple[int], np.dtype[np.bool_]], level: Level) -> int:
    seen = np.where(usable, -value if level.below else value, -np.inf)
    return int(np.argmax(seen))


class Outline(NamedTuple):
    """A long series in few places: of each place its instant (µs, its middle), lowest and highest value."""

    time_us: list[int]
    low: list[float]
    high: list[float]


def outline(time_us: Int64s, value: Float64s, flag: Int64s, places: int) -> Outline:
    """At most ``places`` spans of equal length with what was lowest and highest in each; empty ones left out.

    No peak is lost, as it is where every n-th value is drawn.

    >>> outline(np.array([0, 1, 2, 3]), np.array([5.0, 9.0, 1.0, 2.0]), np.ones(4, np.int64), 2)
    Outline(time_us=[0, 2], low=[5.0, 1.0], high=[9.0, 2.0])
    """
    usable = (flag != Flag.FAIL) & np.isfinite(value)
    time_us, value = time_us[usable], value[usable]
    if not len(value):
        return Outline([], [], [])
    first_us = int(time_us[0])
    step_us = max(1, -(-(int(time_us[-1]) - first_us + 1) // places))
    place = (time_us - first_us) // step_us
    start = np.flatnonzero(np.diff(place, prepend=-1))
    middle = first_us + place[start] * step_us + (step_us - 1) // 2
    return Outline(
        middle.tolist(),
        np.minimum.reduceat(value, start).tolist(),
        np.maximum.reduceat(value, start).tolist(),
    )
