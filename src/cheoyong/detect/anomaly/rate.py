# SPDX-License-Identifier: Apache-2.0
"""Member: size of the step from the last value in robust step scales (first differences, Huber 1964)."""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.level import SCORE_MAX

MEMORY = 1000.0  # observations
CLIP = 4.0  # step scales: no step moves the scale by more


@compiled
def rate(stream: Any, value: float) -> float:
    """Absolute step in step scales (≥ 0), then learn from it, clipped."""
    if stream.seen == 0:
        return 0.0
    step = abs(value - stream.last)
    scale = stream.step_scale
    gain = 1.0 / min(stream.seen + 1.0, MEMORY)
    clipped = step if scale <= 0.0 else min(step, CLIP * scale)
    stream.step_scale += gain * (clipped - scale)
    if scale <= 0.0:
        stream.step_scale = step
        return 0.0
    return float(min(SCORE_MAX, step / scale))
