# SPDX-License-Identifier: Apache-2.0
"""Training of one gauge: rows on the hour, storms weighed lightly, errors from days the fit had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from cheoyong.domain.city import Level
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.hazards.river.ceiling import Ceiling
from cheoyong.hazards.river.crossing import Dependence, dependence
from cheoyong.hazards.river.features import Basis, State, columns_for, state_at
from cheoyong.hazards.river.model import LeadModel, RiverModel
from cheoyong.hazards.river.regression import Bools, Normal, normal, scaling, solve
from cheoyong.hazards.river.routing import chosen_columns, fit_routing, manning, travel_h
from cheoyong.hazards.river.sampling import HOUR_US, STALE_US, finite_only, known_at, without
from cheoyong.hazards.river.settings import Target
from cheoyong.hazards.river.spread import fit_spread
from cheoyong.hazards.river.tide import fit_tide

ROWS_MIN = 24 * 60
_SHARE_MIN = 0.5  # an input present less than half of the time would cost more rows than it brings
_CALM_M = 0.5  # activity at which a row counts half in weight
_FOLDS = 5
_BLOCK_H = 240
_PURGE_H = 36
_ON_TIME_US = 10 * 60 * 1_000_000


def train_gauge(target: Target, levels: tuple[Level, ...], history: Mapping[str, Series]) -> RiverModel:
    """Model of one gauge from ``history`` (m, m³/s; windows of ``target.exclude`` are cut out first).

    Raises InvalidInput when fewer than 60 days of complete hourly rows remain.
    """
    known = {name: without(series, target.exclude) for name, series in finite_only(history).items()}
    basis, issued_us = _basis(target, known)
    state = state_at(basis, known, issued_us)
    travel = _travel(basis, state)
    leads, unseen = [], []
    for lead_s in target.leads_s:
        lead, error = _lead(basis, state, known, issued_us, lead_s, travel)
        leads.append(lead)
        unseen.append(error)
    own_m = known[target.series].value
    ceiling = Ceiling(float(own_m.min()), float(np.median(own_m)), float(own_m.max()))
    # A gauge with nothing upstream has no activity to report: zero.
    lively_m = float(np.quantile(np.nan_to_num(state.activity_m), 0.97))
    lively = state.activity_m >= leads[0].spread.knots_m[0]
    shared = np.stack(unseen, axis=1)
    tied = dependence(shared[lively & np.isfinite(shared).all(axis=1)])
    identity = f"river/{target.series}/{_digest(basis, ceiling, tied, leads)}"
    return RiverModel(identity, basis, ceiling, tuple(leads), tied, levels, lively_m)


def _basis(target: Target, known: Mapping[str, Series]) -> tuple[Basis, Int64s]:
    """Constants of the features and the hourly issue instants of the record."""
    own = known.get(target.series)
    if own is None or len(own.time_us) < ROWS_MIN:
        raise InvalidInput(
            f"needs at least {ROWS_MIN} values to train on", where=target.series, mend="give a longer history"
        )
    issued_us = np.arange(
        -(-own.time_us[0] // HOUR_US) * HOUR_US, own.time_us[-1] + 1, HOUR_US, dtype=np.int64
    )
    upstream, reservoir, release, rain = (
        tuple(name for name in names if _share(known, name, issued_us) >= _SHARE_MIN)
        for names in (target.upstream, target.reservoir, target.release, target.rain)
    )
    has_tide = target.tide is not None and _share(known, target.tide, issued_us) >= _SHARE_MIN
    tide = fit_tide(known[target.tide]) if has_tide and target.tide else None
    index = known[upstream[0]].value if upstream else np.array([np.nan])
    basis = Basis(
        target,
        upstream,
        reservoir,
        release,
        tide,
        own_cap_m=float(np.quantile(own.value, 0.98)),
        own_mean_m=float(own.value.mean()),
        own_low_m=float(np.quantile(own.value, 0.01)),
        index_cap_m=float(np.quantile(index, 0.98)),
        index_median_m=float(np.median(index)),
        rain=rain,
    )
    return basis, issued_us


def _travel(basis: Basis, state: State) -> tuple[float, ...]:
    """Travel time (h) of each source of flow to the forecast gauge; a release counts as the furthest."""
    own = manning(state.own_now_m - basis.own_cap_m)
    gauges = [float(travel_h(state.flow[:, 2 * i], own)) for i in range(len(basis.upstream))]
    return (*gauges, *[np.inf] * len(basis.release))


def _share(known: Mapping[str, Series], name: str, issued_us: Int64s) -> float:
    """Share of the issue instants at which a series has a fresh value."""
    if name not in known or len(known[name].time_us) == 0:
        return 0.0
    return float(np.isfinite(known_at(known[name], issued_us, STALE_US)).mean())


def _lead(
    basis: Basis,
    state: State,
    known: Mapping[str, Series],
    issued_us: Int64s,
    lead_s: int,
    travel: tuple[float, ...],
) -> tuple[LeadModel, Float64s]:
    """Model of one lead, and its errors (issues,) on hours the fit had not seen, NaN where there is none."""
    columns = columns_for(basis, state, known, issued_us, lead_s)
    x = columns.matrix()
    y = known_at(known[basis.target.series], issued_us + lead_s * 1_000_000, _ON_TIME_US)
    rows = np.isfinite(x).all(axis=1) & np.isfinite(y)
    if rows.sum() < ROWS_MIN:
        raise InvalidInput(
            f"has only {int(rows.sum())} complete hours to train on, {ROWS_MIN} are needed",
            where=basis.target.series,
            mend="give a longer history or drop inputs with gaps",
        )
    # From all hours with known flow: a tide gauge that fails in a storm must not hide the greatest flows.
    column = chosen_columns(travel, lead_s / 3600)
    routing = fit_routing(state.flow, y, issued_us, column, basis.own_low_m, basis.own_cap_m)
    x, y, activity = x[rows], y[rows], np.nan_to_num(state.activity_m[rows])
    names = tuple(columns.value)
    rising = np.array([False, *(name in columns.rising for name in names)])
    scale = scaling(x)
    design = scale.design(x)
    weight = 1.0 / (1.0 + (activity / _CALM_M) ** 2)
    everyday = normal(design, y, weight)
    keep = np.ones(design.shape[1], bool)
    error = y - _unseen(design, y, weight, everyday, rising, issued_us[rows])
    errors = np.full(len(issued_us), np.nan)
    errors[rows] = error
    model = LeadModel(
        lead_s,
        names,
        scale,
        rising,
        everyday,
        _stormy(design, y, activity),
        solve(everyday, keep, rising),
        fit_spread(error, activity, issued_us[rows]),
        routing,
    )
    return model, errors


def _unseen(
    design: Float64s, y: Float64s, weight: Float64s, everyday: Normal, rising: Bools, issued_us: Int64s
) -> Float64s:
    """Forecast of each row by a fit that saw nothing within 36 h of its ten-day block: (n,)."""
    hour = issued_us // HOUR_US
    predicted = np.empty(len(y))
    keep = np.ones(design.shape[1], bool)
    for fold in range(_FOLDS):
        near = [((hour + shift) // _BLOCK_H) % _FOLDS == fold for shift in (-_PURGE_H, 0, _PURGE_H)]
        hidden = near[0] | near[1] | near[2]
        away = normal(design[hidden], y[hidden], weight[hidden])
        seen = Normal(
            everyday.gram - away.gram,
            everyday.moment - away.moment,
            everyday.squared - away.squared,
            everyday.weight - away.weight,
        )
        predicted[near[1]] = design[near[1]] @ solve(seen, keep, rising)
    return predicted


def _stormy(design: Float64s, y: Float64s, activity: Float64s) -> Normal:
    """Sums over the liveliest twentieth of rows: what missing inputs cost when it matters."""
    lively = activity >= np.quantile(activity, 0.95)
    return normal(design[lively], y[lively], np.ones(int(lively.sum())))


def _digest(basis: Basis, ceiling: Ceiling, tied: Dependence, leads: list[LeadModel]) -> str:
    """Hash of everything the training settled, 12 hex digits."""
    digest = blake2b(repr((basis.target, basis.series, ceiling)).encode(), digest_size=6)
    digest.update(tied.correlation.tobytes())
    if basis.tide is not None:
        digest.update(basis.tide.coefficient_m.tobytes())
    for lead in leads:
        for part in (lead.scaling.mean, lead.scaling.scale, lead.beta):
            digest.update(part.tobytes())
        if lead.routing is not None:
            known = (*lead.routing.weight, lead.routing.largest, lead.routing.up, lead.routing.down)
            digest.update(np.array(known).tobytes())
        for part in (lead.spread.up, lead.spread.down, lead.spread.z):
            digest.update(part.tobytes())
    return digest.hexdigest()
