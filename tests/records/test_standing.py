# SPDX-License-Identifier: Apache-2.0
"""Counts and times that are kept equal those of the rows, whatever is stored, changed, deleted and folded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_organisations import SECOND_US, STREAMS, TwoOrganisations, register, rows_at, two_organisations

from cheoyong.app.engines.postgres import Postgres
from cheoyong.records import changes
from cheoyong.records.conditions import Compare, Constant, Field
from cheoyong.records.connection import APP, FLOW, WRITER, as_organisation, open_pool
from cheoyong.records.migrate import migrate, migrations
from cheoyong.records.nouns import Kind
from cheoyong.records.observations import COPY_ROWS_MIN, ObservationWriter, concatenate
from cheoyong.records.readings import Selection, Start, Step, Way, count, related_counts
from cheoyong.records.standing import fold

pytestmark = pytest.mark.engines
ALL = Selection("observation", ("id",))
COLUMNS = "count, first_at, last_at, first_result_at, last_result_at"


class World(TwoOrganisations):
    """With the pools of the roles that matter here."""

    app: Any
    writer: Any
    flow: Any

    async def counted(self, organisation: int) -> int:
        async with as_organisation(self.app, organisation) as connection:
            return await count(connection, ALL, None)

    async def under(self, organisation: int, datastream: int) -> int:
        way = Way(Start("datastream", datastream), (Step("observations"),))
        async with as_organisation(self.app, organisation) as connection:
            return await count(connection, ALL, (way, datastream))

    async def fold(self) -> int:
        async with self.flow.acquire() as connection:
            return await fold(connection)

    async def standing(self) -> dict[int, tuple[Any, ...]]:
        rows = await self.owner.fetch(f"SELECT datastream_id, {COLUMNS} FROM standing WHERE count <> 0")
        return {row[0]: tuple(row)[1:] for row in rows}

    async def true(self) -> dict[int, tuple[Any, ...]]:
        """By looking at each row."""
        rows = await self.owner.fetch(
            "SELECT datastream_id, count(*), min(phenomenon_time), "
            " max(coalesce(phenomenon_end, phenomenon_time)),"
            " min(result_time), max(result_time) FROM observation GROUP BY 1"
        )
        return {row[0]: tuple(row)[1:] for row in rows}


@pytest.fixture(scope="module")
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with two_organisations(postgres, "standing") as made:
        world = World(made.owner, made.database)
        world.app, world.writer, world.flow = [await open_pool(made.database, r) for r in (APP, WRITER, FLOW)]
        yield world
        for pool in (world.app, world.writer, world.flow):
            await pool.close()


@pytest.fixture(autouse=True)
async def empty(world: World) -> None:
    await _emptied(world)


async def _emptied(world: World) -> None:
    await world.owner.execute("TRUNCATE observation, batch, tally, standing")


STREAM = st.sampled_from([stream for streams in STREAMS.values() for stream in streams])
SECONDS = st.lists(st.integers(0, 30), min_size=1, max_size=6)
STEP = st.one_of(
    st.tuples(st.just("store"), STREAM, SECONDS, st.sampled_from([0, 5]), st.sampled_from([None, 40, 50])),
    st.tuples(st.just("copy"), st.lists(STREAM, min_size=2, max_size=3), st.integers(0, 300)),
    st.tuples(st.just("delete"), st.integers(0, 20)),
    st.tuples(st.just("revise"), st.integers(0, 20), st.booleans(), st.integers(0, 60)),
    st.tuples(st.just("fold")),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, min_size=1, max_size=12))
async def test_S09_what_is_kept_is_what_each_organisation_would_count(world: World, steps: list[Any]) -> None:
    """The oracle is a count of the rows themselves, after every step, folded or not."""
    await _emptied(world)
    writer = ObservationWriter(world.writer)
    for step in steps:
        await _take(world, writer, step)
        true = await world.true()
        for organisation, streams in STREAMS.items():
            assert await world.counted(organisation) == sum(true.get(s, (0,))[0] for s in streams)
            for stream in streams:
                assert await world.under(organisation, stream) == true.get(stream, (0,))[0]
                assert await world.under(3 - organisation, stream) == 0, "not the other's"
    await world.fold()
    assert await world.standing() == await world.true(), "times too, when all is folded"
    assert await world.fold() == 0


async def _take(world: World, writer: ObservationWriter, step: tuple[Any, ...]) -> None:
    kind, *what = step
    if kind == "store":
        stream, seconds, until, result_second = what
        await writer.store(rows_at(stream, seconds, until=until, result_second=result_second), 1)
    elif kind == "copy":
        streams, first = what
        seconds = list(range(first, first + COPY_ROWS_MIN))
        await writer.store(concatenate([rows_at(stream, seconds) for stream in streams]), 1)
    elif kind == "fold":
        await world.fold()
    else:
        await _change(world, kind, what)


async def _change(world: World, kind: str, what: list[Any]) -> None:
    """Of one observation, as its own organisation's face does it."""
    row = await world.owner.fetchrow(
        "SELECT o.id, o.datastream_id, d.organisation_id FROM observation o"
        " JOIN datastream d ON d.id = o.datastream_id ORDER BY o.id OFFSET $1 LIMIT 1",
        what[0],
    )
    if row is None:
        return
    async with as_organisation(world.app, row["organisation_id"]) as connection:
        if kind == "delete":
            await changes.delete(connection, "observation", row["id"])
            return
        _, moves, second = what
        stream = STREAMS[row["organisation_id"]][-1] if moves else row["datastream_id"]
        await changes.revise(connection, row["id"], rows_at(stream, [second + 1000 * row["id"]]), None)


async def test_what_a_change_that_is_taken_back_would_have_counted_is_not_counted(world: World) -> None:
    writer = ObservationWriter(world.writer)
    await writer.store(rows_at(1, [1, 2]), 1)
    with pytest.raises(LookupError):
        async with as_organisation(world.app, 1) as connection:
            await changes.delete(
                connection, "observation", await world.owner.fetchval("SELECT min(id) FROM observation")
            )
            await writer.store_within(connection, rows_at(2, [1, 2, 3]), 1)
            raise LookupError
    assert await world.counted(1) == 2
    async with as_organisation(world.app, 1) as connection:
        await writer.store_within(connection, rows_at(2, [1, 2, 3]), 1)
        assert await count(connection, ALL, None) == 5, "one's own changes are counted at once"
    assert await world.counted(1) == 5


async def test_F09_what_was_sent_before_is_not_counted_again(world: World) -> None:
    writer = ObservationWriter(world.writer)
    for _ in range(3):
        await writer.store(rows_at(1, list(range(COPY_ROWS_MIN))), 1)
        await writer.store(rows_at(1, [5, 6]), 1)
        await world.fold()
    assert await world.counted(1) == COPY_ROWS_MIN


async def test_a_datastream_that_is_deleted_is_not_counted_from_that_moment_on(world: World) -> None:
    [stream] = await register(world.owner, 1, 1)
    await ObservationWriter(world.writer).store(concatenate([rows_at(1, [1]), rows_at(stream, [1, 2])]), 1)
    assert await world.counted(1) == 3
    async with as_organisation(world.app, 1) as connection:
        await changes.delete(connection, "datastream", stream)
        assert await count(connection, ALL, None) == 1
    await world.fold()
    assert await world.counted(1) == 1


async def test_S09_nobody_adds_to_the_count_of_another_organisation(world: World) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_organisation(world.app, 1) as connection:
            await connection.execute("INSERT INTO tally VALUES ($1, 1)", STREAMS[2][0])
    for table in ("tally", "standing"):
        for statement in (
            f"SELECT count FROM {table}",
            f"UPDATE {table} SET count = 0",
            f"DELETE FROM {table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with as_organisation(world.app, 1) as connection:
                    await connection.execute(statement)


async def test_S09_related_counts_and_counts_with_a_condition_are_of_ones_own_too(world: World) -> None:
    await ObservationWriter(world.writer).store(
        concatenate([rows_at(stream, list(range(stream))) for stream in (1, 2, 3, 4, 5)]), 1
    )
    late = Selection("observation", ("id",), condition=Compare(
        Field("phenomenon_time"), ">=", Constant(SECOND_US, Kind.TIME)))  # fmt: skip
    async with as_organisation(world.app, 2) as connection:
        found = await related_counts(connection, "datastream", "observations", [1, 2, 3, 4, 5], ALL)
        assert {stream: found[stream] for stream in (1, 2, 3, 4, 5)} == {1: 0, 2: 0, 3: 0, 4: 4, 5: 5}
        assert await count(connection, late, None) == 3 + 4


async def test_F09_a_fold_that_is_killed_has_done_all_or_nothing(world: World) -> None:
    """The connection dies after its statement and before its commit, as under kill -9; then done again."""
    await ObservationWriter(world.writer).store(rows_at(1, [1, 2, 3]), 1)
    connection = await asyncpg.connect(world.database.dsn, user=FLOW, password=world.database.passwords[FLOW])
    await connection.transaction().start()
    assert await fold(connection) == 1
    assert await world.counted(1) == 3, "who reads meanwhile sees it not folded"
    pid = connection.get_server_pid()
    connection.terminate()
    while await world.owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid):
        await asyncio.sleep(0)
    assert await world.standing() == {} and await world.counted(1) == 3
    assert await world.fold() == 1
    assert await world.counted(1) == 3
    assert await world.standing() == await world.true()


async def test_of_two_that_fold_one_does_and_the_other_leaves_it_alone(world: World) -> None:
    await ObservationWriter(world.writer).store(rows_at(1, [1, 2, 3]), 1)
    async with world.flow.acquire() as connection, connection.transaction():
        assert await fold(connection) == 1
        assert await world.fold() == 0
    assert await world.fold() == 0
    assert await world.counted(1) == 3


async def test_writers_of_one_datastream_do_not_wait_for_each_other_nor_for_the_fold(world: World) -> None:
    writer = ObservationWriter(world.writer)
    async with world.app.acquire() as slow, slow.transaction():
        await slow.execute("SELECT set_config('cheoyong.organisation', '1', true)")
        await ObservationWriter(world.app).store_within(slow, rows_at(1, [1]), 1)
        await asyncio.wait_for(writer.store(rows_at(1, [2]), 1), 60)
        assert await asyncio.wait_for(world.fold(), 60) == 1
        assert await world.counted(1) == 1
    assert await world.counted(1) == 2


async def test_rows_of_a_part_that_goes_for_good_can_be_counted_off(world: World) -> None:
    await ObservationWriter(world.writer).store(rows_at(1, [1, 2, 3]), 1)
    await world.owner.execute(
        "CREATE TABLE leaving AS SELECT * FROM observation WHERE phenomenon_time < $1", 2 * SECOND_US
    )
    await world.owner.execute("SELECT count_off('leaving')")
    assert await world.counted(1) == 2
    await world.owner.execute("DROP TABLE leaving")


async def test_F29_what_stood_there_before_is_counted_by_the_migration(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = migrations()
    before = [item for item in every if item[0] < "0016"]
    monkeypatch.setattr("cheoyong.records.migrate.migrations", lambda: before)
    async with two_organisations(postgres, "standing_before") as made:
        await made.owner.execute(
            "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id, phenomenon_end)"
            " VALUES (1, $1, 1, 1, 1, $3), (2, $2, 1, 1, 1, NULL), (3, $1, 1, 1, 4, NULL)",
            10 * SECOND_US, 20 * SECOND_US, 15 * SECOND_US,
        )  # fmt: skip
        monkeypatch.setattr("cheoyong.records.migrate.migrations", lambda: every)
        assert "0016_standing.sql" in await migrate(made.database.dsn, made.database)
        found = await made.owner.fetch(
            "SELECT datastream_id, count, first_at, last_at FROM standing ORDER BY 1"
        )
        assert [tuple(row) for row in found] == [
            (1, 2, 10 * SECOND_US, 20 * SECOND_US), (4, 1, 10 * SECOND_US, 10 * SECOND_US),
        ]  # fmt: skip
