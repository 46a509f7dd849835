# SPDX-License-Identifier: Apache-2.0
"""Member: residual from the usual of this hour and weekday, with an online scale.

Means shrunk from weekday-hour to hour to level by the number seen (James and Stein 1961, in spirit).
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.level import CLIP, MEMORY, SCORE_MAX

HOUR_US = 3_600_000_000
SHRINK = 12.0  # observations that weigh as much as what lies above
CELL_MEMORY = 200.0


@compiled
def season(stream: Any, at_us: int, value: float) -> float:
    """Signed residual in residual scales, then learn from it, clipped; times before 1970 are as others."""
    hours = at_us // HOUR_US
    cell, hour = hours % 168, hours % 24
    hour_weight = stream.hour_n[hour] / (stream.hour_n[hour] + SHRINK)
    cell_weight = stream.cell_n[cell] / (stream.cell_n[cell] + SHRINK)
    by_hour = stream.level + hour_weight * (stream.hour[hour] - stream.level)
    usual = by_hour + cell_weight * (stream.cell[cell] - by_hour)
    error = value - usual
    scale = stream.residual_scale
    clipped = error if scale <= 0.0 else max(-CLIP * scale, min(CLIP * scale, error))
    learnt = usual + clipped
    stream.hour_n[hour] = min(stream.hour_n[hour] + 1.0, CELL_MEMORY)
    stream.hour[hour] += (learnt - stream.hour[hour]) / stream.hour_n[hour]
    stream.cell_n[cell] = min(stream.cell_n[cell] + 1.0, CELL_MEMORY)
    stream.cell[cell] += (learnt - stream.cell[cell]) / stream.cell_n[cell]
    stream.residual_scale += (abs(clipped) - scale) / min(stream.seen + 1.0, MEMORY)
    return max(-SCORE_MAX, min(SCORE_MAX, error / scale)) if scale > 0.0 else 0.0
