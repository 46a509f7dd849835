# SPDX-License-Identifier: Apache-2.0
"""Bring a database to the current schema: roles first, then each migration once, in order.

A migration runs in one transaction with the row that records it, so a kill leaves the old schema or
the new one, never something between (F29). An advisory lock keeps two starting programs apart.

A migration adds: programs of the release before go on working on the schema after it, and a program that
finds migrations it does not know runs. One that cannot be borne by earlier programs says so in a line of
its own, ``-- breaks earlier programs``: it is applied only when no other program is at work on the database,
and a program that does not know it refuses to start.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files

import asyncpg
import structlog

from cheoyong.domain.errors import ConfigurationError
from cheoyong.records.connection import ROLES, Database
from cheoyong.records.scram import scram_verifier

SERVER_VERSION_MIN = 15
_LOCK = 0x43484559  # "CHEY"
_BREAKS = re.compile(r"^-- breaks earlier programs\s*$", re.M)
_OTHERS_LEAVE_S = 5.0
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE usename = ANY($1) AND datname = current_database()"

_log = structlog.get_logger()
Migration = tuple[str, str]  # file name, SQL text


async def migrate(owner_dsn: str, database: Database, wanted: Sequence[Migration] | None = None) -> list[str]:
    """Apply what is missing of ``wanted`` (None: all that are packaged); returns the names applied now.

    ``owner_dsn`` signs in as the owner of the database (superuser, or a role with CREATEROLE).
    Raises ConfigurationError for a server older than 15, a migration that was edited after use, a schema
    too new for this program, or one that would break other programs at work.
    """
    connection = await asyncpg.connect(owner_dsn)
    try:
        version = connection.get_server_version().major
        if version < SERVER_VERSION_MIN:
            raise ConfigurationError(
                f"PostgreSQL {version} is too old", mend=f"use {SERVER_VERSION_MIN} or newer"
            )
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _make_roles(connection, database)
        applied = await _apply_all(connection, migrations() if wanted is None else wanted)
        await _renumber_after_restore(connection)
        return applied
    finally:
        await connection.close()


async def _make_roles(connection: asyncpg.Connection[asyncpg.Record], database: Database) -> None:
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role in ROLES:
        verb = "ALTER" if role in existing else "CREATE"
        verifier = scram_verifier(database.passwords[role])  # of base64, digits, "$" and ":": safe to quote
        await connection.execute(f"{verb} ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{verifier}'")
    if "cheoyong_view" not in existing:
        await connection.execute("CREATE ROLE cheoyong_view NOLOGIN NOSUPERUSER NOBYPASSRLS")
    await connection.execute("GRANT cheoyong_view TO CURRENT_USER")
    await connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO cheoyong_view")


async def _apply_all(
    connection: asyncpg.Connection[asyncpg.Record], wanted: Sequence[Migration]
) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    await connection.execute(
        "ALTER TABLE schema_version ADD COLUMN IF NOT EXISTS breaks boolean NOT NULL DEFAULT false"
    )
    found = {
        row["name"]: row for row in await connection.fetch("SELECT name, sha256, breaks FROM schema_version")
    }
    _refuse_too_new([name for name in found if found[name]["breaks"]], wanted)
    _, unknown = compared(found, wanted)
    if unknown:
        _log.warning("schema_newer_than_program", migrations=unknown, next_step="upgrade this program too")
    applied = []
    for name, text in wanted:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name not in found:
            await _apply(connection, name, text, digest)
            applied.append(name)
        elif found[name]["sha256"] != digest:
            raise ConfigurationError(
                "this migration was edited after it had been applied",
                where=name,
                mend="restore the file; put changes into a new migration",
            )
    return applied


async def _apply(connection: asyncpg.Connection[asyncpg.Record], name: str, text: str, digest: str) -> None:
    breaks = bool(_BREAKS.search(text))
    if breaks:
        await _until_alone(connection, name)
    async with connection.transaction():
        await connection.execute(text)
        await connection.execute(
            "INSERT INTO schema_version (name, sha256, breaks) VALUES ($1, $2, $3)", name, digest, breaks
        )


async def _until_alone(connection: asyncpg.Connection[asyncpg.Record], name: str) -> None:
    """Wait a moment for programs that are just ending; raises ConfigurationError when some stay."""
    deadline = asyncio.get_running_loop().time() + _OTHERS_LEAVE_S
    while others := await connection.fetchval(_OTHERS, list(ROLES)):
        if asyncio.get_running_loop().time() > deadline:
            raise ConfigurationError(
                f"other programs are at work on this database ({others} connections)",
                where=name,
                mend="stop every cheoyong serve of it, then start the new one",
            )
        await asyncio.sleep(0.1)


def _refuse_too_new(breaking: Iterable[str], wanted: Sequence[Migration]) -> None:
    for name in sorted(set(breaking) - {name for name, _ in wanted}):
        raise ConfigurationError(
            "the database was upgraded by a newer Cheoyong, which this one cannot work beside",
            where=name,
            mend="start the newer program, or restore the backup made before the upgrade",
        )


def compared(found: Iterable[str], wanted: Sequence[Migration] | None = None) -> tuple[list[str], list[str]]:
    """Names of the migrations a database that has ``found`` still lacks, and of those it has beyond ours.

    >>> compared(["1.sql", "3.sql"], [("1.sql", ""), ("2.sql", "")])
    (['2.sql'], ['3.sql'])
    """
    names = [name for name, _ in (migrations() if wanted is None else wanted)]
    have = set(found)
    return [name for name in names if name not in have], sorted(have.difference(names))


async def _renumber_after_restore(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """After a restore into a fresh cluster old transaction ids lie in the future and would never be read."""
    await connection.execute(
        "UPDATE batch SET xid = '0' WHERE EXISTS"
        " (SELECT 1 FROM batch WHERE xid > pg_snapshot_xmax(pg_current_snapshot()))"
    )
    await connection.execute(
        "UPDATE bookmark SET xid = '0' WHERE xid > pg_snapshot_xmax(pg_current_snapshot())"
    )


def migrations() -> list[Migration]:
    """All migrations as (file name, SQL text), in order of their number."""
    folder = files("cheoyong.records") / "migrations"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name
    )
    return [(entry.name, entry.read_text(encoding="utf-8")) for entry in entries]
