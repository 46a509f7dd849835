# SPDX-License-Identifier: Apache-2.0
"""What a stage remembers, in parts beside its bookmark: a commit writes the parts that changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cheoyong.records.batches import Bookmark
from cheoyong.records.connection import Connection

_PARTS_PER_STATEMENT_MAX = 1_000
_KEEP = """
INSERT INTO stage_part (stage, part, state) SELECT $1, * FROM unnest($2::text[], $3::bytea[])
ON CONFLICT (stage, part) DO UPDATE SET state = excluded.state
"""


async def parts(connection: Connection, stage: str) -> dict[str, bytes]:
    """Everything that is kept beside a stage's bookmark, by the name of the part."""
    rows = await connection.fetch("SELECT part, state FROM stage_part WHERE stage = $1", stage)
    return {row["part"]: row["state"] for row in rows}


async def keep(
    connection: Connection,
    stage: str,
    mark: Bookmark,
    now_us: int | None,
    head: bytes,
    changed: Mapping[str, bytes],
    gone: Collection[str] | None,
) -> None:
    """Move the bookmark with what is remembered there; to be called in the transaction of the stage's facts.

    ``now_us`` None leaves the stage's time as it was. ``gone`` parts are deleted (None: all that are there),
    then ``changed`` ones written.
    """
    await connection.execute(
        "UPDATE bookmark SET xid = $2, batch = $3, state = $4, now_at = coalesce($5, now_at)"
        " WHERE stage = $1",
        stage, mark.xid, mark.number, head, now_us,
    )  # fmt: skip
    if gone is None:
        await connection.execute("DELETE FROM stage_part WHERE stage = $1", stage)
    elif gone:
        await connection.execute(
            "DELETE FROM stage_part WHERE stage = $1 AND part = ANY($2::text[])", stage, list(gone)
        )
    names = list(changed)
    for first in range(0, len(names), _PARTS_PER_STATEMENT_MAX):
        some = names[first : first + _PARTS_PER_STATEMENT_MAX]
        await connection.execute(_KEEP, stage, some, [changed[name] for name in some])
