# SPDX-License-Identifier: Apache-2.0
"""What makes several requests one: a commit of the intake, or a transaction that entities share.

Observations alone go to the intake together: it may then store them with those of other senders. With
entities among them all of it goes into one transaction (``flow.joint``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cheoyong.domain.errors import CheoyongError, FailedDependency, TooLarge
from cheoyong.domain.observation import Int64s
from cheoyong.flow.intake import Submits
from cheoyong.flow.observation_json import OBSERVATIONS_PER_REQUEST_MAX
from cheoyong.records.connection import Connection
from cheoyong.records.observations import Rows, concatenate


@dataclass(frozen=True, slots=True)
class OneConnection:
    """A pool of one connection, whose transactions are savepoints of the one it is in already."""

    connection: Connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """The connection."""
        yield self.connection


class Together:
    """The intake of a group of observations: takes no row before it has those of every writer.

    ``writers`` is how many will either submit or end without.
    """

    def __init__(self, intake: Submits, writers: int) -> None:
        self._intake = intake
        self._writers = writers
        self._waiting: list[tuple[Rows, asyncio.Future[Int64s]]] = []
        self._failed = False
        self._storing: asyncio.Task[None] | None = None

    async def submit(self, rows: Rows) -> Int64s:
        """Store the rows of all writers; returns the ids of these.

        Raises FailedDependency when another writer failed, TooLarge when they are over 50,000 together.
        """
        answer: asyncio.Future[Int64s] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, answer))
        self._go_when_all_are_here()
        return await answer

    def ended(self, *, failed: bool) -> None:
        """A writer has its answer, or never submitted."""
        self._failed |= failed
        self._writers -= 1
        self._go_when_all_are_here()

    def _go_when_all_are_here(self) -> None:
        if self._storing is None and self._waiting and len(self._waiting) == self._writers:
            self._storing = asyncio.create_task(self._store())

    async def _store(self) -> None:
        try:
            ids = await self._stored()
        except CheoyongError as error:
            for _, answer in self._waiting:
                if not answer.done():  # its client may have left
                    answer.set_exception(error)
            return
        start = 0
        for rows, answer in self._waiting:
            if not answer.done():
                answer.set_result(ids[start : start + len(rows)])
            start += len(rows)

    async def _stored(self) -> Int64s:
        if self._failed:
            raise FailedDependency("another request of its group failed, so nothing of it was stored")
        rows = concatenate([rows for rows, _ in self._waiting])
        if len(rows) > OBSERVATIONS_PER_REQUEST_MAX:
            raise TooLarge(f"more than {OBSERVATIONS_PER_REQUEST_MAX} observations in a group")
        return await self._intake.submit(rows)
