# SPDX-License-Identifier: Apache-2.0
"""Member: a value beyond all before it. Of n values in any order the newest is a record with chance 2 / n."""

from __future__ import annotations

from math import log
from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

BEYOND = 20.0  # a record by a twentieth of the range weighs twice as much as one by nothing


@compiled
def record(stream: Any, value: float) -> float:
    """Surprise (≥ 0) of a new highest or lowest value: −ln of its chance, and more the farther out."""
    if stream.seen == 0:
        stream.low = stream.high = value
        return 0.0
    width = stream.high - stream.low
    beyond = max(value - stream.high, stream.low - value)
    stream.low, stream.high = min(stream.low, value), max(stream.high, value)
    if beyond <= 0.0 or width <= 0.0:
        return 0.0
    return log(stream.seen / 2.0 + 1.0) + 2.0 * log(1.0 + BEYOND * min(beyond / width, 1e6))
