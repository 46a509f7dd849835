# SPDX-License-Identifier: Apache-2.0
"""What a run remembers of every cell: greatest depth, and when the water first came."""

from __future__ import annotations

from typing import Any

from cheoyong.hazards.inundation.compiled import compiled, prange
from cheoyong.hazards.inundation.tiles import BAND_ROWS


@compiled(parallel=True)
def remember(greatest: Any, arrival: Any, depth: Any, tasks: Any, at_s: Any, wet_m: Any) -> None:
    """Raise ``greatest``, m, to the present depth; note ``at_s`` where ``wet_m`` is reached first."""
    for t in prange(tasks.shape[0]):
        first = 1 + tasks[t, 0] * BAND_ROWS
        x0, x1 = tasks[t, 1], tasks[t, 2]
        for j in range(first, min(first + BAND_ROWS, depth.shape[0] - 1)):
            _remember_row(greatest[j, x0:x1], arrival[j, x0:x1], depth[j, x0:x1], at_s, wet_m)


@compiled()
def _remember_row(greatest: Any, arrival: Any, depth: Any, at_s: Any, wet_m: Any) -> None:
    for i in range(depth.size):
        before = greatest[i]
        now = depth[i]
        noted = arrival[i]
        arrival[i] = at_s if before < wet_m <= now else noted
        greatest[i] = max(before, now)
