# SPDX-License-Identifier: Apache-2.0
"""API keys of programs and devices: ``cyk_<prefix>_<secret>``, shown once, stored as a hash, revocable."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from cheoyong.domain.access import Principal, Role
from cheoyong.domain.errors import Conflict, InvalidInput, NotFound
from cheoyong.records.connection import Pool, as_organisation
from cheoyong.records.tokens import new_token, token_hash

KEYS_MAX = 100_000  # in use, of one organisation: one a device
KEYS_LISTED_MAX = 1000
_FORM = re.compile(r"cyk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_COLUMNS = "id, organisation_id, name, prefix, can_write, thing_id, created_at, revoked_at"


@dataclass(frozen=True, slots=True)
class Key:
    """One key as it is listed. ``thing_id`` binds it to one thing; ``revoked_us`` is None while in use."""

    id: int
    organisation_id: int
    name: str
    prefix: str
    can_write: bool
    thing_id: int | None
    created_us: int
    revoked_us: int | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; ``text`` is shown to its owner now and never again."""

    key: Key
    text: str = field(repr=False)


async def create_key(
    pool: Pool, organisation_id: int, name: str, now_us: int, *, can_write: bool, thing_id: int | None = None
) -> NewKey:
    """A new key. Raises InvalidInput unless the name has 1-200 characters, NotFound for another's thing."""
    if not 1 <= len(name.strip()) <= 200 or "\0" in name:
        raise InvalidInput("a name has 1-200 characters", where="name")
    prefix, secret = token_hex(6), new_token()
    async with as_organisation(pool, organisation_id) as connection:
        if await connection.fetchval("SELECT count(id) FROM api_key WHERE revoked_at IS NULL") >= KEYS_MAX:
            raise Conflict(f"there are {KEYS_MAX} keys in use already", mend="revoke some")
        if thing_id is not None and not await connection.fetchval(
            "SELECT EXISTS (SELECT 1 FROM thing WHERE id = $1)", thing_id
        ):
            raise NotFound("no such thing", where="thing_id")
        row = await connection.fetchrow(
            "INSERT INTO api_key"
            " (organisation_id, name, prefix, secret_hash, can_write, thing_id, created_at)"
            f" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}",
            organisation_id,
            name.strip(),
            prefix,
            token_hash(secret),
            can_write,
            thing_id,
            now_us,
        )
    return NewKey(_key(row), f"cyk_{prefix}_{secret}")


async def list_keys(pool: Pool, organisation_id: int) -> list[Key]:
    """The newest 1000 keys of an organisation, revoked ones among them; no secrets."""
    async with as_organisation(pool, organisation_id) as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM api_key ORDER BY id DESC LIMIT $1", KEYS_LISTED_MAX
        )
    return [_key(row) for row in rows]


async def revoke_key(pool: Pool, organisation_id: int, key_id: int, now_us: int) -> None:
    """End a key for good; raises NotFound when the organisation has none of that id in use."""
    async with as_organisation(pool, organisation_id) as connection:
        done = await connection.fetchval(
            "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING id",
            key_id,
            now_us,
        )
    if done is None:
        raise NotFound("no such key in use", where="key")


async def find_key(door: Pool, text: str) -> Principal | None:
    """Whom a key speaks for, or None when it is malformed, unknown or revoked."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    prefix, secret = form.groups()
    async with door.acquire() as connection:
        row = await connection.fetchrow(
            f"SELECT secret_hash, {_COLUMNS} FROM api_key WHERE prefix = $1 AND revoked_at IS NULL", prefix
        )
    stored = row["secret_hash"] if row else bytes(32)
    if not hmac.compare_digest(stored, token_hash(secret)) or row is None:
        return None
    return principal_of_key(_key(row))


def principal_of_key(key: Key) -> Principal:
    """The principal of a key: reader, writer for one thing, or writer for the organisation.

    >>> principal_of_key(Key(7, 1, "gauge", "0a1b2c3d4e5f", True, 12, 0, None)).role
    <Role.KEY_DEVICE: 'key_device'>
    """
    role = Role.KEY_READ
    if key.can_write:
        role = Role.KEY_WRITE if key.thing_id is None else Role.KEY_DEVICE
    login = f"key:{key.prefix}"
    return Principal(key.organisation_id, role, login, key.name, None, "", False, key.id, key.thing_id)


def _key(row: Mapping[str, Any]) -> Key:
    return Key(
        row["id"],
        row["organisation_id"],
        row["name"],
        row["prefix"],
        row["can_write"],
        row["thing_id"],
        row["created_at"],
        row["revoked_at"],
    )
