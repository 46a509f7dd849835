# SPDX-License-Identifier: Apache-2.0
"""How much an operator is asked to bear: rows told in ten minutes, an hour, a day, against EEMUA 191.

Counted is what an operator is told (a row of the list that asks to be looked at), not how many alarms are
behind it. About one in ten minutes is acceptable, more than ten are a flood that nobody can follow.
(EEMUA Publication 191, 3rd edition; the same figures in ANSI/ISA-18.2-2016, clause on monitoring.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cheoyong.domain.instant import HOUR_US, SECOND_US

WINDOW_US = 600 * SECOND_US
DAY_US = 24 * HOUR_US
ACCEPTABLE = 1  # told in ten minutes, on average
FLOOD = 10  # more than so many in ten minutes
STALE_US = DAY_US
ACTORS_MAX = 10


@dataclass(frozen=True, slots=True)
class Actor:
    """An alarm that was raised often: its gauge and rule, and how often in the day."""

    series: str
    rule: str
    raised: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands, and what was raised in the day: alarms, not rows; ``actors`` those raised most often."""

    open: int = 0
    stale: int = 0
    raised: int = 0
    actors: tuple[Actor, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Rows told in the last ten minutes, hour and day; ``peak`` the most in any ten minutes of the day.

    ``flood_percent`` (0-100) is how much of the day there were more than ten in ten minutes, ``standing``
    how many alarms are open, ``stale`` how many of them for more than a day. ``raised`` counts all alarms
    of the day, ``actors`` names the ten raised most often, and more than once.
    """

    ten_minutes: int
    hour: int
    day: int
    peak: int
    flood_percent: float
    standing: int
    stale: int
    raised: int
    actors: tuple[Actor, ...]

    @property
    def state(self) -> str:
        """``calm`` (at most 1 in ten minutes), ``busy`` (up to 10), ``flood``."""
        if self.ten_minutes <= ACCEPTABLE:
            return "calm"
        return "busy" if self.ten_minutes <= FLOOD else "flood"


def load(told_us: Iterable[int], standing: Standing, now_us: int) -> Load:
    """The load at ``now_us`` (µs) from when rows were told, and from what stands and was raised.

    >>> minute = 60_000_000
    >>> load([0, 5 * minute, 9 * minute], Standing(), 10 * minute).ten_minutes
    2
    """
    told = sorted(at_us for at_us in told_us if now_us - DAY_US < at_us <= now_us)
    again = (actor for actor in standing.actors if actor.raised > 1)
    often = sorted(again, key=lambda actor: (-actor.raised, actor.series, actor.rule))
    return Load(
        ten_minutes=_since(told, now_us - WINDOW_US),
        hour=_since(told, now_us - HOUR_US),
        day=len(told),
        peak=_peak(told),
        flood_percent=round(100.0 * _flood_us(told, now_us) / DAY_US, 2),
        standing=standing.open,
        stale=standing.stale,
        raised=standing.raised,
        actors=tuple(often[:ACTORS_MAX]),
    )


def _since(told: Sequence[int], from_us: int) -> int:
    return sum(1 for at_us in told if at_us > from_us)


def _peak(told: Sequence[int]) -> int:
    """The most told in any ten minutes: the fullest window ends at one of them."""
    first, most = 0, 0
    for last, at_us in enumerate(told):
        while at_us - told[first] >= WINDOW_US:
            first += 1
        most = max(most, last - first + 1)
    return most


def _flood_us(told: Sequence[int], now_us: int) -> int:
    """For how long more than ten had been told in the ten minutes before, µs."""
    total_us, covered_us = 0, now_us - DAY_US
    for first, last in zip(told, told[FLOOD:], strict=False):
        start_us, end_us = max(last, covered_us), min(first + WINDOW_US, now_us)
        if end_us > start_us:
            total_us += end_us - start_us
            covered_us = end_us
    return total_us
