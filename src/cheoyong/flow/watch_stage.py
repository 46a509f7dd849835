# SPDX-License-Identifier: Apache-2.0
"""WATCH: every stream of every organisation looked through for what is unlike its own past.

Beside the pipeline, not in it: nobody waits for it, and what it finds is a fact of its own kind, no alarm.
Its memory is kept from time to time only. After a crash it goes on from there and finds the same facts again,
under the same ids, so none is doubled.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from cheoyong.detect.watch import Unusual, Watch, make_ready
from cheoyong.domain.fact import Detection, Fact, make_fact
from cheoyong.domain.observation import ObservationBatch
from cheoyong.records import watching
from cheoyong.records.batches import BATCHES_PER_READ_MAX, Bookmark, read_batches, settled_before
from cheoyong.records.connection import Connection, Pool
from cheoyong.records.facts import add_facts

_PAUSE_S = 2.0  # what is gathered meanwhile is read at once: many small readings would cost more
KEEP_EVERY_S = 300.0

_log = structlog.get_logger()
Announce = Callable[[list[tuple[int, Fact]]], Awaitable[None]]


class WatchStage:
    """Watches; ``pool`` signs in as cheoyong_flow, ``announce`` is told of new facts after their commit."""

    def __init__(self, pool: Pool, alarms_per_month: float, announce: Announce) -> None:
        self._pool = pool
        self._alarms_per_month = alarms_per_month
        self._announce = announce
        self._watch = Watch()
        self._mark: Bookmark | None = None
        self._kept_s = time.monotonic()
        self.found = 0
        self.failures = 0

    async def run(self) -> None:
        """Work until cancelled; trouble with the database is waited out, and counted."""
        await asyncio.to_thread(make_ready)
        while True:
            try:
                more = await self.advance()
                if time.monotonic() - self._kept_s >= KEEP_EVERY_S:
                    await self.keep()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.failures += 1
                self._start_over()
                more = False
                _log.error("watch_failed", error=str(error), kind=type(error).__name__)
            if not more:
                await asyncio.sleep(_PAUSE_S)

    async def advance(self) -> bool:
        """Look through what is new; False when there is no hurry to come back for more."""
        async with self._pool.acquire() as connection:
            if self._mark is None:
                self._mark = await watching.bookmark(connection)
            before = await settled_before(connection)
            batches = await read_batches(connection, self._mark, before, None)
            for _, batch in batches:
                unknown = self._watch.missing(batch)
                if unknown:
                    self._watch.add(unknown, await watching.memory(connection, unknown))
            found = await asyncio.to_thread(self._look, [batch for _, batch in batches])
            added = await self._store(connection, found)
        if batches:
            self._mark = batches[-1][0]
        if added:
            self.found += len(added)
            await self._announce(added)
        return len(batches) >= BATCHES_PER_READ_MAX

    def _look(self, batches: list[ObservationBatch]) -> list[tuple[ObservationBatch, Unusual]]:
        return [
            (batch, unusual)
            for batch in batches
            for unusual in self._watch.look(batch, self._alarms_per_month)
        ]

    async def _store(
        self, connection: Connection, found: list[tuple[ObservationBatch, Unusual]]
    ) -> list[tuple[int, Fact]]:
        if not found:
            return []
        ids = [int(batch.datastream_id[one.index]) for batch, one in found]
        owners = await watching.owners(connection, ids)
        facts = [
            _fact(batch, one, *owners[i]) for i, (batch, one) in zip(ids, found, strict=True) if i in owners
        ]
        async with connection.transaction():
            return await add_facts(connection, facts)

    async def keep(self) -> None:
        """Write down what is remembered, and up to where."""
        if self._mark is None:
            return
        taken = await asyncio.to_thread(self._watch.taken)  # packing takes a second for some thousand streams
        async with self._pool.acquire() as connection:
            await watching.keep(connection, self._mark, taken)
        self._kept_s = time.monotonic()

    def _start_over(self) -> None:
        """Forget what may be ahead of what is kept."""
        self._watch, self._mark = Watch(), None


def _fact(batch: ObservationBatch, one: Unusual, organisation_id: int, name: str, series: str) -> Fact:
    i = one.index
    observation_id, datastream_id = int(batch.id[i]), int(batch.datastream_id[i])
    return make_fact(
        Detection(datastream_id, name, series, float(batch.result[i]), one.p),
        key=f"{datastream_id}:{observation_id}:unusual",
        organisation_id=organisation_id,
        about_us=int(batch.phenomenon_us[i]),
        recorded_us=batch.recorded_us,
        observation_ids=(observation_id,),
    )
