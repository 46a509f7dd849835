# SPDX-License-Identifier: Apache-2.0
"""The registry's writer and the readings, without any standard's names, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import Conflict, NotFound, TooLarge
from cheoyong.records import readings
from cheoyong.records.conditions import Compare, Constant, Every, Field, Order, Parameters, order_sql
from cheoyong.records.connection import APP, ROLES, Database, as_organisation, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.nouns import NOUNS, Kind
from cheoyong.records.readings import Selection, Start, Step, Way, count, find, page, related
from cheoyong.records.registry import Draft, Existing, insert, move, remove, require

NUMBER = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
START_US = 1_475_625_600_000_000  # 2016-10-05T00:00:00Z
STREAMS, PER_STREAM = 50, 400


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(postgres: Postgres) -> AsyncIterator[tuple[Any, Any]]:
    """(pool of the app role, connection of the owner) of a migrated database with two organisations."""
    dsn = postgres.new_database("registry")
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now()), ('two', now())")
    pool = await open_pool(database, APP)
    yield pool, owner
    await pool.close()
    await owner.close()
    postgres.drop_database("registry")


def a_thing(name: str = "gauge") -> Draft:
    return Draft("thing", name, {"name": name, "description": "d", "properties": {"n": 1}})


def a_location() -> Draft:
    point = {"type": "Point", "coordinates": [129.3, 35.5]}
    values = {"name": "place", "description": "d", "encoding_type": "application/geo+json", "location": point}
    return Draft("location", "place", values)


def a_datastream(series: str | None = None) -> Draft:
    sensor = {"name": "s", "description": "d", "encoding_type": "text/plain", "metadata": "m"}
    observed = {"name": "p", "description": "d", "definition": "http://vocab.example/p"}
    values = {
        "name": "ds", "description": "d", "observation_type": NUMBER, "unit": {}, "series": series,
        "registered_at": START_US,
    }  # fmt: skip
    needs: dict[str, Draft | Existing] = {
        "sensor_id": Draft("sensor", "Sensor", sensor),
        "observed_property_id": Draft("observed_property", "ObservedProperty", observed),
    }
    return Draft("datastream", "ds", values, needs)


async def test_a_draft_is_stored_with_all_that_hangs_on_it(house: Any) -> None:
    pool, _ = house
    thing = a_thing()
    thing.children.append(("thing_id", a_datastream()))
    thing.places.append(a_location())
    async with as_organisation(pool, 1) as connection:
        thing_id = await insert(connection, 1, thing)
        way = Way(Start("thing", thing_id), (Step("datastreams"),))
        streams = await page(
            connection, Selection("datastream", ("id", "unit"), ("sensor",)), (way, thing_id)
        )
        assert [row["id"] for row in streams] == [thing.children[0][1].id]
        assert streams[0]["unit"] == {}
        steps = (Step("datastreams", streams[0]["id"]), Step("sensor"))
        assert await find(connection, Way(Start("thing", thing_id), steps)) == streams[0]["sensor_key"]


async def test_a_series_is_taken_once(house: Any) -> None:
    pool, _ = house
    first, second = a_datastream("mill_stage_m"), a_datastream("mill_stage_m")
    for draft in (first, second):
        draft.needs["thing_id"] = a_thing()
    async with as_organisation(pool, 1) as connection:
        await insert(connection, 1, first)
    with pytest.raises(Conflict, match=r"ds\.properties\.series"):
        async with as_organisation(pool, 1) as connection:
            await insert(connection, 1, second)


async def test_S08_a_row_of_another_organisation_cannot_be_linked(house: Any) -> None:
    pool, _ = house
    async with as_organisation(pool, 1) as connection:
        thing_id = await insert(connection, 1, a_thing())
    async with as_organisation(pool, 2) as connection:
        with pytest.raises(NotFound):
            await require(connection, Existing("thing", thing_id, "Thing"))
        with pytest.raises(NotFound):
            await move(connection, 2, thing_id, a_location())
        assert await find(connection, Way(Start("thing", thing_id))) is None


async def test_a_thing_that_moves_is_at_its_new_place_only(house: Any) -> None:
    pool, _ = house
    thing = a_thing()
    thing.places += [a_location(), a_location()]
    async with as_organisation(pool, 1) as connection:
        thing_id = await insert(connection, 1, thing)
        way = Way(Start("thing", thing_id), (Step("locations"),))
        assert await count(connection, Selection("location", ("id",)), (way, thing_id)) == 2
        [new] = await move(connection, 1, thing_id, a_location())
        rows = await page(connection, Selection("location", ("id",)), (way, thing_id))
        assert [row["id"] for row in rows] == [new]


async def test_what_was_stored_can_be_taken_back_with_what_hangs_on_it(house: Any) -> None:
    pool, _ = house
    thing = a_thing()
    thing.children.append(("thing_id", a_datastream()))
    async with as_organisation(pool, 1) as connection:
        thing_id = await insert(connection, 1, thing)
        await remove(connection, "thing", [thing_id])
        assert await find(connection, Way(Start("datastream", thing.children[0][1].id))) is None


async def test_nouns_and_columns_are_ours_only() -> None:
    with pytest.raises(ValueError, match="no such noun"):
        await require(None, Existing("thing; DROP TABLE thing", 1, ""))
    with pytest.raises(ValueError, match="no such noun"):
        await remove(None, "person", [1])
    with pytest.raises(ValueError, match="not columns"):
        await insert(None, 1, Draft("thing", "", {"name": "x", "id, organisation_id": 1}))


def test_null_comes_first_ascending_and_last_descending_and_is_unsaid_where_it_cannot_be() -> None:
    noun = NOUNS["observation"]
    up = order_sql(noun, [Order(Field("result_time"))], Parameters())
    down = order_sql(noun, [Order(Field("result_time"), descending=True)], Parameters())
    plain = order_sql(noun, [Order(Field("phenomenon_time"), descending=True)], Parameters())
    assert up == "n.result_time NULLS FIRST, n.id"
    assert down == "n.result_time DESC NULLS LAST, n.id"
    assert plain == "n.phenomenon_time DESC, n.id"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def measured(house: Any) -> list[int]:
    """Fifty datastreams with 400 observations each, one every ten minutes, their results rising by one."""
    pool, owner = house
    ids = []
    async with as_organisation(pool, 1) as connection:
        for _ in range(STREAMS):
            draft = a_datastream()
            draft.needs["thing_id"] = a_thing()
            ids.append(await insert(connection, 1, draft))
    await owner.execute(
        "INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " SELECT row_number() OVER (), to_timestamp($2::float8) + i * interval '10 min', i, i, d"
        " FROM generate_series(0, $3::int - 1) i, unnest($1::int[]) d ORDER BY i, d",
        ids, START_US / 1e6, PER_STREAM,
    )  # fmt: skip
    await owner.execute("VACUUM ANALYZE observation, datastream")
    return ids


async def _plan(connection: Any, monkeypatch: pytest.MonkeyPatch, ask: Any) -> str:
    """The plan of the one statement that ``ask`` makes."""
    statements: list[tuple[str, tuple[Any, ...]]] = []
    fetch = asyncpg.Connection.fetch

    async def noting(self: Any, query: str, *args: Any, **more: Any) -> Any:
        statements.append((query, args))
        return await fetch(self, query, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "fetch", noting)
        await ask
    [(query, args)] = statements
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}", *args)
    return "\n".join(row[0] for row in rows)


async def test_the_latest_observation_of_a_datastream_costs_no_more_than_itself(
    house: Any, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = house
    way = Way(Start("datastream", measured[7]), (Step("observations"),))
    latest = Selection(
        "observation", ("id", "result", "flag"), order=(Order(Field("phenomenon"), descending=True),), limit=1
    )
    async with as_organisation(pool, 1) as connection:
        rows = await page(connection, latest, (way, measured[7]))
        assert [row["result"] for row in rows] == [PER_STREAM - 1]
        plan = await _plan(connection, monkeypatch, page(connection, latest, (way, measured[7])))
    assert "Index Scan Backward using observation_before_key on observation_before" in plan
    assert "Seq Scan on observation_" not in plan
    assert "rows=400" not in plan


async def test_the_latest_of_many_datastreams_is_one_statement_of_index_steps(
    house: Any, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = house
    latest = Selection(
        "observation", ("id", "result"), order=(Order(Field("phenomenon"), descending=True),), limit=1
    )
    async with as_organisation(pool, 1) as connection:
        found = await related(connection, "datastream", "observations", measured, latest)
        assert {row_id: [row["result"] for row in rows] for row_id, rows in found.items()} == {
            row_id: [PER_STREAM - 1] for row_id in measured
        }
        plan = await _plan(
            connection, monkeypatch, related(connection, "datastream", "observations", measured, latest)
        )
    assert "Index Scan Backward using observation_before_key on observation_before" in plan
    assert "Seq Scan on observation_" not in plan


@pytest.mark.parametrize(("limit", "offset"), [(2, 0), (2, 1), (10, 0), (3, 5)])
@pytest.mark.parametrize("descending", [False, True])
async def test_related_rows_are_the_same_read_at_once_or_parent_by_parent(
    house: Any, monkeypatch: pytest.MonkeyPatch, limit: int, offset: int, descending: bool
) -> None:
    pool, _ = house
    made: dict[int, list[int]] = {}
    async with as_organisation(pool, 1) as connection:
        for children in (0, 1, 4):
            thing = await insert(connection, 1, a_thing())
            made[thing] = []
            for _ in range(children):
                draft = a_datastream()
                draft.needs["thing_id"] = Existing("thing", thing, "Thing")
                made[thing].append(await insert(connection, 1, draft))
        wanted = Selection(
            "datastream", ("id",), order=(Order(Field("id"), descending),), limit=limit, offset=offset
        )
        expected = {
            thing: sorted(ids, reverse=descending)[offset : offset + limit] for thing, ids in made.items()
        }
        for at_once_max in (readings.AT_ONCE_MAX, 4, 0):  # five rows are one too many for the second
            monkeypatch.setattr(readings, "AT_ONCE_MAX", at_once_max)
            found = await related(connection, "thing", "datastreams", list(made), wanted)
            assert {thing: [row["id"] for row in found.get(thing, [])] for thing in made} == expected
    async with as_organisation(pool, 2) as connection:
        assert await related(connection, "thing", "datastreams", list(made), wanted) == {}
        monkeypatch.undo()
        assert await related(connection, "thing", "datastreams", list(made), wanted) == {}


async def test_a_range_of_time_is_read_by_the_index(
    house: Any, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = house
    hour_us = 3_600_000_000
    hour = Every(
        (
            Compare(Field("phenomenon"), ">=", Constant(START_US + hour_us, Kind.TIME)),
            Compare(Field("phenomenon"), "<", Constant(START_US + 2 * hour_us, Kind.TIME)),
        )
    )
    way = Way(Start("datastream", measured[3]), (Step("observations"),))
    selection = Selection("observation", ("id", "result"), condition=hour)
    async with as_organisation(pool, 1) as connection:
        rows = await page(connection, selection, (way, measured[3]))
        assert [row["result"] for row in rows] == [6, 7, 8, 9, 10, 11]
        plan = await _plan(connection, monkeypatch, page(connection, selection, (way, measured[3])))
    assert "observation_before_key" in plan
    assert "Seq Scan on observation_" not in plan


async def test_S08_nothing_is_looked_through_under_another_organisations_datastream(
    house: Any, measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, _ = house
    way = Way(Start("datastream", measured[0]), (Step("observations"),))
    selection = Selection("observation", ("id",))
    async with as_organisation(pool, 2) as connection:
        plan = await _plan(connection, monkeypatch, page(connection, selection, (way, measured[0])))
    scans = [line for line in plan.splitlines() if "on observation_before n" in line]
    assert scans
    assert all("never executed" in line for line in scans)


async def test_S09_observations_are_seen_through_ones_own_datastreams_only(
    house: Any, measured: list[int]
) -> None:
    pool, _ = house
    everything = Selection("observation", ("id",), limit=5)
    async with as_organisation(pool, 2) as connection:
        assert await page(connection, everything, None) == []
        assert await count(connection, everything, None) == 0
        assert await related(connection, "datastream", "observations", measured, everything) == {}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT id FROM observation LIMIT 1")
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM observation_visible") == 0


async def test_a_query_that_takes_too_long_is_refused_as_too_large(house: Any) -> None:
    pool, owner = house
    async with owner.transaction():
        await owner.execute("LOCK TABLE sensor IN ACCESS EXCLUSIVE MODE")  # nobody can read it meanwhile
        async with as_organisation(pool, 1) as connection:
            await connection.execute("SET LOCAL statement_timeout = 20")
            with pytest.raises(TooLarge, match="too long"):
                await page(connection, Selection("sensor", ("id",)), None)
