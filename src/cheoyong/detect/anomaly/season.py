# SPDX-License-Identifier: Apache-2.0
"""What is usual at this hour of the day, and at this hour of the week: running means, shrunk.

An hour that was seen seldom says little: its mean is drawn towards the level, that of an hour of the week
towards that of the hour of the day (James and Stein 1961, in spirit).
"""

from __future__ import annotations

from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

HOUR_US = 3_600_000_000
SHRINK = 2.0  # observations that weigh as much as what lies above
CELL_MEMORY = 100.0  # observations of one hour


@compiled
def season(stream: Any, at_us: int, value: float) -> tuple[float, float]:
    """The usual by the hour of the day and by that of the week, then learn from ``value``."""
    hours = at_us // HOUR_US  # times before 1970 are as others: // rounds down
    hour, cell = hours % 24, hours % 168
    seen, of_cell = stream.hour_n[hour], stream.cell_n[cell]
    by_hour = stream.level + seen / (seen + SHRINK) * (stream.hour[hour] - stream.level)
    by_week = by_hour + of_cell / (of_cell + SHRINK) * (stream.cell[cell] - by_hour)
    stream.hour_n[hour] = min(seen + 1.0, CELL_MEMORY)
    stream.hour[hour] += (value - stream.hour[hour]) / stream.hour_n[hour]
    stream.cell_n[cell] = min(of_cell + 1.0, CELL_MEMORY)
    stream.cell[cell] += (value - stream.cell[cell]) / stream.cell_n[cell]
    return by_hour, by_week
