# SPDX-License-Identifier: Apache-2.0
"""Scores of past forecasts by season of the year: a summer of typhoons and a dry winter are two records."""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.domain.observation import Int64s, Series
from cheoyong.learn.past import Past
from cheoyong.learn.verification import lead_scores

SEASONS = ((12, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11))
_SHOWN = ("lead_s", "cases", "nse", "rmse", "crps", "crps_persistence", "coverage_90")


def season_scores(past: Past, observed: Series) -> list[dict[str, Any]]:
    """Scores of every lead of the forecasts issued in each season (months, UTC) of which there are any."""
    month = months(past.issued_us)
    found = []
    for season in SEASONS:
        rows = np.isin(month, season)
        if rows.any():
            scores = lead_scores(past.only(rows), observed)
            leads = [{name: getattr(one, name) for name in _SHOWN} for one in scores]
            found.append({"months": list(season), "leads": leads})
    return found


def months(at_us: Int64s) -> Int64s:
    """Month of the year, 1 to 12, UTC.

    >>> months(np.array([0, 86_400_000_000 * 59])).tolist()
    [1, 3]
    """
    return np.asarray(at_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1)
