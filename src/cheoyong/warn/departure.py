# SPDX-License-Identifier: Apache-2.0
"""The last gate before a channel: what has expired or been overtaken is suppressed, and why is said."""

from __future__ import annotations

from dataclasses import dataclass

from cheoyong.warn.canonical import content_hash
from cheoyong.warn.life import AlertState, Phase

_SUPPRESSED = {
    Phase.SUPERSEDED: "suppressed: superseded",
    Phase.CANCELLED: "suppressed: cancelled",
    Phase.EXPIRED: "suppressed: expired",
    Phase.REJECTED: "suppressed: rejected",
}


@dataclass(frozen=True, slots=True)
class Departure:
    """Whether an alert may leave; ``reason`` is what the delivery record says when it may not."""

    allowed: bool
    reason: str = ""


def may_leave(alert: AlertState, channel_id: str, now_us: int) -> Departure:
    """Judge a queued alert at the instant its channel is ready, however long it waited (F20).

    Only a published alert leaves, over a channel it was approved for, before it expires, and with
    the bytes that were approved.
    """
    if alert.phase in _SUPPRESSED:
        return Departure(False, _SUPPRESSED[alert.phase])
    if alert.phase is not Phase.PUBLISHED:
        return Departure(False, "suppressed: not published")
    if alert.content.expires_us <= now_us:
        return Departure(False, "suppressed: expired")
    if channel_id not in alert.channels:
        return Departure(False, "suppressed: not approved for this channel")
    if content_hash(alert.content, alert.channels) != alert.hash:
        return Departure(False, "suppressed: changed after approval")
    return Departure(True)
