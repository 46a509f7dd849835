# SPDX-License-Identifier: Apache-2.0
"""The stage that adds up what commits counted, against a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.flow import standing_stage
from cheoyong.flow.standing_stage import StandingStage
from cheoyong.records.connection import FLOW, ROLES, Database, open_pool
from cheoyong.records.migrate import migrate

pytestmark = pytest.mark.engines


@dataclass
class World:
    """The owner's connection, and the pool of the stages."""

    owner: Any
    flow: Any

    async def leave(self, shares: int, datastream: int = 7) -> None:
        await self.owner.execute(
            "INSERT INTO tally (datastream_id, count) SELECT $1, 2 FROM generate_series(1, $2)",
            datastream,
            shares,
        )

    async def total(self) -> int:
        return int(await self.owner.fetchval("SELECT sum(count) FROM (SELECT count FROM standing"
                                             " UNION ALL SELECT count FROM tally) s"))  # fmt: skip


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    dsn = postgres.new_database("flow_standing")
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner, flow = await asyncpg.connect(dsn), await open_pool(database, FLOW)
    yield World(owner, flow)
    await flow.close()
    await owner.close()
    postgres.drop_database("flow_standing")


async def test_what_waits_is_taken_in_bounded_steps_and_none_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cheoyong.records.standing.SHARES_PER_FOLD_MAX", 10)
    stage = StandingStage(world.flow)
    await world.leave(25)
    assert [await stage.advance() for _ in range(4)] == [10, 10, 5, 0]
    assert stage.folded == 25 and await world.total() == 50
    assert await world.owner.fetchval("SELECT count(*) FROM tally") == 0


async def test_room_of_what_was_folded_is_given_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing_stage, "GONE_MAX", 100)
    stage = StandingStage(world.flow)
    for _ in range(20):
        await world.leave(1_000)
        await stage.advance()
    assert await world.owner.fetchval("SELECT pg_relation_size('tally')") <= 2 * 1_000 * 80
    assert await world.total() == 40_000


async def test_trouble_with_the_database_is_waited_out_and_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing_stage, "_PAUSE_S", 0.01)
    await world.leave(3)
    await world.owner.execute("ALTER TABLE standing RENAME TO elsewhere")
    stage = StandingStage(world.flow)
    task = asyncio.create_task(stage.run())
    async with asyncio.timeout(60):
        while not stage.failures:
            await asyncio.sleep(0)
        await world.owner.execute("ALTER TABLE elsewhere RENAME TO standing")
        while not stage.folded:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await world.total() == 6
