# SPDX-License-Identifier: Apache-2.0
"""When evidence is an alarm: a limit that rises with each alarm and sinks with time, so that a rate is kept.

Adaptive conformal inference (Gibbs and Candès 2021, NeurIPS) on the alarms themselves: whatever the stream
does, with ``monthly`` alarms a month allowed, in m months there are at most
monthly × m + ln(EVIDENCE_MAX / LIMIT) / STEP + 1 alarms.
"""

from __future__ import annotations

from math import exp
from typing import Any

from cheoyong.detect.anomaly.compiled import compiled

LIMIT = 3.0  # evidence, standard deviations
STEP = 0.1  # by which an alarm raises the logarithm of the limit
EVIDENCE_MAX = 30.0
WARM = 200  # observations before a stream may alarm
REST = 100  # observations an alarm lasts: what follows at once is the same event,
WORSE = 3.0  # unless it is this many times as strong
MONTH_US = 2_629_746_000_000  # a twelfth of the mean Gregorian year


@compiled
def alarms(stream: Any, at_us: int, strength: float, monthly: float) -> tuple[bool, float]:
    """Whether ``strength`` (evidence) alarms with ``monthly`` alarms allowed, and the limit; then learn."""
    if stream.seen > 1 and at_us > stream.at_us:
        months = (at_us - stream.at_us) / MONTH_US
        stream.margin = max(0.0, stream.margin - STEP * monthly * months)
    limit = LIMIT * exp(stream.margin)
    if stream.seen < stream.quiet_until:
        limit = max(limit, WORSE * stream.alarmed_at)
    strength = min(strength, EVIDENCE_MAX)
    if stream.seen <= WARM or strength < limit:
        return False, limit
    stream.margin += STEP
    stream.alarmed_at = strength
    stream.quiet_until = stream.seen + REST
    return True, limit
