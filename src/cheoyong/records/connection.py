# SPDX-License-Identifier: Apache-2.0
"""Connection pools to PostgreSQL, one a role; instants travel as integer microseconds.

Roles and what they may do stand in migrations/0002_roles.sql.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec

from cheoyong.domain.errors import Unavailable

Connection = Any  # asyncpg.Connection or its pool proxy: the proxy does not subclass it
Pool = Any

APP, DOOR, WRITER, FLOW = "cheoyong_app", "cheoyong_door", "cheoyong_writer", "cheoyong_flow"
ROLES = (APP, DOOR, WRITER, FLOW)

POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01T00:00:00Z
_STATEMENT_TIMEOUT_S = 30
# The writer serves everybody, so it does not stand behind one open transaction; the others may.
_LOCK_TIMEOUT_MS = {WRITER: 100}
_POOL_SIZE_MAX = {APP: 8, DOOR: 4, WRITER: 2, FLOW: 3}


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach the database: a libpq URL or DSN without a password, and one password a role."""

    dsn: str
    passwords: Mapping[str, str]


async def prepare_codecs(connection: Connection) -> None:
    """Make timestamptz an int of µs since 1970, jsonb a Python object, xid8 an int."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=lambda us: (us - POSTGRES_EPOCH_US,),
        decoder=lambda pair: pair[0] + POSTGRES_EPOCH_US,
        format="tuple",
    )
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
        format="binary",
    )
    await connection.set_type_codec("xid8", schema="pg_catalog", encoder=str, decoder=int, format="text")


async def _leave_as_is(connection: Connection) -> None:
    """Nothing here outlives its transaction (settings are LOCAL), so a returned connection needs no reset;
    asyncpg's own costs a round trip each time.
    """


async def open_pool(database: Database, role: str, *, size_max: int | None = None) -> Pool:
    """Open a pool that signs in as ``role``; statements are bounded to 30 s.

    The writer waits for a lock 0.1 s at most.

    Raises Unavailable when the database cannot be reached.
    """
    try:
        return await asyncpg.create_pool(
            database.dsn,
            user=role,
            password=database.passwords[role],
            min_size=1,
            max_size=size_max or _POOL_SIZE_MAX[role],
            init=prepare_codecs,
            reset=_leave_as_is,
            server_settings={
                "application_name": role,
                "statement_timeout": str(_STATEMENT_TIMEOUT_S * 1000),
                "idle_in_transaction_session_timeout": str(_STATEMENT_TIMEOUT_S * 1000),
                "lock_timeout": str(_LOCK_TIMEOUT_MS.get(role, 0)),
                "jit": "off",
            },
        )
    except (OSError, asyncpg.PostgresError) as error:
        raise Unavailable(f"PostgreSQL does not answer: {error}", mend="run cheoyong doctor") from error


@asynccontextmanager
async def as_organisation(pool: Pool, organisation_id: int) -> AsyncIterator[Connection]:
    """A transaction that sees and writes only what ``organisation_id`` owns."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('cheoyong.organisation', $1, true)", str(organisation_id))
        yield connection
