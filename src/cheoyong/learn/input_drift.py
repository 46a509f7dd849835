# SPDX-License-Identifier: Apache-2.0
"""Is what a model is fed still what it was trained on: how much is missing, how it moves, where it lies.

Levels of a river in one month differ from those of another year so much that a population stability index of
them says nothing; what they do from hour to hour is alike from month to month, so the index is taken of the
changes. Bounded: ``DAYS`` days of at most ``BINS`` counts for each input.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from cheoyong.domain.instant import DAY_US
from cheoyong.domain.observation import Float64s, Int64s, Series

DAYS = 30
BINS = 10
HISTORY_DAYS_MIN = 180
STEP_US_MIN = 60_000_000
OUTSIDE_MAX = 0.05  # judgement: of thirty days more than a day and a half beyond anything trained on
MISSING_MORE = 0.05  # judgement: so much more than in the worst month of training
PSI_MIN = 0.25  # the usual mark of a shift; higher where the training months differ more among themselves
NOTHING = Series(np.empty(0, np.int64), np.empty(0, np.float64))
_SHARE_MIN = 1e-3  # an empty bin has no logarithm; less than one value in thirty days of hours


class Reference(NamedTuple):
    """What an input was like in training: its changes by bin, its range, its worst month."""

    id: str
    step_us: int
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    low: float
    high: float
    psi_max: float
    missing_max: float


class Day(NamedTuple):
    """Steps of one day (days since 1970): with a value, with one out of range, and changes by bin."""

    day: int
    present: int
    outside: int
    changes: tuple[int, ...]


class InputRecord(NamedTuple):
    """What came of an input: watched since a day, counted up to a step, the last days, judged on a day."""

    reference: str
    since: int
    step: int = -1
    days: tuple[Day, ...] = ()
    judged: int = -1


class Sign(NamedTuple):
    """One way in which something may be unlike its past (see domain.fact.InputDrift), and its limit."""

    name: str
    value: float
    limit: float


def population_stability(expected: Sequence[float], found: Sequence[float]) -> float:
    """Population stability index of two lists of shares over the same bins: 0 when alike, no upper bound.

    >>> population_stability([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(population_stability([0.5, 0.5], [0.75, 0.25]), 4)
    0.2747
    """
    before = np.maximum(np.asarray(expected, dtype=np.float64), _SHARE_MIN)
    now = np.maximum(np.asarray(found, dtype=np.float64), _SHARE_MIN)
    return float(((now - before) * np.log(now / before)).sum())


def reference_of(history: Series) -> Reference | None:
    """What is normal of an input, from its training history; None for fewer than 180 days of it.

    ``psi_max`` is the second largest index of a training month against all others: the largest may be of a
    month in which the gauge was broken, and a broken month is no excuse for the next one.

    >>> hours = np.arange(24 * 200)
    >>> tide = reference_of(Series(hours * DAY_US // 24, np.sin(hours / 2.0)))
    >>> tide.step_us // 1_000_000, len(tide.edges), tide.psi_max, tide.missing_max
    (3600, 9, 0.25, 0.0)
    """
    if len(history.time_us) < 2 or history.time_us[-1] - history.time_us[0] < HISTORY_DAYS_MIN * DAY_US:
        return None
    step_us = max(STEP_US_MIN, int(np.median(np.diff(history.time_us))))
    step, value = _by_step(history, step_us)
    moved, change = _changes(step, value)
    if not len(change):
        return None
    edges = np.unique(np.quantile(change, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
    months = np.unique(step * step_us // (DAYS * DAY_US))
    month_of, moved_of = step * step_us // (DAYS * DAY_US), moved * step_us // (DAYS * DAY_US)
    full = DAYS * DAY_US // step_us
    counts = np.array([_binned(change[moved_of == month], edges) for month in months])
    present = np.array([(month_of == month).sum() for month in months]) / full
    inner = present[1:-1]  # the first and last month are cut off somewhere
    psi = [_of_others(counts, at) for at in np.flatnonzero(counts.sum(1) >= full / 2).tolist()]
    total = counts.sum(0)
    low, high = float(value.min()), float(value.max())
    made = (
        step_us, tuple(edges.tolist()), tuple((total / total.sum()).tolist()), low, high,
        max([PSI_MIN, *sorted(psi)[:-1]]), float(1.0 - min([1.0, *inner])),
    )  # fmt: skip
    return Reference(sha256(repr(made).encode()).hexdigest()[:12], *made)


def watched(record: InputRecord | None, reference: Reference, recent: Series, day: int) -> InputRecord:
    """The record with what ``recent`` (oldest first) holds beyond it; another reference begins a new one.

    The first value of a step counts. One that comes later than the next is not counted: the model did
    without it too.
    """
    if record is None or record.reference != reference.id:
        record = InputRecord(reference.id, day)
    if not len(recent.time_us) or int(recent.time_us[-1]) // reference.step_us <= record.step:
        return record
    step, value = _by_step(recent, reference.step_us)
    moved, change = _changes(step, value)
    new, fresh = step > record.step, moved > record.step
    days = {one.day: one for one in record.days}
    for at in np.unique(step[new] * reference.step_us // DAY_US).tolist():
        of_day = new & (step * reference.step_us // DAY_US == at)
        bins = _binned(change[fresh & (moved * reference.step_us // DAY_US == at)], np.array(reference.edges))
        before = days.get(at, Day(at, 0, 0, (0,) * len(bins)))
        beyond = (value[of_day] < reference.low) | (value[of_day] > reference.high)
        together = tuple(a + b for a, b in zip(before.changes, bins.tolist(), strict=True))
        days[at] = Day(at, before.present + int(of_day.sum()), before.outside + int(beyond.sum()), together)
    kept = tuple(days[at] for at in sorted(days) if at >= day - DAYS)
    return record._replace(step=int(step[-1]), days=kept)


def signs(record: InputRecord, reference: Reference, day: int) -> tuple[Sign, ...]:
    """How the thirty days before ``day`` compare with the past; empty before an input was watched so long."""
    if record.reference != reference.id or day - record.since < DAYS:
        return ()
    past = [one for one in record.days if day - DAYS <= one.day < day]
    steps = DAYS * DAY_US / reference.step_us
    present = sum(one.present for one in past)
    said = [Sign("missing", max(0.0, 1.0 - present / steps), min(0.95, reference.missing_max + MISSING_MORE))]
    if present:
        said.append(Sign("range", sum(one.outside for one in past) / present, OUTSIDE_MAX))
    changes = np.array([one.changes for one in past if one.changes]).sum(0) if past else np.zeros(1)
    if changes.sum() >= steps / 4:
        found = population_stability(reference.shares, (changes / changes.sum()).tolist())
        said.append(Sign("changes", found, reference.psi_max))
    return tuple(said)


def _by_step(series: Series, step_us: int) -> tuple[Int64s, Float64s]:
    """The first number of each step: the steps' numbers, rising, and the values."""
    finite = np.isfinite(series.value)
    step, first = np.unique(series.time_us[finite] // step_us, return_index=True)
    return step, series.value[finite][first]


def _changes(step: Int64s, value: Float64s) -> tuple[Int64s, Float64s]:
    """From one step to the very next: the later steps and by how much, rounded, which hides float dust."""
    joined = np.diff(step) == 1
    return step[1:][joined], np.round(np.diff(value)[joined], 6)


def _binned(change: Float64s, edges: Float64s) -> Int64s:
    return np.bincount(np.searchsorted(edges, change, side="right"), minlength=len(edges) + 1)


def _of_others(counts: Int64s, at: int) -> float:
    """The index of one month against all others."""
    others = counts.sum(0) - counts[at]
    if not others.sum():
        return 0.0
    return population_stability(others / others.sum(), counts[at] / counts[at].sum())
