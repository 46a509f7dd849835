# SPDX-License-Identifier: Apache-2.0
"""Bring a database to the current schema: roles first, then each migration once, in order.

A migration runs in one transaction with the row that records it, so a kill leaves the old schema or
the new one, never something between. An advisory lock keeps two starting programs apart.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import asyncpg

from cheoyong.domain.errors import ConfigurationError
from cheoyong.records.connection import ROLES, Database
from cheoyong.records.scram import scram_verifier

SERVER_VERSION_MIN = 15
_LOCK = 0x43484559  # "CHEY"


async def migrate(owner_dsn: str, database: Database) -> list[str]:
    """Apply what is missing; returns the names of the migrations applied now.

    ``owner_dsn`` signs in as the owner of the database (superuser, or a role with CREATEROLE).
    Raises ConfigurationError for a server older than 15 or a migration that was edited after use.
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
        applied = await _apply_all(connection)
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


async def _apply_all(connection: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
    )
    known = {
        row["name"]: row["sha256"]
        for row in await connection.fetch("SELECT name, sha256 FROM schema_version")
    }
    applied = []
    for name, text in migrations():
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name in known:
            if known[name] != digest:
                raise ConfigurationError(
                    "this migration was edited after it had been applied",
                    where=name,
                    mend="restore the file; put changes into a new migration",
                )
            continue
        async with connection.transaction():
            await connection.execute(text)
            await connection.execute(
                "INSERT INTO schema_version (name, sha256) VALUES ($1, $2)", name, digest
            )
        applied.append(name)
    return applied


async def _renumber_after_restore(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """After a restore into a fresh cluster old transaction ids lie in the future and would never be read."""
    await connection.execute(
        "UPDATE batch SET xid = '0' WHERE EXISTS"
        " (SELECT 1 FROM batch WHERE xid > pg_snapshot_xmax(pg_current_snapshot()))"
    )
    await connection.execute(
        "UPDATE bookmark SET xid = '0' WHERE xid > pg_snapshot_xmax(pg_current_snapshot())"
    )


def migrations() -> list[tuple[str, str]]:
    """All migrations as (file name, SQL text), in order of their number."""
    folder = files("cheoyong.records") / "migrations"
    entries = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda e: e.name
    )
    return [(entry.name, entry.read_text(encoding="utf-8")) for entry in entries]
