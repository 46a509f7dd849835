# SPDX-License-Identifier: Apache-2.0
"""Learning how gauges follow their neighbours, and how far they may stray, from a city's packaged history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cheoyong.detect.opinion import (
    ENOUGH,
    LAGS,
    ORDINARY,
    WITNESSES_MIN,
    Relation,
    at_lags,
    bridged,
    ranged,
    second_largest,
    together,
)
from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import SECOND_US, parse_instant
from cheoyong.domain.observation import Float64s, Series

_ROWS_MIN = 1000
_RIDGE = 1e-3
_USUAL = 0.9  # of all days have a smaller range: an ordinary day's
_LIVELY = 0.1  # m of activity from which on a stray counts for what the river's moving costs
_RARE = 0.9995

_Beta = Mapping[str, tuple[float, ...]]


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


def learn(
    series: str, witnesses: Sequence[str], driver: str | None, history: Mapping[str, Series], period_us: int
) -> Relation | None:
    """The relation of a gauge to its neighbours from their history; None where there is too little."""
    own = history.get(series)
    there = [name for name in witnesses if name in history]
    if own is None or len(there) < WITNESSES_MIN or len(own.time_us) < _ROWS_MIN:
        return None
    driver = driver if driver in history else None
    at_us = np.arange(own.time_us[0], own.time_us[-1] + 1, period_us)
    names = [series, *there, *([driver] if driver else [])]
    sent = {name: at_lags(history[name], at_us, period_us, (0,))[:, 0] for name in names}
    away = {name: _departures(column) for name, column in sent.items()}
    if driver:
        away[driver] = bridged(away[driver])
    lagged = {name: np.stack([_shift(away[name], lag) for lag in LAGS], 1) for name in names}
    beta = _fitted(away[series], there, driver, lagged)
    if len(beta) < WITNESSES_MIN:
        return None
    ranges = {name: _shift(ranged(sent[name][::-1])[::-1], 1) for name in beta}
    usual = {name: float(np.nanquantile(of, _USUAL)) for name, of in ranges.items()}
    bounds = [_bounds(away[series], some, driver, lagged, ranges, usual) for some in _subsets(beta)]
    if bounds[0] is None:
        return None
    still, moving, liveliest = bounds[0]
    fewer = [bound for bound in bounds[1:] if bound is not None] or [bounds[0]]
    widest = (max(one[0] for one in fewer), max(one[1] for one in fewer))
    return Relation(series, beta, driver, period_us, usual, still, moving, widest, liveliest)


def _subsets(beta: _Beta) -> list[_Beta]:
    """All witnesses, then all but one of them where two are left."""
    left = [{name: own for name, own in beta.items() if name != out} for out in beta]
    return [beta, *(some for some in left if len(some) >= WITNESSES_MIN)]


def _fitted(own: Float64s, there: Sequence[str], driver: str | None, lagged: Mapping[str, Float64s]) -> _Beta:
    """Weights of each neighbour that has enough to say, by ridge regression without an intercept."""
    beta = {}
    for name in there:
        design = np.concatenate([lagged[name], *([lagged[driver]] if driver else [])], 1)
        good = np.isfinite(design).all(1) & np.isfinite(own)
        if np.count_nonzero(good) >= _ROWS_MIN:
            ridge = _RIDGE * np.count_nonzero(good) * np.eye(design.shape[1])
            gram = design[good].T @ design[good] + ridge
            beta[name] = tuple(np.linalg.solve(gram, design[good].T @ own[good]).tolist())
    return beta


def _bounds(
    own: Float64s,
    beta: _Beta,
    driver: str | None,
    lagged: Mapping[str, Float64s],
    ranges: Mapping[str, Float64s],
    usual: Mapping[str, float],
) -> tuple[float, float, float] | None:
    """``still``, ``moving``, ``liveliest`` by these witnesses; None without calm and lively water."""
    activity = second_largest(np.stack([ranges[name] - usual[name] for name in beta]))
    expected, count = together(beta, driver, lagged)
    stray = np.where(count >= WITNESSES_MIN, np.abs(own - expected), np.nan)
    known = np.isfinite(stray)
    calm, lively = known & (activity < _LIVELY), known & (activity >= _LIVELY)
    if np.count_nonzero(calm) < _ROWS_MIN or not lively.any():
        return None
    still = float(np.quantile(stray[calm], _RARE))
    moving = float(np.quantile(np.maximum(stray[lively] - still, 0) / activity[lively], _RARE))
    return still, moving, float(activity[known].max())


def _departures(value: Float64s) -> Float64s:
    """Value less the median of the ordinary state before it, oldest first."""
    padded = np.concatenate([np.full(ORDINARY.stop, np.nan), value])
    # Row i ends ORDINARY.start periods before value i.
    rows = sliding_window_view(padded[1:], ORDINARY.stop - ORDINARY.start)[: len(value)]
    enough = np.isfinite(rows).sum(1) >= ENOUGH
    base = np.full(len(value), np.nan)
    base[enough] = np.nanmedian(rows[enough], axis=1)
    return np.asarray(value - base)


def _shift(value: Float64s, lag: int) -> Float64s:
    return np.concatenate([np.full(lag, np.nan), value[:-lag]])


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
