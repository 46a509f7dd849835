# SPDX-License-Identifier: Apache-2.0
"""Member: two-sided cumulative sum of clipped residuals. Page 1954, Biometrika 41, 100–115."""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

SLACK = 0.7  # residual scales, half the shift to be found
CEILING = 100.0


@compiled
def cusum(stream: Any, clipped: float) -> float:
    """The larger of both sums (0 to CEILING) after the residual ``clipped``, in residual scales."""
    stream.up = min(CEILING, max(0.0, stream.up + clipped - SLACK))
    stream.down = min(CEILING, max(0.0, stream.down - clipped - SLACK))
    return float(max(stream.up, stream.down))
