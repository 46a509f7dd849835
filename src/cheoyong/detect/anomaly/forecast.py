# SPDX-License-Identifier: Apache-2.0
"""Member: residual from a blend of simple forecasts, each weighted by how well it has done lately.

Bates and Granger 1969, "The combination of forecasts": weights by the inverse square of each one's error.
The forecasts: last value, fast mean, level, the usual of the hour of the day and of the week (``season``).
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.level import SCORE_MAX
from cheoyong.detect.anomaly.season import season

MEMORY = 1000.0  # observations
FAST = 20.0  # observations of the fast mean
CLIP = 4.0  # residual scales: no residual moves the scale by more
WORST = 5.0  # times its usual error: no miss counts more against a forecast
EVEN = 1e-9  # of the level: errors below are alike


@compiled
def forecast(stream: Any, at_us: int, value: float) -> tuple[float, float]:
    """Signed residual of ``value`` in residual scales, and what was expected; then learn, clipped."""
    if stream.seen == 0:
        stream.fast = value
        season(stream, at_us, value)
        return 0.0, value
    by_hour, by_week = season(stream, at_us, value)
    guesses = (stream.last, stream.fast, stream.level, by_hour, by_week)
    even = EVEN * (1.0 + abs(stream.level))
    gain = 1.0 / min(stream.seen + 1.0, MEMORY)
    weights = blended = 0.0
    for k in range(5):
        usual = stream.error[k]
        weight = 1.0 / ((usual + even) * (usual + even))
        weights += weight
        blended += weight * guesses[k]
        miss = abs(value - guesses[k])
        stream.error[k] += gain * ((min(miss, WORST * usual) if usual > 0.0 else miss) - usual)
    expected = blended / weights
    residual = value - expected
    scale = stream.residual_scale
    size = abs(residual) if scale <= 0.0 else min(abs(residual), CLIP * scale)
    stream.residual_scale += gain * (size - scale)
    if scale <= 0.0:
        stream.residual_scale = abs(residual)
    stream.fast += (value - stream.fast) / min(stream.seen + 1.0, FAST)
    score = max(-SCORE_MAX, min(SCORE_MAX, residual / scale)) if scale > 0.0 else 0.0
    return score, expected
