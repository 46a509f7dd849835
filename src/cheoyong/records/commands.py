# SPDX-License-Identifier: Apache-2.0
"""What people ask of alarms and incidents: written by a face, carried out by the worker in its order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cheoyong.records.connection import Connection

WAITING_READ_MAX = 200


@dataclass(frozen=True, slots=True)
class Command:
    """A person's wish: ``take``, ``close`` (incident), ``acknowledge`` (alarm, or row of alarms), ``shelve``,
    ``unshelve``, ``remove`` (out of service), ``restore`` (alarm).
    """

    seq: int
    organisation_id: int
    verb: str
    subject: UUID
    by: str
    reason: str
    made_us: int
    minutes: int | None = None


async def ask(
    connection: Connection,
    organisation_id: int,
    verb: str,
    subject: UUID,
    *,
    by: str,
    reason: str,
    made_us: int,
    minutes: int | None = None,
) -> int:
    """Write a command down; returns its number."""
    seq: int = await connection.fetchval(
        "INSERT INTO command (organisation_id, verb, subject, by, reason, made_at, minutes)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq",
        organisation_id, verb, subject, by, reason, made_us, minutes,
    )  # fmt: skip
    return seq


async def waiting(connection: Connection) -> list[Command]:
    """Commands not yet carried out, oldest first."""
    rows = await connection.fetch(
        "SELECT seq, organisation_id, verb, subject, by, reason, made_at, minutes FROM command"
        " WHERE done_at IS NULL ORDER BY seq LIMIT $1",
        WAITING_READ_MAX,
    )
    return [Command(*row.values()) for row in rows]


async def done(connection: Connection, seqs: list[int], done_us: int) -> None:
    """Mark commands as carried out."""
    await connection.execute("UPDATE command SET done_at = $2 WHERE seq = ANY($1::bigint[])", seqs, done_us)
