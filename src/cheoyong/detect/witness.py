# SPDX-License-Identifier: Apache-2.0
"""What the neighbours of a gauge say it should read: one small regression per neighbour, and their median.

Everything is a departure from the gauge's own median of the week before, so a shifted datum between years
does no harm. Only values of neighbours at least one period old are read: what is judged then does not
depend on which gauge of one instant arrives first. The median of several opinions is not moved by one
faulty neighbour. How far the gauge may stray is learnt too: more while the river moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import SECOND_US, parse_instant
from cheoyong.domain.observation import Float64s, Int64s, Series

LAGS = (1, 2, 3, 4)  # periods: the wave's way between neighbours, never the instant itself
WEEK = slice(73, 241)  # periods back: the ordinary state; a fault of three days is not in it
ENOUGH = 48  # of them known, or there is no ordinary state
WITNESSES_MIN = 2  # one neighbour against one gauge says nothing of which is wrong
STILL_MAX = 0.5  # m; neighbours that stray further in calm water cannot judge a gauge (judgement)
_ROWS_MIN = 1000
_CALM_M = 0.1
_RARE = 0.9995


@dataclass(frozen=True, slots=True)
class Relation:
    """How one gauge follows its neighbours: ``beta[neighbour]`` are weights of its LAGS, then the driver's.

    ``driver`` (the sea at the mouth) moves several gauges at once; None where there is none. A stray of
    more than ``still`` + ``moving`` × the neighbours' range in six periods is out of the ordinary.
    """

    series: str
    beta: Mapping[str, tuple[float, ...]]
    driver: str | None
    period_us: int
    still: float
    moving: float

    @property
    def reads(self) -> tuple[str, ...]:
        """Every series it looks at, its own first."""
        return (self.series, *self.beta, *([self.driver] if self.driver else []))


@dataclass(frozen=True, slots=True)
class Opinion:
    """By instant, newest first: what was sent and expected, the stray allowed, how many witnesses spoke."""

    sent: Float64s
    expected: Float64s
    allowed: Float64s
    witnesses: Int64s


def neighbours(city: CityPack) -> dict[str, tuple[tuple[str, ...], str | None]]:
    """By series its witnesses and driver: those that feed one forecast gauge, and it, witness each other."""
    found: dict[str, tuple[tuple[str, ...], str | None]] = {}
    for settings in city.hazards.values():
        for target, table in settings.items():
            upstream = table.get("upstream", ()) if isinstance(table, Mapping) else ()
            family = [target, *upstream]
            driver = table.get("tide") if isinstance(table, Mapping) else None
            if len(family) > WITNESSES_MIN:
                found |= {one: (tuple(n for n in family if n != one), driver) for one in family}
    return found


def learn_all(city: CityPack, history: Mapping[str, Series]) -> dict[str, Relation]:
    """The relations of a city's gauges, the windows that its settings exclude from training left out."""
    cuts = _excluded(city)
    kept = {name: _without(series, cuts) for name, series in history.items()}
    found = {}
    for series, (witnesses, driver) in neighbours(city).items():
        if series in city.gauges:
            period_us = round(city.gauges[series].quality.period_s * SECOND_US)
            relation = learn(series, witnesses, driver, kept, period_us)
            if relation:
                found[series] = relation
    return found


def _excluded(city: CityPack) -> list[tuple[int, int]]:
    tables = [table for settings in city.hazards.values() for table in settings.values()]
    pairs = [pair for table in tables if isinstance(table, Mapping) for pair in table.get("exclude", ())]
    return [(_instant_us(start), _instant_us(end)) for start, end in pairs]


def _instant_us(moment: object) -> int:
    return moment if isinstance(moment, int) else parse_instant(str(moment), where="exclude")


def _without(series: Series, windows: Sequence[tuple[int, int]]) -> Series:
    keep = np.ones(len(series.time_us), np.bool_)
    for start_us, end_us in windows:
        keep &= (series.time_us < start_us) | (series.time_us >= end_us)
    return Series(series.time_us[keep], series.value[keep])


def at_lags(series: Series | None, at_us: Int64s, period_us: int, lags: Sequence[int]) -> Float64s:
    """Newest value at each instant and lag, at most half a period old: (instants, lags); NaN where none."""
    wanted = at_us[:, None] - np.asarray(lags)[None, :] * period_us
    if series is None or not len(series.time_us):
        return np.full(wanted.shape, np.nan)
    place = np.searchsorted(series.time_us, wanted, side="right") - 1
    fresh = (place >= 0) & (wanted - series.time_us[place] <= period_us // 2)
    return np.where(fresh, series.value[place], np.nan)


def ordinary(value: Float64s) -> float:
    """Median of the week before; NaN where too little of it is known."""
    known = value[WEEK][np.isfinite(value[WEEK])]
    return float(np.median(known)) if len(known) >= ENOUGH else np.nan


def opinion(relation: Relation, recent: Mapping[str, Series], at_us: int, back: int = 49) -> Opinion:
    """What the neighbours say of the last ``back`` periods up to ``at_us``."""
    grid = np.arange(WEEK.stop + LAGS[-1] + 6)
    columns = {
        name: at_lags(recent.get(name), np.array([at_us]), relation.period_us, grid.tolist())[0]
        for name in relation.reads
    }
    base = {name: ordinary(column) for name, column in columns.items()}
    away = {name: column - base[name] for name, column in columns.items()}
    lagged = {name: np.stack([column[lag : lag + back] for lag in LAGS], 1) for name, column in away.items()}
    said, ranged = _said(relation, lagged, {name: _ranges(away[name], back) for name in relation.beta})
    expected, allowed, count = _together(relation, said, ranged)
    return Opinion(columns[relation.series][:back], expected + base[relation.series], allowed, count)


def learn(
    series: str, witnesses: Sequence[str], driver: str | None, history: Mapping[str, Series], period_us: int
) -> Relation | None:
    """The relation of a gauge to its neighbours from their history; None where there is too little."""
    own = history.get(series)
    there = [name for name in witnesses if name in history]
    if own is None or len(there) < WITNESSES_MIN or len(own.time_us) < _ROWS_MIN:
        return None
    at_us = np.arange(own.time_us[0], own.time_us[-1] + 1, period_us)
    names = [series, *there, *([driver] if driver and driver in history else [])]
    away = {name: _departures(at_lags(history[name], at_us, period_us, (0,))[:, 0]) for name in names}
    lagged = {name: np.stack([_shift(away[name], lag) for lag in LAGS], 1) for name in names}
    beta = {}
    for name in there:
        design = np.concatenate([lagged[name], *([lagged[driver]] if driver in names else [])], 1)
        good = np.isfinite(design).all(1) & np.isfinite(away[series])
        if np.count_nonzero(good) >= _ROWS_MIN:
            ridge = 1e-3 * np.count_nonzero(good) * np.eye(design.shape[1])
            gram = design[good].T @ design[good] + ridge
            beta[name] = tuple(np.linalg.solve(gram, design[good].T @ away[series][good]).tolist())
    if len(beta) < WITNESSES_MIN:
        return None
    relation = Relation(series, beta, driver if driver in names else None, period_us, 0.0, 0.0)
    ranges = {name: _ranges(away[name][::-1], len(at_us))[::-1] for name in beta}
    said, ranged = _said(relation, lagged, ranges)
    expected, _, count = _together(relation, said, ranged)
    stray = np.abs(away[series] - expected)
    activity = _largest(ranged)
    good = np.isfinite(stray) & (count >= WITNESSES_MIN)
    calm = good & (activity < _CALM_M)
    lively = good & ~calm
    if not calm.any() or not lively.any():
        return None
    still = float(np.quantile(stray[calm], _RARE))
    if still > STILL_MAX:
        return None
    moving = float(np.quantile(np.maximum(stray[lively] - still, 0) / activity[lively], _RARE))
    return Relation(series, beta, relation.driver, period_us, still, moving)


def _said(
    relation: Relation, lagged: Mapping[str, Float64s], ranges: Mapping[str, Float64s]
) -> tuple[Float64s, Float64s]:
    """Departure each neighbour expects, and its range of late: both (neighbours, instants)."""
    driver = [lagged[relation.driver]] if relation.driver else []
    said = [
        np.concatenate([lagged[name], *driver], 1) @ np.array(beta) for name, beta in relation.beta.items()
    ]
    ranged = [ranges[name] for name in relation.beta]
    return np.stack(said), np.stack(ranged)


def _together(relation: Relation, said: Float64s, ranged: Float64s) -> tuple[Float64s, Float64s, Int64s]:
    count = np.isfinite(said).sum(0)
    middle = np.full(said.shape[1], np.nan)
    some = count > 0
    middle[some] = np.nanmedian(said[:, some], axis=0)
    return middle, relation.still + relation.moving * _largest(ranged), count


def _largest(ranged: Float64s) -> Float64s:
    """The second largest range: one neighbour gone mad does not make the river lively."""
    known = np.sort(np.nan_to_num(ranged, nan=0.0), axis=0)
    return np.asarray(known[-2] if len(known) > 1 else known[-1])


def _ranges(newest_first: Float64s, back: int) -> Float64s:
    """Highest less lowest of six periods before each instant, the instant itself left out."""
    length = len(newest_first)
    rows = np.stack([
        np.pad(newest_first, (0, 8), constant_values=np.nan)[lag : lag + min(back, length)]
        for lag in range(1, 7)
    ])  # fmt: skip
    high = np.where(np.isfinite(rows), rows, -np.inf).max(0)
    low = np.where(np.isfinite(rows), rows, np.inf).min(0)
    return np.where(np.isfinite(high), high - low, np.nan)


def _departures(value: Float64s) -> Float64s:
    """Value less the median of the week that lay three days back, oldest first; refreshed daily."""
    away = np.full(len(value), np.nan)
    for start in range(WEEK.stop, len(value), 24):
        week = value[start - WEEK.stop : start - WEEK.start]
        week = week[np.isfinite(week)]
        if len(week) >= ENOUGH:
            away[start : start + 24] = value[start : start + 24] - np.median(week)
    return away


def _shift(value: Float64s, lag: int) -> Float64s:
    return np.concatenate([np.full(lag, np.nan), value[:-lag]])
