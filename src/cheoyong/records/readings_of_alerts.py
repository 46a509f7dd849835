# SPDX-License-Identifier: Apache-2.0
"""Who has read which version of an alert, and how long ago."""

from __future__ import annotations

from uuid import UUID

from cheoyong.records.connection import Connection

NEVER_US = 2**50  # older than any bound


async def note_reading(
    connection: Connection, organisation_id: int, alert_id: UUID, login: str, content_hash: str, real_us: int
) -> None:
    """Note that ``login`` has these bytes before their eyes now."""
    await connection.execute(
        "INSERT INTO alert_reading (alert_id, organisation_id, login, content_hash, read_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (alert_id, login, content_hash)"
        " DO UPDATE SET read_at = excluded.read_at",
        alert_id, organisation_id, login, content_hash, real_us,
    )  # fmt: skip


async def reading_age_us(
    connection: Connection, alert_id: UUID, login: str, content_hash: str, real_us: int
) -> int:
    """How long ago (µs of the world's clock) ``login`` read these bytes; very long when never."""
    read_us = await connection.fetchval(
        "SELECT read_at FROM alert_reading WHERE alert_id = $1 AND login = $2 AND content_hash = $3",
        alert_id, login, content_hash,
    )  # fmt: skip
    return NEVER_US if read_us is None else max(0, real_us - read_us)
