# SPDX-License-Identifier: Apache-2.0
"""OBSERVE: many writers share one commit; each is answered only after it.

A writer hands in columns and waits. While one commit is on its way the next group gathers, so the
busier the door the larger the groups, and a lone writer never waits for company.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import numpy as np
import structlog

from cheoyong.domain.errors import (
    CheoyongError,
    InvalidInput,
    NotFound,
    OutOfSpace,
    TooMany,
    Unavailable,
)
from cheoyong.domain.observation import Int64s
from cheoyong.records.connection import Connection
from cheoyong.records.observations import (
    GONE,
    ObservationWriter,
    RowHeldError,
    Rows,
    Stored,
    concatenate,
)

ROWS_WAITING_MAX = 400_000
ROWS_RESERVED = 100_000  # of them for submissions with something the pipeline judges: a gauge of the city
ROWS_PER_COMMIT_MAX = 50_000
HELD_S_MAX = 5.0  # so long a sender waits for somebody's open transaction that stores the same observation
HELD_SENDERS_MAX = 64  # at once; the next is told at once to send again
LOCKED_S_MAX = 30.0  # so long the whole table may be locked, by an archive or a migration
_HELD_PAUSE_S = 0.2
_ATTEMPTS_MAX = 4
_RETRY_AFTER_S = (0.05, 0.25, 1.0)
# Of a value that no column can hold; asyncpg's own DataError is a ValueError.
_UNKEEPABLE = (asyncpg.DataError, ValueError, OverflowError)
_AWAY = (
    OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.TransactionRollbackError,
)  # fmt: skip

_log = structlog.get_logger()
Committed = Callable[[Stored, Rows, int], Awaitable[None]]


class Submits(Protocol):
    """What takes observations in: the intake, or what stands in for it."""

    async def submit(self, rows: Rows) -> Int64s:
        """Store rows; returns their ids once they are durable."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The ids of the rows of one submission, in order, and how many of the rows were not known before."""

    ids: Int64s
    new: int


@dataclass(slots=True)
class _Waiting:
    rows: Rows
    answer: asyncio.Future[Taken]


class Intake:
    """The one door to the observation table, shared by HTTP, MQTT and every other link.

    ``now_us`` is the clock; the recording instant of a commit never falls behind the one before it
    (F07), nor behind ``last_us``. ``committed`` is told of every commit afterwards, in order (hints,
    counters). ``judged`` tells of datastream ids whether any is a gauge of the city: under pressure those
    go first, and a quarter of the queue is theirs alone (F06).
    """

    def __init__(
        self,
        writer: ObservationWriter,
        now_us: Callable[[], int],
        committed: Committed | None = None,
        last_us: int = 0,
        judged: Callable[[Int64s], bool] = lambda _: False,
    ) -> None:
        self._writer = writer
        self._now_us = now_us
        self._committed = committed
        self._judged = judged
        self._urgent: deque[_Waiting] = deque()
        self._waiting: deque[_Waiting] = deque()
        self._rows_waiting = 0
        self._wake = asyncio.Event()
        self._last_us = last_us
        self._held: set[asyncio.Task[None]] = set()
        self._one_held = asyncio.Lock()  # they share one connection: the other is for all who need not wait
        self._task: asyncio.Task[None] | None = None
        self.commits = 0
        self.observations = 0
        self.duplicates = 0
        self.failures = 0
        self.refused = 0  # observations that found no room; their senders were told to send again
        self.refused_at_s = float("-inf")  # when that was last, on the monotonic clock

    def start(self) -> None:
        """Begin to commit; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="intake")

    async def stop(self) -> None:
        """Commit what waits, then end."""
        if self._task is None:
            return
        while (left := [*self._urgent, *self._waiting]) and not self._task.done():
            await asyncio.wait([left[-1].answer])
        while self._held and not self._task.done():
            await asyncio.wait(self._held)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def rows_waiting(self) -> int:
        """Observations taken in and not yet committed."""
        return self._rows_waiting

    @property
    def full(self) -> bool:
        """Whether a submission that is not judged may find no room: it need not be read then."""
        return self._rows_waiting + ROWS_PER_COMMIT_MAX > ROWS_WAITING_MAX - ROWS_RESERVED

    async def submit(self, rows: Rows) -> Int64s:
        """Store rows; returns their ids once they are durable.

        Raises TooMany when 300,000 rows wait already (400,000 for judged ones), OutOfSpace when the disk
        is full, Unavailable when PostgreSQL stays away or somebody's open transaction holds one of the
        rows too long, NotFound when a datastream of theirs was deleted meanwhile; then nothing of ``rows``
        is acknowledged.
        """
        return (await self.take_in(rows)).ids

    async def take_in(self, rows: Rows) -> Taken:
        """Store rows as ``submit`` does; says also how many were new."""
        # Always, not only while others wait: two submissions of one gauge must not change places.
        urgent = len(rows) == 0 or self._judged(rows.datastream_id)
        bound = ROWS_WAITING_MAX - (0 if urgent else ROWS_RESERVED)
        if self._rows_waiting > 0 and self._rows_waiting + len(rows) > bound:
            self.refused += len(rows)
            self.refused_at_s = time.monotonic()
            raise TooMany("more observations wait than can be stored", retry_after_s=1)
        answer: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._waiting).append(_Waiting(rows, answer))
        self._rows_waiting += len(rows)
        self._wake.set()
        return await answer

    def instant(self) -> int:
        """The recording instant (µs) of what is stored now."""
        self._last_us = max(self._last_us, self._now_us())
        return self._last_us

    async def store_within(self, connection: Connection, rows: Rows, recorded_us: int) -> Stored:
        """Store rows in a transaction of someone else, who calls ``tell`` once it has committed.

        ``recorded_us`` is the ``instant`` at which that transaction began, for its place in the log is of
        then. Raises as ``submit``; the transaction can then only be rolled back.
        """
        try:
            stored = await self._writer.store_within(connection, rows, recorded_us)
        except (asyncpg.DiskFullError, asyncpg.OutOfMemoryError) as error:
            raise OutOfSpace("the database has no room", mend="free disk space; send again") from error
        except _UNKEEPABLE as error:
            _log.warning("value_refused", kind=type(error).__name__)
            raise _unkeepable() from error
        except asyncpg.TransactionRollbackError as error:
            raise _in_the_way() from error
        if (stored.ids == GONE).any():
            raise gone()
        return stored

    async def tick(self) -> int:
        """Record that time went on without a measurement; returns the instant (µs)."""
        empty = np.empty(0, np.int64)
        await self.submit(Rows(empty, empty, np.empty(0), empty))
        return self._last_us

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            group = self._take()
            if not self._urgent and not self._waiting:
                self._wake.clear()
            await self._commit(group)

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        count = 0
        for queue in (self._urgent, self._waiting):
            while queue and (not group or count + len(queue[0].rows) <= ROWS_PER_COMMIT_MAX):
                item = queue.popleft()
                group.append(item)
                count += len(item.rows)
        self._rows_waiting -= count
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        """Store a group; where somebody's open transaction holds a row of it, only its sender waits."""
        if await self._attempt(group):
            return
        if len(group) > 1:
            middle = len(group) // 2
            await self._commit(group[:middle])
            await self._commit(group[middle:])
        elif len(self._held) >= HELD_SENDERS_MAX:
            _refuse(group, _in_the_way())
        else:
            self._rows_waiting += len(group[0].rows)
            task = asyncio.create_task(self._hold(group[0]), name="held")
            self._held.add(task)
            task.add_done_callback(self._held.discard)

    async def _hold(self, item: _Waiting) -> None:
        """Try again beside the others until the transaction in the way is over, or for five seconds."""
        end_s = time.monotonic() + HELD_S_MAX
        try:
            while not item.answer.done() and time.monotonic() < end_s:
                await asyncio.sleep(_HELD_PAUSE_S)
                async with self._one_held:
                    if await self._attempt([item]):
                        return
            _refuse([item], _in_the_way())
        finally:
            self._rows_waiting -= len(item.rows)

    async def _attempt(self, group: list[_Waiting]) -> bool:
        """Store a group and answer it, with an error where need be; False when a row of it is held."""
        rows = concatenate([item.rows for item in group])
        recorded_us = self.instant()
        try:
            stored = await self._store(rows, recorded_us)
        except RowHeldError:
            return False
        except CheoyongError as error:
            _refuse(group, error)
        except _UNKEEPABLE as error:
            await self._isolate(group, error)
        except Exception as error:  # noqa: BLE001  (edge of a stage: told, counted; the next group goes on)
            self.failures += 1
            _log.error("commit_failed", kind=type(error).__name__, rows=len(rows))
            _refuse(group, Unavailable("it could not be stored", mend="send again; see /health"))
        else:
            await self._answer(group, rows, stored, recorded_us)
        return True

    async def _isolate(self, group: list[_Waiting], error: Exception) -> None:
        """One writer's value that the database cannot hold must not refuse the others of its group."""
        if len(group) > 1:
            for item in group:
                await self._commit([item])
            return
        _log.warning("value_refused", kind=type(error).__name__)
        _refuse(group, _unkeepable())

    async def _answer(self, group: list[_Waiting], rows: Rows, stored: Stored, recorded_us: int) -> None:
        start = 0
        for item in group:
            end = start + len(item.rows)
            ids = stored.ids[start:end]
            if (ids == GONE).any():
                _refuse([item], gone())
            elif not item.answer.done():
                item.answer.set_result(Taken(ids, _new(stored, start, end, len(rows))))
            start = end
        await self.tell(stored, rows, recorded_us)

    async def tell(self, stored: Stored, rows: Rows, recorded_us: int) -> None:
        """Count a commit and let know of it; of those of the intake's own it does so itself."""
        self.commits += 1
        self.observations += stored.new
        self.duplicates += len(rows) - stored.new - int(np.count_nonzero(stored.ids == GONE))
        if self._committed is not None:
            try:
                await self._committed(stored, rows, recorded_us)
            except Exception as error:  # noqa: BLE001  (edge of a stage: a hint was lost, the commit stands)
                self.failures += 1
                _log.error("commit_untold", kind=type(error).__name__)

    async def _store(self, rows: Rows, recorded_us: int) -> Stored:
        """Store, and try again after a lost connection: the digest makes a second try harmless (F18)."""
        for attempt in range(_ATTEMPTS_MAX):
            try:
                return await self._store_unlocked(rows, recorded_us)
            except (asyncpg.DiskFullError, asyncpg.OutOfMemoryError) as error:
                raise OutOfSpace("the database has no room", mend="free disk space; send again") from error
            except _UNKEEPABLE:
                raise
            except _AWAY as error:
                _log.warning("commit_outcome_unknown", attempt=attempt + 1, error=str(error))
                if attempt < len(_RETRY_AFTER_S):
                    await asyncio.sleep(_RETRY_AFTER_S[attempt])
        raise Unavailable("PostgreSQL did not answer", mend="send again; what was stored is not doubled")

    async def _store_unlocked(self, rows: Rows, recorded_us: int) -> Stored:
        """Store; while the whole table is locked nobody could, so all wait. Each try waits in PostgreSQL."""
        end_s = time.monotonic() + LOCKED_S_MAX
        while True:
            try:
                return await self._writer.store(rows, recorded_us)
            except asyncpg.LockNotAvailableError as error:
                if time.monotonic() > end_s:
                    raise Unavailable("the table is locked", mend="send again; see /health") from error


def gone() -> NotFound:
    """The error of observations that would belong to nothing."""
    return NotFound("its datastream, or the feature it names, was deleted", mend="list /v1.1/Datastreams")


def _new(stored: Stored, start: int, end: int, count: int) -> int:
    """How many of the rows from ``start`` to ``end`` of a commit of ``count`` stand under their own ids."""
    if stored.new == count:
        return end - start
    own = np.arange(stored.first_id + start, stored.first_id + end)
    return int(np.count_nonzero(stored.ids[start:end] == own))


def _in_the_way() -> Unavailable:
    return Unavailable("another change was in the way", mend="send again")


def _unkeepable() -> InvalidInput:
    return InvalidInput("a value here cannot be stored", mend="check its range and characters")


def _refuse(group: list[_Waiting], error: CheoyongError) -> None:
    for item in group:
        if not item.answer.done():
            item.answer.set_exception(error)
