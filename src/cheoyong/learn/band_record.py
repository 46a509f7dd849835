# SPDX-License-Identifier: Apache-2.0
"""What a model's forecasts were worth of late: bands that wait for their time, and counts of thirty days.

Bounded: of pending bands the newest ``PENDING_MAX``, of days ``DAYS``, each with a row for each lead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import DAY_US, SECOND_US
from cheoyong.domain.observation import Series
from cheoyong.learn.past import ON_TIME_US, known_at

DAYS = 30
PENDING_MAX = 1_000
LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95


class Band(NamedTuple):
    """What was said for an instant (µs), so many seconds before it."""

    due_us: int
    lead_s: int
    low: float
    middle: float
    high: float


class Count(NamedTuple):
    """Of one day (days since 1970) and lead: bands judged, those that held, and values above the median.

    A value on the median counts half above it.
    """

    day: int
    lead_s: int
    judged: int
    inside: int
    above: float


class BandRecord(NamedTuple):
    """``pending``: due rising; ``counts``: day and lead rising."""

    model: str = ""
    pending: tuple[Band, ...] = ()
    counts: tuple[Count, ...] = ()

    @property
    def days(self) -> int:
        """On how many of the last thirty days there was something to judge."""
        return len({one.day for one in self.counts})

    @property
    def judged(self) -> int:
        """Bands of the last thirty days whose time has come, of all leads."""
        return sum(one.judged for one in self.counts)

    @property
    def share(self) -> float:
        """Share of them that held what came, 0-1; NaN while there are none."""
        return sum(one.inside for one in self.counts) / self.judged if self.judged else float("nan")

    @property
    def lean(self) -> float:
        """How far off a half the share above the median is, at the lead where it is most: 0-0.5.

        >>> BandRecord("m", (), (Count(0, 3600, 10, 9, 5.0), Count(0, 7200, 10, 9, 1.0))).lean
        0.4
        """
        judged: dict[int, int] = defaultdict(int)
        above: dict[int, float] = defaultdict(float)
        for one in self.counts:
            judged[one.lead_s] += one.judged
            above[one.lead_s] += one.above
        return max((abs(above[lead_s] / of - 0.5) for lead_s, of in judged.items()), default=0.0)


def expecting(record: BandRecord, forecast: Forecast) -> BandRecord:
    """With the bands of one more forecast; another model begins a record of its own.

    >>> said = Forecast("river", "m", "s", 0, (3600,), (0.05, 0.5, 0.95), ((1.0, 2.0, 3.0),))
    >>> expecting(BandRecord(), said).pending
    (Band(due_us=3600000000, lead_s=3600, low=1.0, middle=2.0, high=3.0),)
    """
    if record.model != forecast.model:
        record = BandRecord(forecast.model)
    waiting = sorted({*record.pending, *_bands(forecast)})
    return record._replace(pending=tuple(waiting[-PENDING_MAX:]))


def come_due(record: BandRecord, own: Series) -> BandRecord:
    """With those bands judged whose time the gauge's values (oldest first) have reached.

    A band whose value did not come on time is not judged: the gauge's silence is no fault of the model.

    >>> waiting = BandRecord("m", (Band(0, 60, 1.0, 1.5, 2.0), Band(DAY_US, 60, 1.0, 1.5, 2.0)))
    >>> after = come_due(waiting, Series(np.array([0, DAY_US]), np.array([1.5, 9.0])))
    >>> [tuple(one) for one in after.counts], after.pending, after.share
    ([(0, 60, 1, 1, 0.5), (1, 60, 1, 0, 1.0)], (), 0.5)
    """
    if not len(own.time_us) or not record.pending or record.pending[0].due_us > own.time_us[-1]:
        return record
    newest_us = int(own.time_us[-1])
    due = [band for band in record.pending if band.due_us <= newest_us]
    came = known_at(own, np.array([band.due_us for band in due]), ON_TIME_US)
    counts = {(one.day, one.lead_s): one for one in record.counts}
    for band, value in zip(due, came.tolist(), strict=True):
        if np.isfinite(value):
            place = band.due_us // DAY_US, band.lead_s
            before = counts.get(place, Count(*place, 0, 0, 0.0))
            held = band.low <= value <= band.high
            above = 0.5 if value == band.middle else float(value > band.middle)
            counts[place] = Count(*place, before.judged + 1, before.inside + held, before.above + above)
    first = newest_us // DAY_US - DAYS + 1
    kept = tuple(counts[place] for place in sorted(counts) if place[0] >= first)
    return record._replace(pending=record.pending[len(due) :], counts=kept)


def _bands(forecast: Forecast) -> Iterator[Band]:
    if {LOW, MIDDLE, HIGH} <= set(forecast.quantile):
        places = [forecast.quantile.index(share) for share in (LOW, MIDDLE, HIGH)]
        for lead_s, row in zip(forecast.lead_s, forecast.value, strict=True):
            yield Band(forecast.issued_us + lead_s * SECOND_US, lead_s, *(row[place] for place in places))
