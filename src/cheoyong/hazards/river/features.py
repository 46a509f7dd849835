# SPDX-License-Identifier: Apache-2.0
"""What the river model looks at: columns computed from what was known at each issue instant.

Two blocks. The *tidal* block describes the estuary at ordinary flow: own stage, surge (observed minus
predicted tide up to the issue instant) and predicted tide around the target instant; its stages are capped
at ordinary values, so it cannot extrapolate. The *flood* block is zero at ordinary flow: excess of each
gauge over its lowest stage of three days (free of datum shifts between years), √release, and rises
squashed by tanh, because a rise faster than any in the record says "very fast" and no more. Stage excess
enters linearly: between gauges of one reach stage follows stage (gauge-to-gauge correlation: WMO-No. 1072,
Manual on Flood Forecasting and Warning, 2011).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.hazards.river.rain import rain_columns
from cheoyong.hazards.river.routing import manning
from cheoyong.hazards.river.sampling import HOUR_US, known_at, lagged
from cheoyong.hazards.river.settings import Target
from cheoyong.hazards.river.tide import Tide

WINDOW_H = 72  # memory of the lowest stage: longer than a storm, shorter than a change of datum
_OWN_LAGS_H = np.array([0, 1, 2, 3, 4, 5, 6, 9, 12, 18, 24], float)
_DAY_LAGS_H = (12, 13, 24, 25)  # the same tide half a lunar day and a lunar day before the target
_RISE_M_H = 1.0  # tanh scale: rises beyond about 1 m/h count as "very fast"
_EXCESS_M = 0.5
_SMALL_RISE_M = 0.3
_LOWEST_COUNT = 12  # hourly values needed before "lowest of three days" means anything


@dataclass(frozen=True, slots=True)
class Basis:
    """Constants of the features, all taken from the training span: metres.

    ``own_cap_m`` is the ordinary-flow limit of the forecast gauge (98th percentile), ``own_mean_m`` its
    mean, ``own_low_m`` its low-water level (1 %), ``index_cap_m`` and ``index_median_m`` limit and median of
    the nearest gauge upstream.
    """

    target: Target
    upstream: tuple[str, ...]
    reservoir: tuple[str, ...]
    release: tuple[str, ...]
    tide: Tide | None
    own_cap_m: float
    own_mean_m: float
    own_low_m: float
    index_cap_m: float = np.nan
    index_median_m: float = np.nan
    rain: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Every series that is read, the forecast one first."""
        tide = (self.target.tide,) if self.tide is not None and self.target.tide else ()
        return (self.target.series, *self.upstream, *self.reservoir, *self.release, *self.rain, *tide)


@dataclass(slots=True)
class Columns:
    """Feature columns under construction: name → values (issues,); ``rising`` must not act downward."""

    value: dict[str, Float64s] = field(default_factory=dict)
    rising: set[str] = field(default_factory=set)

    def add(self, name: str, value: Float64s, *, rising: bool = False) -> None:
        """One more column; ``rising`` when more of it can never mean a lower river."""
        self.value[name] = value
        if rising:
            self.rising.add(name)

    def matrix(self) -> Float64s:
        """Columns side by side: (issues, features)."""
        return np.stack(list(self.value.values()), axis=1)


@dataclass(frozen=True, slots=True)
class State:
    """What is common to all leads, at each issue instant (issues,); NaN where unknown.

    ``activity_m`` says how much is going on: the largest rise upstream in three hours plus the largest of
    own stage above ordinary and the excesses upstream; ≥ 0. ``current`` holds the fresh
    value of each series, ``flow`` (issues, 2 a source) flow and its growth in an hour of each gauge upstream
    and each release (:mod:`cheoyong.hazards.river.routing`).
    """

    columns: Columns
    own_now_m: Float64s
    index_now_m: Float64s
    own_mean_m: Float64s
    activity_m: Float64s
    current: Mapping[str, Float64s]
    flow: Float64s


def state_at(basis: Basis, recent: Mapping[str, Series], issued_us: Int64s) -> State:
    """Shared columns at each issue instant; reads nothing later than it."""
    columns = Columns()
    own = lagged(_get(recent, basis.target.series), issued_us, np.arange(25.0))
    ordinary = np.minimum(own, basis.own_cap_m)
    mean = _mean_where(ordinary, least=13)
    for lag in _OWN_LAGS_H.astype(int):
        columns.add(f"own_{lag}h", ordinary[:, lag])
    columns.add("own_day_mean", mean)
    columns.add("own_day_mean_squared", (mean - basis.own_mean_m) ** 2)
    columns.add("own_excess", np.maximum(own[:, 0] - basis.own_cap_m, 0), rising=True)
    current = {basis.target.series: own[:, 0]}
    flows: list[Float64s] = []
    rises, index, upstream_excess = _upstream(basis, recent, issued_us, columns, current, flows)
    _release(basis, recent, issued_us, columns, current, flows)
    if basis.rain:
        _rain(basis, recent, issued_us, columns, current)
    if basis.tide is not None:
        _surge(basis, basis.tide, recent, issued_us, columns, current)
    excess = np.fmax(np.maximum(own[:, 0] - basis.own_cap_m, 0), upstream_excess)
    return State(
        columns, own[:, 0], index, mean, _plus(rises, excess), current, _side_by_side(flows, len(issued_us))
    )


def columns_for(
    basis: Basis, state: State, recent: Mapping[str, Series], issued_us: Int64s, lead_s: int
) -> Columns:
    """The shared columns and those of one lead: predicted tide at the target, and the same tide a day ago."""
    columns = Columns(dict(state.columns.value), set(state.columns.rising))
    if basis.tide is None:
        return columns
    lead_h = lead_s / 3600
    flat = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    ahead = basis.tide.predict_m(_at(issued_us, lead_h + flat))
    now = basis.tide.predict_m(issued_us)
    for i, offset in enumerate(flat.astype(int)):
        columns.add(f"tide_target{offset:+d}h", ahead[:, i])
    change = ahead[:, 2] - now
    columns.add("tide_change_by_mean", change * (state.own_mean_m - basis.own_mean_m))
    columns.add("tide_by_mean", ahead[:, 2] * (state.own_mean_m - basis.own_mean_m))
    columns.add("tide_squared", ahead[:, 2] ** 2)
    if basis.upstream:
        # A fuller river feels the tide less: the gate goes from 0 at median flow to 1 in flood.
        gate = np.tanh(np.maximum(state.index_now_m - basis.index_median_m, -_EXCESS_M))
        columns.add("gate_by_tide_change", gate * change)
        columns.add("gate_by_tide", gate * ahead[:, 2])
        columns.add("gate_by_own", gate * np.minimum(state.own_now_m, basis.own_cap_m))
    _day_before(basis, basis.tide, recent, issued_us, lead_h, columns)
    return columns


def _upstream(
    basis: Basis,
    recent: Mapping[str, Series],
    issued_us: Int64s,
    columns: Columns,
    current: dict[str, Float64s],
    flows: list[Float64s],
) -> tuple[Float64s, Float64s, Float64s]:
    """Columns of the gauges upstream; returns largest 3 h rise, nearest gauge's stage, largest excess."""
    unknown = np.full(len(issued_us), np.nan)
    rise_max, index, excess_max = unknown, unknown, unknown
    for i, name in enumerate(basis.upstream):
        level = lagged(_get(recent, name), issued_us, np.arange(WINDOW_H + 1.0))
        current[name] = level[:, 0]
        lowest = _lowest(level)
        excess = np.maximum(level[:, 0] - lowest - _EXCESS_M, 0)
        flows += _flow_and_growth(manning(level[:, :2] - lowest[:, None]))
        columns.add(f"{name}_excess", excess, rising=True)
        if i == 0:
            index = level[:, 0]
            for lag in range(4):
                columns.add(f"{name}_{lag}h", np.minimum(level[:, lag], basis.index_cap_m))
        else:
            for lag in (1, 3):
                small = np.clip(level[:, 0] - level[:, lag], -_SMALL_RISE_M, _SMALL_RISE_M)
                columns.add(f"{name}_small_rise_{lag}h", small)
        _rises(name, level, columns)
        rise_max = np.fmax(rise_max, level[:, 0] - level[:, 3])
        excess_max = np.fmax(excess_max, excess)
    for name in basis.reservoir:
        level = lagged(_get(recent, name), issued_us, np.arange(4.0))
        current[name] = level[:, 0]
        _rises(name, level, columns)
        rise_max = np.fmax(rise_max, level[:, 0] - level[:, 3])
    return np.maximum(rise_max, 0), index, excess_max


def _rises(name: str, level: Float64s, columns: Columns) -> None:
    """Rise of the last hour and of the two hours before it, squashed: bounded whatever the sensor says."""
    for newer, older in ((0, 1), (1, 3)):
        hours = older - newer
        rise_m_h = (level[:, newer] - level[:, older]) / hours
        columns.add(f"{name}_rise_{older}h", hours * _RISE_M_H * np.tanh(rise_m_h / _RISE_M_H))


def _release(
    basis: Basis,
    recent: Mapping[str, Series],
    issued_us: Int64s,
    columns: Columns,
    current: dict[str, Float64s],
    flows: list[Float64s],
) -> None:
    for name in basis.release:
        flow = np.maximum(lagged(_get(recent, name), issued_us, np.arange(2.0)), 0)
        current[name] = flow[:, 0]
        columns.add(f"{name}_root", np.sqrt(flow[:, 0]), rising=True)
        flows += _flow_and_growth(flow)


def _rain(
    basis: Basis,
    recent: Mapping[str, Series],
    issued_us: Int64s,
    columns: Columns,
    current: dict[str, Float64s],
) -> None:
    for name in basis.rain:
        current[name] = known_at(_get(recent, name), issued_us)
    for name, fallen in rain_columns(recent, basis.rain, issued_us).items():
        columns.add(name, fallen, rising=True)


def _flow_and_growth(flow: Float64s) -> list[Float64s]:
    """Flow now, and its growth in the last hour if any, of (issues, now and an hour ago)."""
    return [flow[:, 0], np.maximum(flow[:, 0] - flow[:, 1], 0)]


def _side_by_side(flows: list[Float64s], issues: int) -> Float64s:
    return np.stack(flows, axis=1) if flows else np.empty((issues, 0))


def _surge(
    basis: Basis,
    tide: Tide,
    recent: Mapping[str, Series],
    issued_us: Int64s,
    columns: Columns,
    current: dict[str, Float64s],
) -> None:
    """Observed minus predicted tide up to now, and the predicted tide that own lags answered to."""
    assert basis.target.tide is not None
    observed = lagged(_get(recent, basis.target.tide), issued_us, _OWN_LAGS_H)
    predicted = tide.predict_m(_at(issued_us, -_OWN_LAGS_H))
    current[basis.target.tide] = observed[:, 0]
    for i, lag in enumerate(_OWN_LAGS_H.astype(int)):
        columns.add(f"surge_{lag}h", observed[:, i] - predicted[:, i])
        if lag <= 3:
            columns.add(f"tide_{lag}h", predicted[:, i])


def _day_before(
    basis: Basis,
    tide: Tide,
    recent: Mapping[str, Series],
    issued_us: Int64s,
    lead_h: float,
    columns: Columns,
) -> None:
    """Own stage, surge and predicted tide 12, 13, 24 and 25 h before the target, an hour either side."""
    assert basis.target.tide is not None
    lags = np.unique([day - lead_h + side for day in _DAY_LAGS_H for side in (-1, 0, 1)])
    lags = lags[lags >= 0]  # a lead of 12 h leaves no lag below zero to read
    own = np.minimum(lagged(_get(recent, basis.target.series), issued_us, lags), basis.own_cap_m)
    observed = lagged(_get(recent, basis.target.tide), issued_us, lags)
    predicted = tide.predict_m(_at(issued_us, -lags))
    for i, lag in enumerate(lags):
        columns.add(f"own_before_{lag:g}h", own[:, i])
        columns.add(f"tide_before_{lag:g}h", predicted[:, i])
        columns.add(f"surge_before_{lag:g}h", observed[:, i] - predicted[:, i])


def _plus(rise_m: Float64s, excess_m: Float64s) -> Float64s:
    """Sum of what is known of the two; NaN where neither is."""
    known = np.isfinite(rise_m) | np.isfinite(excess_m)
    return np.where(known, np.nan_to_num(rise_m) + np.nan_to_num(excess_m), np.nan)


def _get(recent: Mapping[str, Series], name: str) -> Series:
    return recent.get(name) or Series(np.empty(0, np.int64), np.empty(0))


def _at(issued_us: Int64s, offsets_h: Float64s) -> Int64s:
    return issued_us[:, None] + (offsets_h * HOUR_US).astype(np.int64)[None, :]


def _lowest(level: Float64s) -> Float64s:
    """Row-wise lowest finite value; NaN where fewer than ``_LOWEST_COUNT`` are known."""
    finite = np.isfinite(level)
    lowest = np.where(finite, level, np.inf).min(axis=1)
    return np.where(finite.sum(axis=1) >= _LOWEST_COUNT, lowest, np.nan)


def _mean_where(value: Float64s, least: int) -> Float64s:
    """Row-wise mean of finite values; NaN where fewer than ``least``."""
    finite = np.isfinite(value)
    count = finite.sum(axis=1)
    total = np.where(finite, value, 0.0).sum(axis=1)
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)
