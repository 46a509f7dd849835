# SPDX-License-Identifier: Apache-2.0
"""What this machine can do for us: how fast its disk syncs, whether its clock is kept by anybody."""

from __future__ import annotations

import ctypes
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_BLOCK = bytes(8192)  # one PostgreSQL page
_ROUNDS_MAX = 200
_SECONDS_MAX = 0.5
_TIME_ERROR = 5  # <sys/timex.h>: the kernel's clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex on any architecture


@dataclass(frozen=True, slots=True)
class SyncRate:
    """Synced writes of 8 KiB a second, and the slowest of them in milliseconds."""

    per_s: float
    slowest_ms: float


def measure_sync(folder: Path) -> SyncRate:
    """Write and fdatasync 8 KiB again and again, for half a second or 200 times. Raises OSError.

    >>> measure_sync(Path(tempfile.gettempdir())).per_s > 0
    True
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix="sync-rate-") as file:
        handle = file.fileno()
        slowest_s, rounds, began = 0.0, 0, time.perf_counter()
        while rounds < _ROUNDS_MAX and time.perf_counter() - began < _SECONDS_MAX:
            before = time.perf_counter()
            os.pwrite(handle, _BLOCK, 0)
            os.fdatasync(handle)
            slowest_s = max(slowest_s, time.perf_counter() - before)
            rounds += 1
        return SyncRate(rounds / (time.perf_counter() - began), slowest_s * 1000)


def clock_is_kept() -> bool | None:
    """Whether some time service disciplines the kernel's clock (adjtimex(2)); None when it does not say.

    >>> clock_is_kept() in (True, False, None)
    True
    """
    try:
        state = int(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
