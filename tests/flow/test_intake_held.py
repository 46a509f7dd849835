# SPDX-License-Identifier: Apache-2.0
"""F06: an open transaction with the same observation keeps its sender waiting, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import Unavailable
from cheoyong.flow import intake as intake_module
from cheoyong.flow.intake import Intake
from cheoyong.flow.joint import Joint, Joints
from cheoyong.records.connection import APP, ROLES, WRITER, Database, open_pool, prepare_codecs
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import COPY_ROWS_MIN, ObservationWriter, Rows, Stored, digest_of_numbers

pytestmark = pytest.mark.engines
SENDERS = 40
HELD = 17  # the sender whose observation stands in the open transaction


class Writer(ObservationWriter):
    """The writer, and how often it was asked."""

    calls = 0

    async def store(self, rows: Rows, recorded_us: int) -> Stored:
        self.calls += 1
        return await super().store(rows, recorded_us)


@dataclass
class World:
    """A database with one organisation, an intake over it, and joint transactions beside it."""

    owner: Any
    writer: Writer
    intake: Intake
    joints: Joints
    organisation: int
    stream: int

    def rows(self, first: int, count: int = 1) -> Rows:
        result = np.arange(first, first + count, dtype=np.float64)
        time_us = np.arange(first, first + count) * 1_000_000
        return Rows(np.full(count, self.stream), time_us, result, digest_of_numbers(result))

    async def values(self) -> list[float]:
        rows = await self.owner.fetch("SELECT result FROM observation ORDER BY result")
        return [row["result"] for row in rows]


async def _stream(owner: Any) -> tuple[int, int]:
    return tuple(
        await owner.fetchrow(
            "WITH g AS (INSERT INTO organisation (name, created_at) VALUES ('one', now()) RETURNING id),"
            " t AS (INSERT INTO thing (organisation_id, name, description)"
            "       SELECT id, 't', 't' FROM g RETURNING id),"
            " s AS (INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
            "       SELECT id, 's', 's', 'text/html', '\"\"' FROM g RETURNING id),"
            " p AS (INSERT INTO observed_property (organisation_id, name, definition, description)"
            "       SELECT id, 'p', 'p', 'p' FROM g RETURNING id)"
            " INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
            " description, observation_type, unit, registered_at)"
            " SELECT g.id, t.id, s.id, p.id, 'd', 'd', 'x', '{}', now() FROM g, t, s, p"
            " RETURNING organisation_id, id"
        )
    )


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    dsn = postgres.new_database("intake_held")
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    writer, app = await open_pool(database, WRITER), await open_pool(database, APP)
    storing = Writer(writer)
    intake = Intake(storing, lambda: 1)
    intake.start()
    yield World(owner, storing, intake, Joints(app, intake), *await _stream(owner))
    await intake.stop()
    await asyncio.gather(writer.close(), app.close(), owner.close())
    postgres.drop_database("intake_held")


async def hold(joint: Joint, world: World, count: int) -> list[asyncio.Task[Any]]:
    """One sender sends what an open transaction has stored, the others in the same moment what is theirs."""
    await joint.submit(world.rows(HELD * count, count))
    sent = [asyncio.create_task(world.intake.submit(world.rows(n * count, count))) for n in range(SENDERS)]
    others = [task for number, task in enumerate(sent) if number != HELD]
    await asyncio.wait_for(asyncio.gather(*others), 60)
    assert not sent[HELD].done(), "it waits, and they did not wait for it"
    return sent


@pytest.mark.parametrize("count", [1, COPY_ROWS_MIN], ids=["by INSERT", "by COPY"])
async def test_F06_an_open_transaction_keeps_waiting_only_who_sends_what_it_has_stored(
    world: World, count: int
) -> None:
    async with world.joints.open(world.organisation) as joint:
        sent = await hold(joint, world, count)
        assert len(await world.values()) == (SENDERS - 1) * count, "stored while it is open"
        assert world.intake.rows_waiting == count
    ids = await asyncio.wait_for(sent[HELD], 60)
    assert await world.values() == list(range(SENDERS * count)), "once"
    again = await world.intake.submit(world.rows(HELD * count, count))
    assert again.tolist() == ids.tolist(), "known by the id it was given"
    assert len(await world.values()) == SENDERS * count
    assert world.intake.rows_waiting == 0


async def test_F06_when_that_transaction_is_undone_the_one_who_waited_stores_it(world: World) -> None:
    with pytest.raises(KeyError):
        async with world.joints.open(world.organisation) as joint:
            sent = await hold(joint, world, 1)
            raise KeyError
    stored = await asyncio.wait_for(sent[HELD], 60)
    assert await world.values() == list(range(SENDERS))
    assert (await world.intake.submit(world.rows(HELD))).tolist() == stored.tolist()


async def test_F06_who_waits_too_long_is_told_to_send_again_and_it_is_stored_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "HELD_S_MAX", 0.5)
    async with world.joints.open(world.organisation) as joint:
        sent = await hold(joint, world, 1)
        with pytest.raises(Unavailable, match="another change was in the way"):
            await asyncio.wait_for(sent[HELD], 60)
        assert world.intake.rows_waiting == 0
    await world.intake.submit(world.rows(HELD))
    assert await world.values() == list(range(SENDERS))


async def test_F06_of_those_who_wait_there_is_a_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_module, "HELD_SENDERS_MAX", 2)
    async with world.joints.open(world.organisation) as joint:
        await joint.submit(world.rows(0))
        same = [asyncio.create_task(world.intake.submit(world.rows(0))) for _ in range(5)]
        done, waiting = set[Any](), set[Any](same)
        while len(done) < 3:
            more, waiting = await asyncio.wait(waiting, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert all(isinstance(task.exception(), Unavailable) for task in done)
    assert len({int((await task)[0]) for task in waiting}) == 1
    assert await world.values() == [0.0]


@pytest.mark.parametrize("count", [1, COPY_ROWS_MIN], ids=["by INSERT", "by COPY"])
async def test_F06_a_table_that_is_locked_for_all_splits_nothing_and_is_waited_for(
    world: World, count: int
) -> None:
    before = world.intake.commits
    async with world.owner.transaction():
        await world.owner.execute("LOCK TABLE observation IN SHARE MODE")
        sent = [asyncio.create_task(world.intake.submit(world.rows(n * count, count))) for n in range(3)]
        done, _ = await asyncio.wait(
            sent, timeout=0.5
        )  # several times as long as the writer waits for a lock
        assert not done
    await asyncio.wait_for(asyncio.gather(*sent), 60)
    assert await world.values() == list(range(3 * count))
    assert world.intake.commits - before == 1, "they stayed together"
