# SPDX-License-Identifier: Apache-2.0
"""How good past forecasts were, lead by lead, beside two that cost nothing: no change, and the season.

With fewer than 50 cases a figure is not given. Hours of one storm err together, so that many cases may still
be few storms. Scores: Nash and Sutcliffe (1970); Gupta, Kling, Yilmaz and Martinez (2009); Gneiting and
Raftery (2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.instant import DAY_US
from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.learn.past import ON_TIME_US, STALE_US, Past, known_at
from cheoyong.learn.uncertainty import Interval, intervals

FEW = 50
_MONTH_US = 30.436875 * DAY_US
_YEAR_US = 365.2425 * DAY_US
_SEASON_CASES_MIN = 24 * 30  # a month of hours


@dataclass(frozen=True, slots=True)
class LeadScore:
    """Scores of one lead in the unit of the series; None: too few cases, or nothing to compare with.

    The error is the median's. ``crps``: from the quantiles that were issued; what lies beyond the outer two
    is not scored. ``reliability``: of each quantile the share of cases that came in at or below it.
    ``interval``: 90 % intervals of the figures of that name, and of ``crps_skill`` over no change.
    """

    lead_s: int
    cases: int
    cases_high: int
    nse: float | None
    kge: float | None
    rmse: float | None
    rmse_high: float | None
    bias: float | None
    crps: float | None
    coverage_90: float | None
    nse_persistence: float | None
    crps_persistence: float | None
    nse_climatology: float | None
    crps_climatology: float | None
    reliability: tuple[tuple[float, float | None], ...]
    interval: Mapping[str, Interval]


def lead_scores(
    past: Past, observed: Series, before: Series | None = None, high: float = math.inf
) -> tuple[LeadScore, ...]:
    """Scores of every lead. ``observed``: what came; ``before``: what was known of seasons beforehand.

    ``high``: cases that came in at or above it are scored once more by themselves.
    """
    came = known_at(observed, past.due_us, ON_TIME_US)
    now = known_at(observed, past.issued_us, STALE_US)
    season = None if before is None else season_of(before, past.quantile)
    return tuple(
        _score(past, i, came[:, i], now, None if season is None else season(past.due_us[:, i]), high)
        for i in range(len(past.lead_s))
    )


def _score(past: Past, i: int, came: Float64s, now: Float64s, season: Any, high: float) -> LeadScore:
    median = past.at(0.5)[:, i]
    rows = np.isfinite(came) & np.isfinite(median) & np.isfinite(now)
    truth, guess, quantiles = came[rows], median[rows], past.value[rows, i, :]
    many, big = len(truth) >= FEW, truth >= high

    def told(figure: Callable[[], float], enough: bool = many) -> float | None:
        value = figure() if enough else math.nan
        return round(value, 6) if math.isfinite(value) else None

    low, top = past.at(0.05)[rows, i], past.at(0.95)[rows, i]
    usual = None if season is None else season[rows]
    middle = past.quantile.index(0.5) if 0.5 in past.quantile else 0
    return LeadScore(
        lead_s=past.lead_s[i],
        cases=len(truth),
        cases_high=int(big.sum()),
        nse=told(lambda: nse(guess, truth)),
        kge=told(lambda: kge(guess, truth)),
        rmse=told(lambda: float(np.sqrt(np.mean((guess - truth) ** 2)))),
        rmse_high=told(lambda: float(np.sqrt(np.mean((guess - truth)[big] ** 2))), int(big.sum()) >= 5),
        bias=told(lambda: float(np.mean(guess - truth))),
        crps=told(lambda: crps(past.quantile, quantiles, truth)),
        coverage_90=told(lambda: _share((truth >= low) & (truth <= top), np.isfinite(low + top))),
        nse_persistence=told(lambda: nse(now[rows], truth)),
        crps_persistence=told(lambda: float(np.mean(np.abs(now[rows] - truth)))),
        nse_climatology=None if usual is None else told(lambda: nse(usual[:, middle], truth)),
        crps_climatology=None if usual is None else told(lambda: crps(past.quantile, usual, truth)),
        reliability=tuple(
            (quantile, told(lambda j=j: _share(truth <= quantiles[:, j], np.isfinite(quantiles[:, j]))))  # type: ignore[misc]
            for j, quantile in enumerate(past.quantile)
        ),
        interval=_intervals(
            past.issued_us[rows],
            truth,
            guess,
            now[rows],
            crps_each(past.quantile, quantiles, truth),
            low,
            top,
        )
        if many
        else {},
    )


def _intervals(
    at_us: Int64s, truth: Float64s, guess: Float64s, now: Float64s, score: Float64s, low: Any, top: Any
) -> dict[str, Interval]:
    """Of the figures that are functions of sums over the cases."""
    banded = np.isfinite(low + top)
    parts = {
        "n": np.ones(len(truth)),
        "truth": truth,
        "square": truth**2,
        "error": (guess - truth) ** 2,
        "crps": np.nan_to_num(score),
        "scored": np.isfinite(score),
        "unmoved": np.where(np.isfinite(score), np.abs(now - truth), 0.0),
        "inside": banded & (truth >= low) & (truth <= top),
        "banded": banded,
    }
    of = {name: place for place, name in enumerate(parts)}
    figures: dict[str, Callable[[Any], Any]] = {
        "nse": lambda t: (
            1 - t[..., of["error"]] / (t[..., of["square"]] - t[..., of["truth"]] ** 2 / t[..., of["n"]])
        ),
        "rmse": lambda t: np.sqrt(t[..., of["error"]] / t[..., of["n"]]),
        "crps": lambda t: t[..., of["crps"]] / t[..., of["scored"]],
        "crps_skill": lambda t: 1 - t[..., of["crps"]] / t[..., of["unmoved"]],
        "coverage_90": lambda t: t[..., of["inside"]] / t[..., of["banded"]],
    }
    return intervals(at_us, np.column_stack(list(parts.values())).astype(np.float64), figures)


def nse(forecast: Float64s, observed: Float64s) -> float:
    """Nash-Sutcliffe efficiency, −∞ to 1; NaN when nothing varies.

    >>> nse(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]))
    0.5
    """
    variation = float(np.sum((observed - observed.mean()) ** 2))
    return 1.0 - float(np.sum((forecast - observed) ** 2)) / variation if variation > 0 else math.nan


def kge(forecast: Float64s, observed: Float64s) -> float:
    """Kling-Gupta efficiency, −∞ to 1: correlation, ratio of spreads, ratio of means (Gupta et al. 2009).

    >>> kge(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    >>> round(kge(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])), 6)
    -0.414214
    """
    spread, mean = float(observed.std()), float(observed.mean())
    if spread == 0.0 or mean == 0.0 or forecast.std() == 0.0:
        return math.nan
    together = float(np.corrcoef(forecast, observed)[0, 1])
    parts = (together - 1.0, float(forecast.std()) / spread - 1.0, float(forecast.mean()) / mean - 1.0)
    return 1.0 - math.hypot(*parts)


def crps(quantile: tuple[float, ...], value: Any, observed: Float64s) -> float:
    """Mean continuous ranked probability score of quantiles ``value`` (n, k), in the unit of ``observed``.

    Twice the pinball score over probability, each quantile standing for the probabilities nearest to it.

    >>> crps((0.25, 0.75), np.array([[2.0, 2.0]]), np.array([5.0]))
    3.0
    """
    return float(np.nanmean(crps_each(quantile, value, observed)))


def crps_each(quantile: tuple[float, ...], value: Any, observed: Float64s) -> Float64s:
    """The same of each case (n,); NaN where no quantile is a number."""
    share = np.array(quantile)
    edges = np.concatenate([[0.0], (share[1:] + share[:-1]) / 2, [1.0]])
    error = observed[:, None] - value
    pinball = np.where(error >= 0.0, share * error, (share - 1.0) * error)
    weight = np.where(np.isfinite(pinball), np.diff(edges), 0.0)
    total = np.nansum(pinball * weight, axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
    return np.where(weight.sum(axis=1) > 0, 2.0 * total, np.nan)


def season_of(before: Series, quantile: tuple[float, ...]) -> Callable[[Int64s], Any] | None:
    """What a month of the year usually brings: instants (n,) to quantiles (n, k); None with too little past.

    Months are twelfths of the year from 1 January UTC; one with less than a month of hours takes all of them.
    """
    good = np.isfinite(before.value)
    time_us, value = before.time_us[good], before.value[good]
    if len(value) < _SEASON_CASES_MIN:
        return None
    month = _month(time_us)
    table = np.tile(np.quantile(value, quantile), (12, 1))
    for number in range(12):
        of_month = value[month == number]
        if len(of_month) >= _SEASON_CASES_MIN // 2:
            table[number] = np.quantile(of_month, quantile)
    return lambda at_us: table[_month(at_us)]


def _month(at_us: Int64s) -> Int64s:
    return np.minimum((np.mod(at_us, _YEAR_US) // _MONTH_US).astype(np.int64), 11)


def _share(hits: Any, counted: Any) -> float:
    return float(hits[counted].mean()) if counted.any() else math.nan
