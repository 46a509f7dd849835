# SPDX-License-Identifier: Apache-2.0
"""How many observations each datastream has and between which times, kept so that nobody counts rows.

Every transaction that stores, changes or deletes observations leaves its share in ``tally``; ``fold`` adds
the shares up in ``standing``; readers add both (``standing_visible``), exact in their own snapshot.
See migrations/0016_standing.sql.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.observation import Int64s
from cheoyong.records.connection import Connection

SHARES_PER_FOLD_MAX = 50_000
_LOCK = 0x43484F46  # "CHOF": one folds at a time
_EDGE_TIMEOUT_MS = 5_000

# One statement, one snapshot: what it takes out of tally it adds to standing. Times that are gone cannot be
# taken away from a first and a last; where they were the first or the last, these are looked for anew.
_FOLD = """
WITH taken AS (DELETE FROM tally WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally LIMIT $1)) RETURNING *),
     added AS (SELECT datastream_id, sum(count) AS count,
                      min(first_at) FILTER (WHERE count > 0) AS first_at,
                      max(last_at) FILTER (WHERE count > 0) AS last_at,
                      min(first_result_at) FILTER (WHERE count > 0) AS first_result_at,
                      max(last_result_at) FILTER (WHERE count > 0) AS last_result_at,
                      min(first_at) FILTER (WHERE count < 0) AS gone_first,
                      max(last_at) FILTER (WHERE count < 0) AS gone_last,
                      min(first_result_at) FILTER (WHERE count < 0) AS gone_first_result,
                      max(last_result_at) FILTER (WHERE count < 0) AS gone_last_result
               FROM taken GROUP BY datastream_id),
     kept AS (INSERT INTO standing AS s
              SELECT datastream_id, count, first_at, last_at, first_result_at, last_result_at FROM added
              ON CONFLICT (datastream_id) DO UPDATE SET
                count = s.count + excluded.count,
                first_at = least(s.first_at, excluded.first_at),
                last_at = greatest(s.last_at, excluded.last_at),
                first_result_at = least(s.first_result_at, excluded.first_result_at),
                last_result_at = greatest(s.last_result_at, excluded.last_result_at)
              RETURNING *)
SELECT (SELECT count(*) FROM taken) AS shares,
       ARRAY(SELECT datastream_id FROM kept JOIN added a USING (datastream_id)
             WHERE a.gone_first <= kept.first_at OR a.gone_last >= kept.last_at
                OR a.gone_first_result <= kept.first_result_at
                OR a.gone_last_result >= kept.last_result_at) AS at_an_edge
"""
# Archived observations are not in the tables: archive_stream says where they begin and end. A file of which
# it says nothing, from before it was kept, may have any of them: then the times stay as wide as they were.
_EDGES = """
UPDATE standing s SET
  first_at = least(e.first_at, a.first_at, CASE WHEN unsaid THEN s.first_at END),
  last_at = greatest(e.last_at, a.last_at, CASE WHEN unsaid THEN s.last_at END),
  first_result_at = least(e.first_result_at, a.first_result_at, CASE WHEN unsaid THEN s.first_result_at END),
  last_result_at = greatest(e.last_result_at, a.last_result_at, CASE WHEN unsaid THEN s.last_result_at END)
FROM unnest($1::int[]) AS d (id) CROSS JOIN LATERAL (
  SELECT min(phenomenon_time) AS first_at, max(coalesce(phenomenon_end, phenomenon_time)) AS last_at,
         min(result_time) AS first_result_at, max(result_time) AS last_result_at
  FROM observation o WHERE o.datastream_id = d.id) e
CROSS JOIN LATERAL (
  SELECT min(t.first_at) AS first_at, max(t.last_at) AS last_at,
         min(t.first_result_at) AS first_result_at, max(t.last_result_at) AS last_result_at
  FROM archive_stream t JOIN archive USING (file) WHERE t.datastream_id = d.id AND state <> 'closing') a
CROSS JOIN (
  SELECT EXISTS (SELECT FROM archive f WHERE f.state <> 'closing' AND NOT EXISTS (
    SELECT FROM archive_stream t WHERE t.file = f.file)) AS unsaid) w
WHERE s.datastream_id = d.id
"""


async def fold(connection: Connection) -> int:
    """Add what waits in ``tally`` to ``standing``; returns how many shares that were, at most 50,000.

    Killed at any moment it has done all of it or nothing. 0 also when another process is at it.
    """
    async with connection.transaction():
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return 0
        row = await connection.fetchrow(_FOLD, SHARES_PER_FOLD_MAX)
        for datastream_id in row["at_an_edge"]:
            await _find_edges(connection, datastream_id)
        shares: int = row["shares"]
        return shares


async def _find_edges(connection: Connection, datastream_id: int) -> None:
    """Look for the first and last times anew; where that takes too long they stay as wide as they were."""
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = {_EDGE_TIMEOUT_MS}")
            await connection.execute(_EDGES, [datastream_id])
    except asyncpg.QueryCanceledError:
        return


async def give_room_back(connection: Connection) -> None:
    """Clear away what was folded, outside of a transaction (from PostgreSQL 17 on; before, a warning)."""
    await connection.execute("VACUUM tally, standing")


async def add_shares(connection: Connection, datastream_id: Int64s, phenomenon_us: Int64s) -> None:
    """Count observations that the caller stores itself, in its transaction; ``connection`` has the codecs."""
    shares = [column.tolist() for column in shares_of(datastream_id, phenomenon_us)]
    await connection.execute(
        "INSERT INTO tally (datastream_id, count, first_at, last_at)"
        " SELECT * FROM unnest($1::int[], $2::int[], $3::timestamptz[], $4::timestamptz[])",
        *shares,
    )


def shares_of(
    datastream_id: Int64s, phenomenon_us: Int64s
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of n rows, n ≥ 1: datastream, count, first and last time (µs) of each run of one datastream.

    A datastream may stand there several times; rows in no order are sorted first, so that runs are few.

    >>> [column.tolist() for column in shares_of(np.array([7, 7, 3]), np.array([20, 10, 5]))]
    [[7, 3], [2, 1], [10, 5], [20, 5]]
    """
    starts = _run_starts(datastream_id)
    if len(starts) > 64 and len(starts) * 8 > len(datastream_id):
        order = np.argsort(datastream_id, kind="stable")
        datastream_id, phenomenon_us = datastream_id[order], phenomenon_us[order]
        starts = _run_starts(datastream_id)
    return (
        datastream_id[starts],
        np.diff(starts, append=len(datastream_id)),
        np.minimum.reduceat(phenomenon_us, starts),
        np.maximum.reduceat(phenomenon_us, starts),
    )


def _run_starts(ids: Int64s) -> NDArray[np.intp]:
    return np.concatenate(([0], np.flatnonzero(ids[1:] != ids[:-1]) + 1))
