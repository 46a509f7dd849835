# SPDX-License-Identifier: Apache-2.0
"""The scoring rule of the Numenta Anomaly Benchmark: early alarms in a window earn, alarms outside it cost.

Lavin and Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms", arXiv:1510.03336, section II, with
what its published tables add: the weight falls from 1 at a window's first row, a stray alarm costs in full
from three window widths behind the last window, and the first 15 % (at most 750 rows) are not scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Window = tuple[int, int]

STEEPNESS = 5.0
FAR = 3.0  # window widths behind a window from which a stray alarm costs in full
PROBATION = 0.15
PROBATION_ROWS_MAX = 5000


@dataclass(frozen=True, slots=True)
class Profile:
    """What an alarm in a window earns, a stray one costs and a missed window costs."""

    hit: float
    stray: float
    miss: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One series with its alarms: rows (n,) bool, and windows as first and last row, both inside."""

    alarms: Bools
    windows: tuple[Window, ...]


def probation(rows: int) -> int:
    """How many rows at the start are learned from and not scored.

    >>> probation(4032), probation(20_000)
    (604, 750)
    """
    return int(min(rows * PROBATION, PROBATION_ROWS_MAX * PROBATION))


def weight(position: Floats) -> Floats:
    """Worth of an alarm by place: −1 a window's left edge, 0 its right edge, above 0 behind it.

    >>> [round(float(w), 5) for w in weight(np.array([-1.0, 0.0, 1.0, 3.0]))]
    [0.98661, 0.0, -0.98661, -1.0]
    """
    worth = 2.0 / (1.0 + np.exp(STEEPNESS * np.minimum(position, FAR))) - 1.0
    return np.where(position >= FAR, -1.0, worth)


def worth_of_rows(rows: int, windows: Sequence[Window], profile: Profile) -> Floats:
    """What an alarm at each row would add: (rows,), at most 1 × hit, at least −1 × stray.

    >>> worth_of_rows(4, [(1, 2)], PROFILES["standard"]).round(4).tolist()
    [-0.11, 1.0, 0.8598, -0.1085]
    """
    index = np.arange(rows, dtype=np.float64)
    worth = np.full(rows, -profile.stray)
    best = float(weight(np.array([-1.0]))[0])
    for first, last in windows:
        width = last - first + 1
        behind = (index[last + 1 :] - last) / max(width - 1, 1)
        worth[last + 1 :] = weight(behind) * profile.stray
        inside = -(last - index[first : last + 1] + 1) / width
        worth[first : last + 1] = weight(inside) * profile.hit / best
    return worth


def raw_score(series: Judged, profile: Profile) -> float:
    """One series' score before scaling: best alarm of every window, misses, and every stray alarm.

    A window that ends within probation is not scored; of one that begins there only the rest is.

    >>> alarms = np.array([True, True, True, False, False, False, False])
    >>> raw_score(Judged(alarms, ((2, 4),)), PROFILES["standard"])
    0.89
    """
    rows = len(series.alarms)
    worth = worth_of_rows(rows, series.windows, profile)
    counted = series.alarms & (np.arange(rows) >= probation(rows))
    outside = np.ones(rows, dtype=np.bool_)
    total = 0.0
    for first, last in series.windows:
        outside[first : last + 1] = False
        if last < probation(rows):
            continue
        hits = worth[first : last + 1][counted[first : last + 1]]
        total += float(hits.max()) if len(hits) else -profile.miss
    return total + float(worth[counted & outside].sum())


def scaled_score(series: Sequence[Judged], profile: Profile) -> float:
    """All series together: 100 for an alarm at every window's first row and no other, 0 for no alarm.

    With no scored window there is nothing to reach: NaN.

    >>> quiet = Judged(np.zeros(20, dtype=np.bool_), ((10, 14),))
    >>> scaled_score([quiet], PROFILES["standard"])
    0.0
    """
    windows = sum(last >= probation(len(one.alarms)) for one in series for _, last in one.windows)
    if not windows:
        return float("nan")
    total = sum(raw_score(one, profile) for one in series)
    worst, best = -profile.miss * windows, profile.hit * windows
    return 100.0 * (total - worst) / (best - worst)


@dataclass(frozen=True, slots=True)
class Tally:
    """Windows found, alarms outside any window per 1,000 rows, and how early: rows before a window ends."""

    windows: int
    found: int
    stray_alarms: int
    rows: int
    lead_rows: tuple[int, ...]

    @property
    def recall(self) -> float:
        """Part of the windows that got an alarm; NaN without windows."""
        return self.found / self.windows if self.windows else float("nan")

    @property
    def stray_per_1000(self) -> float:
        """Alarms outside any window per 1,000 scored rows outside any window."""
        return 1000.0 * self.stray_alarms / max(self.rows, 1)


def tally(series: Sequence[Judged]) -> Tally:
    """Count windows and stray alarms over all series, behind probation.

    >>> tally([Judged(np.array([False] * 8 + [True, True, False]), ((8, 10),))]).lead_rows
    (2,)
    """
    windows = found = stray = rows = 0
    leads: list[int] = []
    for one in series:
        start = probation(len(one.alarms))
        scored = np.arange(len(one.alarms)) >= start
        outside = scored.copy()
        for first, last in one.windows:
            outside[first : last + 1] = False
            if last < start:
                continue
            windows += 1
            hits = np.flatnonzero((one.alarms & scored)[first : last + 1])
            found += bool(len(hits))
            leads += [last - first - int(hits[0])] if len(hits) else []
        stray += int((one.alarms & outside).sum())
        rows += int(outside.sum())
    return Tally(windows, found, stray, rows, tuple(leads))
