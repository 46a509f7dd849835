# SPDX-License-Identifier: Apache-2.0
"""Members: the running mean and the running spread of clipped residuals.

Roberts 1959, "Control chart tests based on geometric moving averages", Technometrics 1, 239–250.
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.level import MEMORY

MEAN_GAIN = 0.1
SPREAD_GAIN = 0.05
QUIETEST = 1e-3  # of the usual spread: a stream that stands still is no quieter than this


@compiled
def shift(stream: Any, clipped: float) -> float:
    """How far the running mean of the residuals lies from zero (≥ 0, scales)."""
    stream.shift += MEAN_GAIN * (clipped - stream.shift)
    return float(abs(stream.shift))


@compiled
def spread(stream: Any, clipped: float) -> tuple[float, float]:
    """How many times louder and how many times calmer than usual the residuals are now (both > 0)."""
    if stream.seen == 0:
        stream.spread = stream.usual_spread = 1.0
    stream.spread += SPREAD_GAIN * (abs(clipped) - stream.spread)
    stream.usual_spread += (abs(clipped) - stream.usual_spread) / min(stream.seen + 2.0, MEMORY)
    usual = stream.usual_spread
    if usual <= 0.0:
        return 0.0, 0.0
    return stream.spread / usual, usual / max(stream.spread, QUIETEST * usual)
