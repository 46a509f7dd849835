# SPDX-License-Identifier: Apache-2.0
"""The clock the facts live on: the world's, or in an exercise one that a replay moves forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

SMALL_STEP_US = 5_000_000
PAUSE_US_MAX = 120_000_000


def real_us() -> int:
    """The machine's own time, µs since 1970 UTC."""
    return time.time_ns() // 1000


class Clock(Protocol):
    """Tells the instant that facts are recorded at."""

    simulated: bool
    step_s: float

    def now_us(self) -> int:
        """µs since 1970 UTC; never falls."""
        ...


class WorldClock:
    """The world's time, kept honest by the monotonic clock (F07).

    It follows small corrections (under 5 s) and a pause of the machine (forward, at most 2 min). Any
    other step of the machine's clock is not believed: time goes on as the monotonic clock says, and
    ``step_s`` tells by how many seconds the two differ until the program is started again.
    """

    simulated = False

    def __init__(
        self, real: Callable[[], int] = real_us, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._real = real
        self._monotonic_ns = monotonic_ns
        self._offset_us = real() - monotonic_ns() // 1000
        self._last_us = 0
        self.step_s = 0.0

    def now_us(self) -> int:
        """µs since 1970 UTC; never falls."""
        steady_us = self._offset_us + self._monotonic_ns() // 1000
        apart_us = self._real() - steady_us
        if -SMALL_STEP_US < apart_us < SMALL_STEP_US or 0 < apart_us <= PAUSE_US_MAX:
            self._offset_us += apart_us
            steady_us += apart_us
            apart_us = 0
        self.step_s = apart_us / 1_000_000
        self._last_us = max(self._last_us, steady_us)
        return self._last_us


class SimulatedClock:
    """Stands still until it is moved, and only moves forward.

    >>> clock = SimulatedClock(10)
    >>> clock.move_to(5), clock.move_to(20), clock.now_us()
    (10, 20, 20)
    """

    simulated = True
    step_s = 0.0

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us

    def now_us(self) -> int:
        """The simulated instant."""
        return self._now_us

    def move_to(self, instant_us: int) -> int:
        """Move forward to an instant; a past one changes nothing. Returns the instant now."""
        self._now_us = max(self._now_us, instant_us)
        return self._now_us
