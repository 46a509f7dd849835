# SPDX-License-Identifier: Apache-2.0
"""The life of an alarm as a table: which state each step leads to, and which steps come too late.

After ANSI/ISA-18.2-2016, Management of Alarm Systems: unacknowledged, acknowledged, returned to normal
unacknowledged, shelved, suppressed by design, out of service. The machine raises, escalates, suppresses,
clears and withdraws; a person acknowledges, shelves, takes out of service, and takes those back. What a
person does to an alarm that is over changes nothing.
"""

from __future__ import annotations

from cheoyong.domain.errors import InvalidInput

RAISED, ACKNOWLEDGED, SHELVED, CLEARED, WITHDRAWN = (
    "raised",
    "acknowledged",
    "shelved",
    "cleared",
    "withdrawn",
)
RETURNED = "returned"  # over, but nobody has seen it
SUPPRESSED = "suppressed"  # a higher level of the same gauge stands in front of it
OUT_OF_SERVICE = "out_of_service"
OUT_OF_SERVICE_CALM = "out_of_service_calm"  # out of service, its condition over
STATES = (
    RAISED, ACKNOWLEDGED, RETURNED, SUPPRESSED, SHELVED, OUT_OF_SERVICE, OUT_OF_SERVICE_CALM,
    CLEARED, WITHDRAWN,
)  # fmt: skip
UNSHELVED, UNSUPPRESSED = "unshelved", "unsuppressed"
REMOVED, RESTORED = "removed", "restored"  # taken out of service, brought back into it
ESCALATED, DOWNGRADED, LAPSED = "escalated", "downgraded", "lapsed"
MACHINE_STEPS = (
    RAISED, ESCALATED, SUPPRESSED, UNSUPPRESSED, DOWNGRADED, CLEARED, WITHDRAWN, LAPSED,
)  # fmt: skip
PERSON_STEPS = (ACKNOWLEDGED, SHELVED, UNSHELVED, REMOVED, RESTORED)
STEPS = (*MACHINE_STEPS, *PERSON_STEPS)
UNSEEN = (RAISED, RETURNED)  # what asks to be acknowledged
IN_FRONT = (RAISED, ACKNOWLEDGED)  # what stands before the operator, and may stand for what is lower
OPEN = (RAISED, RETURNED, ACKNOWLEDGED, SUPPRESSED, SHELVED, OUT_OF_SERVICE, OUT_OF_SERVICE_CALM)

SHELF_MINUTES_MAX = 480  # a shift: what is out of sight for longer is forgotten

# What is not in the table leaves the state as it is.
TABLE = {
    (RAISED, ACKNOWLEDGED): ACKNOWLEDGED,
    (RAISED, ESCALATED): RAISED,  # unseen for too long: its priority rises
    (RAISED, SUPPRESSED): SUPPRESSED,
    (RAISED, SHELVED): SHELVED,
    (RAISED, REMOVED): OUT_OF_SERVICE,
    (RAISED, CLEARED): RETURNED,
    (RAISED, WITHDRAWN): WITHDRAWN,
    (ACKNOWLEDGED, SUPPRESSED): SUPPRESSED,
    (ACKNOWLEDGED, SHELVED): SHELVED,
    (ACKNOWLEDGED, REMOVED): OUT_OF_SERVICE,
    (ACKNOWLEDGED, CLEARED): CLEARED,
    (ACKNOWLEDGED, WITHDRAWN): WITHDRAWN,
    (RETURNED, ACKNOWLEDGED): CLEARED,
    (RETURNED, REMOVED): OUT_OF_SERVICE_CALM,
    (RETURNED, RAISED): RAISED,
    (RETURNED, WITHDRAWN): WITHDRAWN,
    (RETURNED, LAPSED): CLEARED,  # a day is over, or the same alarm was raised again
    (SUPPRESSED, UNSUPPRESSED): RAISED,  # the higher level is over or out of sight, and was not seen
    (SUPPRESSED, DOWNGRADED): ACKNOWLEDGED,  # the higher level is over, and was seen
    (SUPPRESSED, SHELVED): SHELVED,
    (SUPPRESSED, REMOVED): OUT_OF_SERVICE,
    (SUPPRESSED, CLEARED): CLEARED,  # the higher level was there to be seen
    (SUPPRESSED, WITHDRAWN): WITHDRAWN,
    (SHELVED, UNSHELVED): RAISED,  # whoever comes back to it has to look at it
    (SHELVED, REMOVED): OUT_OF_SERVICE,
    (SHELVED, CLEARED): CLEARED,
    (SHELVED, WITHDRAWN): WITHDRAWN,
    (OUT_OF_SERVICE, RESTORED): RAISED,
    (OUT_OF_SERVICE, CLEARED): OUT_OF_SERVICE_CALM,  # it stays on the list until a person brings it back
    (OUT_OF_SERVICE, WITHDRAWN): OUT_OF_SERVICE_CALM,
    (OUT_OF_SERVICE_CALM, RESTORED): CLEARED,
    (OUT_OF_SERVICE_CALM, RAISED): OUT_OF_SERVICE,
    (OUT_OF_SERVICE_CALM, LAPSED): CLEARED,  # the same alarm was raised again, and is out of service for it
    (CLEARED, RAISED): RAISED,
    (CLEARED, WITHDRAWN): WITHDRAWN,  # late data show that it should never have been
    (WITHDRAWN, RAISED): RAISED,
    (WITHDRAWN, CLEARED): CLEARED,
}
# Who repeats a step renews what it says (a longer shelf, a newer value).
_RENEWED = {(RAISED, RAISED), (SHELVED, SHELVED)}


def after(state: str | None, step: str) -> str | None:
    """The state after a step; None: the step comes too late, or says nothing new. No state: it is the first.

    >>> after("raised", "shelved"), after("shelved", "unshelved"), after("cleared", "acknowledged")
    ('shelved', 'raised', None)
    >>> after("raised", "cleared"), after("returned", "acknowledged")
    ('returned', 'cleared')
    """
    if state is None:
        return step if step in (RAISED, CLEARED, WITHDRAWN) else RAISED
    if (state, step) in _RENEWED:
        return state
    return TABLE.get((state, step))


def check_shelf(minutes: int, reason: str) -> None:
    """Raises InvalidInput for a shelf without a reason, without an end or of more than a shift."""
    if not 1 <= minutes <= SHELF_MINUTES_MAX:
        raise InvalidInput(
            f"an alarm is shelved for 1 to {SHELF_MINUTES_MAX} minutes", where="minutes", mend="choose an end"
        )
    if not reason.strip():
        raise InvalidInput("an alarm is shelved for a reason", where="reason", mend="say why")


def check_removal(reason: str) -> None:
    """Raises InvalidInput for an alarm taken out of service without a reason: only a person ends that."""
    if not reason.strip():
        raise InvalidInput("an alarm is taken out of service for a reason", where="reason", mend="say why")
