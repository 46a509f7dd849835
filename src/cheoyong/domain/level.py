# SPDX-License-Identifier: Apache-2.0
"""Crisis levels of Korean practice and the priority of alarms."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class CrisisLevel(IntEnum):
    """관심·주의·경계·심각, in rising order; 0 is calm.

    >>> CrisisLevel.ALERT > CrisisLevel.CAUTION
    True
    """

    CALM = 0
    ATTENTION = 1  # 관심, blue
    CAUTION = 2  # 주의, yellow
    ALERT = 3  # 경계, orange
    SERIOUS = 4  # 심각, red


class Priority(StrEnum):
    """Priority of an alarm for the operator (ISA-18.2: consequence × urgency)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Status(StrEnum):
    """CAP 1.2 message status; a type, because an Exercise must never leave by an Actual channel."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"
