# SPDX-License-Identifier: Apache-2.0
"""What an explanation is made of: one stream's history as it arrived, the streams beside it, what was found.

Callers hold a connection from ``as_organisation``: row security decides what exists for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.records.checks import UNCHECKED_FROM
from cheoyong.records.connection import Connection

HISTORY_MAX = 50_000
BATCHES_MAX = 200_000
FOUND_MAX = 50

_STREAM = """
SELECT d.id, d.name, coalesce(d.series, '') AS series, coalesce(d.unit ->> 'symbol', '') AS unit,
       d.thing_id, t.name AS thing
FROM datastream d JOIN thing t ON t.id = d.thing_id
WHERE d.part_types IS NULL"""
_ONE = f"{_STREAM} AND d.id = $1"
_BESIDE = (
    f"{_STREAM} AND d.id <> $1 AND (d.thing_id = $2 OR d.series = ANY($3::text[])) ORDER BY d.id LIMIT $4"
)
_HISTORY = """
SELECT o.id, o.phenomenon_time, o.result, o.detail ? 'revised' AS revised FROM observation_visible o
WHERE o.datastream_id = $1 AND o.phenomenon_time <= $2
ORDER BY o.phenomenon_time DESC, o.id DESC LIMIT $3"""
_BATCHES = "SELECT first_id FROM batch_visible WHERE count > 0 AND first_id BETWEEN $1 AND $2 LIMIT $3"
_FLAGS = """
SELECT DISTINCT ON (q.observation_id) q.observation_id, q.flag FROM quality_visible q
WHERE q.observation_id = ANY ($1::bigint[]) ORDER BY q.observation_id, q.batch DESC"""
_FOUND = """
SELECT id, about_at, recorded_at, body, observation_ids FROM fact
WHERE kind = 'detection' AND organisation_id = current_organisation()
  AND about_at BETWEEN $2 AND $3 AND (body ->> 'datastream_id')::int = $1
ORDER BY about_at DESC LIMIT $4"""

Row = Any  # asyncpg.Record: columns by name


@dataclass(frozen=True, slots=True)
class History:
    """One stream's observations in columns of equal length, in the order of their ids (of arrival).

    ``batch`` says which came together. ``whole`` is false when older ones were left out; ``revised`` counts
    values that were changed after they had been looked at.
    """

    id: Int64s
    at_us: Int64s
    value: Float64s
    batch: Int64s
    whole: bool
    revised: int


async def stream(connection: Connection, datastream_id: int) -> Row | None:
    """Name, series (empty: none), unit, thing of a single-valued datastream; None when there is none."""
    return await connection.fetchrow(_ONE, datastream_id)


async def beside(connection: Connection, of: Row, series: Sequence[str], limit: int) -> list[Row]:
    """The other datastreams of its thing, and those of these series."""
    return list(await connection.fetch(_BESIDE, of["id"], of["thing_id"], list(series), limit))


async def history(
    connection: Connection, datastream_id: int, until_us: int, limit: int = HISTORY_MAX
) -> History:
    """The newest observations of one stream up to an instant, ``limit`` of them at most."""
    rows = await connection.fetch(_HISTORY, datastream_id, until_us, limit + 1)
    kept = sorted(rows[:limit], key=lambda row: row["id"])
    ids = np.array([row["id"] for row in kept], np.int64)
    at_us = np.array([row["phenomenon_time"] for row in kept], np.int64)
    value = np.array([np.nan if row["result"] is None else row["result"] for row in kept], np.float64)
    return History(
        id=ids,
        at_us=at_us,
        value=value,
        batch=await _batches(connection, ids, at_us),
        whole=len(rows) <= limit,
        revised=sum(bool(row["revised"]) for row in kept),
    )


async def _batches(connection: Connection, ids: Int64s, at_us: Int64s) -> Int64s:
    """Which observations came together; asked only where that can matter, because time goes back."""
    if len(ids) < 2 or not np.any(np.diff(at_us) < 0):
        return np.arange(len(ids))
    span = int(ids[0]) - 1_000_000, int(ids[-1])
    rows = await connection.fetch(_BATCHES, *span, BATCHES_MAX + 1)
    if len(rows) > BATCHES_MAX:
        return np.arange(len(ids))
    first_ids = np.sort(np.array([row["first_id"] for row in rows], np.int64))
    return np.searchsorted(first_ids, ids, side="right").astype(np.int64)


async def flags(connection: Connection, ids: Sequence[int]) -> tuple[dict[int, int], int]:
    """Verdicts of these observations that are not a plain pass, and below which id all have been judged."""
    said = {row["observation_id"]: row["flag"] for row in await connection.fetch(_FLAGS, list(ids))}
    return said, int(await connection.fetchval(f"SELECT {UNCHECKED_FROM}"))


async def found(connection: Connection, datastream_id: int, from_us: int, to_us: int) -> list[Row]:
    """What the live watch had found in one stream in a span, the newest first, at most 50."""
    return list(await connection.fetch(_FOUND, datastream_id, from_us, to_us, FOUND_MAX))
