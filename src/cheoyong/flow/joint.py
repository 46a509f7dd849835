# SPDX-License-Identifier: Apache-2.0
"""Observations that stand or fall with the entities they come with: stored in the transaction of those.

The intake gathers observations of many senders into commits of its own; what must be all there, or not at
all, together with things and datastreams goes here instead. It is stored as the intake stores it (the same
checks, digest and log of commits), and the worker is told after the commit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from cheoyong.domain.observation import Int64s
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import Connection, Pool, as_organisation
from cheoyong.records.observations import Rows, Stored


class Joint:
    """One transaction of an organisation, for entities (by its ``connection``) and observations."""

    def __init__(self, intake: Intake, connection: Connection) -> None:
        self.connection = connection
        self._intake = intake
        self._recorded_us = intake.instant()  # before anything is written: its place in the log is of then
        self._stored: list[tuple[Stored, Rows]] = []

    async def submit(self, rows: Rows) -> Int64s:
        """Store rows; returns the ids they have once the transaction commits.

        Raises NotFound for a datastream that is not of its organisation, and as ``Intake.submit``.
        """
        stored = await self._intake.store_within(self.connection, rows, self._recorded_us)
        self._stored.append((stored, rows))
        return stored.ids

    async def tell(self) -> None:
        """The transaction has committed: let the worker know."""
        for stored, rows in self._stored:
            await self._intake.tell(stored, rows, self._recorded_us)

    @asynccontextmanager
    async def open(self, _organisation_id: int) -> AsyncIterator[Joint]:
        """A part of it, undone by itself when it fails; told with the whole."""
        async with self.connection.transaction():
            yield self


class Opens(Protocol):
    """What opens joint transactions: ``Joints``, or within one of them itself."""

    def open(self, organisation_id: int) -> AbstractAsyncContextManager[Joint]:
        """A transaction that sees and writes only what this organisation owns."""


@dataclass(frozen=True, slots=True)
class Joints:
    """Opens joint transactions; ``pool`` signs in as cheoyong_app."""

    pool: Pool
    intake: Intake

    @asynccontextmanager
    async def open(self, organisation_id: int) -> AsyncIterator[Joint]:
        """A transaction that sees and writes only what this organisation owns, told of after its commit."""
        async with as_organisation(self.pool, organisation_id) as connection:
            joint = Joint(self.intake, connection)
            yield joint
        await joint.tell()
