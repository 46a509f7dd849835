# SPDX-License-Identifier: Apache-2.0
"""From the members' surprises to one figure: how far the stream's recent strangeness lies from its own usual.

A running mean of the strangeness against its own history, as the anomaly likelihood of Ahmad, Lavin, Purdy
and Agha 2017 (Neurocomputing 262, 134–147): a stream that is often strange must be stranger to be noticed.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

AGREE = 3  # members whose surprises add up: one alone may be chance
GAIN = 0.2  # of the running mean
SETTLE = 50  # observations that teach the members only
LEARN = 20  # observations that teach the history only
MEMORY = 10_000.0  # observations


@compiled
def strangeness(surprises: Any, record_surprise: float) -> float:
    """The square of the sum of the three largest surprises and that of a record (≥ 0)."""
    first = second = third = 0.0
    for surprise in surprises:
        if surprise > first:
            first, second, third = surprise, first, second
        elif surprise > second:
            second, third = surprise, second
        elif surprise > third:
            third = surprise
    return (first + second + third + record_surprise) ** 2


@compiled
def evidence(stream: Any, strange: float) -> float:
    """Standard deviations of the running strangeness above its history, then learn from it."""
    stream.strange += GAIN * (strange - stream.strange)
    if stream.seen <= SETTLE:
        return 0.0
    count = stream.seen - SETTLE
    apart = stream.strange - stream.strange_mean
    deviation = sqrt(stream.strange_variance)
    gain = 1.0 / min(count, MEMORY)
    stream.strange_mean += gain * apart
    stream.strange_variance += gain * (apart * apart - stream.strange_variance)
    return apart / max(deviation, 1e-9) if count > LEARN and deviation > 0.0 else 0.0
