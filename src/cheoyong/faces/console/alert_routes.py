# SPDX-License-Identifier: Apache-2.0
"""Routes of alerts: read, edit, submit, approve, reject, cancel, update; the rules stand in ``warn``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post

from cheoyong.domain.errors import Conflict
from cheoyong.domain.fact import AlertText
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, Reason
from cheoyong.faces.console.snapshot import alert_row
from cheoyong.records.alerts import alerts_of_incident
from cheoyong.records.connection import as_organisation
from cheoyong.warn.channels import channel_named
from cheoyong.warn.confirmation import confirm_sentence, confirmation_words
from cheoyong.warn.life import AlertState, Phase, Verb


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """New words, and the hash of the version they were written over."""

    texts: list[AlertText]
    content_hash: str


class Read(msgspec.Struct, forbid_unknown_fields=True):
    """The hash of the version that was read."""

    content_hash: str


class Approval(msgspec.Struct, forbid_unknown_fields=True):
    """The hash that was read, and the place or head-count as the approver typed it."""

    content_hash: str
    typed: str


class Rejection(msgspec.Struct, forbid_unknown_fields=True):
    """Why not."""

    reason: str
    content_hash: str = ""


@get("/api/alerts/{alert_id:uuid}", opt=needs("read"))
async def alert(request: AnyRequest, alert_id: UUID) -> dict[str, Any]:
    """One alert whole: words, area, findings, what must be typed, its history, what it was before."""
    desk, who = request.app.state.desk, principal_of(request)
    stored, findings = await desk.alerts.read(who, alert_id)
    async with as_organisation(desk.pool, who.organisation_id) as connection:
        history = await connection.fetch(
            "SELECT id, body - 'content' AS body, body -> 'content' AS content, recorded_at FROM fact"
            " WHERE kind = 'alert' AND body ->> 'alert_id' = $1 ORDER BY seq LIMIT 200",
            str(alert_id),
        )
    content, state = stored.state.content, stored.state
    return {
        **alert_row(stored),
        "content": content,
        "findings": findings,
        "confirm": {
            "sentence": {code: confirm_sentence(content, code) for code in ("ko", "en")},
            "words": confirmation_words(content),
        },
        "history": [{"id": row["id"], "recorded_us": row["recorded_at"], **row["body"]} for row in history],
        "previous_content": _previous([row["content"] for row in history], state.hash, history),
        "cap_url": f"{channel_named(state.channels[0]).path}/alerts/{content.identifier}.xml"
        if stored.published_us is not None and state.channels
        else None,
    }


def _previous(contents: list[Any], now_hash: str, history: list[Any]) -> Any:
    """The newest content that stood before the present one, for the second person's comparison."""
    for content, row in zip(reversed(contents), reversed(history), strict=True):
        if content is not None and row["body"]["content_hash"] != now_hash:
            return content
    return None


def _answer(state: AlertState) -> dict[str, Any]:
    return {"alert_id": state.alert_id, "state": str(state.phase), "content_hash": state.hash}


@post("/api/alerts/{alert_id:uuid}/edit", opt=needs("draft"), status_code=200)
async def edit(request: AnyRequest, alert_id: UUID, data: Edit) -> dict[str, Any]:
    """Change the words; an approval given before is forgotten."""
    desk = request.app.state.desk
    return _answer(
        await desk.alerts.act(
            principal_of(request), alert_id, Verb.EDIT, read_hash=data.content_hash, texts=tuple(data.texts)
        )
    )


@post("/api/alerts/{alert_id:uuid}/submit", opt=needs("submit"), status_code=200)
async def submit(request: AnyRequest, alert_id: UUID, data: Read) -> dict[str, Any]:
    """Put it before the second person."""
    desk = request.app.state.desk
    return _answer(
        await desk.alerts.act(principal_of(request), alert_id, Verb.SUBMIT, read_hash=data.content_hash)
    )


@post("/api/alerts/{alert_id:uuid}/approve", opt=needs("approve"), status_code=200)
async def approve(request: AnyRequest, alert_id: UUID, data: Approval) -> dict[str, Any]:
    """Approve as the second person; it is published at once."""
    desk = request.app.state.desk
    return _answer(
        await desk.alerts.act(
            principal_of(request), alert_id, Verb.APPROVE, read_hash=data.content_hash, typed=data.typed
        )
    )


@post("/api/alerts/{alert_id:uuid}/reject", opt=needs("approve"), status_code=200)
async def reject(request: AnyRequest, alert_id: UUID, data: Rejection) -> dict[str, Any]:
    """Refuse it, with the reason."""
    desk = request.app.state.desk
    return _answer(
        await desk.alerts.act(
            principal_of(request), alert_id, Verb.REJECT, read_hash=data.content_hash, reason=data.reason
        )
    )


@post("/api/alerts/{alert_id:uuid}/cancel", opt=needs("cancel"), status_code=201)
async def cancel(request: AnyRequest, alert_id: UUID, data: Reason) -> dict[str, Any]:
    """Draft the Cancel of a published alert."""
    return _answer(await request.app.state.desk.alerts.cancel(principal_of(request), alert_id, data.reason))


@post("/api/alerts/{alert_id:uuid}/update", opt=needs("draft"), status_code=201)
async def update(request: AnyRequest, alert_id: UUID, data: Reason) -> dict[str, Any]:
    """Draft an Update of a published alert."""
    return _answer(await request.app.state.desk.alerts.update(principal_of(request), alert_id, data.reason))


@post("/api/incidents/{incident_id:uuid}/draft", opt=needs("draft"), status_code=200)
async def draft(request: AnyRequest, incident_id: UUID) -> dict[str, Any]:
    """The draft that stands for an incident: the machine writes one as soon as the danger is clear."""
    desk, who = request.app.state.desk, principal_of(request)
    async with as_organisation(desk.pool, who.organisation_id) as connection:
        stored = await alerts_of_incident(connection, incident_id)
    for candidate in reversed(stored):
        if candidate.state.phase in (Phase.DRAFTED, Phase.SUBMITTED):
            return _answer(candidate.state)
    raise Conflict("no draft stands for this incident", where="incident", mend="update the published alert")
