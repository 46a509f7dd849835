# SPDX-License-Identifier: Apache-2.0
"""Quality flags of observations, with the codes of the QARTOD flag scheme (IOC 54:V3)."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Flag(IntEnum):
    """Verdict on one observation; the larger of two wins except MISSING.

    >>> Flag(4).name
    'FAIL'
    """

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Test(IntFlag):
    """Which tests spoke against an observation; a bit mask, stored beside the flag.

    >>> Test.SPIKE | Test.FUTURE
    <Test.SPIKE|FUTURE: 36>
    """

    __test__ = False  # not a pytest class

    GROSS_RANGE = 1
    RATE_OF_CHANGE = 2
    SPIKE = 4
    FLAT_LINE = 8
    GAP = 16
    FUTURE = 32
    ANCIENT = 64
    NOT_A_NUMBER = 128
    NEIGHBOURS = 256
