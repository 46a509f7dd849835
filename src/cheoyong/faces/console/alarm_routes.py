# SPDX-License-Identifier: Apache-2.0
"""Routes of the console for alarms: the list in rows, one row, the load, what people do with them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, Reason, ask_worker, desk_of
from cheoyong.faces.console.packed import packed
from cheoyong.records import alarms
from cheoyong.records.connection import as_organisation
from cheoyong.respond.alarm_life import check_removal, check_shelf
from cheoyong.respond.load import load

PAGE_MAX = 100
_ALARM = "SELECT 1 FROM alarm WHERE id = $1"
_ROW = "SELECT 1 FROM alarm WHERE row_id = $1 LIMIT 1"


class Shelf(msgspec.Struct, forbid_unknown_fields=True):
    """For how long an alarm is put aside (1 to 480 minutes), and why."""

    minutes: int
    reason: str


@get("/api/alarms", opt=needs("read"))
async def alarm_list(request: AnyRequest) -> Response[bytes]:
    """Open alarms in order of need, at most 500, the rows they stand in, and how many there are in all."""
    async with as_organisation(desk_of(request).pool, principal_of(request).organisation_id) as connection:
        shown, counts = await alarms.open_alarms(connection)
        rows = await alarms.open_rows(connection)
    return packed(request, {"alarms": shown, "alarms_open": counts, "alarm_rows": rows})


@get("/api/alarm-rows/{row_id:uuid}", opt=needs("read"))
async def alarms_of_row(
    request: AnyRequest,
    row_id: UUID,
    skip: Annotated[int, Parameter(ge=0, le=1_000_000)] = 0,
    top: Annotated[int, Parameter(ge=1, le=PAGE_MAX)] = 30,
) -> dict[str, Any]:
    """A page of the alarms of a row, the root first: none is hidden in it."""
    async with as_organisation(desk_of(request).pool, principal_of(request).organisation_id) as connection:
        shown, count = await alarms.alarms_of_row(connection, row_id, skip=skip, limit=top)
    return {"alarms": shown, "count": count}


@get("/api/alarm-load", opt=needs("read"))
async def alarm_load(request: AnyRequest) -> dict[str, Any]:
    """How much the operator is asked to bear, against EEMUA 191."""
    desk = desk_of(request)
    now_us = desk.facts_us()
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        told_us, standing = await alarms.load_of(connection, now_us)
    found = load(told_us, standing, now_us)
    return {**msgspec.to_builtins(found), "state": found.state}


@post("/api/alarms/{alarm_id:uuid}/acknowledge", opt=needs("acknowledge"), status_code=202)
async def acknowledge(request: AnyRequest, alarm_id: UUID) -> dict[str, int]:
    """Say that a person has seen the alarm."""
    return await ask_worker(request, "acknowledge", alarm_id, _ALARM)


@post("/api/alarm-rows/{row_id:uuid}/acknowledge", opt=needs("acknowledge"), status_code=202)
async def acknowledge_row(request: AnyRequest, row_id: UUID) -> dict[str, int]:
    """Say that a person has seen all alarms of a row, as they are when it is carried out."""
    return await ask_worker(request, "acknowledge", row_id, _ROW)


@post("/api/alarms/{alarm_id:uuid}/shelve", opt=needs("acknowledge"), status_code=202)
async def shelve(request: AnyRequest, alarm_id: UUID, data: Shelf) -> dict[str, int]:
    """Put the alarm aside for a while, with the reason; then it is new again if it still stands."""
    check_shelf(data.minutes, data.reason)
    return await ask_worker(request, "shelve", alarm_id, _ALARM, data.reason, data.minutes)


@post("/api/alarms/{alarm_id:uuid}/unshelve", opt=needs("acknowledge"), status_code=202)
async def unshelve(request: AnyRequest, alarm_id: UUID) -> dict[str, int]:
    """Bring a shelved alarm back before its time."""
    return await ask_worker(request, "unshelve", alarm_id, _ALARM)


@post("/api/alarms/{alarm_id:uuid}/remove", opt=needs("acknowledge"), status_code=202)
async def remove(request: AnyRequest, alarm_id: UUID, data: Reason) -> dict[str, int]:
    """Take the alarm out of service, with the reason, until a person brings it back; it stays listed."""
    check_removal(data.reason)
    return await ask_worker(request, "remove", alarm_id, _ALARM, data.reason)


@post("/api/alarms/{alarm_id:uuid}/restore", opt=needs("acknowledge"), status_code=202)
async def restore(request: AnyRequest, alarm_id: UUID) -> dict[str, int]:
    """Bring an alarm back into service: it is new again if it still stands, else over."""
    return await ask_worker(request, "restore", alarm_id, _ALARM)


ROUTES = (
    alarm_list,
    alarms_of_row,
    alarm_load,
    acknowledge,
    acknowledge_row,
    shelve,
    unshelve,
    remove,
    restore,
)
