# SPDX-License-Identifier: Apache-2.0
"""Connections for reading only, where one statement is one round trip.

Elsewhere an organisation is set for the length of a transaction (``as_organisation``): begin, set, ask, end.
Here a connection keeps the organisation it was set to, and the pool remembers which; it is set anew, and
that awaited, before anyone else's statement, and after anything that went wrong. PostgreSQL refuses
these connections every write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from cheoyong.domain.errors import CheoyongError, Unavailable
from cheoyong.records.connection import APP, Connection, Database, Pool, as_organisation, prepare_codecs

STATEMENT_TIMEOUT_S = 10
SIZE_MAX = 8
_CLOSE_S = 2.0
_STATEMENTS_KEPT = 256


class Reads(Protocol):
    """What gives connections to read with, bound to an organisation."""

    def alone(self, organisation_id: int) -> AbstractAsyncContextManager[Connection]:
        """Each statement sees what is committed when it begins."""

    def in_one_snapshot(self, organisation_id: int) -> AbstractAsyncContextManager[Connection]:
        """All statements see the same."""


@dataclass(slots=True)
class _Seat:
    """A connection, and the organisation it is surely set to; None when that is not sure."""

    connection: Connection
    organisation_id: int | None = None


class ReadingPool:
    """At most ``size_max`` connections of the role cheoyong_app that can only read."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size_max: int = SIZE_MAX) -> None:
        self._connect = connect
        self._places = asyncio.Semaphore(size_max)
        self._idle: list[_Seat] = []
        self._closed = False

    @asynccontextmanager
    async def alone(self, organisation_id: int) -> AsyncIterator[Connection]:
        """A connection on which each statement is a transaction of its own."""
        async with self._places:
            seat = self._pick(organisation_id) or _Seat(await self._connect())
            try:
                if seat.organisation_id != organisation_id:
                    await _set(seat, organisation_id)
                yield seat.connection
            except (asyncpg.PostgresError, CheoyongError):
                seat.organisation_id = None
                raise
            except asyncpg.InternalClientError as error:  # the server said why it ends while nobody asked
                seat.connection.terminate()
                raise Unavailable("PostgreSQL ended the connection", mend="try again") from error
            except BaseException:  # cancelled, or unforeseen: its statement may still be running
                seat.connection.terminate()
                raise
            finally:
                self._put_back(seat)

    @asynccontextmanager
    async def in_one_snapshot(self, organisation_id: int) -> AsyncIterator[Connection]:
        """A transaction in which every statement sees the same: two round trips more."""
        async with (
            self.alone(organisation_id) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def close(self) -> None:
        """Close what is not in use; what is in use is closed when it is given back."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(seat.connection.close(timeout=_CLOSE_S) for seat in idle))

    def _pick(self, organisation_id: int) -> _Seat | None:
        """The connection used last that is set to this organisation, else the one not used for longest."""
        self._idle = [seat for seat in self._idle if not seat.connection.is_closed()]
        for place in range(len(self._idle) - 1, -1, -1):
            if self._idle[place].organisation_id == organisation_id:
                return self._idle.pop(place)
        return self._idle.pop(0) if self._idle else None

    def _put_back(self, seat: _Seat) -> None:
        if seat.connection.is_closed():
            return
        if self._closed or seat.connection.is_in_transaction():
            seat.connection.terminate()
        else:
            self._idle.append(seat)


async def _set(seat: _Seat, organisation_id: int) -> None:
    seat.organisation_id = None
    await seat.connection.execute(
        "SELECT set_config('cheoyong.organisation', $1, false)", str(organisation_id)
    )
    seat.organisation_id = organisation_id


async def open_reading_pool(database: Database, *, size_max: int = SIZE_MAX) -> ReadingPool:
    """Open one; statements are bounded to 10 s. Raises Unavailable when the database cannot be reached."""

    async def connect() -> Connection:
        try:
            connection = await asyncpg.connect(
                database.dsn,
                user=APP,
                password=database.passwords[APP],
                statement_cache_size=_STATEMENTS_KEPT,
                max_cached_statement_lifetime=0,
                server_settings={
                    "application_name": f"{APP} reading",
                    "default_transaction_read_only": "on",
                    "statement_timeout": str(STATEMENT_TIMEOUT_S * 1000),
                    "idle_in_transaction_session_timeout": str(STATEMENT_TIMEOUT_S * 1000),
                    "jit": "off",
                },
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise Unavailable(f"PostgreSQL does not answer: {error}", mend="run cheoyong doctor") from error
        await prepare_codecs(connection)
        return connection

    pool = ReadingPool(connect, size_max)
    async with pool.alone(0):  # an organisation that there is not
        return pool


@dataclass(frozen=True, slots=True)
class InTransactions:
    """Reading by a pool that also writes: inside a change, which sees what it has written itself."""

    pool: Pool

    def alone(self, organisation_id: int) -> AbstractAsyncContextManager[Connection]:
        """A transaction bound to the organisation."""
        return as_organisation(self.pool, organisation_id)

    in_one_snapshot = alone
