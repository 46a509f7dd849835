# SPDX-License-Identifier: Apache-2.0
"""Is what a model gave a forecast at all: finite, rising where it must, about what was asked."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from itertools import pairwise

from cheoyong.domain.fact import Crossing, Forecast

VALUES_MAX = 10_000  # quantiles times leads; ten times what the widest model gives
_ROUNDING = 1e-9


def unsound(forecast: Forecast, *, model: str, series: str, issued_us: int, levels: Container[str]) -> str:
    """What is wrong with a forecast, in words; empty when it can be believed to be one.

    ``model``, ``series`` and ``issued_us`` are what was asked, ``levels`` the ids of the gauge's levels.

    >>> good = Forecast("river", "m", "stage_m", 0, (3600,), (0.1, 0.9), ((1.0, 2.0),))
    >>> unsound(good, model="m", series="stage_m", issued_us=0, levels=())
    ''
    >>> from dataclasses import replace
    >>> unsound(replace(good, value=((2.0, 1.0),)), model="m", series="stage_m", issued_us=0, levels=())
    'quantiles fall at lead 3600 s'
    """
    if (forecast.model, forecast.series, forecast.issued_us) != (model, series, issued_us):
        return "speaks of another model, series or instant than asked"
    leads, shares, rows = forecast.lead_s, forecast.quantile, forecast.value
    if not 0 < len(leads) * len(shares) <= VALUES_MAX:
        return f"has {len(leads)} leads and {len(shares)} quantiles"
    if not _rising(leads) or leads[0] < 0:
        return "leads do not rise"
    if not _rising(shares) or not 0.0 <= shares[0] <= shares[-1] <= 1.0:
        return "quantile levels are no rising shares"
    if len(rows) != len(leads) or any(len(row) != len(shares) for row in rows):
        return "has not a value for each lead and quantile"
    for lead_s, row in zip(leads, rows, strict=True):
        if not all(math.isfinite(value) for value in row):
            return f"a value is not a number at lead {lead_s} s"
        if not _not_falling(row):
            return f"quantiles fall at lead {lead_s} s"
    return next((said for said in (_unsound_crossing(one, levels) for one in forecast.crossings) if said), "")


def _unsound_crossing(crossing: Crossing, levels: Container[str]) -> str:
    if crossing.level not in levels or not math.isfinite(crossing.limit):
        return f"the gauge has no level {crossing.level!r}"
    chances = crossing.probability
    if len(chances) != len(crossing.lead_s) or not all(0.0 <= chance <= 1.0 for chance in chances):
        return f"probability of {crossing.level} is not between 0 and 1 at each lead"
    if not _not_falling(chances):
        return f"probability of {crossing.level} up to a lead falls with the lead"
    return ""


def _rising(values: Iterable[float]) -> bool:
    return all(low < high for low, high in pairwise(values))


def _not_falling(values: Iterable[float]) -> bool:
    return all(low <= high + _ROUNDING for low, high in pairwise(values))
