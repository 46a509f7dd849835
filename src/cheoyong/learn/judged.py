# SPDX-License-Identifier: Apache-2.0
"""All scores of a series' past forecasts together, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cheoyong.domain.city import Level
from cheoyong.domain.fact import Forecast
from cheoyong.domain.observation import Series
from cheoyong.learn.level_verification import level_scores
from cheoyong.learn.past import past_of
from cheoyong.learn.seasons import season_scores
from cheoyong.learn.verification import lead_scores


def judged(
    forecasts: Sequence[Forecast], observed: Series, before: Series | None, levels: Sequence[Level]
) -> dict[str, Any]:
    """Scores of every lead, season and rising level, for a page or a file; nothing without forecasts.

    ``before``: what was known of seasons beforehand. High is the lowest of the levels.
    """
    if not forecasts:
        return {"leads": [], "seasons": [], "levels": []}
    past = past_of(forecasts)
    rising = [level for level in levels if not level.below]
    high = min((level.limit for level in rising), default=float("inf"))
    leads = [asdict(one) for one in lead_scores(past, observed, before, high)]
    for lead in leads:
        lead["reliability"] = [
            {"quantile": quantile, "share": share} for quantile, share in lead["reliability"]
        ]
    names = {level.id: dict(level.name) for level in rising}
    found = level_scores(past, observed, [(level.id, level.limit) for level in rising])
    seasons = season_scores(past, observed)
    return {
        "leads": leads,
        "seasons": seasons,
        "levels": [{**asdict(one), "name": names[one.level]} for one in found],
    }
