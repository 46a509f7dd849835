# SPDX-License-Identifier: Apache-2.0
"""The distribution of the highest stage up to a lead, from a forecast's quantiles.

Leads are tied perfectly: a member that is high at one lead is high at every one. This is an assumption; it
makes the highest stage of each member the highest of its quantile over the leads, and is never lower than
other ties give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from cheoyong.domain.fact import Forecast

_LEAST_RISE_M = 1e-9


@dataclass(frozen=True, slots=True)
class Chance:
    """Stage as quantiles: ``share`` (k,) rising in (0, 1), ``stage_m`` (k,) never falling."""

    share: Any
    stage_m: Any

    def at_m(self, share: Any) -> Any:
        """Stage with that share of members below it, m; beyond the outer quantiles by the normal law.

        >>> Chance(np.array([0.05, 0.5, 0.95]), np.array([1.0, 2.0, 4.0])).at_m([0.05, 0.5]).round(6).tolist()
        [1.0, 2.0]
        """
        return _line(ndtri(np.asarray(share, np.float64)), ndtri(self.share), self._rising())

    def reaching(self, stage_m: Any) -> Any:
        """Probability that the stage is reached, 0 to 1, of any shape; inf is never reached.

        >>> chance = Chance(np.array([0.05, 0.5, 0.95]), np.array([1.0, 2.0, 4.0]))
        >>> chance.reaching([1.0, 2.0, 4.0, np.inf]).round(6).tolist()
        [0.95, 0.5, 0.05, 0.0]
        """
        wanted = np.asarray(stage_m, np.float64)
        never = np.isinf(wanted)
        score = _line(np.where(never, 0.0, wanted), self._rising(), ndtri(self.share))
        return np.where(never, 0.0, ndtr(-score))

    def _rising(self) -> Any:
        steps = np.arange(len(self.stage_m)) * _LEAST_RISE_M  # equal quantiles would divide by nothing
        return np.asarray(self.stage_m, np.float64) + steps


def highest_until(forecast: Forecast, lead_s: int, now_m: float | None) -> Chance:
    """The highest stage from the time of issue up to ``lead_s``; ``now_m``: observed at the time of issue.

    ``lead_s`` before the first lead of the forecast gives what is observed, as sure as it is.
    """
    share = np.asarray(forecast.quantile, np.float64)
    rows = [
        np.maximum.accumulate(np.asarray(values, np.float64))
        for lead, values in zip(forecast.lead_s, forecast.value, strict=True)
        if lead <= lead_s
    ]
    floor = [] if now_m is None else [np.full(len(share), now_m)]
    return Chance(share, _highest([*floor, *rows]))


def _highest(rows: Sequence[Any]) -> Any:
    return np.max(np.stack(rows), axis=0) if rows else np.full(1, np.nan)


def _line(x: Any, known_x: Any, known_y: Any) -> Any:
    """Straight lines between known points and on beyond the outer two."""
    inside = np.interp(x, known_x, known_y)
    if len(known_x) < 2:
        return inside
    for side, (a, b) in ((x < known_x[0], (0, 1)), (x > known_x[-1], (-2, -1))):
        slope = (known_y[b] - known_y[a]) / (known_x[b] - known_x[a])
        outer = known_y[0 if a == 0 else -1] + slope * (x - known_x[0 if a == 0 else -1])
        inside = np.where(side, outer, inside)
    return inside
