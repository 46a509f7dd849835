# SPDX-License-Identifier: Apache-2.0
"""The life of an alarm as a table: which state each step leads to, and which steps come too late.

After ANSI/ISA-18.2-2016, Management of Alarm Systems: unacknowledged, acknowledged, shelved for a while,
returned to normal. A machine raises, clears and withdraws; a person acknowledges, shelves and unshelves. What
a person does to an alarm that is over changes nothing.
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
UNSHELVED = "unshelved"
STATES = (RAISED, ACKNOWLEDGED, SHELVED, CLEARED, WITHDRAWN)
STEPS = (RAISED, ACKNOWLEDGED, SHELVED, UNSHELVED, CLEARED, WITHDRAWN)
OPEN = (RAISED, ACKNOWLEDGED, SHELVED)

SHELF_MINUTES_MAX = 480  # a shift: what is out of sight for longer is forgotten

# What is not in the table leaves the state as it is.
_AFTER = {
    (RAISED, ACKNOWLEDGED): ACKNOWLEDGED,
    (RAISED, SHELVED): SHELVED,
    (RAISED, CLEARED): CLEARED,
    (RAISED, WITHDRAWN): WITHDRAWN,
    (ACKNOWLEDGED, SHELVED): SHELVED,
    (ACKNOWLEDGED, CLEARED): CLEARED,
    (ACKNOWLEDGED, WITHDRAWN): WITHDRAWN,
    (SHELVED, UNSHELVED): RAISED,  # whoever comes back to it has to look at it
    (SHELVED, CLEARED): CLEARED,
    (SHELVED, WITHDRAWN): WITHDRAWN,
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
    """
    if state is None:
        return RAISED if step == UNSHELVED else step
    if (state, step) in _RENEWED:
        return state
    return _AFTER.get((state, step))


def check_shelf(minutes: int, reason: str) -> None:
    """Raises InvalidInput for a shelf without a reason, without an end or of more than a shift."""
    if not 1 <= minutes <= SHELF_MINUTES_MAX:
        raise InvalidInput(
            f"an alarm is shelved for 1 to {SHELF_MINUTES_MAX} minutes", where="minutes", mend="choose an end"
        )
    if not reason.strip():
        raise InvalidInput("an alarm is shelved for a reason", where="reason", mend="say why")
