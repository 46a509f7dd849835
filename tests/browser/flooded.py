# SPDX-License-Identifier: Apache-2.0
"""Floods that are there before an installation starts, bathtubs on the packaged ground; and a forecast."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import shapely
from serving import Serving

from cheoyong.app.ground import ground_of
from cheoyong.hazards.inundation.streets.ground import Ground
from cheoyong.hazards.inundation.streets.library import Flood
from cheoyong.links.city_pack import load_city
from cheoyong.records.flood_files import FloodFiles

SERIES = "taehwa_stage_m"
LEADS_S = tuple(hour * 3600 for hour in range(1, 7))
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SPREAD_M = np.array([-0.8, -0.3, 0.0, 0.3, 0.8])
# Up to the crest of the bank within three hours, over it in the fifth: dry streets, then wet ones.
MEDIANS_M = (4.5, 5.5, 6.3, 6.8, 7.2, 7.3)


def fill(root: Path, stages_m: Sequence[float] | None = None) -> tuple[float, ...]:
    """Write the floods of all stages of the packaged ground, or of some, into a data folder; all stages."""
    facts, ground = ground_of("illustrative", "ulsan", load_city("ulsan"))
    files = FloodFiles(root / "floods", ground)
    for stage_m in facts.stages_m if stages_m is None else stages_m:
        files.keep(_bathtub(ground, stage_m, facts.valley.bank_m))
    return facts.stages_m


def forecast(serving: Serving, medians_m: Sequence[float] = MEDIANS_M, age_s: float = 600.0) -> UUID:
    """Put a forecast of the bridge on record, issued ``age_s`` ago, as the worker would."""
    identity, issued_us = uuid4(), int((time.time() - age_s) * 1e6)
    body = {
        "hazard": "river", "model": "river/test", "series": SERIES, "issued_us": issued_us, "lead_s": LEADS_S,
        "quantile": QUANTILES, "value": [(median + SPREAD_M).round(2).tolist() for median in medians_m],
        "crossings": [], "used": [SERIES], "missing": [], "degraded": False, "maturity": "advisory",
    }  # fmt: skip
    at = f"to_timestamp({issued_us / 1e6})"
    serving.database.fetch(
        "INSERT INTO fact (id, organisation_id, kind, about_at, recorded_at, body)"
        f" SELECT '{identity}', min(id), 'forecast', {at}, {at}, '{json.dumps(body)}'::jsonb"
        " FROM organisation"
    )
    return identity


def _bathtub(ground: Ground, stage_m: float, bank_m: float) -> Flood:
    """The river's level laid over the ground; behind the bank only once it is higher than its crest."""
    x, y = np.meshgrid(*ground.centres_m())
    line = ground.reach._line()
    points = shapely.points(x, y)
    along = shapely.line_locate_point(line, points)
    surface = ground.reach.surface_m(stage_m, along)
    behind = shapely.distance(points, line) > ground.reach.channel_m / 2 + 75.0
    over = surface > bank_m + ground.reach.slope * (ground.reach._gauge_along_m() - along)
    depth = np.nan_to_num(np.maximum(surface - ground.terrain.bed_m, 0.0))
    depth[behind & ~over] = 0.0
    return Flood(stage_m, depth.astype(np.float32), np.where(depth > 0.0, 0.4, 0.0).astype(np.float32))
