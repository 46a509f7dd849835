# SPDX-License-Identifier: Apache-2.0
"""Archived observations in the sight of ordinary statements, for the length of one transaction.

What a request can reach of the archives is copied into a temporary table; two views put it beside what
stands in the database, and the request's statements read these views instead. Rows of datastreams that
are not the caller's are never taken out of a file, and the view would not show them either. An archived
observation that was sent again is shown once, as it is in the archive, under its first id.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from cheoyong.domain.errors import TooLarge, Unavailable
from cheoyong.records.archive_files import Table, in_us, read_rows
from cheoyong.records.archived_pages import Frontier, PageReach, first_rows
from cheoyong.records.archives import month_name, stage
from cheoyong.records.connection import Connection
from cheoyong.records.partitions import months_later
from cheoyong.records.reach import ARCHIVED, ArchivedFile, Reach, Reaching, make_views

ROWS_MAX = 500_000  # of the archives, in one request
AT_ONCE_MAX = 2  # each holds a group of a file in memory
KNOWN_FOR_S = 4.0  # less than half of archives.GRACE_S

_ARCHIVES = (
    "SELECT file, month, state, first_at, last_at, first_id, last_id FROM archive ORDER BY month, file"
)
_OWN = "SELECT id FROM datastream WHERE $1::int IS NULL OR id = $1"
_STANDS = "SELECT EXISTS (SELECT FROM observation_visible WHERE id = $1)"
_REACHED = "SELECT count(*) FROM (SELECT FROM observation_reached WHERE datastream_id = $1 LIMIT $2) s"
# What the tables have where archived rows lie: mostly nothing. While a page is gathered it counts for none.
_SUSPECTED = """
INSERT INTO observation_twice (id, datastream_id, phenomenon_time, digest)
SELECT v.* FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) s (id, first_at, last_at)
CROSS JOIN LATERAL (
  SELECT v.id, v.datastream_id, v.phenomenon_time, v.digest FROM observation_visible v
  WHERE v.datastream_id = s.id AND v.phenomenon_time BETWEEN s.first_at AND s.last_at) v
LIMIT $4
"""
_ACQUITTED = """
DELETE FROM observation_twice t WHERE NOT EXISTS (
  SELECT FROM observation_archived a WHERE a.datastream_id = t.datastream_id
    AND a.phenomenon_time = t.phenomenon_time AND a.digest = t.digest)
"""
# Of which datastreams a page of the newest is not filled by what is newer than the archives.
_UNFILLED = """
SELECT d.id FROM datastream d WHERE ($1::int IS NULL OR d.id = $1) AND $3 > (
  SELECT count(*) FROM (SELECT FROM observation_visible v
                        WHERE v.datastream_id = d.id AND v.phenomenon_time >= $2 LIMIT $3) s)
"""


class Shelf:
    """The archives of an installation as its faces read them.

    ``known_for_s``: how long it goes on with what it knows of them, so that a request that reaches none
    asks nobody; archiving waits longer than that (``archives.GRACE_S``).
    """

    def __init__(self, folder: Path, known_for_s: float = KNOWN_FOR_S) -> None:
        self._folder = folder
        self._known_for_s = known_for_s
        self._known: list[ArchivedFile] = []
        self._looked_s = -known_for_s
        self._places = asyncio.Semaphore(AT_ONCE_MAX)

    async def may_hold(self, connection: Connection, reach: Reach) -> bool:
        """Whether archives may hold what a request reaches; ``connection`` is bound to its organisation."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= self._known_for_s:
            self._known, self._looked_s = await _files(connection), now_s
        files = [file for file in self._known if file.in_reach(reach)]
        if not files:
            return False
        if reach.id is not None:
            return not await connection.fetchval(_STANDS, reach.id)
        return not await _filled_by_newer(connection, reach, files)

    async def within(self, connection: Connection, reach: Reach) -> Connection:
        """The connection for this transaction's statements, with what is in reach beside what stands.

        It must be in a transaction that may write. Raises TooLarge beyond 500,000 archived rows,
        Unavailable when a file is away.
        """
        # First of all statements: who lets go of rows waits until this transaction has ended.
        files = [
            file for file in await _files(connection) if file.state != "closing" and file.in_reach(reach)
        ]
        if not files:
            return connection
        await make_views(connection)
        own = await _in_question(connection, reach, files)
        async with self._places:
            if reach.each:
                await self._stage_of_each(connection, reach, files, own)
            elif reach.by_stream:
                await self._stage_by_stream(connection, reach, files, own)
            else:
                await self._stage(connection, reach, files, own)
        await connection.execute(_ACQUITTED)
        return Reaching(connection)

    async def page(
        self, connection: Connection, streams: Sequence[int], page: PageReach
    ) -> tuple[Connection, Frontier | None]:
        """The connection for a page of the caller's ``streams``, with the archived rows of it in sight.

        ``streams`` must be the caller's own, as row security gave them. What lies beyond the frontier (None:
        none does) has not been brought into sight. Raises as ``within``.
        """
        reach = Reach(begins_us=page.begins_us, ends_us=page.ends_us)
        files = [
            file for file in await _files(connection) if file.state != "closing" and file.in_reach(reach)
        ]
        if not files:
            return connection, None
        await make_views(connection)
        async with self._places:
            table, frontier = await asyncio.to_thread(first_rows, self._paths(files, page), streams, page)
        if table is not None:
            await _put(connection, table)
            await connection.execute(_ACQUITTED)
        return Reaching(connection), frontier

    def _paths(self, files: Sequence[ArchivedFile], page: PageReach) -> list[Path]:
        # What the datastream in which a page begins has further on comes before all of the next datastreams.
        ordered = sorted(files, key=lambda file: (file.last_us < page.after[1], file.month_us))
        return [self._there(file) for file in ordered]

    def _there(self, file: ArchivedFile) -> Path:
        path = self._folder / file.file
        if not path.exists():
            raise Unavailable("an archive is away", where=file.file, mend="bring it back from a copy")
        return path

    async def holder(self, connection: Connection, observation_id: int) -> str:
        """The month, as 2024-03, whose archive has this observation of the caller's; "" when none has."""
        reach = Reach(id=observation_id)
        own = [row["id"] for row in await connection.fetch(_OWN, None)]
        for file in await _files(connection):
            if file.state == "closing" or not file.in_reach(reach):
                continue
            if await asyncio.to_thread(_first, self._rows(file, reach, own)) is not None:
                return month_name(file.month_us)
        return ""

    async def _stage_by_stream(
        self, connection: Connection, reach: Reach, files: Sequence[ArchivedFile], own: Sequence[int]
    ) -> None:
        count, missing = 0, reach.enough or 0
        begin, begin_us = reach.after or (0, None)
        for stream in sorted(stream for stream in own if stream >= begin):
            is_begun = bool(reach.after) and stream == begin
            part = replace(reach, begins_us=begin_us) if is_begun else replace(reach, after=())
            count += await self._stage(connection, part, files, [stream], count)
            if not is_begun:  # of the datastream in which a page begins it is not known how much comes after
                missing -= await connection.fetchval(_REACHED, stream, missing)
            if missing <= 0:
                return

    async def _stage_of_each(
        self, connection: Connection, reach: Reach, files: Sequence[ArchivedFile], own: Sequence[int]
    ) -> None:
        enough, count = reach.enough or 0, 0
        of_each: Counter[int] = Counter()
        ordered = sorted(files, key=lambda f: f.month_us, reverse=reach.newest_first)
        for _, month in groupby(ordered, key=lambda f: f.month_us):
            missing = [stream for stream in own if of_each[stream] < enough]
            if not missing:
                return
            for file in month:
                tables = self._rows(file, reach, missing)
                while (table := await asyncio.to_thread(_first, tables)) is not None:
                    table = _ends(table, enough, reach.newest_first)
                    of_each.update(table["datastream_id"].to_pylist())
                    count = _bounded(count + table.num_rows)
                    await _put(connection, table)

    async def _stage(
        self,
        connection: Connection,
        reach: Reach,
        files: Sequence[ArchivedFile],
        own: Sequence[int],
        before: int = 0,
    ) -> int:
        count, further, month_us = 0, 0, None
        for file in sorted(files, key=lambda f: f.month_us, reverse=reach.newest_first):
            # A month may have several files: only between months is it known that what is left is further on.
            if reach.enough is not None and further >= reach.enough and file.month_us != month_us:
                break
            month_us = file.month_us
            tables = self._rows(file, reach, own)
            while (table := await asyncio.to_thread(_first, tables)) is not None:
                count += table.num_rows
                further += table.num_rows - _at(table, reach.after[-1:])
                _bounded(before + count)
                await _put(connection, table)
        return count

    def _rows(self, file: ArchivedFile, reach: Reach, own: Sequence[int]) -> Iterator[Table]:
        ids = None if reach.id is None else [reach.id]
        return read_rows(self._there(file), own, reach.begins_us, reach.ends_us, ids)


async def _put(connection: Connection, table: Table) -> None:
    """Bring sorted rows of a file into sight, and note which rows of the tables may be the same again."""
    import numpy as np

    await stage(connection, ARCHIVED, table)
    streams, times = table["datastream_id"].to_numpy(), in_us(table["phenomenon_time"])
    starts = np.concatenate([[0], np.flatnonzero(streams[1:] != streams[:-1]) + 1])
    spans = streams[starts], times[starts], times[np.append(starts[1:], len(times)) - 1]
    done = await connection.execute(_SUSPECTED, *(column.tolist() for column in spans), ROWS_MAX + 1)
    _bounded(int(done.rpartition(" ")[2]))


def _bounded(count: int) -> int:
    if count > ROWS_MAX:
        raise TooLarge(
            f"over {ROWS_MAX} archived observations are in reach",
            where="query",
            mend="give a range of phenomenonTime or a Datastream",
        )
    return count


def _ends(table: Table, enough: int, newest_first: bool) -> Table:
    """Of each datastream the first (or last) ``enough`` rows in time, and all of the instant of the last one.

    The rows come sorted by datastream and time.
    """
    import numpy as np
    import pyarrow as pa

    streams = table["datastream_id"].to_numpy()
    times = in_us(table["phenomenon_time"])
    starts = np.concatenate([[0], np.flatnonzero(streams[1:] != streams[:-1]) + 1])
    lengths = np.diff(np.append(starts, len(streams)))
    taken = np.minimum(lengths, enough)
    if newest_first:
        mask = times >= np.repeat(times[starts + lengths - taken], lengths)
    else:
        mask = times <= np.repeat(times[starts + taken - 1], lengths)
    return table.filter(pa.array(mask))


def _at(table: Table, instants: Sequence[int]) -> int:
    """How many rows are of one of these instants."""
    import numpy as np

    return int(np.isin(in_us(table["phenomenon_time"]), instants).sum())


def _first(tables: Iterator[Table]) -> Table | None:
    return next(tables, None)


async def _files(connection: Connection) -> list[ArchivedFile]:
    return [ArchivedFile(*row) for row in await connection.fetch(_ARCHIVES)]


async def _in_question(connection: Connection, reach: Reach, files: Sequence[ArchivedFile]) -> list[int]:
    """The caller's datastreams of which archived rows may be wanted."""
    if reach.each and reach.newest_first:
        newer_us = max(months_later(file.month_us, 1) for file in files)
        rows = await connection.fetch(_UNFILLED, reach.datastream_id, newer_us, reach.enough)
    else:
        rows = await connection.fetch(_OWN, reach.datastream_id)
    return [row["id"] for row in rows]


async def _filled_by_newer(connection: Connection, reach: Reach, files: Sequence[ArchivedFile]) -> bool:
    """Whether a page of the newest is filled by what is newer than every archived month in reach."""
    if not reach.newest_first or reach.enough is None:
        return False
    if reach.each:
        return not await _in_question(connection, reach, files)
    newer_us = max(months_later(file.month_us, 1) for file in files)
    found = await connection.fetch(
        "SELECT 1 FROM observation_visible WHERE phenomenon_time >= $1"
        " AND ($2::int IS NULL OR datastream_id = $2) AND ($3::timestamptz IS NULL OR phenomenon_time < $3)"
        " ORDER BY phenomenon_time DESC LIMIT $4",
        newer_us, reach.datastream_id, reach.ends_us, reach.enough,
    )  # fmt: skip
    return len(found) >= reach.enough
