# SPDX-License-Identifier: Apache-2.0
"""Routes of a site manager's day: open hazards, checks, sensors, heat, who is on site."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec
from litestar import Request, get, post

from cheoyong.assess.sensor_health import SensorState
from cheoyong.domain.errors import Forbidden, InvalidInput
from cheoyong.domain.instant import HOUR_US
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.faces.console.health_map import states_of
from cheoyong.faces.console.weather import weather
from cheoyong.records import alarms, facts, inspections, presence
from cheoyong.records.connection import Connection, as_organisation
from cheoyong.records.inspections import Inspection

AnyRequest = Request[Any, Any, Any]
SHOWN_MAX = 20
EVERY_S = (3_600, 315_360_000)  # an hour to ten years


class Planning(msgspec.Struct, forbid_unknown_fields=True):
    """An inspection: what, every how many seconds, of which thing (None: the site as a whole)."""

    name: str
    every_s: int
    thing_id: int | None = None


class Done(msgspec.Struct, forbid_unknown_fields=True):
    """What was found, if anything."""

    note: str = ""


@get("/api/today", opt=needs("read"))
async def today(request: AnyRequest) -> dict[str, Any]:
    """What a site manager looks at first, as of now."""
    desk, who = _desk(request), principal_of(request)
    now_us = desk.facts_us()
    async with _within(request) as connection:
        checks = await inspections.standing(connection)
        states = await states_of(connection, desk.city, now_us)
        return {
            "now_us": now_us,
            "hazards": await _hazards(connection),
            "checks": [_check_row(one, now_us) for one in checks],
            "overdue": sum(one.due_us < now_us for one in checks),
            "sensors": {state: states.count(state) for state in SensorState},
            "weather": await weather(connection, now_us),
            "presence": await _presence(request, connection, now_us),
            "may_check": who.can("check"),
        }


@post("/api/today/checks", opt=needs("check"), status_code=201)
async def plan_check(request: AnyRequest, data: Planning) -> dict[str, int]:
    """Plan an inspection that recurs; it is first due one period from now."""
    name = data.name.strip()
    if not 1 <= len(name) <= 200:
        raise InvalidInput(
            "a check has a name of 1 to 200 characters", where="name", mend="say what is checked"
        )
    if not EVERY_S[0] <= data.every_s <= EVERY_S[1]:
        raise InvalidInput(
            "a check recurs every hour to every ten years", where="every_s", mend="give seconds, e.g. 86400"
        )
    desk, who = _desk(request), principal_of(request)
    async with _within(request) as connection:
        identity = await inspections.plan(
            connection, who.organisation_id, name, data.thing_id, data.every_s,
            by=who.login, now_us=desk.facts_us(),
        )  # fmt: skip
    return {"id": identity}


@post("/api/today/checks/{check_id:int}/done", opt=needs("check"), status_code=200)
async def check_done(request: AnyRequest, check_id: int, data: Done) -> dict[str, int]:
    """Say that a check was done just now, by the person who asks."""
    if len(data.note) > 2000:
        raise InvalidInput("a note has at most 2,000 characters", where="note", mend="shorten it")
    desk, who = _desk(request), principal_of(request)
    now_us = desk.facts_us()
    async with _within(request) as connection:
        await inspections.done(
            connection, who.organisation_id, check_id, by=who.login, note=data.note.strip(), now_us=now_us
        )
    return {"done_us": now_us}


@post("/api/today/checks/{check_id:int}/end", opt=needs("check"), status_code=200)
async def end_check(request: AnyRequest, check_id: int) -> dict[str, int]:
    """It need not be done any more; what was done stays on record."""
    desk, who = _desk(request), principal_of(request)
    now_us = desk.facts_us()
    async with _within(request) as connection:
        await inspections.end(connection, check_id, by=who.login, now_us=now_us)
    return {"ended_us": now_us}


@post("/api/today/presence/in", opt=needs("sign_on_site"), status_code=200)
async def sign_in(request: AnyRequest) -> dict[str, Any]:
    """The person who asks is on site; forgotten when they leave, after 24 hours at the latest."""
    desk, who = _desk(request), principal_of(request)
    if who.person_id is None:
        raise Forbidden("only a person can be on site", where="presence", mend="sign in as a person")
    now_us = desk.facts_us()
    async with _within(request) as connection:
        await presence.forget(connection, now_us)
        await presence.sign_in(connection, who.organisation_id, who.person_id, now_us)
        return await _presence(request, connection, now_us)


@post("/api/today/presence/out", opt=needs("sign_on_site"), status_code=200)
async def sign_out(request: AnyRequest) -> dict[str, Any]:
    """The person who asks has left; nothing is kept of it."""
    desk, who = _desk(request), principal_of(request)
    now_us = desk.facts_us()
    async with _within(request) as connection:
        await presence.forget(connection, now_us)
        if who.person_id is not None:
            await presence.sign_out(connection, who.person_id)
        return await _presence(request, connection, now_us)


ROUTES = (today, plan_check, check_done, end_check, sign_in, sign_out)


def _desk(request: AnyRequest) -> ConsoleDesk:
    desk: ConsoleDesk = request.app.state.desk
    return desk


def _within(request: AnyRequest) -> Any:
    return as_organisation(_desk(request).pool, principal_of(request).organisation_id)


async def _hazards(connection: Connection) -> dict[str, Any]:
    """Incidents that are open, alarms that stand, the most pressing first; how many alarms in all."""
    standing, counts = await alarms.open_alarms(connection)
    return {
        "incidents": [one for one in await facts.incidents(connection) if one["state"] != "closed"],
        "alarms": standing[:SHOWN_MAX],
        "alarms_open": counts,
    }


def _check_row(one: Inspection, now_us: int) -> dict[str, Any]:
    return {**asdict(one), "due_us": one.due_us, "overdue": one.due_us < now_us}


async def _presence(request: AnyRequest, connection: Connection, now_us: int) -> dict[str, Any]:
    """A head count for everybody; names for who is in charge; since when the person who asks is there."""
    who = principal_of(request)
    since_us = await presence.since_us(connection, who.person_id, now_us) if who.person_id else None
    names = await presence.names(connection, now_us) if who.can("see_who_is_on_site") else None
    return {
        "count": await presence.count(connection, now_us),
        "my_since_us": since_us,
        "names": None if names is None else [{"name": name, "since_us": since} for name, since in names],
        "kept_h": presence.KEPT_US // HOUR_US,
    }
