# SPDX-License-Identifier: Apache-2.0
"""Months of observations out of the database into Parquet files, and back; the owner's connection only.

At every instant each row counts in exactly one place, whatever is killed: the file is written, read back
and noted (closing) while the tables still count; one transaction lets go of the rows and says that the
file counts (sole). Readers learn of the note before that (``grace_s``), and then ask before every read.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import asyncpg

from cheoyong.domain.errors import Conflict, NotFound, Unavailable
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.archive_files import COLUMNS, SCHEMA_VERSION, Contents, read_rows, sha256_of, write_file
from cheoyong.records.connection import Connection
from cheoyong.records.partitions import months_later, patiently

MONTHS_PER_RUN_MAX = 24
ROWS_MIN_OF_OPEN_END = 1_000  # strays of broken clocks in a month without a part of its own are no archive
GRACE_S = 10.0  # twice as long as a reader may go on with what it knows of the archives
HOLD_DAYS = 7  # a month that was brought back is not archived again before
_LOCK = 0x43484152  # "CHAR": one archives or restores at a time

_MONTHS = """
SELECT m.month, m.rows FROM (
  SELECT date_trunc('month', phenomenon_time, 'UTC') AS month, tableoid AS part, count(*) AS rows
  FROM observation WHERE phenomenon_time < $1 GROUP BY 1, 2) m
JOIN observation_parts() p ON p.part = m.part
WHERE (isfinite(p.begins) OR m.rows >= $2)
  AND NOT EXISTS (SELECT FROM restored_month r WHERE r.month = m.month AND r.hold_until > now())
ORDER BY 1
"""
_GONE_MONTHS = "SELECT DISTINCT month FROM archive WHERE state <> 'closing' ORDER BY month"
_LATE = """
SELECT datastream_id, min(phenomenon_time) AS first_at, max(phenomenon_time) AS last_at FROM observation
WHERE phenomenon_time >= $1 AND phenomenon_time < $2 GROUP BY 1
"""
_UNREAD = """
SELECT EXISTS (SELECT FROM bookmark k JOIN batch b ON (b.xid, b.number) > (k.xid, k.batch)
               WHERE b.count > 0 AND b.first_id <= $1)
"""
_SUMS = """
SELECT count(*) AS rows, sum(id) AS ids, sum(xmin::text::bigint) AS xids, max(id) AS last_id,
       (SELECT count(*) FROM quality q JOIN observation v ON v.id = q.observation_id
        WHERE v.phenomenon_time >= $1 AND v.phenomenon_time < $2) AS verdicts
FROM observation WHERE phenomenon_time >= $1 AND phenomenon_time < $2
"""
# In the order of the columns of the file; times as µs.
_EXPORT = """
SELECT o.id, o.datastream_id, (extract(epoch FROM o.phenomenon_time) * 1000000)::bigint, o.result, o.digest,
       (extract(epoch FROM o.phenomenon_end) * 1000000)::bigint,
       (extract(epoch FROM o.result_time) * 1000000)::bigint, o.feature_id, o.detail::text, q.verdicts
FROM observation o LEFT JOIN (
  SELECT observation_id, jsonb_agg(jsonb_build_array(batch, flag, tests) ORDER BY batch)::text AS verdicts
  FROM quality GROUP BY observation_id) q ON q.observation_id = o.id
WHERE o.phenomenon_time >= $1 AND o.phenomenon_time < $2
ORDER BY o.datastream_id, o.phenomenon_time, o.digest
"""
_NOTE = """
INSERT INTO archive (file, month, state, schema_version, row_count, verdict_count, byte_count, sha256,
                     first_at, last_at, first_id, last_id, id_sum, xid_sum)
VALUES ($1, $2, 'closing', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_NOTE_STREAMS = """
INSERT INTO archive_stream
SELECT $1, datastream_id, min(phenomenon_time), max(coalesce(phenomenon_end, phenomenon_time)),
       min(result_time), max(result_time)
FROM observation WHERE phenomenon_time >= $2 AND phenomenon_time < $3 GROUP BY datastream_id
"""
_STAGE = """
CREATE TEMP TABLE brought_back (
  id bigint, datastream_id int, phenomenon_time timestamptz, result float8, digest bigint,
  phenomenon_end timestamptz, result_time timestamptz, feature_id bigint, detail text, verdicts text
) ON COMMIT DROP
"""
_BRING_BACK = """
WITH o AS (
  INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id,
                           phenomenon_end, result_time, feature_id, detail)
  SELECT id, phenomenon_time, result, digest, datastream_id, phenomenon_end, result_time, feature_id,
         detail::jsonb FROM brought_back),
q AS (
  INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)
  SELECT b.id, (v ->> 0)::bigint, b.datastream_id, (v ->> 1)::smallint, (v ->> 2)::smallint
  FROM brought_back b CROSS JOIN LATERAL jsonb_array_elements(b.verdicts::jsonb) v
  WHERE b.verdicts IS NOT NULL ON CONFLICT DO NOTHING)
SELECT count(*) FROM brought_back
"""
_HOLD = """
INSERT INTO restored_month VALUES ($1, now() + make_interval(days => $2))
ON CONFLICT (month) DO UPDATE SET hold_until = excluded.hold_until
"""

At = Callable[[str], None]  # told of each step that is done


def _quietly(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One file as the table of archives has it; ``month_us`` is the instant its month begins."""

    file: str
    month_us: int
    state: str
    rows: int
    byte_count: int
    sha256: str
    first_us: int
    last_us: int


@asynccontextmanager
async def alone(connection: Connection) -> AsyncIterator[None]:
    """Archive or restore as the only one; raises Conflict when another is at it."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        raise Conflict("archiving is going on already", mend="wait until it has ended")
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def archives(connection: Connection) -> list[Archive]:
    """All archives, the oldest month first."""
    rows = await connection.fetch(
        "SELECT file, month, state, row_count, byte_count, sha256, first_at, last_at FROM archive"
        " ORDER BY month, file"
    )
    return [Archive(*row) for row in rows]


async def months_to_archive(connection: Connection, before_us: int) -> list[tuple[int, int]]:
    """The months that end by ``before_us`` and have rows in the tables: (month, rows), at most 24.

    Not those that were restored in the last seven days.
    """
    rows = await connection.fetch(_MONTHS, before_us, ROWS_MIN_OF_OPEN_END)
    whole = [(row["month"], row["rows"]) for row in rows if months_later(row["month"], 1) <= before_us]
    return whole[:MONTHS_PER_RUN_MAX]


async def archive_month(
    connection: Connection, folder: Path, month_us: int, *, grace_s: float = GRACE_S, at: At = _quietly
) -> Archive:
    """Move the rows of one month into a file of ``folder``; ``alone`` is the caller's to hold.

    Rows that a file of this month has already are let go of first. Raises NotFound for a month without
    rows, Conflict when some are not checked yet or change meanwhile.
    """
    await _forget_unfinished(connection, folder, month_us)
    await let_go_of_sent_again(connection, folder, month_us)
    name = await _free_name(connection, folder, month_us)
    await _write(connection, folder / name, month_us, at)
    await asyncio.sleep(grace_s)
    at("readers know")
    try:
        await patiently(connection, lambda: _release(connection, name, month_us))
    except asyncpg.RaiseError as error:
        await _forget_unfinished(connection, folder, month_us)
        raise Conflict(error.message or "rows changed", mend="archive this month again") from None
    at("released")
    return next(archive for archive in await archives(connection) if archive.file == name)


async def months_sent_again(connection: Connection) -> list[int]:
    """Archived months of which the tables have rows again, whether sent again or late."""
    months = [row["month"] for row in await connection.fetch(_GONE_MONTHS)]
    return [m for m in months if await connection.fetch(_LATE, m, months_later(m, 1))]


async def let_go_of_sent_again(connection: Connection, folder: Path, month_us: int) -> int:
    """Take rows out of the tables and the counts that the files of this month have already.

    The first of each stays, in its file, under its id. Returns how many went. Raises Unavailable when a
    file is not what was written.
    """
    mine = await _counting(connection, month_us)
    went = 0
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        late = await connection.fetch(_LATE, month_us, months_later(month_us, 1)) if mine else []
        if not late:
            return 0
        await connection.execute(_STAGE)
        streams = [row["datastream_id"] for row in late]
        begins_us, last_us = min(row["first_at"] for row in late), max(row["last_at"] for row in late)
        for archive in mine:
            await asyncio.to_thread(check_file, folder, archive)
            for table in read_rows(folder / archive.file, streams, begins_us, last_us + 1):
                went += await _take_out(connection, table, month_us)
        await connection.execute("DROP TABLE brought_back")
    return went


async def restore_month(
    connection: Connection, folder: Path, month_us: int, *, grace_s: float = GRACE_S, at: At = _quietly
) -> int:
    """Bring all files of one month back into the tables; returns how many rows there were.

    It is not archived again in the next seven days. Raises NotFound for a month without archives, Unavailable
    when a file is not what was written, Conflict when one of its observations is sent again at this moment.
    """
    mine = await _counting(connection, month_us)
    if not mine:
        raise NotFound(f"there is no archive of {month_name(month_us)}", mend="see cheoyong archive --list")
    for archive in mine:
        await asyncio.to_thread(check_file, folder, archive)
    await connection.execute(
        "UPDATE archive SET state = 'opening' WHERE month = $1 AND state = 'sole'", month_us
    )
    at("opening")
    await asyncio.sleep(grace_s)
    try:
        brought = await _open(connection, folder, mine, at)
    except asyncpg.UniqueViolationError:
        raise Conflict("an observation of this month came in meanwhile", mend="restore it again") from None
    at("restored")
    for archive in mine:
        (folder / archive.file).unlink(missing_ok=True)
    return brought


def check_file(folder: Path, archive: Archive) -> None:
    """Raises Unavailable when a file is away or its bytes are not those that were written."""
    path = folder / archive.file
    if not path.exists():
        raise Unavailable("this archive is away", where=str(path), mend="bring it back from a copy")
    if sha256_of(path) != archive.sha256:
        raise Unavailable("this archive is damaged", where=str(path), mend="bring it back from a copy")


def month_name(month_us: int) -> str:
    """As people write it.

    >>> month_name(1_475_280_000_000_000)
    '2016-10'
    """
    return f"{datetime.fromtimestamp(month_us // SECOND_US, UTC):%Y-%m}"


async def _write(connection: Connection, path: Path, month_us: int, at: At) -> None:
    month = month_us, months_later(month_us, 1)
    with tempfile.TemporaryFile(dir=path.parent) as exported:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL statement_timeout = 0")
            sums = await connection.fetchrow(_SUMS, *month)
            if not sums["rows"]:
                raise NotFound(f"no observation of {month_name(month_us)} is in the database")
            if await connection.fetchval(_UNREAD, sums["last_id"]):
                raise Conflict("some observations of this month are not checked yet", mend="try again later")
            await connection.copy_from_query(_EXPORT, *month, output=exported, format="csv")
        at("exported")
        exported.seek(0)
        contents = await asyncio.to_thread(write_file, path, exported)
    at("written")
    await _note(connection, path.name, month_us, contents, sums)
    at("noted")


async def _note(connection: Connection, name: str, month_us: int, contents: Contents, sums: Any) -> None:
    if contents.rows != sums["rows"]:
        raise Unavailable("the file has not as many rows as the month", where=name, mend="report it")
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(
            _NOTE, name, month_us, SCHEMA_VERSION, contents.rows, sums["verdicts"], contents.byte_count,
            contents.sha256, contents.first_us, contents.last_us, contents.first_id, contents.last_id,
            sums["ids"], sums["xids"],
        )  # fmt: skip
        # Of the rows as they are now: if they are not those of the file any more, it never comes to count.
        await connection.execute(_NOTE_STREAMS, name, month_us, months_later(month_us, 1))


async def _release(connection: Connection, name: str, month_us: int) -> None:
    await connection.execute("SET LOCAL statement_timeout = 0")  # a long deletion keeps no reader waiting
    await connection.execute("SELECT release_observation_month($1)", name)
    await connection.execute("DELETE FROM restored_month WHERE month = $1", month_us)


async def _forget_unfinished(connection: Connection, folder: Path, month_us: int) -> None:
    """A file that was noted and whose rows were never let go of: it counts for nothing."""
    rows = await connection.fetch(
        "DELETE FROM archive WHERE month = $1 AND state = 'closing' RETURNING file", month_us
    )
    for row in rows:
        (folder / row["file"]).unlink(missing_ok=True)


async def _free_name(connection: Connection, folder: Path, month_us: int) -> str:
    taken = {archive.file for archive in await archives(connection)}
    number = 1
    while (name := f"observations-{month_name(month_us)}.{number}.parquet") in taken:
        number += 1
    # A file of this name that nobody noted was left behind by a kill; it counts for nothing.
    (folder / name).unlink(missing_ok=True)
    (folder / f"{name}.part").unlink(missing_ok=True)
    return name


async def _counting(connection: Connection, month_us: int) -> list[Archive]:
    return [a for a in await archives(connection) if a.month_us == month_us and a.state != "closing"]


async def _open(connection: Connection, folder: Path, mine: list[Archive], at: At) -> int:
    brought, month_us = 0, mine[0].month_us
    async with connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(_STAGE)
        for archive in mine:
            for table in read_rows(folder / archive.file, None):
                await _take_out(connection, table, month_us)
                brought += await connection.fetchval(_BRING_BACK)
        at("brought back")
        await connection.execute("LOCK TABLE archive IN ACCESS EXCLUSIVE MODE")
        await connection.execute("DELETE FROM archive WHERE month = $1 AND state = 'opening'", month_us)
        await connection.execute(_HOLD, month_us, HOLD_DAYS)
    return brought


async def _take_out(connection: Connection, table: Any, month_us: int) -> int:
    """Stage rows of a file, and let go of what was sent again of them; returns how many rows went."""
    await connection.execute("TRUNCATE brought_back")
    await stage(connection, "brought_back", table)
    went: int = await connection.fetchval("SELECT release_sent_again($1)", month_us)
    return went


async def stage(connection: Connection, name: str, table: Any) -> None:
    """Copy rows of a file into a temporary table with its columns, without a Python object for each."""
    text = await asyncio.to_thread(_csv, table)
    await connection.copy_to_table(name, source=text, columns=COLUMNS, schema_name="pg_temp", format="csv")


def _csv(table: Any) -> IO[bytes]:
    """The rows as PostgreSQL reads them: numbers to the last bit, text quoted, NULL as nothing."""
    import pyarrow as pa
    import pyarrow.csv as pc

    sink = pa.BufferOutputStream()
    pc.write_csv(table, sink, pc.WriteOptions(include_header=False))
    return io.BytesIO(sink.getvalue().to_pybytes())
