# SPDX-License-Identifier: Apache-2.0
"""SWEEPING: once an hour what ended long ago is taken from the alarms' tables, piece by piece."""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from cheoyong.domain.instant import DAY_US
from cheoyong.flow.worker import STAGE
from cheoyong.records.connection import Pool
from cheoyong.records.old_alarms import sweep

_LOOK_S = 3_600.0
_BREATH_S = 0.2  # between two pieces: nobody waits for this, and others use the same disk

_log = structlog.get_logger()


class SweepingStage:
    """Sweeps for all organisations; ``pool`` signs in as cheoyong_flow, ``days`` are kept."""

    def __init__(self, pool: Pool, days: float) -> None:
        self._pool = pool
        self._kept_us = round(days * DAY_US)
        self.swept = 0
        self.failures = 0

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited out, and counted."""
        while True:
            try:
                more = await self.advance() > 0
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.failures += 1
                more = False
                _log.error("sweeping_failed", error=str(error), kind=type(error).__name__)
            await asyncio.sleep(_BREATH_S if more else _LOOK_S)

    async def advance(self) -> int:
        """Sweep one piece; returns how many rows there were."""
        async with self._pool.acquire() as connection, connection.transaction():
            swept = await sweep(connection, STAGE, self._kept_us)
        self.swept += swept
        return swept
