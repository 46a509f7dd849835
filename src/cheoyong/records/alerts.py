# SPDX-License-Identifier: Apache-2.0
"""Alerts on their way to being sent, and what was sent, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from cheoyong.domain.errors import Conflict, NotFound
from cheoyong.domain.fact import AlertContent
from cheoyong.records.connection import Connection
from cheoyong.warn.life import AlertState


@dataclass(frozen=True, slots=True)
class Publication:
    """One document as it left: its CAP identifier, channel, status, times (µs) and bytes."""

    identifier: str
    channel: str
    status: str
    content: AlertContent
    sent_us: int
    expires_us: int
    cap: bytes
    alert_id: UUID


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it stands, with the version that a writer must still find."""

    state: AlertState
    version: int
    changed_us: int
    published_us: int | None = None


async def add_alert(connection: Connection, organisation_id: int, state: AlertState, changed_us: int) -> bool:
    """Store a new draft; False when it is there already."""
    stored = await connection.fetchval(
        "INSERT INTO alert (id, organisation_id, incident_id, version, state, changed_at)"
        " VALUES ($1, $2, $3, 1, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING id",
        state.alert_id, organisation_id, state.incident_id, msgspec.to_builtins(state), changed_us,
    )  # fmt: skip
    return stored is not None


async def alert_for_change(connection: Connection, alert_id: UUID) -> StoredAlert:
    """The alert, its row locked until the transaction ends; NotFound when there is none."""
    return await _alert(connection, alert_id, "FOR UPDATE")


async def alert(connection: Connection, alert_id: UUID) -> StoredAlert:
    """The alert as it stands; NotFound when there is none or it is another organisation's."""
    return await _alert(connection, alert_id, "")


async def _alert(connection: Connection, alert_id: UUID, lock: str) -> StoredAlert:
    row = await connection.fetchrow(
        f"SELECT state, version, changed_at, published_at FROM alert WHERE id = $1 {lock}", alert_id
    )
    if row is None:
        raise NotFound("there is no such alert", where=str(alert_id))
    return _stored(row)


def _stored(row: Any) -> StoredAlert:
    return StoredAlert(
        msgspec.convert(row["state"], AlertState), row["version"], row["changed_at"], row["published_at"]
    )


async def alerts(connection: Connection, *, limit: int = 100) -> list[StoredAlert]:
    """Alerts, newest change first."""
    rows = await connection.fetch(
        "SELECT state, version, changed_at, published_at FROM alert ORDER BY changed_at DESC, id LIMIT $1",
        limit,
    )
    return [_stored(row) for row in rows]


async def alerts_of_incident(connection: Connection, incident_id: UUID) -> list[StoredAlert]:
    """The alerts of one incident, oldest first."""
    rows = await connection.fetch(
        "SELECT state, version, changed_at, published_at FROM alert WHERE incident_id = $1"
        " ORDER BY changed_at, id",
        incident_id,
    )
    return [_stored(row) for row in rows]


_LIVE = "state ->> 'phase' IN ('drafted', 'submitted', 'approved', 'published')"
_NEVER_US = 2**62


async def next_expiry(connection: Connection) -> int:
    """The earliest instant (µs) at which an alert expires that may still move; far away when none does."""
    expiry = await connection.fetchval(
        f"SELECT min((state -> 'content' ->> 'expires_us')::bigint) FROM alert WHERE {_LIVE}"
    )
    return _NEVER_US if expiry is None else int(expiry)


async def alerts_to_expire(connection: Connection, organisation_id: int, now_us: int) -> list[StoredAlert]:
    """Alerts that may still move although their time has passed; their rows are locked."""
    rows = await connection.fetch(
        "SELECT state, version, changed_at, published_at FROM alert WHERE organisation_id = $1"
        f" AND {_LIVE}"
        " AND (state -> 'content' ->> 'expires_us')::bigint <= $2 FOR UPDATE",
        organisation_id,
        now_us,
    )
    return [_stored(row) for row in rows]


async def save_alert(connection: Connection, state: AlertState, version: int, changed_us: int) -> None:
    """Write the next state over version ``version``; Conflict when someone was faster."""
    saved = await connection.fetchval(
        "UPDATE alert SET state = $2, version = version + 1, changed_at = $4,"
        " published_at = CASE WHEN $2::jsonb ->> 'phase' = 'published' THEN $4 ELSE published_at END"
        " WHERE id = $1 AND version = $3 RETURNING version",
        state.alert_id, msgspec.to_builtins(state), version, changed_us,
    )  # fmt: skip
    if saved is None:
        raise Conflict("the alert has changed since it was read", where="alert", mend="reload it")


async def publish(connection: Connection, organisation_id: int, publication: Publication) -> bool:
    """Store what leaves; False when this identifier has left by this channel already."""
    stored = await connection.fetchval(
        "INSERT INTO publication (identifier, channel, organisation_id, alert_id, status, content,"
        " sent_at, expires_at, sha256, cap) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT DO NOTHING RETURNING identifier",
        publication.identifier, publication.channel, organisation_id, publication.alert_id,
        publication.status,
        msgspec.to_builtins(publication.content), publication.sent_us, publication.expires_us,
        hashlib.sha256(publication.cap).digest(), publication.cap,
    )  # fmt: skip
    return stored is not None


async def publications(connection: Connection, channel: str, *, limit: int = 100) -> list[Publication]:
    """What has left by a channel, newest first."""
    rows = await connection.fetch(
        "SELECT identifier, channel, status, content, sent_at, expires_at, cap, alert_id FROM publication"
        " WHERE channel = $1 ORDER BY sent_at DESC, identifier LIMIT $2",
        channel, limit,
    )  # fmt: skip
    return [_publication(row) for row in rows]


async def publication(connection: Connection, identifier: str) -> Publication:
    """The document of a CAP identifier; NotFound when none has left under it."""
    if "\0" in identifier:  # which no text column can hold, so none has left
        raise NotFound("nothing was published under this identifier", where="identifier")
    row = await connection.fetchrow(
        "SELECT identifier, channel, status, content, sent_at, expires_at, cap, alert_id FROM publication"
        " WHERE identifier = $1 LIMIT 1",
        identifier,
    )
    if row is None:
        raise NotFound("nothing was published under this identifier", where=identifier[:120])
    return _publication(row)


def _publication(row: Any) -> Publication:
    return Publication(
        identifier=row["identifier"],
        channel=row["channel"],
        status=row["status"],
        content=msgspec.convert(row["content"], AlertContent),
        sent_us=row["sent_at"],
        expires_us=row["expires_at"],
        cap=row["cap"],
        alert_id=row["alert_id"],
    )
