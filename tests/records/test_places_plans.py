# SPDX-License-Identifier: Apache-2.0
"""No statement behind Features, EDR or the catalogue reads all observations: plans over a filled table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from cheoyong.domain.instant import EARLIEST_US, LATEST_US
from cheoyong.records import places, series
from cheoyong.records.connection import as_organisation
from cheoyong.records.places import COLLECTIONS, Wanted
from ogc_world import START_US, Ogc, ogc_fixture, point  # noqa: F401

STREAMS, ROWS_OF_EACH = 20, 4_000


class Explaining:
    """A connection that keeps the plan of each statement and then runs it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plans: list[str] = []

    async def _explain(self, sql: str, values: tuple[Any, ...]) -> None:
        rows = await self._connection.fetch(f"EXPLAIN {sql}", *values)
        self.plans.append("\n".join(row[0] for row in rows))

    async def fetch(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self._connection.fetchval(sql, *values)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def streams(ogc: Ogc) -> list[int]:
    """Twenty datastreams with four thousand values each."""
    ids = [(await ogc.gauge(point(129 + n / 100, 35.5)))[1] for n in range(STREAMS)]
    await ogc.owner.execute(
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " SELECT row_number() OVER (), timestamptz '2016-10-05' + k * interval '1 minute', k, k, d"
        " FROM unnest($1::int[]) d, generate_series(1, $2::int) k", ids, ROWS_OF_EACH,
    )  # fmt: skip
    await ogc.owner.execute("VACUUM ANALYZE")
    return ids


@asynccontextmanager
async def explaining(ogc: Ogc) -> AsyncIterator[Any]:
    async with as_organisation(ogc.litestar.state.pool, 1) as connection:
        watched = Explaining(connection)
        yield watched
    assert watched.plans
    for plan in watched.plans:
        read_whole = [
            line for line in plan.splitlines() if "Seq Scan on observation" in line and _rows(line) > 1
        ]
        assert not read_whole, plan


def _rows(line: str) -> int:
    return int(line.partition("rows=")[2].partition(" ")[0])


async def test_values_of_a_span_are_found_by_the_index(ogc: Ogc, streams: list[int]) -> None:
    async with explaining(ogc) as connection:
        found = await series.values(connection, streams[:3], START_US, START_US + 600_000_000, 1000)
        assert len(found.value) == 30
        whole = await series.values(connection, streams[:1], EARLIEST_US, LATEST_US - 1, ROWS_OF_EACH)
        assert len(whole.value) == ROWS_OF_EACH


async def test_the_newest_values_and_both_ends_are_found_by_the_index(ogc: Ogc, streams: list[int]) -> None:
    async with explaining(ogc) as connection:
        assert len((await series.newest(connection, streams, 5)).value) == 5 * STREAMS
        assert len(await series.spans_us(connection, streams)) == STREAMS
        assert await places.observed_span_us(connection) is not None


@pytest.mark.parametrize("name", COLLECTIONS)
async def test_a_page_of_a_collection_reads_its_own_rows(ogc: Ogc, streams: list[int], name: Any) -> None:
    async with explaining(ogc) as connection:
        rows = await places.page(connection, name, Wanted(), after=0, limit=10)
        assert len(rows) == (0 if name == "features-of-interest" else 10)
        await places.count(connection, name, Wanted(span_us=(START_US, START_US + 60_000_000)))


async def test_the_check_itself_sees_a_table_read_whole(ogc: Ogc, streams: list[int]) -> None:
    with pytest.raises(AssertionError, match="Seq Scan on observation"):
        async with explaining(ogc) as connection:
            await connection.fetchval("SELECT count(*) FROM observation_visible WHERE result > 5")
