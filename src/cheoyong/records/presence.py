# SPDX-License-Identifier: Apache-2.0
"""Who is on site now, for one purpose: to know how many and whom to look for in an emergency. No history.

A row stands while a person is there; signing out deletes it, and so does time: 24 hours at the latest.
"""

from __future__ import annotations

from uuid import UUID

from cheoyong.domain.instant import DAY_US
from cheoyong.records.connection import Connection

KEPT_US = DAY_US
SHOWN_MAX = 1_000


async def sign_in(connection: Connection, organisation_id: int, person_id: UUID, now_us: int) -> None:
    """The person is on site from now on; who is there already stays so, for another 24 hours."""
    await sign_out(connection, person_id)
    await connection.execute(
        "INSERT INTO presence (person_id, organisation_id, since, expires_at) VALUES ($1, $2, $3, $4)",
        person_id, organisation_id, now_us, now_us + KEPT_US,
    )  # fmt: skip


async def sign_out(connection: Connection, person_id: UUID) -> None:
    """The person has left: nothing is kept of it."""
    await connection.execute("DELETE FROM presence WHERE person_id = $1", person_id)


async def count(connection: Connection, now_us: int) -> int:
    """How many are on site."""
    return int(await connection.fetchval("SELECT count(*) FROM presence WHERE expires_at > $1", now_us))


async def since_us(connection: Connection, person_id: UUID, now_us: int) -> int | None:
    """Since when a person is on site, µs; None when they are not."""
    found: int | None = await connection.fetchval(
        "SELECT since FROM presence WHERE person_id = $1 AND expires_at > $2", person_id, now_us
    )
    return found


async def names(connection: Connection, now_us: int) -> list[tuple[str, int]]:
    """Who is on site and since when (µs), at most 1,000; for the site's own manager only."""
    rows = await connection.fetch(
        "SELECT p.name, w.since FROM presence w JOIN person p ON p.id = w.person_id"
        " WHERE w.expires_at > $1 ORDER BY w.since, p.name LIMIT $2",
        now_us, SHOWN_MAX,
    )  # fmt: skip
    return [(row["name"], row["since"]) for row in rows]


async def forget(connection: Connection, now_us: int) -> None:
    """Delete what is older than 24 hours, of every organisation the connection may touch."""
    await connection.execute("DELETE FROM presence WHERE expires_at <= $1", now_us)
