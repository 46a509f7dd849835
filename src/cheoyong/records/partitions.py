# SPDX-License-Identifier: Apache-2.0
"""The parts by time that observations stand in: which there are, and months made before they are needed.

Only the owner of the database changes parts, and never the transaction that stores an observation.
The tree of tables stands in migrations/0013_partitions.sql.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import asyncpg

from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.connection import Connection

MONTHS_AHEAD = 2  # this month's part and the next one's are there; a device is never further ahead by right
MONTHS_MADE_MAX = (
    12  # in one go: a clock of ours that jumped centuries does not fill the database with tables
)
# Who waits for a table lets everyone who comes later wait behind: so never long, but several times.
LOCK_WAIT_MS, LOCK_TRIES, LOCK_PAUSE_S = 500, 5, 1.0
_WORK_MS = 60_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its table, and the months [begins, ends) in µs since 1970; None: without end on that side."""

    table: str
    begins_us: int | None
    ends_us: int | None


def month_of(us: int) -> int:
    """The instant at which the calendar month (UTC) of an instant begins.

    >>> datetime.fromtimestamp(month_of(1_475_638_200_000_000) / 1e6, UTC).isoformat()
    '2016-10-01T00:00:00+00:00'
    """
    at = datetime.fromtimestamp(us // SECOND_US, UTC)
    return int(at.replace(day=1, hour=0, minute=0, second=0).timestamp()) * SECOND_US


def months_later(month_us: int, months: int) -> int:
    """The month that begins so many calendar months later (or earlier, below zero).

    >>> month_of(0) == months_later(months_later(0, -1), 1)
    True
    """
    at = datetime.fromtimestamp(month_us // SECOND_US, UTC)
    number = at.year * 12 + at.month - 1 + months
    return int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp()) * SECOND_US


async def parts(connection: Connection) -> list[Part]:
    """All parts, the oldest first; ``connection`` is the owner's."""
    rows = await connection.fetch(
        "SELECT part::text, begins, ends, isfinite(begins) AS has_begin, isfinite(ends) AS has_end"
        " FROM observation_parts()"
    )
    return [
        Part(
            row["part"],
            row["begins"] if row["has_begin"] else None,
            row["ends"] if row["has_end"] else None,
        )
        for row in rows
    ]


async def prepare_months(connection: Connection, now_us: int) -> list[str]:
    """Make the parts of this month and the next, if they are missing; returns the tables made.

    Raises Unavailable when others hold the tables all the time; nothing is half done then.
    """
    wanted_us = months_later(month_of(now_us), MONTHS_AHEAD)
    made: list[str] = []
    while len(made) < MONTHS_MADE_MAX:
        ahead = (await parts(connection))[-1]
        if ahead.begins_us is None or ahead.begins_us >= wanted_us:
            break
        made.append(await patiently(connection, lambda: _split(connection)))
    return made


async def _split(connection: Connection) -> str:
    name: str = await connection.fetchval("SELECT split_observation_month()")
    return name


async def patiently(connection: Connection, work: Callable[[], Awaitable[T]]) -> T:
    """Do ``work`` in one transaction that never waits longer than half a second for a table; five tries.

    Raises Unavailable after the last.
    """
    for attempt in range(LOCK_TRIES):
        if attempt:
            await asyncio.sleep(LOCK_PAUSE_S)
        try:
            async with connection.transaction():
                await connection.execute(
                    f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}; SET LOCAL statement_timeout = {_WORK_MS}"
                )
                return await work()
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            continue
    raise Unavailable(
        "the tables of observations are held by others all the time", mend="try again in a quieter hour"
    )
