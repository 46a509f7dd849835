# SPDX-License-Identifier: Apache-2.0
"""What a request can reach of archived observations, and the views in which its statements see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cheoyong.records.connection import Connection

ARCHIVED = "observation_archived"  # the temporary table
TWICE = "observation_twice"  # rows of the tables that may be, and in the end are, archived ones sent again
_HAS_VIEWS = "SELECT to_regclass('pg_temp.quality_reached') IS NOT NULL"
# Once a session. The tables are empty again whenever a transaction ends. NOT IN is looked up in a hash made
# once a statement: unlike a join it leaves the plan, and so the reading in order, as it is.
_VIEWS = """
CREATE TEMP TABLE IF NOT EXISTS observation_archived (
  id bigint, datastream_id int, phenomenon_time timestamptz, result float8, digest bigint,
  phenomenon_end timestamptz, result_time timestamptz, feature_id bigint, detail text, verdicts text
) ON COMMIT DELETE ROWS;
CREATE INDEX IF NOT EXISTS observation_archived_in_order
  ON observation_archived (datastream_id, phenomenon_time);
CREATE TEMP TABLE IF NOT EXISTS observation_twice (
  id bigint, datastream_id int, phenomenon_time timestamptz, digest bigint
) ON COMMIT DELETE ROWS;
CREATE OR REPLACE TEMP VIEW observation_reached AS
  SELECT id, phenomenon_time, result, digest, datastream_id, phenomenon_end, result_time, feature_id, detail
  FROM observation_visible WHERE id NOT IN (SELECT t.id FROM observation_twice t)
  UNION ALL
  SELECT id, phenomenon_time, result, digest, datastream_id, phenomenon_end, result_time, feature_id,
         detail::jsonb
  FROM observation_archived a
  WHERE (SELECT d.organisation_id = current_organisation() FROM datastream d WHERE d.id = a.datastream_id);
CREATE OR REPLACE TEMP VIEW quality_reached AS
  SELECT observation_id, batch, datastream_id, flag, tests FROM quality_visible
  UNION ALL
  SELECT a.id, (v ->> 0)::bigint, a.datastream_id, (v ->> 1)::smallint, (v ->> 2)::smallint
  FROM observation_archived a CROSS JOIN LATERAL jsonb_array_elements(a.verdicts::jsonb) v
  WHERE a.verdicts IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which observations a request may touch: of one datastream or all, in [begins, ends) µs, or one by id.

    ``enough``: it reads in the order of time and needs no more than so many rows of the archives, the
    newest when ``newest_first``; None: all of them. ``by_stream``: it reads one datastream after the other,
    each in the order of time. ``each``: enough is meant of each datastream. ``after``: it begins in the midst
    of the rows of this instant (of this datastream: the last is the instant).
    """

    datastream_id: int | None = None
    begins_us: int | None = None
    ends_us: int | None = None
    id: int | None = None
    enough: int | None = None
    newest_first: bool = False
    by_stream: bool = False
    each: bool = False
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One archive as the table of archives has it, as far as a face may know."""

    file: str
    month_us: int
    state: str
    first_us: int
    last_us: int
    first_id: int
    last_id: int

    def in_reach(self, reach: Reach) -> bool:
        """Whether it can hold what is in reach."""
        return (
            (reach.begins_us is None or self.last_us >= reach.begins_us)
            and (reach.ends_us is None or self.first_us < reach.ends_us)
            and (reach.id is None or self.first_id <= reach.id <= self.last_id)
        )


@dataclass(frozen=True, slots=True)
class Reaching:
    """A connection whose statements on observations see the archived ones that were brought into reach."""

    connection: Connection

    async def fetch(self, sql: str, *values: Any) -> Any:
        """As asyncpg's."""
        return await self.connection.fetch(_reached(sql), *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        """As asyncpg's."""
        return await self.connection.fetchrow(_reached(sql), *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """As asyncpg's."""
        return await self.connection.fetchval(_reached(sql), *values)

    async def copy_from_query(self, sql: str, *values: Any, **options: Any) -> str:
        """As asyncpg's."""
        return str(await self.connection.copy_from_query(_reached(sql), *values, **options))


def _reached(sql: str) -> str:
    """The statement over the views of this session.

    >>> _reached("SELECT count(*) FROM observation_visible n")
    'SELECT count(*) FROM observation_reached n'
    """
    return sql.replace("observation_visible", "observation_reached").replace(
        "quality_visible", "quality_reached"
    )


async def make_views(connection: Connection) -> None:
    """Make the tables and the views of this session, if it has none yet."""
    if not await connection.fetchval(_HAS_VIEWS):
        await connection.execute(_VIEWS)
