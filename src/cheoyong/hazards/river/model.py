# SPDX-License-Identifier: Apache-2.0
"""The trained river model: one gauge, quantiles at each lead, from whatever inputs are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cheoyong.domain.city import Level
from cheoyong.domain.fact import Forecast
from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.hazards.river import conformal
from cheoyong.hazards.river.ceiling import Ceiling
from cheoyong.hazards.river.crossing import Dependence, crossings
from cheoyong.hazards.river.features import WINDOW_H, Basis, State, columns_for, state_at
from cheoyong.hazards.river.regression import Bools, Normal, Scaling, solve
from cheoyong.hazards.river.routing import Routing, beyond_record
from cheoyong.hazards.river.sampling import HOUR_US, STALE_US, finite_only, known_at
from cheoyong.hazards.river.spread import Spread

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_DEGRADED_WIDENING = 1.02  # missing lags that widen the spread by less than this are not worth a word
_WIDENING_MAX = 5.0
_BLIND = 1.5  # judgement: the gauge that is silent may be the one that rises most
_ON_TIME_US = 10 * 60 * 1_000_000
_INPUTS_MIN = 3  # own stage, or an upstream gauge with its lags: fewer columns are no forecast


@dataclass(frozen=True, slots=True)
class LeadModel:
    """One lead: scaling, normal equations of all rows and of stormy rows, and the error spread.

    ``beta`` are the coefficients with every input present; ``rising`` marks columns of the intercept-led
    design that must not act downward.
    """

    lead_s: int
    names: tuple[str, ...]
    scaling: Scaling
    rising: Bools
    everyday: Normal
    stormy: Normal
    beta: Float64s
    spread: Spread
    routing: Routing | None

    def partial(self, present: Bools) -> tuple[Float64s, float]:
        """Coefficients without the absent columns, and by how much that widens the spread (≥ 1)."""
        keep = np.concatenate([[True], present])
        if present.all():
            return self.beta, 1.0
        beta = solve(self.everyday, keep, self.rising)
        ratios = [sums.variance(beta) / sums.variance(self.beta) for sums in (self.everyday, self.stormy)]
        return beta, float(np.clip(np.sqrt(max(ratios)), 1.0, _WIDENING_MAX))


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts at many issue instants: all (issues, leads); NaN where there was too little to say.

    ``centre_m`` is the location before the ceiling, ``up_m`` and ``down_m`` the error scales. Already in
    them: ``widening``, the factor that missing inputs cost, and ``correction`` (issues,), the one that the
    last day's forecasts earned. ``own_now_m`` (issues,) is the stage at issue.
    """

    centre_m: Float64s
    up_m: Float64s
    down_m: Float64s
    widening: Float64s
    own_now_m: Float64s
    correction: Float64s


@dataclass(frozen=True, slots=True)
class RiverModel:
    """A trained model of one gauge (immutable, picklable, deterministic); see domain.hazard.HazardModel."""

    id: str
    basis: Basis
    ceiling: Ceiling
    leads: tuple[LeadModel, ...]
    dependence: Dependence
    levels: tuple[Level, ...]
    lively_m: float
    maturity: str = "advisory"

    @property
    def series(self) -> str:
        """The gauge it forecasts."""
        return self.basis.target.series

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every series it reads, the forecast one first."""
        return self.basis.series

    @property
    def window_s(self) -> int:
        """How far back it reads (s)."""
        hindcasts_s = (conformal.BACK_H + 1) * 3600 + self.leads[-1].lead_s
        return WINDOW_H * 3600 + STALE_US // 1_000_000 + hindcasts_s

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        """Quantiles and crossing probabilities; None when no stage, own or upstream, is fresh."""
        at_us = np.array([issued_us], np.int64)
        clean = finite_only({name: recent[name] for name in self.inputs if name in recent})
        state = state_at(self.basis, clean, at_us)
        outlook = self._outlook(state, clean, at_us, self._earned(clean, at_us))
        if np.isnan(outlook.centre_m).any():
            return None
        missing = tuple(name for name in self.inputs if np.isnan(state.current[name][0]))
        lead_s = tuple(lead.lead_s for lead in self.leads)
        value = self.quantiles_m(outlook, np.array(QUANTILES))[0]
        above = [[self._above(outlook, i, level.limit) for i in range(len(lead_s))] for level in self.levels]
        return Forecast(
            hazard="river",
            model=self.id,
            series=self.series,
            issued_us=issued_us,
            lead_s=lead_s,
            quantile=QUANTILES,
            value=tuple(tuple(float(v) for v in row) for row in value),
            crossings=crossings(self.levels, lead_s, float(outlook.own_now_m[0]), above, self.dependence),
            used=tuple(name for name in self.inputs if name not in missing),
            missing=missing,
            degraded=bool(missing) or bool(outlook.widening.max() > _DEGRADED_WIDENING),
            maturity=self.maturity,
        )

    def outlook(self, history: Mapping[str, Series], issued_us: Int64s) -> Outlook:
        """The same forecasts at many issue instants (issues,), each from what was known at its own."""
        clean = finite_only({name: history[name] for name in self.inputs if name in history})
        state = state_at(self.basis, clean, issued_us)
        return self._outlook(state, clean, issued_us, self._earned(clean, issued_us))

    def quantiles_m(self, outlook: Outlook, probability: Float64s) -> Float64s:
        """Stage quantiles (m): (issues, leads, probabilities), rising along the last axis."""
        out = np.empty((*outlook.centre_m.shape, len(probability)))
        raised = self.ceiling.raised_m(outlook.own_now_m)[:, None]
        for i, lead in enumerate(self.leads):
            z = lead.spread.z_at(probability)[None, :]
            scale = np.where(z >= 0, outlook.up_m[:, i, None], outlook.down_m[:, i, None])
            out[:, i] = self.ceiling.bend(outlook.centre_m[:, i, None] + scale * z, raised)
        return out

    def _outlook(
        self, state: State, clean: Mapping[str, Series], issued_us: Int64s, earned: Float64s | None = None
    ) -> Outlook:
        """Without ``earned`` (issues,) as it was learnt, uncorrected."""
        shape = (len(issued_us), len(self.leads))
        centre, widening = np.full(shape, np.nan), np.full(shape, np.nan)
        up, down = np.full(shape, np.nan), np.full(shape, np.nan)
        activity = self._activity(state)
        for i, lead in enumerate(self.leads):
            x = columns_for(self.basis, state, clean, issued_us, lead.lead_s).matrix()
            centre[:, i], widening[:, i] = _centres(lead, x, self._enough(state))
            up_scale, down_scale = lead.spread.scales(activity)
            up[:, i], down[:, i] = up_scale * widening[:, i], down_scale * widening[:, i]
        correction = np.ones(len(issued_us))
        if earned is not None:
            gap = np.any(widening > 1, axis=1)
            correction = np.where(gap, np.maximum(earned, 1.0), earned)  # no gap sharpens
            centre, up, down = self._corrected(centre, up, down, correction)
        for i, lead in enumerate(self.leads):
            if lead.routing is not None:
                routed = lead.routing.route(state.flow)
                columns = (centre[:, i], up[:, i], down[:, i])
                centre[:, i], up[:, i], down[:, i] = beyond_record(
                    lead.routing, routed, *columns, lead.spread
                )
        return Outlook(centre, up, down, widening, state.own_now_m, correction)

    def _corrected(
        self, centre: Float64s, up: Float64s, down: Float64s, factor: Float64s
    ) -> tuple[Float64s, Float64s, Float64s]:
        """Location and scales (issues, leads), the scales by ``factor`` (issues,); no median moves."""
        z = np.array([float(lead.spread.z_at(np.array(0.5))) for lead in self.leads])
        more = (factor - 1)[:, None]
        return centre - more * z * np.where(z > 0, up, down), up * (1 + more), down * (1 + more)

    def _earned(self, clean: Mapping[str, Series], issued_us: Int64s) -> Float64s:
        """Factor (issues,) on the spread, from how forecasts of the last day did."""
        return conformal.widening(self._misses(clean, issued_us))

    def _misses(self, clean: Mapping[str, Series], issued_us: Int64s) -> Float64s:
        """Scores (issues, hours back, leads) of earlier forecasts whose time had come at each issue.

        Of whole hours, so that gauges read hourly and issues between the hours have the same past.
        """
        own = clean.get(self.series)
        if own is None:
            return np.full((len(issued_us), conformal.BACK_H, len(self.leads)), np.nan)
        came_us = (issued_us // HOUR_US)[:, None] * HOUR_US - np.arange(conformal.BACK_H) * HOUR_US
        from_us = came_us[:, :, None] - np.array([lead.lead_s * 1_000_000 for lead in self.leads])
        at_us, place = np.unique(from_us, return_inverse=True)
        past = self._outlook(state_at(self.basis, clean, at_us), clean, at_us)
        band = self.quantiles_m(past, np.array(conformal.BAND))
        band = band[place.reshape(from_us.shape), np.arange(len(self.leads))]
        return conformal.excess(known_at(own, came_us, _ON_TIME_US)[:, :, None], band)

    def _activity(self, state: State) -> Float64s:
        """Activity (m) at each issue; with a gauge upstream missing, half as much again, and never calm."""
        watched = (*self.basis.upstream, *self.basis.reservoir)
        blind = np.any(
            [np.isnan(state.current[name]) for name in watched] or [np.isnan(state.own_now_m)], axis=0
        )
        known = np.nan_to_num(state.activity_m)
        return np.where(blind, np.maximum(_BLIND * known, self.lively_m), known)

    def _enough(self, state: State) -> Bools:
        """Issue instants at which own stage or any gauge upstream is fresh: (issues,)."""
        stages = (self.series, *self.basis.upstream)
        fresh: Bools = np.any([np.isfinite(state.current[name]) for name in stages], axis=0)
        return fresh

    def _above(self, outlook: Outlook, i: int, limit_m: float) -> float:
        """P(stage ≥ limit) at lead ``i`` of the first issue instant."""
        raised_m = float(self.ceiling.raised_m(outlook.own_now_m)[0])
        distance = self.ceiling.unbend(limit_m, raised_m) - outlook.centre_m[0, i]
        scale = outlook.up_m[0, i] if distance >= 0 else outlook.down_m[0, i]
        return float(self.leads[i].spread.probability_above(np.array(distance / scale)))


def _centres(lead: LeadModel, x: Float64s, enough: Bools) -> tuple[Float64s, Float64s]:
    """Location (m) and widening at each row of x (n, features), solved once for each pattern of gaps."""
    present = np.isfinite(x)
    centre, widening = np.full(len(x), np.nan), np.full(len(x), np.nan)
    design = np.where(np.isfinite(full := lead.scaling.design(x)), full, 0.0)
    for pattern, alike in _patterns(present):
        rows = alike & enough
        if rows.any() and pattern.sum() >= _INPUTS_MIN:
            beta, factor = lead.partial(pattern)
            centre[rows] = design[rows] @ beta
            widening[rows] = factor
    return centre, widening


def _patterns(present: Bools) -> Iterator[tuple[Bools, Bools]]:
    """Each pattern of present columns and the rows that show it; whole rows first, they are nearly all."""
    whole: Bools = np.asarray(present.all(axis=1))
    if whole.any():
        yield np.ones(present.shape[1], bool), whole
    broken = np.flatnonzero(np.logical_not(whole))
    if len(broken) == 0:
        return
    patterns, which = np.unique(present[broken], axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.zeros(len(present), bool)
        rows[broken[which.reshape(-1) == number]] = True
        yield pattern, rows
