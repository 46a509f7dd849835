# SPDX-License-Identifier: Apache-2.0
"""Signing in: one-time links, passwords, and the browser sessions they open.

Everything here runs at the door, before the organisation is known. Tokens are stored as SHA-256; a session
is looked up at every request, so an ended one is refused by the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import NotSignedIn
from cheoyong.domain.instant import DAY_US, HOUR_US, MINUTE_US
from cheoyong.records.connection import Connection, Pool
from cheoyong.records.passwords import password_matches
from cheoyong.records.tokens import TOKEN_CHARACTERS_MAX, new_token, token_hash

SESSION_US = 12 * HOUR_US  # one shift and its hand-over
LINK_US = 15 * MINUTE_US
FIRST_LINK_US = DAY_US
SESSIONS_MAX = 20  # a person; an older one ends when another opens
LINKS_MAX = 20

_HOLDER = "p.id, p.organisation_id, p.login, p.name, p.role, p.natural_person, p.exercise FROM person p"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session in force: for whom, its anti-forgery word, and until when."""

    principal: Principal
    organisation: str
    csrf: str = field(repr=False)
    expires_us: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just opened. ``token`` goes into the cookie and is nowhere stored."""

    session: OpenSession
    token: str = field(repr=False)


async def issue_link(
    door: Pool, organisation_id: int, person_id: UUID, now_us: int, *, lifetime_us: int = LINK_US
) -> str:
    """The token of a one-time sign-in link; put it behind ``#`` in a URL, so that no server logs it."""
    async with door.acquire() as connection, connection.transaction():
        return await write_link(connection, organisation_id, person_id, now_us, lifetime_us)


async def write_link(
    connection: Connection, organisation_id: int, person_id: UUID, now_us: int, lifetime_us: int
) -> str:
    """As ``issue_link``, inside a transaction; forgets the person's oldest links beyond 20."""
    token = new_token()
    await connection.execute(
        "DELETE FROM sign_in_link WHERE token_hash IN (SELECT token_hash FROM sign_in_link"
        " WHERE person_id = $1 ORDER BY (used_at IS NOT NULL) DESC, expires_at DESC OFFSET $2)",
        person_id,
        LINKS_MAX - 1,
    )
    await connection.execute(
        "INSERT INTO sign_in_link (token_hash, organisation_id, person_id, expires_at)"
        " VALUES ($1, $2, $3, $4)",
        token_hash(token),
        organisation_id,
        person_id,
        now_us + lifetime_us,
    )
    return token


async def sign_in_by_link(door: Pool, token: str, now_us: int, *, exercise: bool) -> SignedIn:
    """Use a link up. Raises NotSignedIn for an unknown, used or expired one, alike."""
    if len(token) <= TOKEN_CHARACTERS_MAX:
        async with door.acquire() as connection, connection.transaction():
            person_id = await connection.fetchval(
                "UPDATE sign_in_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL"
                " AND expires_at > $2 RETURNING person_id",
                token_hash(token),
                now_us,
            )
            row = await connection.fetchrow(
                f"SELECT {_HOLDER} WHERE p.id = $1 AND p.disabled_at IS NULL AND (NOT p.exercise OR $2)",
                person_id,
                exercise,
            )
            if row is not None:
                return await _open(connection, row, now_us, authenticated_us=now_us)
    raise NotSignedIn("this link is used up, too old or unknown", where="token", mend="ask for a new link")


async def sign_in_by_password(
    door: Pool, login: str, password: str, now_us: int, *, exercise: bool
) -> SignedIn:
    """Open a session. Raises NotSignedIn in the same words and time whatever was wrong.

    ``exercise``: whether exercise accounts may sign in now.
    """
    async with door.acquire() as connection:
        row = await connection.fetchrow(
            f"SELECT password_hash, {_HOLDER}"
            " WHERE p.login = $1 AND p.disabled_at IS NULL AND (NOT p.exercise OR $2)",
            login.replace("\0", " "),
            exercise,
        )
    if await password_matches(row["password_hash"] if row else None, password) and row:
        async with door.acquire() as connection, connection.transaction():
            return await _open(connection, row, now_us, authenticated_us=now_us)
    raise NotSignedIn("login or password is wrong", mend="try again, or ask for a sign-in link")


async def switch_exercise_person(door: Pool, token: str, login: str, now_us: int) -> SignedIn:
    """End an exercise person's session and go on as another exercise person of the same organisation.

    The time of the last authentication is carried over. Raises NotSignedIn when there is no such
    session or no such person.
    """
    async with door.acquire() as connection, connection.transaction():
        old = await connection.fetchrow(
            "UPDATE session s SET ended_at = $2 FROM person p WHERE s.token_hash = $1 AND s.ended_at IS NULL"
            " AND s.expires_at > $2 AND p.id = s.person_id AND p.exercise"
            " RETURNING s.organisation_id, s.authenticated_at",
            token_hash(token),
            now_us,
        )
        row = old and await connection.fetchrow(
            f"SELECT {_HOLDER} WHERE p.login = $1 AND p.organisation_id = $2"
            " AND p.exercise AND p.disabled_at IS NULL",
            login.replace("\0", " "),
            old["organisation_id"],
        )
        if not row:
            raise NotSignedIn("no such exercise person", where="login", mend="choose one of the list")
        return await _open(connection, row, now_us, authenticated_us=old["authenticated_at"])


async def find_session(door: Pool, token: str, now_us: int) -> OpenSession | None:
    """The session of a cookie, or None when it ended, expired, or its person is disabled."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        return None
    async with door.acquire() as connection:
        row = await connection.fetchrow(
            "SELECT s.csrf, s.authenticated_at, s.expires_at, o.name AS organisation, h.* FROM session s"
            f" JOIN organisation o ON o.id = s.organisation_id JOIN (SELECT p.disabled_at, {_HOLDER}) h"
            " ON h.id = s.person_id WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.expires_at > $2"
            " AND h.disabled_at IS NULL",
            token_hash(token),
            now_us,
        )
    if row is None:
        return None
    principal = _principal(row, row["authenticated_at"])
    return OpenSession(principal, row["organisation"], row["csrf"], row["expires_at"])


async def end_session(door: Pool, token: str, now_us: int) -> None:
    """Sign out; nothing happens when the session has ended already."""
    async with door.acquire() as connection:
        await connection.execute(
            "UPDATE session SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL",
            token_hash(token),
            now_us,
        )


async def end_other_sessions(door: Pool, person_id: UUID, kept_token: str, now_us: int) -> None:
    """End all sessions of a person but one: after a new password the old sign-ins count no more."""
    async with door.acquire() as connection:
        await connection.execute(
            "UPDATE session SET ended_at = $3 WHERE person_id = $1 AND token_hash <> $2 AND ended_at IS NULL",
            person_id,
            token_hash(kept_token),
            now_us,
        )


async def _open(
    connection: Connection, row: Mapping[str, Any], now_us: int, *, authenticated_us: int
) -> SignedIn:
    token, csrf, expires_us = new_token(), new_token(), now_us + SESSION_US
    await connection.execute(
        "DELETE FROM session WHERE token_hash IN (SELECT token_hash FROM session WHERE person_id = $1"
        " ORDER BY (ended_at IS NULL) DESC, created_at DESC OFFSET $2)",
        row["id"],
        SESSIONS_MAX - 1,
    )
    organisation = await connection.fetchval(
        "WITH s AS (INSERT INTO session (token_hash, organisation_id, person_id, csrf, created_at,"
        " authenticated_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7))"
        " SELECT name FROM organisation WHERE id = $2",
        token_hash(token),
        row["organisation_id"],
        row["id"],
        csrf,
        now_us,
        authenticated_us,
        expires_us,
    )
    return SignedIn(OpenSession(_principal(row, authenticated_us), organisation, csrf, expires_us), token)


def _principal(row: Mapping[str, Any], authenticated_us: int) -> Principal:
    return Principal(
        row["organisation_id"],
        row["role"],
        row["login"],
        row["name"],
        row["id"],
        row["natural_person"],
        row["exercise"],
        authenticated_us=authenticated_us,
    )
