# SPDX-License-Identifier: Apache-2.0
"""S09: connections that remember their organisation never answer for another, whatever goes wrong between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_organisations import STREAMS, TwoOrganisations, register, two_organisations

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import NotFound, Unavailable
from cheoyong.records.reading_pool import ReadingPool, open_reading_pool

pytestmark = pytest.mark.engines
SEEN = "SELECT array_agg(DISTINCT organisation_id) FROM datastream"
SLOWLY = "SELECT array_agg(DISTINCT organisation_id) FROM datastream, pg_sleep(0.02)"


@pytest.fixture(scope="module")
async def world(postgres: Postgres) -> AsyncIterator[TwoOrganisations]:
    async with two_organisations(postgres, "reading_pool") as made:
        yield made


@pytest.fixture
async def pool(world: TwoOrganisations) -> AsyncIterator[ReadingPool]:
    made = await open_reading_pool(world.database, size_max=2)
    yield made
    await made.close()


async def backend(pool: ReadingPool, organisation: int) -> int:
    async with pool.alone(organisation) as connection:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))


async def asks(pool: ReadingPool, organisation: int, how: str) -> list[list[int]]:
    """What one caller sees, who ends well, by an error of the database, by its own, or leaves early."""
    seen = []
    reading = pool.in_one_snapshot if how == "snapshot" else pool.alone
    async with reading(organisation) as connection:
        seen.append(await connection.fetchval(SEEN))
        if how == "database error":
            await connection.fetchval("SELECT 1 / 0")
        if how == "own error":
            raise NotFound("nothing is there")
        if how == "defect":
            raise LookupError
        seen.append(await connection.fetchval(SLOWLY if how == "leaves" else SEEN))
    return seen


HOW = st.sampled_from(["well", "snapshot", "database error", "own error", "defect", "leaves"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([1, 2]), HOW, st.integers(0, 8)), min_size=2, max_size=24))
async def test_S09_two_organisations_that_hammer_two_connections_see_only_their_own(
    pool: ReadingPool, callers: list[tuple[int, str, int]]
) -> None:
    """Whoever leaves is cancelled after some turns of the loop: while waiting, setting, or asking."""
    tasks = [asyncio.create_task(asks(pool, organisation, how)) for organisation, how, _ in callers]
    for turn in range(9):
        await asyncio.sleep(0)
        for task, (_, how, leaves_at) in zip(tasks, callers, strict=True):
            if how == "leaves" and leaves_at == turn:
                task.cancel()
    ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 60)
    for (organisation, how, _), seen in zip(callers, ended, strict=True):
        if how == "leaves":
            assert isinstance(seen, asyncio.CancelledError)
        elif "error" in how or how == "defect":
            assert isinstance(seen, asyncpg.DivisionByZeroError | NotFound | LookupError)
        else:
            assert seen == [[organisation], [organisation]]
    for organisation in (2, 1, 2):
        assert await asks(pool, organisation, "well") == [[organisation], [organisation]]


async def test_S09_a_caller_who_leaves_at_any_moment_leaves_nothing_behind(pool: ReadingPool) -> None:
    """Cancelled after each number of turns from none to the end of what it does."""
    for turns in range(40):
        task = asyncio.create_task(asks(pool, 1, "well"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await asks(pool, 2, "well") == [[2], [2]]


async def test_S09_a_setting_that_failed_is_not_remembered(
    pool: ReadingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await asks(pool, 1, "well")
    [seat] = pool._idle

    class Refuses:
        """Stands before the real connection and lets no setting pass."""

        def __getattr__(self, name: str) -> object:
            return getattr(seat_connection, name)

        async def execute(self, *_: object) -> None:
            raise asyncpg.TooManyConnectionsError("refused")

    seat_connection, seat.connection = seat.connection, Refuses()
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asks(pool, 2, "well")
    assert seat.organisation_id is None
    seat.connection = seat_connection
    assert await asks(pool, 1, "well") == [[1], [1]]


async def test_a_connection_that_is_set_to_the_organisation_already_is_taken_first(pool: ReadingPool) -> None:
    async with pool.alone(1) as one, pool.alone(2) as two:
        pids = {1: one.get_server_pid(), 2: two.get_server_pid()}
    for organisation in (1, 2, 2, 1, 1, 2):
        assert await backend(pool, organisation) == pids[organisation]


async def test_an_organisation_that_there_is_not_sees_nothing(pool: ReadingPool) -> None:
    async with pool.alone(0) as connection:
        assert await connection.fetchval(SEEN) is None


async def test_nothing_can_be_written(pool: ReadingPool) -> None:
    for reading in (pool.alone, pool.in_one_snapshot):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with reading(1) as connection:
                await connection.execute("UPDATE thing SET name = 'x'")


async def test_in_one_snapshot_what_is_committed_meanwhile_is_not_seen_and_alone_it_is(
    pool: ReadingPool, world: TwoOrganisations
) -> None:
    count = "SELECT count(*) FROM datastream"
    async with pool.in_one_snapshot(2) as still, pool.alone(2) as moving:
        assert await still.fetchval(count) == await moving.fetchval(count) == len(STREAMS[2])
        [made] = await register(world.owner, 2, 1)
        assert await still.fetchval(count) + 1 == await moving.fetchval(count)
    await world.owner.execute("DELETE FROM datastream WHERE id = $1", made)


async def test_a_connection_that_the_server_ended_is_replaced(
    pool: ReadingPool, world: TwoOrganisations
) -> None:
    pid = await backend(pool, 1)
    assert await world.owner.fetchval("SELECT pg_terminate_backend($1)", pid)
    for _ in range(1000):  # until it has heard of it: by an error, or before it was asked
        try:
            found = await backend(pool, 1)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Unavailable):
            found = await backend(pool, 1)
        if found != pid:
            return
    pytest.fail("the ended connection goes on answering")


async def test_a_database_that_does_not_let_in_is_unavailable(world: TwoOrganisations) -> None:
    wrong = replace(world.database, passwords=dict.fromkeys(world.database.passwords, "wrong"))
    with pytest.raises(Unavailable):
        await open_reading_pool(replace(wrong, dsn=wrong.dsn.rpartition("/")[0] + "/there_is_none"))
