# SPDX-License-Identifier: Apache-2.0
"""Member: how unlike any kept earlier shape the newest values are (left discord, bounded).

After Yeh et al. 2016, "Matrix Profile I" (ICDM), with a bounded set of earlier shapes instead of all.
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.state import RING, SHAPES

STRIDE = 8  # observations between two looks: half a shape


@compiled
def shape(stream: Any, standard: float) -> float:
    """Distance to the nearest kept shape (≥ 0, scales), looked at every STRIDE observations, else 0."""
    position = stream.seen % RING
    stream.ring[position] = max(-10.0, min(10.0, standard))
    if stream.seen % STRIDE != STRIDE - 1 or stream.seen < RING:
        return 0.0
    start = (position + 1) % RING
    kept = min(stream.shapes, SHAPES)
    nearest = 1e30
    for k in range(kept):
        distance = 0.0
        for i in range(RING):
            gap = stream.ring[(start + i) % RING] - stream.shape[k, i]
            distance += gap * gap
        nearest = min(nearest, distance)
    # A multiplicative hash instead of chance: spread over the past, and the same at every replay.
    slot = stream.shapes if stream.shapes < SHAPES else (stream.shapes * 2654435761 >> 7) % SHAPES
    for i in range(RING):
        stream.shape[slot, i] = stream.ring[(start + i) % RING]
    stream.shapes += 1
    return (nearest / RING) ** 0.5 if kept else 0.0
