# SPDX-License-Identifier: Apache-2.0
"""What the neighbours of a gauge say it should read: one small regression per neighbour, and their median.

Everything is a departure from the gauge's own median of two days that lie a day back, so a shifted datum
does no harm. Of neighbours only values at least one period old are read: what is judged then does not
depend on which gauge of one instant arrives first. The median of several opinions is not moved by one
faulty neighbour. How far the gauge may stray is learnt too (``detect.witness``): more in a lively
river, and beyond the liveliest water on record the neighbours have no opinion of levels at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cheoyong.domain.observation import Float64s, Int64s, Series

LAGS = (1, 2, 3, 4)  # periods: the wave's way between neighbours, never the instant itself
ORDINARY = slice(25, 73)  # periods back: the ordinary state; a fault of a day is not in it
ENOUGH = 24  # of them known, or there is no ordinary state
DAY = 24  # periods over which a neighbour shows how lively the river is
LUNAR_DAY = 25  # periods after which the sea stands much as it did: for a driver that is not heard
WITNESSES_MIN = 2  # one neighbour against one gauge says nothing of which is wrong
BACK = 30  # periods an opinion looks back over
BEGAN_MAX = 120  # periods: a fault that began longer ago is judged by what was ordinary since
RISEN = 0.1  # m beyond its ordinary day: a neighbour that speaks for a high level (judgement)


@dataclass(frozen=True, slots=True)
class Relation:
    """How one gauge follows its neighbours: ``beta[neighbour]`` are weights of its LAGS, then the driver's.

    ``driver`` (the sea at the mouth) moves several gauges at once; None where there is none. ``usual`` is the
    range of an ordinary day of each neighbour. A stray of more than ``still`` + ``moving`` × activity is out
    of the ordinary, ``fewer`` being the same two where a witness is not heard; an activity (see Opinion)
    above ``liveliest`` was never seen, and nothing is said then.
    """

    series: str
    beta: Mapping[str, tuple[float, ...]]
    driver: str | None
    period_us: int
    usual: Mapping[str, float]
    still: float
    moving: float
    fewer: tuple[float, float]
    liveliest: float

    @property
    def reads(self) -> tuple[str, ...]:
        """Every series it looks at, its own first."""
        return (self.series, *self.beta, *([self.driver] if self.driver else []))

    def allowed(self, activity: Float64s, heard: int) -> Float64s:
        """How far the gauge may stray by the word of so many witnesses; without bound beyond the record."""
        still, moving = (self.still, self.moving) if heard == len(self.beta) else self.fewer
        return np.where(activity > self.liveliest, np.inf, still + moving * activity)


@dataclass(frozen=True, slots=True)
class Opinion:
    """By instant, newest first: what was sent and expected, the stray allowed, how many witnesses spoke.

    ``activity``: by how much the second liveliest neighbour's range of the day before exceeds an ordinary
    day's; one neighbour gone mad does not make the river lively. ``ordinary``: the gauge's ordinary value.
    """

    sent: Float64s
    expected: Float64s
    allowed: Float64s
    witnesses: Int64s
    activity: Float64s
    ordinary: float = 0.0


def opinion(
    relation: Relation, recent: Mapping[str, Series], at_us: int, began_us: int | None = None
) -> Opinion:
    """What the neighbours say of the last BACK periods up to ``at_us``.

    ``began_us``: when a fault began that is being looked at. What is ordinary is then taken from before it,
    and the opinion reaches back to six periods before it, unless it began more than BEGAN_MAX periods ago.
    """
    since = 0 if began_us is None else max(-(-(at_us - began_us) // relation.period_us), 0)
    since = since if since <= BEGAN_MAX else 0
    back = max(BACK, since + 7)
    columns = _columns(relation, recent, at_us, since, back)
    base = {name: ordinary(column[since:]) for name, column in columns.items()}
    away = {name: column - base[name] for name, column in columns.items()}
    if relation.driver:
        away[relation.driver] = bridged(away[relation.driver][::-1])[::-1]
    lagged = {name: np.stack([column[lag : lag + back] for lag in LAGS], 1) for name, column in away.items()}
    # Who is not heard now is not asked of the past either: an opinion does not jump where one falls silent.
    heard = {name: own for name, own in relation.beta.items() if np.isfinite(lagged[name][0]).all()}
    own, sent = base[relation.series], columns[relation.series][:back]
    if not heard:
        nothing = np.full(back, np.nan)
        return Opinion(sent, nothing, nothing, np.zeros(back, np.int64), np.zeros(back), own)
    ranges = [ranged(columns[name][1:])[:back] - relation.usual[name] for name in heard]
    activity = second_largest(np.stack(ranges))
    expected, count = together(heard, relation.driver, lagged)
    allowed = relation.allowed(activity, len(heard))
    return Opinion(sent, expected + own, allowed, count, activity, own)


def speakers(relation: Relation, recent: Mapping[str, Series], at_us: int) -> tuple[str, ...]:
    """The neighbours that have risen beyond an ordinary day of theirs: witnesses of a high level."""
    found = []
    for name in relation.beta:
        day = at_lags(recent.get(name), np.array([at_us]), relation.period_us, range(1, DAY + 1))[0]
        known = day[np.isfinite(day)]
        if len(known) and known[0] - known.min() > relation.usual[name] + RISEN:
            found.append(name)
    return tuple(found)


def _columns(
    relation: Relation, recent: Mapping[str, Series], at_us: int, since: int, back: int
) -> dict[str, Float64s]:
    """What each series sent, newest first, as far back as anything here looks."""
    length = max(since + ORDINARY.stop, back + DAY + 1, back + LAGS[-1]) + LUNAR_DAY
    lags = np.arange(length)
    return {
        name: at_lags(recent.get(name), np.array([at_us]), relation.period_us, lags.tolist())[0]
        for name in relation.reads
    }


def at_lags(series: Series | None, at_us: Int64s, period_us: int, lags: Sequence[int]) -> Float64s:
    """Newest value at each instant and lag, at most half a period old: (instants, lags); NaN where none."""
    wanted = at_us[:, None] - np.asarray(lags)[None, :] * period_us
    if series is None or not len(series.time_us):
        return np.full(wanted.shape, np.nan)
    place = np.searchsorted(series.time_us, wanted, side="right") - 1
    fresh = (place >= 0) & (wanted - series.time_us[place] <= period_us // 2)
    return np.where(fresh, series.value[place], np.nan)


def ordinary(newest_first: Float64s) -> float:
    """Median of the ordinary state; NaN where too little of it is known."""
    known = newest_first[ORDINARY]
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) >= ENOUGH else np.nan


def together(
    beta: Mapping[str, Sequence[float]], driver: str | None, lagged: Mapping[str, Float64s]
) -> tuple[Float64s, Int64s]:
    """Median of the neighbours' opinions (departures), and how many there are: (instants,) both."""
    driven = [lagged[driver]] if driver else []
    said = np.stack(
        [np.concatenate([lagged[name], *driven], 1) @ np.array(own) for name, own in beta.items()]
    )
    count = np.isfinite(said).sum(0)
    middle = np.full(said.shape[1], np.nan)
    some = count > 0
    middle[some] = np.nanmedian(said[:, some], axis=0)
    return middle, count


def bridged(oldest_first: Float64s) -> Float64s:
    """The driver with its gaps filled by what it was a lunar day before: a tide comes again."""
    before = np.concatenate([np.full(LUNAR_DAY, np.nan), oldest_first])[: len(oldest_first)]
    return np.where(np.isfinite(oldest_first), oldest_first, before)


def ranged(newest_first: Float64s) -> Float64s:
    """Highest less lowest of the DAY that ends at each instant; NaN where nothing is known."""
    padded = np.concatenate([newest_first, np.full(DAY - 1, np.nan)])
    rows = sliding_window_view(padded, DAY)
    known = np.isfinite(rows)
    high = np.where(known, rows, -np.inf).max(1)
    low = np.where(known, rows, np.inf).min(1)
    return np.where(np.isfinite(high), high - low, np.nan)


def second_largest(ranges: Float64s) -> Float64s:
    """The second largest of (neighbours, instants), at least 0; the only one where there is one."""
    known = np.sort(np.nan_to_num(ranges, nan=0.0), axis=0)
    return np.asarray(np.maximum(known[-2] if len(known) > 1 else known[-1], 0.0))
