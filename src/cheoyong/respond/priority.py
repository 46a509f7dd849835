# SPDX-License-Identifier: Apache-2.0
"""The priority of an alarm: what happens if nobody answers it, by how much time there is to answer.

The matrix after ANSI/ISA-18.2-2016, clause on rationalization: consequence × urgency. Consequence is the
crisis level that is reached; where a level is not what alarms (silence, fault), it is how much the gauge
guards. Urgency is the time that is left: until a higher level is expected, or used up by waiting.
"""

from __future__ import annotations

from enum import IntEnum

from cheoyong.domain.fact import AlarmStep, Forecast
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.level import Priority


class Consequence(IntEnum):
    """What happens if nobody answers, by the crisis level reached (관심, 주의, 경계, 심각)."""

    MINOR = 1
    MODERATE = 2
    MAJOR = 3
    SEVERE = 4


class Urgency(IntEnum):
    """How much time there is to answer."""

    LATER = 0  # more than six hours
    SOON = 1  # six hours or less, or not known
    NOW = 2  # an hour or less, or it has waited too long


NOW_S, SOON_S = 3600, 6 * 3600
_LOW, _MEDIUM, _HIGH = Priority.LOW, Priority.MEDIUM, Priority.HIGH
#: Consequence → priority at LATER, SOON, NOW.
MATRIX = {
    Consequence.MINOR: (_LOW, _LOW, _MEDIUM),
    Consequence.MODERATE: (_LOW, _MEDIUM, _HIGH),
    Consequence.MAJOR: (_MEDIUM, _HIGH, _HIGH),
    Consequence.SEVERE: (_HIGH, _HIGH, _HIGH),
}
#: How long an alarm of each priority may wait unseen before its urgency is NOW, s. Judgement: a tenth of the
#: time its urgency leaves, so that most of it is left when somebody is pressed.
WAIT_S = {Priority.HIGH: 360, Priority.MEDIUM: 1080, Priority.LOW: 3600}
_LIKELY = 0.5


def priority_of(consequence: Consequence, urgency: Urgency) -> Priority:
    """One field of the matrix.

    >>> priority_of(Consequence.MODERATE, Urgency.SOON), priority_of(Consequence.MODERATE, Urgency.NOW)
    (<Priority.MEDIUM: 'medium'>, <Priority.HIGH: 'high'>)
    """
    return MATRIX[consequence][urgency]


def consequence_of(step: AlarmStep) -> Consequence:
    """By the crisis level; an alarm that has none is as grave as it was configured."""
    if step.crisis_level > 0:
        return Consequence(min(step.crisis_level, 4))
    configured = {"high": Consequence.MAJOR, "medium": Consequence.MODERATE}
    return configured.get(step.priority, Consequence.MINOR)


def time_left_s(step: AlarmStep, forecast: Forecast | None, now_us: int) -> int | None:
    """Seconds until a level above the one reached is likelier than not; None when no forecast says so."""
    if forecast is None or step.cause != "level":
        return None
    leads = [
        lead
        for crossing in forecast.crossings
        if crossing.crisis_level > step.crisis_level
        for lead, probability in zip(crossing.lead_s, crossing.probability, strict=True)
        if probability >= _LIKELY
    ]
    passed_s = (now_us - forecast.issued_us) // SECOND_US
    return max(0, min(leads) - passed_s) if leads else None


def urgency_of(left_s: int | None) -> Urgency:
    """The class of a time that is left, s; what is not known is SOON.

    >>> [urgency_of(left_s).name for left_s in (None, 1800, 7200, 86400)]
    ['SOON', 'NOW', 'SOON', 'LATER']
    """
    if left_s is None:
        return Urgency.SOON
    return Urgency.NOW if left_s <= NOW_S else Urgency.SOON if left_s <= SOON_S else Urgency.LATER


def escalated(step: AlarmStep) -> Priority:
    """The priority of an alarm that has waited too long: no time is left."""
    return priority_of(consequence_of(step), Urgency.NOW)


def wait_us(priority: str) -> int:
    """How long an alarm may wait unseen before it escalates, µs."""
    return WAIT_S[Priority(priority)] * SECOND_US
