# SPDX-License-Identifier: Apache-2.0
"""The log of commits against a real PostgreSQL: nothing is read twice, nothing in flight is stepped over."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import ConfigurationError
from cheoyong.domain.fact import AlarmStep, Detection, Fact, make_fact
from cheoyong.records import migrate as migrate_module
from cheoyong.records.batches import START, read_batches, settled_before
from cheoyong.records.connection import FLOW, ROLES, WRITER, Database, open_pool, prepare_codecs
from cheoyong.records.facts import FACTS_PER_STATEMENT_MAX, add_facts
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import (
    COPY_ROWS_MIN,
    GONE,
    Extra,
    ObservationWriter,
    Rows,
    concatenate,
    copy_bytes,
    digest_of_numbers,
)

pytestmark = pytest.mark.engines
_PASSWORDS = dict.fromkeys(ROLES, "test")


class Base:
    """A migrated database and the pools of the roles that matter here."""

    def __init__(self, dsn: str, database: Database, owner: Any, writer: Any, flow: Any) -> None:
        self.dsn, self.database, self.owner, self.writer, self.flow = dsn, database, owner, writer, flow


@pytest.fixture(scope="module")
async def base(postgres: Postgres) -> AsyncIterator[Base]:
    dsn = postgres.new_database("records_batches")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], _PASSWORDS)
    assert await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('Ours', $1)", 0)
    await register(owner, 7)
    writer, flow = await open_pool(database, WRITER), await open_pool(database, FLOW)
    yield Base(dsn, database, owner, writer, flow)
    await writer.close()
    await flow.close()
    await owner.close()
    postgres.drop_database("records_batches")


async def register(owner: Any, datastream: int) -> None:
    """A datastream of this id, and what it hangs on."""
    await owner.execute(
        "INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't');"
        "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        " VALUES (1, 's', 's', 'text/html', '\"\"');"
        "INSERT INTO observed_property (organisation_id, name, definition, description)"
        " VALUES (1, 'p', 'p', 'p')"
    )
    await owner.execute(
        "INSERT INTO datastream (id, organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, registered_at) OVERRIDING SYSTEM VALUE"
        " VALUES ($1, 1, (SELECT max(id) FROM thing), (SELECT max(id) FROM sensor),"
        " (SELECT max(id) FROM observed_property), 'd', 'd', 'x', '{}', $2)",
        datastream, 0,
    )  # fmt: skip


@pytest.fixture(autouse=True)
async def empty(base: Base) -> None:
    await base.owner.execute("TRUNCATE observation, batch, fact, alarm")


def rows(count: int, *, first: int = 0, datastream: int = 7) -> Rows:
    result = np.arange(first, first + count, dtype=np.float64)
    times = (np.arange(first, first + count) * 1_000_000).astype(np.int64)
    return Rows(np.full(count, datastream), times, result, digest_of_numbers(result))


async def read_all(base: Base, mark: Any = START) -> list[float]:
    found: list[float] = []
    async with base.flow.acquire() as connection:
        while batches := await read_batches(connection, mark, await settled_before(connection), [7]):
            mark = batches[-1][0]
            found += [value for _, batch in batches for value in batch.result.tolist()]
    return found


@pytest.mark.parametrize("count", [0, 1, COPY_ROWS_MIN - 1, COPY_ROWS_MIN, 2000])
async def test_what_is_stored_is_read_back_in_order_by_both_ways_of_writing(base: Base, count: int) -> None:
    stored = await ObservationWriter(base.writer).store(rows(count), 5)
    assert stored.new == count
    assert await read_all(base) == [float(n) for n in range(count)]


@pytest.mark.parametrize("count", [3, 1000])
async def test_F09_a_group_sent_again_in_part_or_whole_is_stored_once_under_its_first_ids(
    base: Base, count: int
) -> None:
    writer = ObservationWriter(base.writer)
    first = await writer.store(rows(count), 5)
    again = await writer.store(rows(count), 6)
    assert again.new == 0
    assert again.ids.tolist() == first.ids.tolist()
    half = await writer.store(rows(count, first=count // 2), 7)
    assert half.new == count // 2
    assert await base.owner.fetchval("SELECT count(*) FROM observation") == count + count // 2
    assert await read_all(base) == [float(n) for n in range(count + count // 2)]


async def test_F09_the_same_value_twice_in_one_group_is_one_observation(base: Base) -> None:
    same = Rows(
        np.array([7, 7]), np.array([1, 1]), np.array([2.5, 2.5]), digest_of_numbers(np.array([2.5] * 2))
    )
    stored = await ObservationWriter(base.writer).store(same, 5)
    assert stored.new == 1
    assert stored.ids[0] == stored.ids[1]


@pytest.mark.parametrize("count", [3, COPY_ROWS_MIN])
async def test_of_a_group_those_whose_datastream_is_gone_are_not_stored_and_the_others_are(
    base: Base, count: int
) -> None:
    writer = ObservationWriter(base.writer)
    await register(base.owner, 8)
    before = await writer.store(rows(count, datastream=8), 4)
    await base.owner.execute("DELETE FROM datastream WHERE id = 8")
    for _ in range(2):  # the second time those that stand are known
        stored = await writer.store(concatenate([rows(count), rows(count + 1, datastream=8)]), 5)
        assert (stored.ids[:count] > 0).all() and (stored.ids[count:] == GONE).all()
    assert await read_all(base) == [float(n) for n in range(count)]
    kept = await base.owner.fetch("SELECT id FROM observation WHERE datastream_id = 8 ORDER BY id")
    assert [row["id"] for row in kept] == before.ids.tolist(), "what was acknowledged before stays on record"


async def test_a_datastream_that_is_deleted_while_its_rows_are_copied_takes_none_of_them(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    await register(base.owner, 9)

    async def pieces(ids: Any, rows: Rows) -> AsyncIterator[bytes]:
        yield copy_bytes(ids, rows)
        await base.owner.execute("DELETE FROM datastream WHERE id = 9")

    monkeypatch.setattr("cheoyong.records.observations._in_pieces", pieces)
    stored = await ObservationWriter(base.writer).store(rows(COPY_ROWS_MIN, datastream=9), 5)
    assert (stored.ids == GONE).all() and stored.new == 0
    assert await base.owner.fetchval("SELECT count(*) FROM observation") == 0


async def test_a_correction_is_stored_beside_the_first(base: Base) -> None:
    writer = ObservationWriter(base.writer)
    for result in (1.0, 1.5):
        value = np.array([result])
        await writer.store(Rows(np.array([7]), np.array([1]), value, digest_of_numbers(value)), 5)
    assert await base.owner.fetchval("SELECT count(*) FROM observation") == 2


async def test_a_result_that_is_no_number_is_kept_in_its_detail_and_read_as_not_a_number(base: Base) -> None:
    told = Rows(np.array([7]), np.array([1]), np.array([np.nan]), np.array([99]),
                {0: Extra(detail={"result": "wet"})})  # fmt: skip
    await ObservationWriter(base.writer).store(told, 5)
    assert await base.owner.fetchval("SELECT result FROM observation") is None
    assert np.isnan((await read_all(base))[0])


async def test_a_batch_in_flight_is_not_stepped_over_by_one_that_commits_first(base: Base) -> None:
    writer = ObservationWriter(base.writer)
    slow = await asyncpg.connect(base.dsn)
    await prepare_codecs(slow)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(  # takes its number first, commits last
        "WITH o AS (INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
        " VALUES (1000000, '1970-01-01Z', -1, 1, 7)) INSERT INTO batch (recorded_at, first_id, count)"
        " VALUES ('1970-01-01Z', 1000000, 1)"
    )
    await writer.store(rows(2), 5)
    assert await read_all(base) == [], "the one that committed waits for the one before it"
    await transaction.commit()
    await slow.close()
    assert await read_all(base) == [-1.0, 0.0, 1.0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_F11_a_text_of_any_script_has_a_digest_of_64_bits(number: int, text: str) -> None:
    from cheoyong.records.observations import digest_of_extra

    digest = digest_of_extra(float(number), Extra(detail={"result": text}))
    assert -(2**63) <= digest < 2**63
    assert digest == digest_of_extra(float(number), Extra(detail={"result": text}))


async def test_a_fact_added_again_changes_nothing_and_an_acknowledged_alarm_that_cleared_stays_cleared(
    base: Base,
) -> None:
    alarm = AlarmStep(UUID(int=5), "level", "raised", "taehwa_stage_m", "advisory", "high", 2, 0, 4.7, 4.5)

    def fact(step: str) -> Any:
        from dataclasses import replace

        return make_fact(replace(alarm, step=step), key=step, organisation_id=1, about_us=0, recorded_us=9)

    async with base.flow.acquire() as connection:
        assert len(await add_facts(connection, [fact("raised")])) == 1
        assert await add_facts(connection, [fact("raised")]) == []
        await add_facts(connection, [fact("cleared"), fact("acknowledged")])
    assert await base.owner.fetchval("SELECT state FROM alarm") == "cleared"
    assert await base.owner.fetchval("SELECT count(*) FROM fact") == 3


async def test_facts_by_the_thousand_are_numbered_in_their_order_each_once_with_its_causes(
    base: Base,
) -> None:
    def fact(number: int) -> Fact:
        found = Detection(7, "a 'quoted' name, {braced}", "s", number / 2, 0.5)
        return make_fact(
            found, key=f"detection {number}", organisation_id=1, about_us=number, recorded_us=9,
            caused_by=tuple(UUID(int=cause) for cause in range(number % 3)),
            observation_ids=tuple(range(number % 4)),
        )  # fmt: skip

    wanted = [fact(number) for number in range(2 * FACTS_PER_STATEMENT_MAX + 7)]
    async with base.flow.acquire() as connection:
        first = await add_facts(connection, wanted[:5])
        twice = [*wanted[:6], *wanted[5:], wanted[-1]]  # some there before, some twice in the same call
        added = first + await add_facts(connection, twice)
        assert await add_facts(connection, wanted) == []
        assert await add_facts(connection, ()) == []
    assert [one for _, one in added] == wanted
    stored = await base.owner.fetch("SELECT * FROM fact WHERE kind = 'detection' ORDER BY seq")
    assert [(row["seq"], row["id"]) for row in stored] == [(seq, one.id) for seq, one in added]
    assert [tuple(row["caused_by"]) for row in stored] == [one.caused_by for one in wanted]
    assert [tuple(row["observation_ids"]) for row in stored] == [one.observation_ids for one in wanted]
    assert [row["body"] for row in stored] == [msgspec.to_builtins(one.body) for one in wanted]
    assert [(row["about_at"], row["recorded_at"]) for row in stored] == [(n, 9) for n in range(len(wanted))]


async def test_a_fact_can_be_neither_changed_nor_deleted_by_the_program(base: Base) -> None:
    for role in ROLES:
        connection = await asyncpg.connect(base.database.dsn, user=role, password="test")
        for statement in ("UPDATE fact SET kind = 'x'", "DELETE FROM fact", "TRUNCATE fact",
                          "DELETE FROM publication", "UPDATE publication SET cap = ''"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()


async def test_migrating_again_applies_nothing_and_an_edited_migration_is_refused(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await migrate(base.dsn, base.database) == []
    known = migrate_module.migrations()
    edited = [(known[0][0], known[0][1] + "\n-- edited"), *known[1:]]
    monkeypatch.setattr(migrate_module, "migrations", lambda: edited)
    with pytest.raises(ConfigurationError, match="edited"):
        await migrate(base.dsn, base.database)


async def test_F29_a_migration_that_fails_leaves_the_schema_as_it_was(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [*migrate_module.migrations(), ("9999_broken.sql", "CREATE TABLE half (n int); SELECT 1/0;")]
    monkeypatch.setattr(migrate_module, "migrations", lambda: broken)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(base.dsn, base.database)
    assert await base.owner.fetchval("SELECT to_regclass('half')") is None
    assert await base.owner.fetchval("SELECT count(*) FROM schema_version WHERE name LIKE '9999%'") == 0
