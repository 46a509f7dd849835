# SPDX-License-Identifier: Apache-2.0
"""Loss of signal: how long each datastream has brought nothing usable, by time really witnessed.

Only the time between two batches counts, never the clock's reading, and of one such span at most
half a datastream's ``silence_us``: a gauge is silent only if the platform was awake to notice. So a
clock that jumps, a paused machine or a restart after a long stop raise and clear nothing; the price
is that silence shows only if time (a batch or a tick) is told at least every half ``silence_us``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.instant import HOUR_US, SECOND_US
from cheoyong.domain.observation import Int64s

Bools = NDArray[np.bool_]

BACK_NOTE_US = 5 * SECOND_US  # a step back of more is noted
FORWARD_NOTE_US = 2 * HOUR_US  # a step forward of more is noted
BACK_HELD_US = 2 * HOUR_US  # a step back of less keeps the later reading for judging future times


@dataclass(slots=True)
class Clock:
    """What the recording clock has shown: its last reading, the latest credible one, and its jumps.

    ``latest_us`` follows the greatest reading, so that values stamped before a small step back are
    not called future; ``earliest_us`` never runs ahead of witnessed time, so that a jump forward
    calls nothing ancient.
    """

    last_us: int | None = None
    latest_us: int = 0
    earliest_us: int = 0
    jumps_back: int = 0
    jumps_forward: int = 0

    def tell(self, recorded_us: int) -> int:
        """Take in a reading; gives the µs witnessed since the last one (0 for the first)."""
        if self.last_us is None:
            self.last_us = self.latest_us = self.earliest_us = recorded_us
            return 0
        passed_us = recorded_us - self.last_us
        self.jumps_back += passed_us < -BACK_NOTE_US
        self.jumps_forward += passed_us > FORWARD_NOTE_US
        self.last_us = recorded_us
        held = recorded_us < self.latest_us <= recorded_us + BACK_HELD_US
        self.latest_us = self.latest_us if held else recorded_us
        self.earliest_us = min(self.earliest_us + min(max(passed_us, 0), FORWARD_NOTE_US), recorded_us)
        return max(passed_us, 0)


@dataclass(slots=True)
class Silence:
    """Per row: µs witnessed since something usable came, when that was recorded, whether it alarms."""

    age_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    heard_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    silent: Bools = field(default_factory=lambda: np.zeros(0, np.bool_))

    def grow(self, rows: int, recorded_us: int) -> None:
        """Add datastreams; they count from now."""
        more = rows - len(self.age_us)
        self.age_us = np.concatenate((self.age_us, np.zeros(more, np.int64)))
        self.heard_us = np.concatenate((self.heard_us, np.full(more, recorded_us)))
        self.silent = np.concatenate((self.silent, np.zeros(more, np.bool_)))

    def pass_time(self, passed_us: int, silence_us: Int64s, excused: Bools, *, idle: bool) -> Int64s:
        """Let time pass for all; rows that fall silent by it, ``excused`` ones never.

        An ``idle`` instant, at which nothing arrives, completes a silence. Another does so only when
        it comes later: the value awaited may be among those that arrive.
        """
        if not passed_us:  # the rest of one instant, cut into another batch: nothing can fall silent
            return np.empty(0, np.int64)
        self.age_us += np.minimum(passed_us, np.maximum(silence_us // 2, 1))
        fallen = (self.age_us >= silence_us + (not idle)) & ~self.silent & ~excused
        self.silent |= fallen
        return np.flatnonzero(fallen)

    def hear(self, row: Int64s, recorded_us: int) -> Bools:
        """Something usable came from these rows; which of them were silent until now."""
        were_silent = self.silent[row]
        self.age_us[row], self.heard_us[row], self.silent[row] = 0, recorded_us, False
        return were_silent
