# SPDX-License-Identifier: Apache-2.0
"""Member: distance from a robust level in robust scales.

Huber 1964, "Robust estimation of a location parameter", as a stochastic
approximation (Robbins and Monro 1951).
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

MEMORY = 2000.0  # observations
SCORE_MAX = 1e6  # scales: a score stays finite however small the scale was
CLIP = 3.0  # scales: no observation moves the level or scale by more


@compiled
def level(stream: Any, value: float) -> float:
    """Absolute distance of ``value`` from the level in scales (≥ 0), then learn from it, clipped."""
    if stream.seen == 0:
        stream.level = value
        return 0.0
    gain = 1.0 / min(stream.seen + 1.0, MEMORY)
    error = value - stream.level
    scale = stream.scale
    distance = min(SCORE_MAX, abs(error) / scale) if scale > 0.0 else 0.0
    clipped = error if scale <= 0.0 else max(-CLIP * scale, min(CLIP * scale, error))
    stream.level += gain * clipped
    stream.scale += gain * (abs(clipped) - scale)
    if scale <= 0.0:
        stream.scale = abs(error)
    return distance
