# SPDX-License-Identifier: Apache-2.0
"""STANDING: what each commit added to the counts and times of datastreams is added up, once a second.

Nobody waits for it: what is not added up yet is read as well. It keeps that little.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from cheoyong.records.connection import Pool
from cheoyong.records.standing import SHARES_PER_FOLD_MAX, fold, give_room_back

_PAUSE_S = 1.0
GONE_MAX = 5_000  # shares whose room readers pass over, before it is given back

_log = structlog.get_logger()


class StandingStage:
    """Folds for all organisations; ``pool`` signs in as cheoyong_flow."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._gone = 0
        self.folded = 0
        self.failures = 0

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited out, and counted."""
        while True:
            try:
                full = await self.advance() == SHARES_PER_FOLD_MAX
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.failures += 1
                full = False
                _log.error("standing_failed", error=str(error), kind=type(error).__name__)
            if not full:
                await asyncio.sleep(_PAUSE_S)

    async def advance(self) -> int:
        """Add up what waits, at most 50,000 shares; returns how many there were."""
        async with self._pool.acquire() as connection:
            shares = await fold(connection)
            self._gone += shares
            if self._gone >= GONE_MAX:
                await give_room_back(connection)
                self._gone = 0
        self.folded += shares
        return shares
