# SPDX-License-Identifier: Apache-2.0
"""Were levels foretold: hits, misses, false alarms by storm, how early, and were probabilities honest.

A level counts as **foretold** when the probability of reaching it within three hours is 50 % or more while
the gauge still stands below it. One storm counts once, however many hours it was foretold or stood above.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.instant import HOUR_US, SECOND_US
from cheoyong.domain.observation import Int64s, Series
from cheoyong.learn.past import STALE_US, Past, greatest_within, known_at
from cheoyong.learn.uncertainty import Interval, share_interval
from cheoyong.learn.verification import FEW

WITHIN_S = 3 * 3600
LIKELY = 0.5
APART_US = 24 * HOUR_US
"""Two crossings closer than this are one storm."""
BEFORE_US = 12 * HOUR_US
"""How long before a crossing foretelling it counts."""
_LATE_US = HOUR_US
_EVENTS_MIN = 5


@dataclass(frozen=True, slots=True)
class LevelScore:
    """One level. ``pod``, ``far``, ``csi``: None with fewer than five events; ``brier``: fewer than 50 cases.

    ``brier_skill`` is against the share of cases in which the level came, taken from these very cases.
    ``interval``: 90 % intervals of the three shares, given from the first storm on.
    """

    level: str
    limit: float
    events: int
    hits: int
    misses: int
    false_alarms: int
    pod: float | None
    far: float | None
    csi: float | None
    median_lead_s: int | None
    brier: float | None
    brier_skill: float | None
    interval: Mapping[str, Interval]


def level_scores(past: Past, observed: Series, limits: Iterable[tuple[str, float]]) -> tuple[LevelScore, ...]:
    """Scores of each (level, limit) that the forecasts speak of."""
    return tuple(_level(past, observed, level, limit) for level, limit in limits if level in past.chance)


def crossings(observed: Series, limit: float) -> Int64s:
    """Instants at which the limit is reached by a series that stood below it for a day, rising.

    >>> hours = np.arange(60, dtype=np.int64) * HOUR_US
    >>> level = np.where(np.isin(np.arange(60), (5, 6, 10, 40)), 3.0, 1.0)
    >>> (crossings(Series(hours, level), 2.0) // HOUR_US).tolist()
    [5, 40]
    """
    above_us = observed.time_us[observed.value >= limit]
    if not len(above_us):
        return np.empty(0, np.int64)
    return np.asarray(above_us[np.concatenate([[True], np.diff(above_us) > APART_US])])


def _level(past: Past, observed: Series, level: str, limit: float) -> LevelScore:
    chance = _within(past, level)
    below = known_at(observed, past.issued_us, STALE_US) < limit
    foretold_us = past.issued_us[(chance >= LIKELY) & below]
    span = (past.issued_us[0], past.issued_us[-1] + WITHIN_S * SECOND_US) if len(past.issued_us) else (0, 0)
    came_us = crossings(observed, limit)
    came_us = came_us[(came_us > span[0]) & (came_us <= span[1])]
    leads_us = [_first_before(foretold_us, int(at_us)) for at_us in came_us]
    early = [lead for lead in leads_us if lead is not None]
    false = _false_episodes(foretold_us, came_us)
    events, hits = len(came_us), len(early)
    brier, skill = _brier(past, observed, chance, below, limit)
    return LevelScore(
        level=level,
        limit=limit,
        events=events,
        hits=hits,
        misses=events - hits,
        false_alarms=false,
        pod=_ratio(hits, events, events),
        far=_ratio(false, hits + false, events + false),
        csi=_ratio(hits, events + false, events + false),
        median_lead_s=int(np.median(early)) // SECOND_US if early else None,
        brier=brier,
        brier_skill=skill,
        interval=_intervals(hits, events, false),
    )


def _intervals(hits: int, events: int, false: int) -> dict[str, Interval]:
    shares = {"pod": (hits, events), "far": (false, hits + false), "csi": (hits, events + false)}
    found = {name: share_interval(*share) for name, share in shares.items()}
    return {name: one for name, one in found.items() if one is not None}


def _within(past: Past, level: str) -> Any:
    """Probability up to three hours ahead (n,): that of the last lead of at most so much."""
    fit = [i for i, lead in enumerate(past.lead_s) if lead <= WITHIN_S]
    return past.chance[level][:, fit[-1]] if fit else np.full(len(past.issued_us), np.nan)


def _first_before(foretold_us: Int64s, came_us: int) -> int | None:
    """How long before ``came_us`` it was first foretold, µs; None if it was not."""
    near = foretold_us[(foretold_us >= came_us - BEFORE_US) & (foretold_us < came_us)]
    return came_us - int(near[0]) if len(near) else None


def _false_episodes(foretold_us: Int64s, came_us: Int64s) -> int:
    if not len(foretold_us):
        return 0
    starts = np.flatnonzero(np.concatenate([[True], np.diff(foretold_us) > APART_US]))
    ends = np.concatenate([starts[1:], [len(foretold_us)]])
    false = 0
    for start, end in zip(starts, ends, strict=True):
        from_us, to_us = foretold_us[start], foretold_us[end - 1] + WITHIN_S * SECOND_US + _LATE_US
        false += not np.any((came_us > from_us) & (came_us <= to_us))
    return false


def _brier(past: Past, observed: Series, chance: Any, below: Any, limit: float) -> tuple[Any, Any]:
    """Brier score and skill over forecasts issued below the limit whose three hours were all seen."""
    greatest = greatest_within(observed, past.issued_us, WITHIN_S * SECOND_US)
    rows = below & np.isfinite(greatest) & np.isfinite(chance)
    if rows.sum() < FEW:
        return None, None
    came = (greatest[rows] >= limit).astype(np.float64)
    score, base = float(np.mean((chance[rows] - came) ** 2)), float(came.mean())
    usual = base * (1.0 - base)
    return round(score, 6), round(1.0 - score / usual, 4) if usual > 0.0 else None


def _ratio(part: int, whole: int, events: int) -> float | None:
    return round(part / whole, 4) if whole and events >= _EVENTS_MIN and not math.isnan(part) else None
