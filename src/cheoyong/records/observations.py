# SPDX-License-Identifier: Apache-2.0
"""Observations: written by COPY in columns, read back through their datastreams."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
import numpy as np

from cheoyong.domain.observation import Float64s, Int64s
from cheoyong.records.connection import POSTGRES_EPOCH_US, Connection, Pool
from cheoyong.records.standing import shares_of

ID_BLOCK = 65_536  # the sequence observation_id steps by this much
COPY_ROWS_MIN = 256  # below this one INSERT statement is faster than a COPY and its transaction
_COLUMNS = ("id", "phenomenon_time", "result", "digest", "datastream_id")

# One row of COPY's binary format: the field count, then each field behind its length, big-endian.
_COPY_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("id_size", ">i4"), ("id", ">i8"),
        ("time_size", ">i4"), ("time", ">i8"),
        ("result_size", ">i4"), ("result", ">f8"),
        ("digest_size", ">i4"), ("digest", ">i8"),
        ("datastream_size", ">i4"), ("datastream", ">i4"),
    ]
)  # fmt: skip
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TAIL = b"\xff\xff"

_INSERT = """
WITH b AS (INSERT INTO batch (recorded_at, first_id, count) VALUES ($1, $2, $3) RETURNING number),
     o AS (INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id,
                                    phenomenon_end, result_time, feature_id, detail)
           SELECT * FROM unnest($4::bigint[], $5::timestamptz[], $6::float8[], $7::bigint[], $8::int[],
                                $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::jsonb[])
                      AS new (id, phenomenon_time, result, digest, datastream_id,
                              phenomenon_end, result_time, feature_id, detail)
           WHERE EXISTS (SELECT FROM datastream d WHERE d.id = new.datastream_id)
             AND (feature_id IS NULL OR EXISTS (SELECT FROM feature f WHERE f.id = feature_id))
           ON CONFLICT DO NOTHING
           RETURNING id, datastream_id, phenomenon_time, phenomenon_end, result_time),
     t AS (INSERT INTO tally
           SELECT datastream_id, count(*), min(phenomenon_time),
                  max(coalesce(phenomenon_end, phenomenon_time)), min(result_time), max(result_time)
           FROM o GROUP BY datastream_id)
SELECT (SELECT number FROM b) AS number, (SELECT array_agg(id) FROM o) AS ids
"""
# After COPY, in its transaction: the batch, what is counted, and how many of its datastreams are gone.
_BATCH = """
WITH named AS (SELECT id, sum(count) AS count, min(first_at) AS first_at, max(last_at) AS last_at
               FROM unnest($4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[])
                    AS run (id, count, first_at, last_at) GROUP BY id),
     t AS (INSERT INTO tally (datastream_id, count, first_at, last_at) SELECT * FROM named)
INSERT INTO batch (recorded_at, first_id, count) VALUES ($1, $2, $3)
RETURNING number, (SELECT count(*) FROM named
                   WHERE NOT EXISTS (SELECT FROM datastream d WHERE d.id = named.id)) AS gone
"""
_FIRST_IDS = """
SELECT CASE WHEN EXISTS (SELECT FROM datastream d WHERE d.id = k.datastream_id) THEN o.id END AS id
FROM unnest($1::int[], $2::timestamptz[], $3::bigint[])
     WITH ORDINALITY AS k (datastream_id, phenomenon_time, digest, place)
LEFT JOIN observation o USING (datastream_id, phenomenon_time, digest) ORDER BY k.place
"""
# The same by a face, inside a transaction of its own that is bound to an organisation: the view lets in what
# belongs to a datastream of that organisation only (migrations/0015_observations_within.sql).
_INSERT_WITHIN = _INSERT.replace("INTO observation ", "INTO observation_changeable ")
_FIRST_IDS_WITHIN = _FIRST_IDS.replace("JOIN observation ", "JOIN observation_visible ")
GONE = -1  # instead of the id of an observation that belongs to nothing any more


class _DatastreamGoneError(Exception):
    """Some datastream of a COPY was deleted: nothing of it is kept."""


class RowHeldError(Exception):
    """Somebody's open transaction holds one of the rows: nothing of the group was stored."""


@dataclass(frozen=True, slots=True)
class Extra:
    """What a minority of observations carries beyond time and number; None where absent.

    ``result`` is the result when it is not a number (text, Boolean, object).
    """

    phenomenon_end_us: int | None = None
    result_time_us: int | None = None
    feature_id: int | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """``n`` observations to store, in columns; ``extras`` maps a row index to what it carries beyond.

    ``result`` is NaN only where ``extras`` has the non-numeric result in its detail.
    """

    datastream_id: Int64s
    phenomenon_us: Int64s
    result: Float64s
    digest: Int64s
    extras: dict[int, Extra] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.datastream_id)


def concatenate(parts: Sequence[Rows]) -> Rows:
    """All parts as one, in order."""
    if len(parts) == 1:
        return parts[0]
    extras: dict[int, Extra] = {}
    offset = 0
    for part in parts:
        extras.update({offset + index: extra for index, extra in part.extras.items()})
        offset += len(part)
    return Rows(
        np.concatenate([part.datastream_id for part in parts]),
        np.concatenate([part.phenomenon_us for part in parts]),
        np.concatenate([part.result for part in parts]),
        np.concatenate([part.digest for part in parts]),
        extras,
    )


def copy_bytes(ids: Int64s, rows: Rows) -> bytes:
    """The rows in PostgreSQL's binary COPY format (columns id, time, result, digest, datastream)."""
    table = np.empty(len(rows), _COPY_ROW)
    table["fields"] = 5
    for name, size in (("id", 8), ("time", 8), ("result", 8), ("digest", 8), ("datastream", 4)):
        table[f"{name}_size"] = size
    table["id"] = ids
    table["time"] = rows.phenomenon_us - POSTGRES_EPOCH_US
    table["result"] = rows.result
    table["digest"] = rows.digest
    table["datastream"] = rows.datastream_id
    return b"".join((_COPY_HEAD, table.tobytes(), _COPY_TAIL))


@dataclass(frozen=True, slots=True)
class Stored:
    """What one commit did: its batch number, the id of each row in order, how many were new.

    An id is GONE (-1) where the datastream, or the feature it names, was deleted before: that row is not
    stored.
    """

    number: int
    ids: Int64s
    new: int
    first_id: int = 0  # given to the first row: a row that stands under another than its own was known before


class ObservationWriter:
    """Stores groups of observations, each in one commit; at most one group at a time.

    The same observation (datastream, time, digest) is stored once, however often it comes; its first
    id is returned each time. A datastream whose deletion was committed before, by whatever process,
    takes nothing.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._next_id = 0
        self._block_end = 0

    async def store(self, rows: Rows, recorded_us: int) -> Stored:
        """Store a group and its batch row; returns after the commit is durable.

        Raises RowHeldError when an open transaction has stored one of the rows, LockNotAvailableError when
        a whole table is locked, each after the pool's ``lock_timeout``.
        """
        async with self._pool.acquire() as connection:
            first_id = await self._reserve(connection, len(rows))
            ids = np.arange(first_id, first_id + len(rows), dtype=np.int64)
            if len(rows) < COPY_ROWS_MIN or rows.extras:
                return await _insert_alone(connection, first_id, ids, rows, recorded_us)
            try:
                return Stored(await _copy(connection, ids, rows, recorded_us), ids, len(rows), first_id)
            except (asyncpg.UniqueViolationError, _DatastreamGoneError):  # the slower way sorts that out
                return await _insert_alone(connection, first_id, ids, rows, recorded_us)

    async def store_within(self, connection: Connection, rows: Rows, recorded_us: int) -> Stored:
        """Store a group in a transaction of the role of the faces, which commits later or not at all.

        What is not of its organisation is GONE.
        """
        async with connection.transaction():
            first_id = await self._reserve(connection, len(rows))
            ids = np.arange(first_id, first_id + len(rows), dtype=np.int64)
            return await _insert(
                connection, first_id, ids, rows, recorded_us, _INSERT_WITHIN, _FIRST_IDS_WITHIN
            )

    async def tick(self, recorded_us: int) -> int:
        """Record that time went on; returns the batch number."""
        empty = np.empty(0, np.int64)
        return (await self.store(Rows(empty, empty, np.empty(0), empty), recorded_us)).number

    async def _reserve(self, connection: Connection, count: int) -> int:
        if count > ID_BLOCK:
            raise ValueError(f"a group holds at most {ID_BLOCK} observations")
        if self._next_id == 0 or self._next_id + count > self._block_end:
            self._next_id = await connection.fetchval("SELECT nextval('observation_id')")
            self._block_end = self._next_id + ID_BLOCK
        first = self._next_id
        self._next_id += count
        return first


async def _copy(connection: Connection, ids: Int64s, rows: Rows, recorded_us: int) -> int:
    async with connection.transaction():
        payload = _in_pieces(ids, rows)
        try:
            await connection.copy_to_table("observation", source=payload, columns=_COLUMNS, format="binary")
        except asyncpg.LockNotAvailableError as error:
            raise _lock_error(error, lines_of_its_own=1) from error  # the line of the copy
        runs = [column.tolist() for column in shares_of(rows.datastream_id, rows.phenomenon_us)]
        batch = await connection.fetchrow(_BATCH, recorded_us, int(ids[0]), len(ids), *runs)
        if batch["gone"]:
            raise _DatastreamGoneError
        number: int = batch["number"]
        return number


async def _in_pieces(ids: Int64s, rows: Rows) -> Any:
    payload = copy_bytes(ids, rows)  # only when the table is open to us
    for start in range(0, len(payload), 1 << 18):
        yield payload[start : start + (1 << 18)]


def _lock_error(error: Any, lines_of_its_own: int) -> Exception:
    """Which lock was not to be had: PostgreSQL says at which row it waited, and nothing for a whole table.

    The lines are counted, not read: a server may speak another language.
    """
    return RowHeldError() if len((error.context or "").splitlines()) > lines_of_its_own else error


async def _insert_alone(
    connection: Connection, first_id: int, ids: Int64s, rows: Rows, recorded_us: int
) -> Stored:
    try:
        return await _insert(connection, first_id, ids, rows, recorded_us)
    except asyncpg.LockNotAvailableError as error:
        raise _lock_error(error, lines_of_its_own=0) from error


async def _insert(
    connection: Connection,
    first_id: int,
    ids: Int64s,
    rows: Rows,
    recorded_us: int,
    statement: str = _INSERT,
    first_ids: str = _FIRST_IDS,
) -> Stored:
    count = len(rows)
    extras = [rows.extras.get(index, _NO_EXTRA) for index in range(count)] if rows.extras else []
    nothing = [None] * count
    results = rows.result.tolist()
    if extras:
        results = [None if np.isnan(value) else value for value in results]
    row = await connection.fetchrow(
        statement, recorded_us, first_id, count,
        ids.tolist(), rows.phenomenon_us.tolist(), results, rows.digest.tolist(),
        rows.datastream_id.tolist(),
        [extra.phenomenon_end_us for extra in extras] or nothing,
        [extra.result_time_us for extra in extras] or nothing,
        [extra.feature_id for extra in extras] or nothing,
        [extra.detail for extra in extras] or nothing,
    )  # fmt: skip
    new = row["ids"] or []
    if len(new) < count:
        ids = await _first_ids(connection, rows, first_ids)
    return Stored(row["number"], ids, len(new), first_id)


_NO_EXTRA = Extra()


async def _first_ids(connection: Connection, rows: Rows, statement: str) -> Int64s:
    """Ids under which the rows stand, when some of them were known before; GONE where there is none."""
    found = await connection.fetch(
        statement, rows.datastream_id.tolist(), rows.phenomenon_us.tolist(), rows.digest.tolist()
    )
    return np.fromiter((GONE if row["id"] is None else row["id"] for row in found), np.int64, len(found))


def digest_of_numbers(result: Float64s) -> Int64s:
    """64-bit digest of plain numeric results: SplitMix64 of their bits, so no two results share one.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".

    >>> digest_of_numbers(np.array([5.64, 5.64, 5.65])).tolist()[0] == digest_of_numbers(np.array([5.64]))[0]
    np.True_
    """
    if len(result) == 1:  # a lone observation is the common case, and arrays are slow for one
        return np.array([_mix(struct.unpack("<Q", struct.pack("<d", result[0]))[0])], np.uint64).view(
            np.int64
        )
    z = np.ascontiguousarray(result, np.float64).view(np.uint64) + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX_1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX_2)
    return (z ^ (z >> np.uint64(31))).view(np.int64)


_GOLDEN, _MIX_1, _MIX_2, _64_BITS = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, (1 << 64) - 1


def _mix(bits: int) -> int:
    z = bits + _GOLDEN & _64_BITS
    z = (z ^ (z >> 30)) * _MIX_1 & _64_BITS
    z = (z ^ (z >> 27)) * _MIX_2 & _64_BITS
    return z ^ (z >> 31)


def digest_of_extra(result: float, extra: Extra) -> int:
    """64-bit digest of an observation that carries more than a number (BLAKE2b of canonical JSON)."""
    from hashlib import blake2b

    text = msgspec.json.encode((result, extra), order="sorted")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), signed=True)
