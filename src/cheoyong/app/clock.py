# SPDX-License-Identifier: Apache-2.0
"""The clock the facts live on: the world's, or in an exercise one that a replay moves forward."""

from __future__ import annotations

import time
from typing import Protocol


def real_us() -> int:
    """The machine's own time, µs since 1970 UTC."""
    return time.time_ns() // 1000


class Clock(Protocol):
    """Tells the instant that facts are recorded at."""

    simulated: bool

    def now_us(self) -> int:
        """µs since 1970 UTC; never falls."""
        ...


class WorldClock:
    """The world's time, held from falling: after a step back it stands
    until the world has caught up (F07).
    """

    simulated = False

    def __init__(self) -> None:
        self._last_us = 0

    def now_us(self) -> int:
        """µs since 1970 UTC; never falls."""
        self._last_us = max(self._last_us, real_us())
        return self._last_us


class SimulatedClock:
    """Stands still until it is moved, and only moves forward.

    >>> clock = SimulatedClock(10)
    >>> clock.move_to(5), clock.move_to(20), clock.now_us()
    (10, 20, 20)
    """

    simulated = True

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us

    def now_us(self) -> int:
        """The simulated instant."""
        return self._now_us

    def move_to(self, instant_us: int) -> int:
        """Move forward to an instant; a past one changes nothing. Returns the instant now."""
        self._now_us = max(self._now_us, instant_us)
        return self._now_us
