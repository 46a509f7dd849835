# SPDX-License-Identifier: Apache-2.0
"""Observations in columns into the intake: judged group by group, a few groups on their way at once.

Decoding the next group, sending one to PostgreSQL and committing another overlap. What is held of an upload
is one record batch and its groups under way, however long it goes on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import CheoyongError, InvalidInput, TooMany
from cheoyong.faces.bulk.columns import check_schema, read_columns
from cheoyong.faces.bulk.framing import Frame, Kind, Pieces, frames
from cheoyong.faces.bulk.parquet import unpacked
from cheoyong.flow.directory import Directory
from cheoyong.flow.features_named import settle_features
from cheoyong.flow.intake import Taken
from cheoyong.flow.observation_columns import Fault, distinct, judge_columns
from cheoyong.flow.observation_json import ResultType
from cheoyong.records.observations import Rows

ARROW_STREAM = "application/vnd.apache.arrow.stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
PARQUET = "application/vnd.apache.parquet"
MEDIA_TYPES = (ARROW_STREAM, ARROW_FILE, PARQUET)

ROWS_PER_GROUP = 25_000  # one commit; what others send waits behind two of them at most
GROUPS_ON_THE_WAY = 3  # of all uploads together: the intake's queue stays open for everyone else
UPLOADS_MAX = 8  # small ones; of long ones the budget of bodies in flight (faces/limits.py) lets in three
UNPACKERS_MAX = 2  # Parquet files unpacked at once, each in a gigabyte of memory at most
TRIES_MAX = 60  # of a group that finds the intake full, about a second apart
_POURED_AWAY_MAX = 16 << 20

_log = structlog.get_logger()


class TakesIn(Protocol):
    """What stores observations and says how many were new: the intake."""

    async def take_in(self, rows: Rows) -> Taken:
        """Store rows; returns once they are durable."""


@dataclass(slots=True)
class Account:
    """What became of an upload: rows read, stored now, known before; the span of ids of the stored ones."""

    rows: int = 0
    stored: int = 0
    already_there: int = 0
    first_id: int | None = None
    last_id: int | None = None
    bad_row: int | None = None

    def add(self, taken: Taken) -> None:
        """Count a group that is durable."""
        self.stored += taken.new
        self.already_there += len(taken.ids) - taken.new
        if taken.new:
            first, last = int(taken.ids.min()), int(taken.ids.max())
            self.first_id = first if self.first_id is None else min(first, self.first_id)
            self.last_id = last if self.last_id is None else max(last, self.last_id)


class RefusedPartWayError(Exception):
    """An upload ended by ``error``; ``account`` says what of it is stored nevertheless."""

    def __init__(self, error: CheoyongError, account: Account) -> None:
        super().__init__(str(error))
        self.error = error
        self.account = account


class Uploads:
    """The bulk door of one process."""

    def __init__(self, intake: TakesIn, directory: Directory) -> None:
        self._intake = intake
        self._directory = directory
        self._room = asyncio.Semaphore(GROUPS_ON_THE_WAY)
        self._unpackers = asyncio.Semaphore(UNPACKERS_MAX)
        self._running = 0

    async def take(self, principal: Principal, media_type: str, body: AsyncIterator[bytes]) -> Account:
        """Store all rows of a body; returns when they are durable.

        Raises RefusedPartWayError at the first row or message that cannot be taken: what stands before it is
        stored, nothing after it. Raises TooMany before anything is read when eight uploads go on already.
        """
        if self._running >= UPLOADS_MAX:
            raise TooMany("as many uploads go on as can", retry_after_s=5)
        self._running += 1
        account = Account()
        try:
            if media_type == PARQUET:
                async with self._unpackers, unpacked(body) as arrow:
                    pieces = Pieces(arrow)
                    await self._take(principal, pieces, account)
                    await pieces.pour_away(0)  # to the end, where the unpacker says that all was well
            else:
                pieces = Pieces(body)
                try:
                    await self._take(principal, pieces, account)
                finally:
                    await pieces.pour_away(_POURED_AWAY_MAX)
        except CheoyongError as error:
            raise RefusedPartWayError(error, account) from error
        finally:
            self._running -= 1
        return account

    async def _take(self, principal: Principal, pieces: Pieces, account: Account) -> None:
        on_the_way: deque[asyncio.Task[None]] = deque()
        try:
            async for rows, fault in self._groups(principal, pieces, account):
                if len(rows):
                    await self._room.acquire()
                    on_the_way.append(asyncio.create_task(self._store(rows, account)))
                while on_the_way and on_the_way[0].done():
                    on_the_way.popleft().result()
                if fault is not None:
                    raise fault.error
            while on_the_way:
                await on_the_way.popleft()
        finally:
            for done in await asyncio.gather(*on_the_way, return_exceptions=True):
                if isinstance(done, BaseException):
                    _log.warning("group_not_stored", kind=type(done).__name__)

    async def _groups(
        self, principal: Principal, pieces: Pieces, account: Account
    ) -> AsyncIterator[tuple[Rows, Fault | None]]:
        """Groups of rows as they are to be stored; the last has a fault when there is a bad row after it."""
        async for batch in record_batches(frames(pieces)):
            for start in range(0, batch.num_rows, ROWS_PER_GROUP):
                rows, fault = await self._judged(principal, batch.slice(start, ROWS_PER_GROUP))
                if fault is not None:
                    account.bad_row = account.rows + fault.place
                    fault.error.where = f"row {account.bad_row}, {fault.error.where}"
                account.rows += len(rows)
                yield rows, fault
                if fault is not None:
                    return

    async def _judged(self, principal: Principal, batch: Any) -> tuple[Rows, Fault | None]:
        columns, faults = await asyncio.to_thread(read_columns, batch)
        await self._directory.load(distinct(columns.datastream_id).tolist())

        def type_of(datastream_id: int) -> ResultType:
            entry = self._directory.writable(datastream_id, principal.organisation_id, principal.thing_id)
            return entry.observation_type

        rows, fault = await asyncio.to_thread(judge_columns, columns, type_of)
        if fault is not None:
            faults.append(fault)
        if rows.extras:
            rows, of_features = await settle_features(self._directory, rows)
            for place, error in of_features.items():
                error.where = "feature_id"
                faults.append(Fault(place, error))
        if not faults:
            return rows, None
        first = min(faults, key=lambda one: one.place)
        return until(rows, first.place), first

    async def _store(self, rows: Rows, account: Account) -> None:
        try:
            for attempt in range(1, TRIES_MAX + 1):
                try:
                    account.add(await self._intake.take_in(rows))
                except TooMany as error:
                    if attempt == TRIES_MAX:
                        raise
                    await asyncio.sleep(error.retry_after_s)
                else:
                    return
        finally:
            self._room.release()


def until(rows: Rows, end: int) -> Rows:
    """The rows before a place."""
    if end >= len(rows):
        return rows
    extras = {place: extra for place, extra in rows.extras.items() if place < end}
    return Rows(
        rows.datastream_id[:end], rows.phenomenon_us[:end], rows.result[:end], rows.digest[:end], extras
    )


async def record_batches(messages: AsyncIterator[Frame]) -> AsyncIterator[Any]:
    """The record batches of an IPC stream whose schema has the columns of observations.

    Raises InvalidInput when there is no schema, or what follows it does not fit it.
    """
    import pyarrow as pa

    schema = None
    async for frame in messages:
        data = pa.py_buffer(frame.data)
        try:
            if frame.kind == Kind.SCHEMA and schema is None:
                schema = pa.ipc.read_schema(data)
                check_schema(schema)
            elif frame.kind == Kind.RECORD_BATCH and schema is not None:
                yield await asyncio.to_thread(pa.ipc.read_record_batch, pa.ipc.read_message(data), schema)
            else:
                raise InvalidInput(f"a message of kind {frame.kind} has no place here", where="body")
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InvalidInput(f"not readable as Arrow: {str(error)[:200]}", where="body") from None
    if schema is None:
        raise InvalidInput("the body is empty", where="body", mend="send a schema and record batches")
