# SPDX-License-Identifier: Apache-2.0
"""Routes of the console: map, state, events, incidents, replay, trace."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter
from litestar.response import Stream

from cheoyong.domain.errors import NotFound, NotSignedIn, TooMany
from cheoyong.domain.instant import EARLIEST_US, LATEST_US
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, Reason, ask_worker, desk_of
from cheoyong.faces.console.packed import packed
from cheoyong.faces.console.snapshot import flag_of, readings_at, snapshot
from cheoyong.records import facts
from cheoyong.records.connection import as_organisation

SIGNED_IN_CHECK_S = 3.0


class Steering(msgspec.Struct, forbid_unknown_fields=True):
    """How a person steers the replay; ``speed`` is simulated seconds a second."""

    action: str
    speed: float | None = None


@get("/api/map", opt=needs("read"))
async def map_layers(request: AnyRequest) -> Response[bytes]:
    """Towns, coast, river, gauges and reaches of the city."""
    return packed(request, desk_of(request).map_layers)


@get("/api/state", opt=needs("read"))
async def state(request: AnyRequest) -> Response[bytes]:
    """Everything the screen shows, as of now."""
    return packed(request, await snapshot(desk_of(request), principal_of(request).organisation_id))


@get("/api/readings", opt=needs("read"))
async def readings(
    request: AnyRequest, at_us: Annotated[int, Parameter(ge=EARLIEST_US, le=LATEST_US)]
) -> Response[bytes]:
    """The latest value of every gauge as of an instant, µs: the screen when its time line is moved back."""
    return packed(request, await readings_at(desk_of(request), principal_of(request).organisation_id, at_us))


@get("/api/events", opt=needs("read"))
async def events(request: AnyRequest) -> Stream:
    """The stream of what changes (server-sent events); it ends soon after the sign-in does (S28)."""
    after = request.headers.get("last-event-id", "")
    heard = desk_of(request).hub.listen(principal_of(request).organisation_id, after)
    return Stream(
        _while_signed_in(request, heard),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _while_signed_in(request: AnyRequest, heard: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Events, as long as the session behind the stream is in force; looked up every few seconds."""
    asked_s = time.monotonic()
    async with aclosing(heard) as events_:
        async for event in events_:
            if time.monotonic() - asked_s > SIGNED_IN_CHECK_S:
                asked_s = time.monotonic()
                try:
                    await request.app.state.gate.principal(request.scope)
                except NotSignedIn:
                    return
                except TooMany:
                    asked_s += SIGNED_IN_CHECK_S  # many listen as this one person: look again a little later
            yield event


@post("/api/incidents/{incident_id:uuid}/take", opt=needs("take_incident"), status_code=202)
async def take(request: AnyRequest, incident_id: UUID) -> dict[str, int]:
    """Take the incident in hand."""
    return await ask_worker(request, "take", incident_id, "SELECT 1 FROM incident WHERE id = $1")


@post("/api/incidents/{incident_id:uuid}/close", opt=needs("take_incident"), status_code=202)
async def close(request: AnyRequest, incident_id: UUID, data: Reason) -> dict[str, int]:
    """Close the incident, with the reason."""
    return await ask_worker(
        request, "close", incident_id, "SELECT 1 FROM incident WHERE id = $1", data.reason
    )


@get("/api/replay", opt=needs("read"))
async def replay(request: AnyRequest) -> dict[str, Any]:
    """The replay as it runs, or an empty object."""
    return desk_of(request).replay.shown() or {}


@post("/api/replay", opt=needs("replay"), status_code=200)
async def steer(request: AnyRequest, data: Steering) -> dict[str, Any]:
    """Pause, resume, step, or change the speed."""
    return await desk_of(request).replay.steer(data.action, data.speed)


@post("/api/replay/advance", opt=needs("replay"), status_code=200)
async def advance(request: AnyRequest, data: dict[str, Any]) -> dict[str, Any]:
    """The replay's driver moves the clock and learns how it is steered."""
    return await desk_of(request).replay.advance(data)


_OBSERVATIONS = """
SELECT v.id, d.series, v.phenomenon_time, v.result,
  (SELECT flag FROM quality_visible q WHERE q.observation_id = v.id ORDER BY batch DESC LIMIT 1) AS flag
FROM observation_visible v JOIN datastream d ON d.id = v.datastream_id
WHERE v.id = ANY($1::bigint[]) ORDER BY v.phenomenon_time DESC, d.series LIMIT 200
"""


@get("/api/trace/{fact_id:uuid}", opt=needs("read"))
async def trace(request: AnyRequest, fact_id: UUID) -> dict[str, Any]:
    """The way back from a fact to the observations behind it."""
    async with as_organisation(desk_of(request).pool, principal_of(request).organisation_id) as connection:
        behind = await facts.causes(connection, fact_id)
        if not behind:
            raise NotFound("there is no such fact", where=str(fact_id))
        ids = sorted({i for fact in behind for i in fact["observation_ids"]}, reverse=True)[:200]
        rows = await connection.fetch(_OBSERVATIONS, ids)
    return {
        "facts": [
            {
                "id": f["id"],
                "kind": f["kind"],
                "about_us": f["about_at"],
                "recorded_us": f["recorded_at"],
                "body": f["body"],
            }
            for f in behind
        ],
        "observations": [
            {
                "series": r["series"],
                "time_us": r["phenomenon_time"],
                "value": r["result"],
                "flag": flag_of(r["flag"], r["id"], r["id"] + 1),
            }
            for r in rows
        ],
    }
