# SPDX-License-Identifier: Apache-2.0
"""F29: a migration that is killed leaves the old schema or the new one; rows stay; N and N-1 work together.

The list of migrations is read from the package, so that these tests hold for whatever is added.
"""

import asyncio
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, pairwise

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import ConfigurationError
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import ROLES, WRITER, Database, open_pool
from cheoyong.records.migrate import Migration, compared, migrate, migrations
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

pytestmark = pytest.mark.engines
SEED = int(os.environ.get("CHEOYONG_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
ALL = migrations()
FIRST_WITH_DATA = 2  # tables, then roles
_numbers = count(1)

# All that a migration makes: columns, constraints, indexes, policies, functions, triggers, rights.
_SCHEMA = """
SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
  || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'policy ' || concat_ws(' ', tablename, policyname, roles, cmd, qual, with_check)
FROM pg_policies
UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT concat_ws(' ', 'table', relname, relkind, relrowsecurity, relforcerowsecurity, relacl::text)
FROM pg_class WHERE relnamespace = 'public'::regnamespace
ORDER BY line
"""
_DATA = """
INSERT INTO organisation (name, created_at) VALUES ('one', '2026-01-01Z'), ('two', '2026-01-01Z');
INSERT INTO person (id, organisation_id, login, name, role, natural_person, created_at)
VALUES ('00000000-0000-7000-8000-000000000001', 1, 'kim', 'Kim', 'operator', 'kim', '2026-01-01Z');
INSERT INTO thing (organisation_id, name, description)
SELECT 1 + n % 2, 't' || n, '' FROM generate_series(1, 20) n;
INSERT INTO location (organisation_id, name, description, encoding_type, location)
SELECT 1 + n % 2, 'l' || n, '', 'application/geo+json', '{"type": "Point", "coordinates": [129.3, 35.5]}'
FROM generate_series(1, 20) n;
INSERT INTO thing_location SELECT n, n, 1 + n % 2 FROM generate_series(1, 20) n;
INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)
SELECT 1 + n % 2, 's' || n, '', 'text/html', '"x"' FROM generate_series(1, 20) n;
INSERT INTO observed_property (organisation_id, name, definition, description)
SELECT 1 + n % 2, 'p' || n, 'urn:x', '' FROM generate_series(1, 20) n;
INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name, description,
  observation_type, unit, registered_at)
SELECT 1 + n % 2, n, n, n, 'd' || n, '', 'OM_Measurement', '{}', '2026-01-01Z' FROM generate_series(1, 20) n;
INSERT INTO batch (recorded_at, first_id, count) SELECT '2026-01-02Z'::timestamptz + n * interval '1 s',
  n * 65536, 100 FROM generate_series(1, 30) n;
INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)
SELECT b * 65536 + n, '2025-06-01Z'::timestamptz + (b * 100 + n) * interval '2 h', n / 7.0, n, 1 + n % 20
FROM generate_series(1, 30) b, generate_series(0, 99) n;
INSERT INTO fact (id, organisation_id, kind, about_at, recorded_at, body)
SELECT gen_random_uuid(), 1, 'alarm', '2026-01-02Z', '2026-01-02Z', '{"step": "raised"}'
FROM generate_series(1, 50) n;
"""
# The list of what was applied, before anything was; the right to make tables is the schema's own.
_BARE = """
CREATE TABLE schema_version (name text PRIMARY KEY, sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), breaks boolean NOT NULL DEFAULT false);
"""
# What every schema since has to answer alike.
_ROWS = (
    "SELECT id, name FROM organisation ORDER BY 1",
    "SELECT id, login, role FROM person ORDER BY 1",
    "SELECT id, organisation_id, name FROM thing ORDER BY 1",
    "SELECT thing_id, location_id, organisation_id FROM thing_location ORDER BY 1",
    "SELECT id, name, metadata FROM sensor ORDER BY 1",
    "SELECT id, organisation_id, thing_id, sensor_id, observed_property_id, name FROM datastream ORDER BY 1",
    "SELECT number, first_id, count, recorded_at FROM batch ORDER BY 1",
    "SELECT id, phenomenon_time, result, digest, datastream_id FROM observation ORDER BY 1",
    "SELECT id, seq, kind, body FROM fact ORDER BY seq",
)


@dataclass
class Databases:
    """Makes databases in the running PostgreSQL, and drops them."""

    engine: Postgres

    @asynccontextmanager
    async def new(self, template: str = "") -> AsyncIterator[tuple[str, str]]:
        """Name and connection string of an empty database, or of a copy of another."""
        name = f"upgrade_{next(_numbers)}"
        if template:
            owner = await asyncpg.connect(self.engine.dsn_of("postgres"))
            await owner.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            await owner.close()
        else:
            await asyncio.to_thread(self.engine.new_database, name)
        yield name, self.engine.dsn_of(name)
        await asyncio.to_thread(self.engine.drop_database, name)


@pytest.fixture(scope="module")
def databases(postgres: Postgres) -> Databases:
    return Databases(postgres)


async def upgrade(dsn: str, wanted: list[Migration]) -> list[str]:
    return await migrate(dsn, Database(dsn, dict.fromkeys(ROLES, "test")), wanted)


async def lines(dsn: str, *queries: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [str(tuple(row)) for query in queries for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def execute(dsn: str, statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


async def applied(dsn: str) -> int:
    """How many migrations are recorded; those that came first, or the test is over."""
    has = await lines(dsn, "SELECT to_regclass('schema_version') IS NOT NULL")
    names = await lines(dsn, "SELECT name FROM schema_version ORDER BY name") if has == ["(True,)"] else []
    assert names == [f"('{name}',)" for name, _ in ALL[: len(names)]]
    return len(names)


@pytest.fixture(scope="module")
async def schemas(databases: Databases) -> list[list[str]]:
    """What the schema is after 0, 1, 2 … migrations."""
    async with databases.new() as (_, dsn):
        await execute(dsn, _BARE)
        found = [await lines(dsn, _SCHEMA)]
        await execute(dsn, "DROP TABLE schema_version")
        for place in range(len(ALL)):
            await upgrade(dsn, ALL[: place + 1])
            found.append(await lines(dsn, _SCHEMA))
    assert all(one != other for one, other in pairwise(found))
    return found


@pytest.fixture(scope="module")
async def schemas_with_rows(databases: Databases, schemas: list[list[str]]) -> list[list[str]]:
    """The same of a database with rows in it, which are the same rows at every step."""
    found = schemas[: FIRST_WITH_DATA + 1]
    async with databases.new() as (_, dsn):
        await upgrade(dsn, ALL[:FIRST_WITH_DATA])
        await execute(dsn, _DATA)
        before = await lines(dsn, *_ROWS)
        assert len(before) > 3000
        for place in range(FIRST_WITH_DATA, len(ALL)):
            await upgrade(dsn, ALL[: place + 1])
            assert await lines(dsn, *_ROWS) == before, ALL[place][0]
            found.append(await lines(dsn, _SCHEMA))
    return found


@pytest.mark.parametrize("place", range(len(ALL)), ids=[name for name, _ in ALL])
async def test_F29_a_migration_whose_connection_dies_at_its_end_leaves_the_schema_before_it(
    databases: Databases, schemas: list[list[str]], place: int
) -> None:
    name, text = ALL[place]
    dying = f"{text};\nSELECT pg_terminate_backend(pg_backend_pid());"
    async with databases.new() as (_, dsn):
        if place:
            await upgrade(dsn, ALL[:place])
        with pytest.raises((asyncpg.PostgresError, ConnectionError, asyncpg.InterfaceError)):
            await upgrade(dsn, [*ALL[:place], (name, dying)])
        assert await applied(dsn) == place
        assert await lines(dsn, _SCHEMA) == schemas[place]
        assert await upgrade(dsn, ALL) == [name for name, _ in ALL[place:]]
        assert await lines(dsn, _SCHEMA) == schemas[-1]


_PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from cheoyong.records.connection import ROLES, Database
    from cheoyong.records.migrate import migrate
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(migrate(sys.argv[1], Database(sys.argv[1], dict.fromkeys(ROLES, "test"))))
    print("done", flush=True)
""")


@pytest.fixture(scope="module")
def programs() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def program(started: list[subprocess.Popen[bytes]], dsn: str) -> subprocess.Popen[bytes]:
    """A program that migrates as soon as a line is written to it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    started.append(process)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


async def begin_and_kill(started: list[subprocess.Popen[bytes]], dsn: str, after_s: float, what: str) -> None:
    """Begin to migrate, and a moment later kill the program, or the server's process that works for it."""
    process = await asyncio.to_thread(program, started, dsn)
    owner = await asyncpg.connect(dsn)
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()
    await asyncio.sleep(after_s)
    if what == "program":
        process.kill()
    else:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    await asyncio.to_thread(process.wait)
    # What the dead program's server process had begun is over when nothing of it is left.
    while await owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ):
        await asyncio.sleep(0.01)
    await owner.close()


async def killed_at_random(
    databases: Databases,
    schemas: tuple[list[list[str]], list[list[str]]],
    started: list[subprocess.Popen[bytes]],
    rounds: int,
) -> list[int]:
    """Migrate from an early schema with data, killed again and again until it is through."""
    dice, seen = random.Random(SEED), []
    async with databases.new() as (early, early_dsn):
        await upgrade(early_dsn, ALL[:FIRST_WITH_DATA])
        await execute(early_dsn, _DATA)
        before = await lines(early_dsn, *_ROWS)
        for number in range(rounds):
            expected = schemas[number % 3 > 0]
            async with databases.new(early if number % 3 else "") as (_, dsn):
                what = "program" if number % 2 else "backend"
                await begin_and_kill(started, dsn, dice.uniform(0.0, 0.35), what)
                reached = await applied(dsn)
                seen.append(reached)
                if reached:
                    assert await lines(dsn, _SCHEMA) == expected[reached], f"seed {SEED}, round {number}"
                await upgrade(dsn, ALL)
                assert await lines(dsn, _SCHEMA) == expected[-1]
                if number % 3:
                    assert await lines(dsn, *_ROWS) == before
    return seen


async def test_F29_killed_at_random_the_schema_is_an_old_one_or_a_new_one_and_the_next_start_finishes(
    databases: Databases,
    schemas: list[list[str]],
    schemas_with_rows: list[list[str]],
    programs: list[subprocess.Popen[bytes]],
) -> None:
    both = (schemas, schemas_with_rows)
    assert len(await killed_at_random(databases, both, programs, 6)) == 6


@pytest.mark.faults
@pytest.mark.timeout(900)
async def test_F29_killed_at_a_hundred_random_moments(
    databases: Databases,
    schemas: list[list[str]],
    schemas_with_rows: list[list[str]],
    programs: list[subprocess.Popen[bytes]],
) -> None:
    seen = await killed_at_random(databases, (schemas, schemas_with_rows), programs, 100)
    assert len(set(seen)) > len(ALL) // 2, "kills fall all over the migrations"


async def test_F29_rows_of_every_earlier_schema_are_the_same_rows_after_the_upgrade(
    databases: Databases, schemas: list[list[str]], schemas_with_rows: list[list[str]]
) -> None:
    async with databases.new() as (early, early_dsn):
        await upgrade(early_dsn, ALL[:FIRST_WITH_DATA])
        await execute(early_dsn, _DATA)
        before = await lines(early_dsn, *_ROWS)
        async with databases.new(early) as (_, dsn):
            assert await upgrade(dsn, ALL) == [name for name, _ in ALL[FIRST_WITH_DATA:]]
            assert await lines(dsn, *_ROWS) == before
            assert await lines(dsn, _SCHEMA) == schemas_with_rows[-1], "at once or one by one is the same"
    without_parts = [line for line in schemas_with_rows[-1] if "observation_" not in line]
    assert without_parts == [line for line in schemas[-1] if "observation_" not in line]


async def test_F29_two_programs_that_start_at_once_apply_each_migration_once(databases: Databases) -> None:
    async with databases.new() as (_, dsn):
        both = await asyncio.gather(upgrade(dsn, ALL), upgrade(dsn, ALL))
    assert sorted(both[0] + both[1]) == [name for name, _ in ALL]


# N and N-1 together ------------------------------------------------------------------------------------

NEXT: Migration = (
    "9000_next.sql",
    "ALTER TABLE batch ADD COLUMN note text;\n"
    "ALTER TABLE datastream ADD COLUMN next_column int NOT NULL DEFAULT 7;\n"
    "CREATE TABLE next_table (id int PRIMARY KEY);\n"
    "CREATE INDEX next_index ON batch (recorded_at);\n",
)
BREAKING: Migration = (
    "9001_next_major.sql",
    "-- breaks earlier programs\nCREATE TABLE next_major (id int);\n",
)


async def test_F29_a_program_goes_on_writing_while_the_next_releases_schema_comes_and_loses_nothing(
    databases: Databases,
) -> None:
    async with databases.new() as (_, dsn):
        await upgrade(dsn, ALL)
        await execute(dsn, _DATA)
        database = Database(dsn, dict.fromkeys(ROLES, "test"))
        pool = await open_pool(database, WRITER)
        intake = Intake(ObservationWriter(pool), lambda: 1_800_000_000_000_000)
        intake.start()
        acknowledged: list[int] = []
        stop = asyncio.Event()

        async def write(sender: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                size = 400 if turn % 5 == 0 else 1  # by COPY, and by INSERT
                result = np.full(size, float(sender))
                times = 1_700_000_000_000_000 + sender * 10**12 + turn * 10**6 + np.arange(size)
                rows = Rows(np.full(size, sender), times, result, digest_of_numbers(result))
                acknowledged.extend((await intake.submit(rows)).tolist())

        writers = [asyncio.create_task(write(sender)) for sender in (1, 2, 3)]
        for _ in range(5):
            aim = len(acknowledged) + 1000
            while len(acknowledged) < aim:
                await asyncio.sleep(0.001)
            if _ == 2:
                assert await upgrade(dsn, [*ALL, NEXT]) == [NEXT[0]]
        stop.set()
        await asyncio.gather(*writers)
        await intake.stop()
        assert intake.failures == 0
        assert await upgrade(dsn, ALL) == [], "the earlier program starts on the newer schema too"
        await pool.close()
        stored = await lines(dsn, "SELECT id FROM observation WHERE id >= 65536 * 31 OR datastream_id < 4")
        assert {f"({number},)" for number in acknowledged} <= set(stored)
        assert len(set(acknowledged)) == len(acknowledged)


async def test_F29_a_program_refuses_a_schema_that_breaks_it_and_says_what_to_do(
    databases: Databases,
) -> None:
    async with databases.new() as (_, dsn):
        assert await upgrade(dsn, [*ALL, NEXT, BREAKING]) == [
            *(name for name, _ in ALL),
            NEXT[0],
            BREAKING[0],
        ]
        with pytest.raises(ConfigurationError) as refusal:
            await upgrade(dsn, ALL)
        assert str(refusal.value) == (
            "9001_next_major.sql: the database was upgraded by a newer Cheoyong, which this one cannot work"
            " beside (start the newer program, or restore the backup made before the upgrade)"
        )
        assert await upgrade(dsn, [*ALL, NEXT, BREAKING]) == []


async def test_F29_a_breaking_schema_is_not_put_under_a_program_at_work(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cheoyong.records.migrate._OTHERS_LEAVE_S", 0.2)
    async with databases.new() as (_, dsn):
        await upgrade(dsn, ALL)
        pool = await open_pool(Database(dsn, dict.fromkeys(ROLES, "test")), WRITER)
        with pytest.raises(ConfigurationError, match="other programs are at work on this database"):
            await upgrade(dsn, [*ALL, BREAKING])
        assert await upgrade(dsn, ALL) == []
        await pool.close()
        assert await upgrade(dsn, [*ALL, BREAKING]) == [BREAKING[0]]


async def test_F29_a_migration_that_was_edited_after_use_is_named(databases: Databases) -> None:
    async with databases.new() as (_, dsn):
        await upgrade(dsn, ALL[:1])
        with pytest.raises(ConfigurationError, match=ALL[0][0]):
            await upgrade(dsn, [(ALL[0][0], ALL[0][1] + "\n-- edited")])


def test_F29_the_names_of_what_is_missing_and_of_what_is_newer_are_told() -> None:
    names = [name for name, _ in ALL]
    assert compared(names) == ([], [])
    assert compared([*names[:-1], "9000_next.sql"]) == (names[-1:], ["9000_next.sql"])
