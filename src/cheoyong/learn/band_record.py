# SPDX-License-Identifier: Apache-2.0
"""What a model's 90 % bands were worth of late: bands that wait for their time, and counts of thirty days.

Bounded: of pending bands the newest ``PENDING_MAX``, of days ``DAYS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import DAY_US, SECOND_US
from cheoyong.domain.observation import Series
from cheoyong.learn.past import ON_TIME_US, known_at

DAYS = 30
PENDING_MAX = 1_000
LOW, HIGH = 0.05, 0.95


class BandRecord(NamedTuple):
    """``pending``: (due µs, low, high), due rising; ``days``: (days since 1970, inside, judged), rising."""

    model: str = ""
    pending: tuple[tuple[int, float, float], ...] = ()
    days: tuple[tuple[int, int, int], ...] = ()

    @property
    def judged(self) -> int:
        """Bands of the last thirty days whose time has come, of all leads."""
        return sum(judged for _, _, judged in self.days)

    @property
    def share(self) -> float:
        """Share of them that held what came, 0-1; NaN while there are none."""
        return sum(inside for _, inside, _ in self.days) / self.judged if self.judged else float("nan")


def expecting(record: BandRecord, forecast: Forecast) -> BandRecord:
    """With the bands of one more forecast; another model begins a record of its own.

    >>> said = Forecast("river", "m", "s", 0, (3600,), (0.05, 0.5, 0.95), ((1.0, 2.0, 3.0),))
    >>> expecting(BandRecord(), said).pending
    ((3600000000, 1.0, 3.0),)
    """
    if record.model != forecast.model:
        record = BandRecord(forecast.model)
    waiting = sorted({*record.pending, *_bands(forecast)})
    return record._replace(pending=tuple(waiting[-PENDING_MAX:]))


def come_due(record: BandRecord, own: Series) -> BandRecord:
    """With those bands judged whose time the gauge's values (oldest first) have reached.

    A band whose value did not come on time is not judged: the gauge's silence is no fault of the model.

    >>> waiting = BandRecord("m", ((0, 1.0, 2.0), (DAY_US, 1.0, 2.0), (2 * DAY_US, 0.0, 1.0)))
    >>> after = come_due(waiting, Series(np.array([0, DAY_US]), np.array([1.5, 9.0])))
    >>> after.days, len(after.pending), after.share
    (((0, 1, 1), (1, 0, 1)), 1, 0.5)
    """
    if not len(own.time_us) or not record.pending or record.pending[0][0] > own.time_us[-1]:
        return record
    newest_us = int(own.time_us[-1])
    due = [band for band in record.pending if band[0] <= newest_us]
    came = known_at(own, np.array([at_us for at_us, _, _ in due]), ON_TIME_US)
    days = {day: [inside, judged] for day, inside, judged in record.days}
    for (at_us, low, high), value in zip(due, came.tolist(), strict=True):
        if np.isfinite(value):
            counts = days.setdefault(at_us // DAY_US, [0, 0])
            counts[0] += low <= value <= high
            counts[1] += 1
    first = newest_us // DAY_US - DAYS + 1
    kept = tuple((day, *counts) for day, counts in sorted(days.items()) if day >= first)
    return record._replace(pending=record.pending[len(due) :], days=kept)  # type: ignore[arg-type]


def _bands(forecast: Forecast) -> Iterator[tuple[int, float, float]]:
    if LOW in forecast.quantile and HIGH in forecast.quantile:
        low, high = forecast.quantile.index(LOW), forecast.quantile.index(HIGH)
        for lead_s, row in zip(forecast.lead_s, forecast.value, strict=True):
            yield forecast.issued_us + lead_s * SECOND_US, row[low], row[high]
