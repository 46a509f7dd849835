# SPDX-License-Identifier: Apache-2.0
"""S09: no organisation sees another's rows, found by the catalogue and not by a list that someone forgets."""

import re
from typing import Any

import asyncpg
import pytest

from accounts_world import World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.records.connection import APP, ROLES, as_organisation, open_pool

# Views without an organisation: times and counts of commits, no results. A new one must be argued.
SHARED_VIEWS = {"batch_visible", "checked"}
CANARY = 987654.25

_OWNED = (
    "SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
    " AND a.attname = 'organisation_id' AND NOT a.attisdropped ORDER BY 1"
)


async def test_S09_every_owned_table_has_enabled_and_forced_row_security_and_a_policy(world: World) -> None:
    rows = await world.owner(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
        " pg_get_expr(p.polqual, c.oid) AS reading, pg_get_expr(p.polwithcheck, c.oid) AS writing"
        f" FROM ({_OWNED}) o JOIN pg_class c ON c.oid = o.name::regclass"
        " LEFT JOIN pg_policy p ON p.polrelid = c.oid AND 'cheoyong_app'::regrole = ANY (p.polroles)"
    )
    assert len(rows) >= 15
    for row in rows:
        assert row["relrowsecurity"], row["relname"]
        assert row["relforcerowsecurity"], row["relname"]
        assert row["reading"] == "(organisation_id = current_organisation())", row["relname"]
        assert row["writing"] == row["reading"], row["relname"]


async def test_S09_no_role_we_sign_in_as_owns_anything_or_bypasses_row_security(world: World) -> None:
    roles = await world.owner(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin FROM pg_roles"
        " WHERE rolname LIKE 'cheoyong%'"
    )
    assert {row["rolname"] for row in roles} >= set(ROLES)
    for row in roles:
        assert not (row["rolsuper"] or row["rolbypassrls"] or row["rolcreaterole"] or row["rolcreatedb"])
        assert row["rolcanlogin"] == (row["rolname"] != "cheoyong_view")
    owned = await world.owner(
        "SELECT relname, relowner::regrole::text AS owner, relkind::text AS kind FROM pg_class"
        " WHERE relowner::regrole::text LIKE 'cheoyong%'"
    )
    assert {(row["owner"], row["kind"]) for row in owned} == {("cheoyong_view", "v")}
    memberships = await world.owner(
        "SELECT 1 FROM pg_auth_members WHERE member::regrole::text LIKE 'cheoyong%'"
    )
    assert memberships == []


async def test_S09_no_function_runs_with_its_owners_rights(world: World) -> None:
    assert not await world.owner(
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )


async def test_S09_without_an_organisation_the_app_sees_no_row_of_any_owned_table(world: World) -> None:
    for name in await _readable(world, await _seeded_tables(world)):
        async with world.pool.acquire() as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 0, name


async def test_S09_each_organisation_sees_its_own_rows_and_no_other(world: World) -> None:
    tables = await _readable(world, await _seeded_tables(world))
    assert {"thing", "datastream", "fact", "alarm", "alert", "publication", "person"} <= set(tables)
    for name in tables:
        for organisation in (world.ours, world.theirs):
            async with as_organisation(world.pool, organisation) as connection:
                seen = await connection.fetch(f"SELECT DISTINCT organisation_id FROM {name}")
            assert [row["organisation_id"] for row in seen] == [organisation], name


async def test_S09_an_organisation_sees_only_its_own_name(world: World) -> None:
    async with as_organisation(world.pool, world.ours) as connection:
        assert [row["name"] for row in await connection.fetch("SELECT name FROM organisation")] == ["Ours"]


async def test_S09_the_app_can_neither_write_for_another_organisation_nor_change_its_rows(
    world: World,
) -> None:
    await _seeded_tables(world)
    async with as_organisation(world.pool, world.ours) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(
                "INSERT INTO thing (organisation_id, name, description) VALUES ($1, 'x', 'x')", world.theirs
            )
    for statement in ("UPDATE thing SET name = 'taken' WHERE organisation_id = $1",
                      "DELETE FROM thing WHERE organisation_id = $1"):  # fmt: skip
        async with as_organisation(world.pool, world.ours) as connection:
            assert (await connection.execute(statement, world.theirs)).endswith(" 0")


async def test_S09_the_app_cannot_read_what_opens_doors(world: World) -> None:
    for column, table in [("password_hash", "person"), ("secret_hash", "api_key"), ("token_hash", "session"),
                          ("csrf", "session"), ("token_hash", "sign_in_link")]:  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            async with as_organisation(world.pool, world.ours) as connection:
                await connection.fetch(f"SELECT {column} FROM {table}")


async def test_S09_a_pooled_connection_does_not_carry_an_organisation_on(world: World) -> None:
    await _seeded_tables(world)
    pool = await open_pool(world.database, APP, size_max=1)
    try:
        async with as_organisation(pool, world.ours) as connection:
            assert await connection.fetchval("SELECT count(*) FROM thing") > 0
        assert await _things(pool) == 0
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with as_organisation(pool, world.ours) as connection:
                await connection.execute("SELECT 1/0")
        assert await _things(pool) == 0
    finally:
        await pool.close()


async def test_S09_measurements_are_reached_through_views_of_ones_own_datastreams_only(world: World) -> None:
    await _seeded_tables(world)
    await _measure(world)
    for table in ("observation", "quality", "batch", "bookmark"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with as_organisation(world.pool, world.ours) as connection:
                await connection.fetch(f"SELECT * FROM {table}")
    views = await world.owner(
        "SELECT c.relname, c.relowner::regrole::text AS owner, c.reloptions FROM pg_class c"
        " WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'public'::regnamespace"
    )
    assert "quality_visible" in {row["relname"] for row in views}
    parent = await world.owner(
        "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'observation_visible'::regclass"
    )
    assert [tuple(row) for row in parent] == [(True, True)]
    for row in views:
        assert row["owner"] == "cheoyong_view" or "security_invoker=true" in (row["reloptions"] or []), row
        assert "security_barrier=true" in (row["reloptions"] or []), row["relname"]
    for name in await _readable(world, ["observation_visible", *(row["relname"] for row in views)]):
        ours, theirs = await _dump(world, world.ours, name), await _dump(world, world.theirs, name)
        assert not [line for line in theirs if str(CANARY) in line], name
        if name not in SHARED_VIEWS:
            assert ours, name
            assert not set(ours) & set(theirs), name
            assert await _dump(world, None, name) == [], name
    assert any(str(CANARY) in line for line in await _dump(world, world.ours, "observation_visible"))


async def _seeded_tables(world: World) -> list[str]:
    """Every owned table, with at least one row of each organisation in it, made from the catalogue."""
    tables = [row["name"] for row in await world.owner(_OWNED)]
    connection = await asyncpg.connect(world.owner_dsn)
    try:
        await connection.execute(
            "SET session_replication_role = replica"
        )  # foreign keys are not the point here
        for name in tables:
            for organisation in (world.ours, world.theirs):
                if not await connection.fetchval(
                    f"SELECT EXISTS (SELECT 1 FROM {name} WHERE organisation_id = $1)", organisation
                ):
                    await _make_row(connection, name, organisation)
    finally:
        await connection.close()
    return tables


async def _make_row(connection: Any, table: str, organisation: int) -> None:
    columns = await connection.fetch(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT atthasdef"
        # A datastream without parts must have it, by a constraint of the table.
        " AND (attnotnull OR attname = 'observed_property_id')"
        " AND attidentity = '' AND NOT attisdropped", table)  # fmt: skip
    checks = await connection.fetchval(
        "SELECT coalesce(string_agg(pg_get_constraintdef(oid), ' '), '') FROM pg_constraint"
        " WHERE conrelid = $1::regclass AND contype = 'c'", table)  # fmt: skip
    values = [_value(row["name"], row["type"], organisation, checks) for row in columns]
    names = ", ".join(row["name"] for row in columns)
    await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values)})")


def _value(name: str, kind: str, organisation: int, checks: str) -> str:
    if name == "organisation_id":
        return str(organisation)
    if kind == "text":
        allowed = re.search(
            rf"\b{name} = (?:ANY \(ARRAY\[)?'([^']+)'", checks
        )  # the first word a CHECK names
        return f"'{allowed[1] if allowed else f'seed-{organisation}'}'"
    return {
        "uuid": "gen_random_uuid()", "jsonb": "'{}'", "timestamp with time zone": "now()", "boolean": "true",
        "text[]": "'{}'", "bytea": "uuid_send(gen_random_uuid())",
    }.get(kind, str(organisation))  # fmt: skip


async def _measure(world: World) -> None:
    for organisation, result in ((world.ours, CANARY), (world.theirs, 1.0)):
        [stream] = await world.owner(
            "SELECT min(id) AS id FROM datastream WHERE organisation_id = $1", organisation
        )
        await world.owner(
            "WITH b AS (INSERT INTO batch (recorded_at, first_id, count) VALUES (now(), $1, 1)),"
            " q AS (INSERT INTO quality VALUES ($1, 1, $2, 4, 1)),"
            " t AS (INSERT INTO tally VALUES ($2, 1, now(), now()))"
            " INSERT INTO observation (id, phenomenon_time, result, digest, datastream_id)"
            " VALUES ($1, now(), $3, 0, $2)",
            organisation, stream["id"], result,
        )  # fmt: skip


async def _readable(world: World, names: list[str]) -> list[str]:
    rows = await world.owner(
        "SELECT name FROM unnest($1::text[]) name"
        " WHERE has_any_column_privilege('cheoyong_app', name, 'SELECT')",
        names,
    )
    return [row["name"] for row in rows]


async def _dump(world: World, organisation: int | None, name: str) -> list[str]:
    if organisation is None:
        async with world.pool.acquire() as connection:
            rows = await connection.fetch(f"SELECT v::text AS line FROM {name} v")
    else:
        async with as_organisation(world.pool, organisation) as connection:
            rows = await connection.fetch(f"SELECT v::text AS line FROM {name} v")
    return [row["line"] for row in rows]


async def _things(pool: Any) -> int:
    async with pool.acquire() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM thing"))
