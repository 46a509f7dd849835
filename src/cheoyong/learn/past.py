# SPDX-License-Identifier: Apache-2.0
"""Forecasts as they were issued, in columns, beside what was measured when their time came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US
from cheoyong.domain.observation import Float64s, Int64s, Series

ON_TIME_US = 10 * MINUTE_US
"""What was measured at most so long before the time that was forecast counts as what came."""
STALE_US = 90 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Past:
    """Forecasts of one series: ``issued_us`` (n,) rising; ``value`` (n, leads, quantiles), NaN where none.

    ``chance``: of each level the probability (n, leads) that it is reached up to the lead.
    """

    issued_us: Int64s
    lead_s: tuple[int, ...]
    quantile: tuple[float, ...]
    value: Any
    chance: dict[str, Any]

    @property
    def due_us(self) -> Int64s:
        """When each lead of each forecast comes due (n, leads)."""
        leads_us = np.array(self.lead_s, np.int64) * SECOND_US
        return np.asarray(self.issued_us[:, None] + leads_us[None, :])

    def only(self, rows: Any) -> Past:
        """The forecasts of these rows (n,), a mask."""
        chance = {level: column[rows] for level, column in self.chance.items()}
        return Past(self.issued_us[rows], self.lead_s, self.quantile, self.value[rows], chance)

    def at(self, quantile: float) -> Any:
        """One quantile (n, leads); NaN throughout when the forecasts have none such."""
        if quantile not in self.quantile:
            return np.full(self.value.shape[:2], np.nan)
        return self.value[:, :, self.quantile.index(quantile)]


def past_of(forecasts: Sequence[Forecast]) -> Past:
    """The forecasts by time of issue, of two issued at once the later in the list; leads of all of them."""
    newest = {one.issued_us: one for one in forecasts}
    ordered = [newest[at_us] for at_us in sorted(newest)]
    leads = tuple(sorted({lead for one in ordered for lead in one.lead_s}))
    quantiles = tuple(sorted({quantile for one in ordered for quantile in one.quantile}))
    value = np.full((len(ordered), len(leads), len(quantiles)), np.nan)
    levels = sorted({crossing.level for one in ordered for crossing in one.crossings})
    chance = {level: np.full((len(ordered), len(leads)), np.nan) for level in levels}
    for row, one in enumerate(ordered):
        columns = [leads.index(lead) for lead in one.lead_s]
        value[np.ix_([row], columns, [quantiles.index(q) for q in one.quantile])] = one.value
        for crossing in one.crossings:
            chance[crossing.level][row, [leads.index(lead) for lead in crossing.lead_s]] = (
                crossing.probability
            )
    issued = np.array([one.issued_us for one in ordered], np.int64)
    return Past(issued, leads, quantiles, value, chance)


def known_at(series: Series, at_us: Any, stale_us: int) -> Float64s:
    """Latest value at or before each instant, NaN when older than ``stale_us``; any shape.

    >>> hours = Series(np.array([0, HOUR_US]), np.array([1.0, 2.0]))
    >>> known_at(hours, np.array([-1, 0, HOUR_US, 3 * HOUR_US]), HOUR_US).tolist()
    [nan, 1.0, 2.0, nan]
    """
    if not len(series.time_us):
        return np.full(np.shape(at_us), np.nan)
    index = np.searchsorted(series.time_us, at_us, side="right") - 1
    last = np.maximum(index, 0)
    fresh = (index >= 0) & (at_us - series.time_us[last] <= stale_us)
    return np.where(fresh, series.value[last], np.nan)


def greatest_within(series: Series, from_us: Int64s, span_us: int) -> Float64s:
    """Greatest value after each instant, up to ``span_us`` later; NaN unless it was heard of to the end.

    >>> hours = Series(np.arange(5) * HOUR_US, np.array([1.0, 5.0, 2.0, 3.0, 4.0]))
    >>> greatest_within(hours, np.array([0, HOUR_US, 4 * HOUR_US]), 2 * HOUR_US).tolist()
    [5.0, 3.0, nan]
    """
    first = np.searchsorted(series.time_us, from_us, side="right")
    end = np.searchsorted(series.time_us, from_us + span_us, side="right")
    found = np.full(len(from_us), np.nan)
    for i, (a, b) in enumerate(zip(first, end, strict=True)):
        if b > a and series.time_us[b - 1] >= from_us[i] + span_us - STALE_US + HOUR_US // 2:
            found[i] = np.nanmax(series.value[a:b]) if np.isfinite(series.value[a:b]).any() else np.nan
    return found
