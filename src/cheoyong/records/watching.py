# SPDX-License-Identifier: Apache-2.0
"""What the watch over all streams keeps: its memory of each, its bookmark, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cheoyong.records.batches import START, Bookmark
from cheoyong.records.connection import Connection

STAGE = "watch"
SHOWN_MAX = 50


async def bookmark(connection: Connection) -> Bookmark:
    """Up to where the memory that is kept has come; the beginning when there is none."""
    row = await connection.fetchrow("SELECT xid, batch FROM bookmark WHERE stage = $1", STAGE)
    return START if row is None else Bookmark(row["xid"], row["batch"])


async def memory(connection: Connection, datastream_ids: Sequence[int]) -> dict[int, bytes]:
    """What is kept of these datastreams."""
    rows = await connection.fetch(
        "SELECT datastream_id, state FROM watch_state WHERE datastream_id = ANY($1::int[])",
        list(datastream_ids),
    )
    return {row["datastream_id"]: row["state"] for row in rows}


async def keep(connection: Connection, mark: Bookmark, changed: Mapping[int, bytes]) -> None:
    """Memory and bookmark, in one transaction: both or neither."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO watch_state (datastream_id, state)"
            " SELECT * FROM unnest($1::int[], $2::bytea[]) AS new (id, state)"
            " WHERE EXISTS (SELECT FROM datastream d WHERE d.id = new.id)"
            " ON CONFLICT (datastream_id) DO UPDATE SET state = excluded.state",
            list(changed), list(changed.values()),
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO bookmark (stage, xid, batch, state) VALUES ($1, $2, $3, '')"
            " ON CONFLICT (stage) DO UPDATE SET xid = excluded.xid, batch = excluded.batch",
            STAGE, mark.xid, mark.number,
        )  # fmt: skip


async def owners(connection: Connection, datastream_ids: Sequence[int]) -> dict[int, tuple[int, str, str]]:
    """Organisation, name and series (empty: none) of each of these datastreams that is there."""
    rows = await connection.fetch(
        "SELECT id, organisation_id, name, coalesce(series, '') AS series FROM datastream"
        " WHERE id = ANY($1::int[])",
        list(datastream_ids),
    )
    return {row["id"]: (row["organisation_id"], row["name"], row["series"]) for row in rows}


async def detections(connection: Connection, since_us: int) -> list[dict[str, Any]]:
    """What the organisation's streams had that is unusual since an instant, the newest first, at most 50."""
    rows = await connection.fetch(
        "SELECT id, about_at, recorded_at, body FROM fact WHERE kind = 'detection'"
        " AND organisation_id = current_organisation() AND recorded_at >= $1"
        " ORDER BY recorded_at DESC, seq DESC LIMIT $2",
        since_us, SHOWN_MAX,
    )  # fmt: skip
    return [
        {"id": row["id"], "about_us": row["about_at"], "recorded_us": row["recorded_at"], **row["body"]}
        for row in rows
    ]
