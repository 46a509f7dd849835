# SPDX-License-Identifier: Apache-2.0
"""Member: Page–Hinkley test for a changed mean, on residuals. Hinkley 1971, Biometrika 58, 509–523."""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.level import CLIP

FORGET = 0.99  # of the sum kept an observation, so that it is bounded by CLIP / (1 − FORGET)


@compiled
def page_hinkley(stream: Any, error: float) -> float:
    """Distance of the fading sum from its fading extremes (≥ 0) after ``error``, in scales."""
    stream.drift = FORGET * stream.drift + max(-CLIP, min(CLIP, error))
    stream.drift_low = min(FORGET * stream.drift_low, stream.drift)
    stream.drift_high = max(FORGET * stream.drift_high, stream.drift)
    return float(max(stream.drift - stream.drift_low, stream.drift_high - stream.drift))
