# SPDX-License-Identifier: Apache-2.0
"""Flood routing for storms beyond the record: flows add, stages do not.

    Q = max(h − h₀, 0)^(5/3)                     Manning, wide channel (Chow 1959, ch. 5); width, slope: in w
    F_l(t) = Σ_k w_k Q_k(t) + v_k (Q_k(t) − Q_k(t − 1 h))₊,   w, v ≥ 0
    R_l(t) = h₀ + ((c − h₀)^(5/3) + F_l)^(3/5)   back to stage: twice the flow is 1.5 times the depth

h₀ of a gauge upstream is its lowest stage of three days, of the forecast gauge the 1 % quantile of its
record; c is the latter's ordinary-flow limit. k runs over the releases and those gauges whose travel time to
the forecast gauge is at least the lead, or the longest there is: what stands lower down has passed by then
(corresponding flows, WMO-No. 1072). Travel time is the lag of best correlation between hourly changes of
flow. v lets a growing inflow go on growing. w and v are non-negative least squares (Lawson and Hanson 1974,
ch. 23) with errors weighed as stage errors, dh/dQ ∝ Q^(−2/5).

Inside the record the regression is the better forecast; it gives way to R as F goes from the largest F ever
learnt from to twice that:  h = P + g (R − P)₊,  g = clip(F / F_max − 1, 0, 1).  Never downward: water that
has passed a gauge upstream comes.

Out there three variances add: that of the regression, that between the two forecasts, g (1 − g) (R − P)₊²
(Raftery et al. 2005, Mon. Wea. Rev. 133), and that of R, whose error is taken as a share of its rise: the
share it had, upward and downward, in the greatest floods learnt from (F ≥ F_max / 4), widened for their
small number (:mod:`cheoyong.hazards.river.spread`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.hazards.river.spread import Spread, storm_count, storm_widening

_MANNING = 5 / 3
_TRAVEL_H_MAX = 6
_REFERENCE = 0.3  # flow at half a metre of depth: below it errors are weighed alike
_RIDGE = 0.1  # of each column's own size: no gauge carries all of a flow that several report
_FLOOD = 0.2  # flow above which an hour counts as flood: 0.4 m of depth
_GREAT = 1 / 4  # share of the largest F from which a flood counts as great
_ROWS_MIN = 24


@dataclass(frozen=True, slots=True)
class Routing:
    """Routing of one lead: flow columns used, sums of the least squares, weights, largest F learnt from.

    ``up`` and ``down`` are error as a share of the routed rise; ``low_m`` and ``ordinary_m`` (m) are h₀ and c
    of the forecast gauge.
    """

    column: tuple[int, ...]
    gram: Float64s
    moment: Float64s
    weight: Float64s
    largest: float
    up: float
    down: float
    low_m: float
    ordinary_m: float

    def route(self, flow: Float64s) -> tuple[Float64s, Float64s]:
        """R (m) and g (0-1) of flow columns (issues, columns); NaN and 0 where no gauge used is known."""
        known = np.isfinite(flow[:, self.column])
        total = np.full(len(flow), np.nan)
        for pattern in np.unique(known, axis=0):
            rows = (known == pattern).all(axis=1)
            if pattern.any():
                weight = self.weight if pattern.all() else _solve(self.gram, self.moment, pattern)
                total[rows] = np.where(pattern, flow[np.ix_(rows, self.column)], 0.0) @ weight
        base = manning(np.array(self.ordinary_m - self.low_m))
        stage = self.low_m + np.maximum(base + total, 0.0) ** (1 / _MANNING)
        return stage, np.nan_to_num(np.clip(total / self.largest - 1, 0.0, 1.0))


def beyond_record(
    routing: Routing,
    routed: tuple[Float64s, Float64s],
    centre_m: Float64s,
    up_m: Float64s,
    down_m: Float64s,
    spread: Spread,
) -> tuple[Float64s, Float64s, Float64s]:
    """Centre and error scales of the regression (m; issues) after routing had its say; same where g is 0."""
    stage_m, given = routed
    more = np.maximum(np.nan_to_num(stage_m - centre_m), 0.0)
    rise = given * np.maximum(np.nan_to_num(stage_m - routing.ordinary_m), 0.0)
    between = np.sqrt(given * (1 - given)) * more
    up = np.sqrt(up_m**2 + between**2 + (routing.up * rise) ** 2)
    down = np.sqrt(down_m**2 + between**2 + (routing.down * rise) ** 2)
    # A wider spread must not move the median, which need not stand at z = 0.
    middle = float(spread.z_at(np.array(0.5)))
    moved = middle * (up - up_m if middle > 0 else down - down_m)
    return centre_m + given * more - moved, up, down


def manning(depth_m: Float64s) -> Float64s:
    """Flow through a wide channel, up to a factor of width, slope and roughness.

    >>> manning(np.array([-1.0, 0.0, 8.0])).round(9).tolist()
    [0.0, 0.0, 32.0]
    """
    return np.asarray(np.maximum(depth_m, 0.0) ** _MANNING)


def travel_h(upstream: Float64s, own: Float64s) -> int:
    """Lag (h, 0-6) at which hourly changes of flow upstream (n,) best go with those of ``own`` (n,).

    >>> wave = np.exp(-((np.arange(60.0) - 20) / 5) ** 2)
    >>> travel_h(wave, np.roll(wave, 3))
    3
    """
    before, after = np.diff(upstream), np.diff(own)
    match = []
    for lag in range(_TRAVEL_H_MAX + 1):
        x, y = before[: len(before) - lag], after[lag:]
        both = np.isfinite(x) & np.isfinite(y)
        x, y = x[both], y[both]
        size = float(np.sqrt((x @ x) * (y @ y)))
        match.append(float(x @ y) / size if size > 0 else 0.0)
    return int(np.argmax(match))


def chosen_columns(travel: tuple[float, ...], lead_h: float) -> tuple[int, ...]:
    """Flow columns (two a source) of the sources far enough up; ``inf`` marks a release.

    >>> chosen_columns((0, 1, 2, 2, np.inf), 2.0)
    (4, 5, 6, 7, 8, 9)
    >>> chosen_columns((0, 1), 6.0)
    (2, 3)
    """
    gauges = [hours for hours in travel if np.isfinite(hours)]
    far = min(lead_h, max(gauges, default=0.0)) - 0.5
    return tuple(c for i, hours in enumerate(travel) if hours >= far for c in (2 * i, 2 * i + 1))


def fit_routing(
    flow: Float64s, y_m: Float64s, issued_us: Int64s, column: tuple[int, ...], low_m: float, ordinary_m: float
) -> Routing | None:
    """Weights from flow columns (n, columns) and the stage a lead later (n,), issued at ``issued_us`` (n,).

    None with too few flood hours.
    """
    base = float(manning(np.array(ordinary_m - low_m)))
    came = np.maximum(manning(y_m - low_m) - base, 0.0)
    x = flow[:, column]
    flood: NDArray[np.bool_] = (
        np.isfinite(x).all(axis=1) & np.isfinite(y_m) & (np.fmax(x.max(axis=1, initial=0), came) > _FLOOD)
    )
    if flood.sum() < _ROWS_MIN or not column:
        return None
    x, came = x[flood], came[flood]
    scale = (_REFERENCE + came) ** (1 / _MANNING - 1)
    x_m, came_m = x * scale[:, None], came * scale
    gram, moment = x_m.T @ x_m, x_m.T @ came_m
    weight = _solve(gram, moment, np.ones(len(column), bool))
    total = x @ weight
    largest = float(total.max())
    if largest <= 0:
        return None
    great = total >= _GREAT * largest
    rise_m = (base + total[great]) ** (1 / _MANNING) - base ** (1 / _MANNING)
    error_m = y_m[flood][great] - ordinary_m - rise_m
    hours = issued_us[flood][great]
    up, down = (_share(sign * error_m, rise_m) * storm_widening(storm_count(hours)) for sign in (1, -1))
    return Routing(column, gram, moment, weight, largest, up, down, low_m, ordinary_m)


def _share(error_m: Float64s, rise_m: Float64s) -> float:
    """Mean error on the positive side as a share of the routed rise."""
    side = error_m > 0
    return float(error_m[side].sum() / rise_m[side].sum()) if side.any() else 0.0


def _solve(gram: Float64s, moment: Float64s, keep: NDArray[np.bool_]) -> Float64s:
    """Non-negative ridge weights of the kept columns, zero for the others."""
    weight = np.zeros(len(moment))
    index = np.flatnonzero(keep & (np.diag(gram) > 0))
    if len(index) == 0:
        return weight
    part = gram[np.ix_(index, index)]
    root = np.linalg.cholesky(part + _RIDGE**2 * np.diag(np.diag(part)))
    weight[index], _ = nnls(root.T, np.linalg.solve(root, moment[index]))
    return weight
