# SPDX-License-Identifier: Apache-2.0
"""Alarms that ended long ago leave the tables that are worked with; every step of theirs stays as a fact.

The last alarm of each gauge and rule stays however old it is: what comes next is told in its light.
"""

from __future__ import annotations

from cheoyong.records.connection import Connection

PIECE_ROWS = 1_000
_PIECES = (
    "DELETE FROM alarm WHERE id IN ("
    " SELECT id FROM alarm a WHERE state IN ('cleared', 'withdrawn') AND changed_at < $1 AND id <> ("
    "  SELECT id FROM alarm b WHERE b.organisation_id = a.organisation_id"
    "  AND b.body ->> 'series' = a.body ->> 'series' AND b.body ->> 'cause' = a.body ->> 'cause'"
    "  AND b.body ->> 'rule' = a.body ->> 'rule' ORDER BY b.changed_at DESC, b.id DESC LIMIT 1)"
    " LIMIT $2)",
    "DELETE FROM alarm_row WHERE id IN ("
    " SELECT id FROM alarm_row r WHERE joined_at < $1"
    " AND NOT EXISTS (SELECT FROM alarm WHERE row_id = r.id) LIMIT $2)",
    "DELETE FROM alarm_told WHERE (organisation_id, told_at, row_id) IN ("
    " SELECT organisation_id, told_at, row_id FROM alarm_told WHERE told_at < $1 LIMIT $2)",
)


async def sweep(connection: Connection, stage: str, kept_us: int) -> int:
    """One piece, at most 1,000 of each kind, of what ended ``kept_us`` before the time of a stage.

    That is the time of the facts, which in an exercise is not the world's. Returns how many rows there were.
    """
    now_us = await connection.fetchval("SELECT now_at FROM bookmark WHERE stage = $1", stage)
    if now_us is None:
        return 0
    done = [await connection.execute(piece, now_us - kept_us, PIECE_ROWS) for piece in _PIECES]
    return sum(int(one.split()[-1]) for one in done)
