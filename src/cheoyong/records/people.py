# SPDX-License-Identifier: Apache-2.0
"""People and organisations: created, listed, changed, disabled; the first administrator of an installation.

A change of role and a disabling end the person's sessions in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from uuid import UUID

import asyncpg

from cheoyong.domain.access import PERSON_ROLES, Role
from cheoyong.domain.errors import Conflict, InvalidInput, NotFound
from cheoyong.domain.identity import fact_id
from cheoyong.records.connection import Connection, Pool, as_organisation
from cheoyong.records.passwords import check_password, hash_password
from cheoyong.records.sessions import FIRST_LINK_US, write_link

PEOPLE_MAX = 10_000  # accounts of one organisation
_FIRST_START_LOCK = 0x43484559_01
_LAST_LOCK = 0x43484559
_COLUMNS = "id, organisation_id, login, name, role, natural_person, exercise, disabled_at, created_at"


@dataclass(frozen=True, slots=True)
class Person:
    """One account. ``natural_person`` names the human behind it; ``disabled_us`` is None while in use."""

    id: UUID
    organisation_id: int
    login: str
    name: str
    role: str
    natural_person: str
    exercise: bool
    disabled_us: int | None
    created_us: int


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What an account is made of.

    ``login``: 2-63 of a-z, 0-9, dot, dash, underscore. ``natural_person``: the login of the human's
    other account when they hold two; empty means this account is the only one of theirs.
    """

    login: str
    name: str
    role: str
    natural_person: str = ""
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class FirstAdministrator:
    """Who was made at first start, and the one-time token of the link to print (never logged)."""

    person: Person
    token: str = field(repr=False)


async def create_organisation(door: Pool, name: str, now_us: int) -> int:
    """The id of the organisation of that name, made when there is none. Name: 1-200 characters."""
    async with door.acquire() as connection, connection.transaction():
        return await _organisation(connection, name, now_us)


async def first_administrator(door: Pool, organisation: str, now_us: int) -> FirstAdministrator | None:
    """An administrator with a 24 h link, when the installation has none who ever signed in; else None.

    Safe to call at every start: until the first sign-in each start gives a fresh link. The login is
    random, so no two installations share one and there is none to try.
    """
    async with door.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _FIRST_START_LOCK)
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS}, password_hash IS NOT NULL OR EXISTS"
            " (SELECT 1 FROM sign_in_link l WHERE l.person_id = p.id AND l.used_at IS NOT NULL)"
            " AS has_signed_in FROM person p WHERE role = 'administrator' AND NOT exercise"
            " ORDER BY has_signed_in DESC, created_at LIMIT 1"
        )
        if row and row["has_signed_in"]:
            return None
        if row is None:
            organisation_id = await _organisation(connection, organisation, now_us)
            new = NewPerson(f"admin-{token_hex(3)}", "Administrator", Role.ADMINISTRATOR)
            person = await _insert(connection, organisation_id, new, now_us)
        else:
            person = _person(row)
        token = await write_link(connection, person.organisation_id, person.id, now_us, FIRST_LINK_US)
        return FirstAdministrator(person, token)


async def create_person(pool: Pool, organisation_id: int, new: NewPerson, now_us: int) -> Person:
    """A new account without a password. Raises InvalidInput, or Conflict when the login is taken."""
    async with as_organisation(pool, organisation_id) as connection:
        if await connection.fetchval("SELECT count(id) FROM person") >= PEOPLE_MAX:
            raise Conflict(f"there are {PEOPLE_MAX} accounts already")
        return await _insert(connection, organisation_id, new, now_us)


async def list_people(pool: Pool, organisation_id: int, *, exercise_only: bool = False) -> list[Person]:
    """The organisation's accounts by login; only the exercise accounts in use when asked so."""
    async with as_organisation(pool, organisation_id) as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM person WHERE NOT $1 OR (exercise AND disabled_at IS NULL)"
            " ORDER BY login LIMIT $2",
            exercise_only,
            PEOPLE_MAX,
        )
    return [_person(row) for row in rows]


async def find_person(pool: Pool, organisation_id: int, person_id: UUID) -> Person:
    """One account of the organisation; raises NotFound."""
    async with as_organisation(pool, organisation_id) as connection:
        return await _find(connection, person_id)


async def find_login(door: Pool, login: str) -> Person:
    """The account of a login in whatever organisation, for the command line; raises NotFound."""
    async with door.acquire() as connection:
        row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM person WHERE login = $1", login)
    if row is None:
        raise NotFound("no such login", where="login")
    return _person(row)


async def change_person(
    pool: Pool,
    organisation_id: int,
    person_id: UUID,
    now_us: int,
    *,
    name: str | None = None,
    role: str | None = None,
    disabled: bool | None = None,
) -> Person:
    """Change what is given. A new role or a disabling ends the person's sessions at once.

    Raises NotFound, InvalidInput, and Conflict when no administrator in use would remain.
    """
    async with as_organisation(pool, organisation_id) as connection:
        # Two administrators who demote each other at once must not both succeed.
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LAST_LOCK, organisation_id)
        old = await _find(connection, person_id)
        new_role = _checked_role(role) if role is not None else old.role
        _refuse_exercise_administrator(old.exercise, new_role)
        gone = old.disabled_us is not None if disabled is None else disabled
        disabled_us = (old.disabled_us or now_us) if gone else None
        row = await connection.fetchrow(
            f"UPDATE person SET name = $2, role = $3, disabled_at = $4 WHERE id = $1 RETURNING {_COLUMNS}",
            person_id,
            _checked_name(name) if name is not None else old.name,
            new_role,
            disabled_us,
        )
        if new_role != old.role or gone:
            await connection.execute(
                "UPDATE session SET ended_at = $2 WHERE person_id = $1 AND ended_at IS NULL",
                person_id,
                now_us,
            )
        await _refuse_without_administrator(connection, old)
        return _person(row)


async def set_password(door: Pool, person: Person, password: str) -> None:
    """Store the argon2id hash of a password that is good enough; raises InvalidInput otherwise."""
    check_password(password, (person.login, person.name, "cheoyong", "처용"))
    stored = await hash_password(password)
    async with door.acquire() as connection:
        await connection.execute("UPDATE person SET password_hash = $2 WHERE id = $1", person.id, stored)


async def _organisation(connection: Connection, name: str, now_us: int) -> int:
    checked = _checked_name(name)
    await connection.execute(
        "INSERT INTO organisation (name, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", checked, now_us
    )
    return int(await connection.fetchval("SELECT id FROM organisation WHERE name = $1", checked))


async def _insert(connection: Connection, organisation_id: int, new: NewPerson, now_us: int) -> Person:
    natural = new.natural_person or new.login
    _refuse_exercise_administrator(new.exercise, new.role)
    try:
        row = await connection.fetchrow(
            "INSERT INTO person"
            " (id, organisation_id, login, name, role, natural_person, exercise, created_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_COLUMNS}",
            fact_id(now_us, "person", f"{organisation_id}:{new.login}"),
            organisation_id,
            new.login,
            _checked_name(new.name),
            _checked_role(new.role),
            natural,
            new.exercise,
            now_us,
        )
    except asyncpg.UniqueViolationError:
        raise Conflict("this login is taken", where="login", mend="choose another") from None
    except (asyncpg.CheckViolationError, asyncpg.CharacterNotInRepertoireError):
        raise InvalidInput(
            "a login is 2-63 of a-z, 0-9, dot, dash, underscore and starts with a letter or digit",
            where="login",
        ) from None
    return _person(row)


async def _find(connection: Connection, person_id: UUID) -> Person:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM person WHERE id = $1", person_id)
    if row is None:
        raise NotFound("no such person", where="person")
    return _person(row)


async def _refuse_without_administrator(connection: Connection, old: Person) -> None:
    if old.role != Role.ADMINISTRATOR or old.exercise:
        return
    if not await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM person"
        " WHERE role = 'administrator' AND NOT exercise AND disabled_at IS NULL)"
    ):
        raise Conflict(
            "this is the last administrator in use", where="person", mend="make another administrator first"
        )


def _refuse_exercise_administrator(exercise: bool, role: str) -> None:
    """Whoever plays a part must not make real accounts."""
    if exercise and role == Role.ADMINISTRATOR:
        raise InvalidInput("an exercise account is never an administrator", where="role")


def _checked_role(role: str) -> str:
    if role not in PERSON_ROLES:
        raise InvalidInput(
            f"{role!r:.40} is not a role", where="role", mend=f"use one of {', '.join(PERSON_ROLES)}"
        )
    return str(role)


def _checked_name(name: str) -> str:
    text = name.strip()
    if not 1 <= len(text) <= 200:
        raise InvalidInput("a name has 1-200 characters", where="name")
    if "\0" in text:
        raise InvalidInput("a name holds no zero character", where="name")
    return text


def _person(row: Mapping[str, Any]) -> Person:
    return Person(
        row["id"],
        row["organisation_id"],
        row["login"],
        row["name"],
        row["role"],
        row["natural_person"],
        row["exercise"],
        row["disabled_at"],
        row["created_at"],
    )
