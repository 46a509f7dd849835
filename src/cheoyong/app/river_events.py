# SPDX-License-Identifier: Apache-2.0
"""Storm by storm: when a river model first held a level likely, and when the river reached it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from cheoyong.domain.instant import format_instant
from cheoyong.domain.observation import Int64s, Series
from cheoyong.hazards.river.model import RiverModel
from cheoyong.hazards.river.sampling import HOUR_US

WITHIN_S = 3 * 3600
_LIKELY = 0.5
_APART_US = 72 * HOUR_US  # two peaks closer than the model's memory are one storm
_BEFORE_US, _AFTER_US = 24 * HOUR_US, 12 * HOUR_US


@dataclass(frozen=True, slots=True)
class StormEvent:
    """One storm and one level (m): when P(level within 3 h) first was 50 % or more, and when it came.

    Only foresight counts: a level that stood reached already is not "likely". ``warned_min`` minutes from the
    one to the other; None where either did not happen. Times are city time.
    """

    peak_at: str
    peak_m: float
    level: str
    limit_m: float
    likely_at: str | None
    crossed_at: str | None
    warned_min: int | None


def storm_peaks(own: Series, start_us: int, end_us: int, above_m: float) -> tuple[int, ...]:
    """Instants (µs, rising) of the peaks above ``above_m`` in [start, end), at least three days apart.

    >>> hours = np.arange(200, dtype=np.int64)
    >>> level = np.where(hours == 20, 3.0, np.where(hours == 25, 2.5, np.where(hours == 150, 2.2, 1.0)))
    >>> [at // HOUR_US for at in storm_peaks(Series(hours * HOUR_US, level), 0, 200 * HOUR_US, 2.0)]
    [20, 150]
    """
    found: list[int] = []
    high = (own.time_us >= start_us) & (own.time_us < end_us) & (own.value > above_m)
    time_us, value = own.time_us[high], own.value[high]
    for i in np.argsort(-value, kind="stable"):
        if all(abs(int(time_us[i]) - other) > _APART_US for other in found):
            found.append(int(time_us[i]))
    return tuple(sorted(found))


def storm_events(
    model: RiverModel, history: Mapping[str, Series], span_us: tuple[int, int], above_m: float, zone: ZoneInfo
) -> tuple[StormEvent, ...]:
    """Every storm of the span and every level of the model, which must have a lead of three hours."""
    own = history[model.series]
    found: list[StormEvent] = []
    for peak_us in storm_peaks(own, *span_us, above_m):
        near = own.between(peak_us - _BEFORE_US, peak_us + _AFTER_US)
        found += _storm(model, history, near, peak_us, zone)
    return tuple(found)


def _storm(
    model: RiverModel, history: Mapping[str, Series], near: Series, peak_us: int, zone: ZoneInfo
) -> Iterator[StormEvent]:
    issued_us = near.time_us[near.time_us % HOUR_US == 0]
    likely = _first_likely(model, history, issued_us)
    peak_m = float(np.nanmax(near.value))
    for level in model.levels:
        reached = near.time_us[near.value >= level.limit]
        crossed_us = int(reached[0]) if len(reached) else None
        likely_us = likely.get(level.id)
        if likely_us is not None and crossed_us is not None and likely_us >= crossed_us:
            likely_us = None  # a level already reached is certain: no foresight
        both = likely_us is not None and crossed_us is not None
        yield StormEvent(
            peak_at=format_instant(peak_us, zone),
            peak_m=round(peak_m, 3),
            level=level.id,
            limit_m=level.limit,
            likely_at=None if likely_us is None else format_instant(likely_us, zone),
            crossed_at=None if crossed_us is None else format_instant(crossed_us, zone),
            warned_min=(crossed_us - likely_us) // 60_000_000 if both else None,  # type: ignore[operator]
        )


def _first_likely(model: RiverModel, history: Mapping[str, Series], issued_us: Int64s) -> dict[str, int]:
    """First issue instant at which each level was likely within three hours: level id → µs."""
    window_us = model.window_s * 1_000_000
    first: dict[str, int] = {}
    for at_us in issued_us.tolist():
        recent = {name: one.between(at_us - window_us, at_us + 1) for name, one in history.items()}
        forecast = model.forecast(recent, at_us)
        for crossing in forecast.crossings if forecast else ():
            within = crossing.probability[crossing.lead_s.index(WITHIN_S)]
            if within >= _LIKELY:
                first.setdefault(crossing.level, at_us)
    return first
