# SPDX-License-Identifier: Apache-2.0
"""Routes of thresholds: which stand, what one would have alarmed in the last 30 days, saving, ending."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter

from cheoyong.detect.preview import Episode, episodes, outline
from cheoyong.domain.city import Gauge, Level
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.instant import DAY_US
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.flow.thresholds import level_of
from cheoyong.records import series, thresholds
from cheoyong.records.connection import Connection, as_organisation
from cheoyong.records.reach import Reach
from cheoyong.records.series import Values
from cheoyong.records.thresholds import Stream, Threshold

AnyRequest = Request[Any, Any, Any]
PREVIEW_US = 30 * DAY_US
VALUES_MAX = 300_000  # of 30 days: one in nine seconds; of more the newest
EPISODES_SHOWN_MAX = 100
PLACES = 600  # of the drawing
FOUND_MAX = 50
ON_DELAY_S_MAX = 7 * 86_400.0
_PREVIEWS_AT_ONCE = 2
_places = asyncio.Semaphore(_PREVIEWS_AT_ONCE)


class Proposal(msgspec.Struct, forbid_unknown_fields=True):
    """A limit as a person would set it; ``bound`` and ``hysteresis`` in the unit of the datastream.

    ``line`` and ``version`` name the version it replaces; none and 0 for a new threshold.
    """

    datastream_id: int
    name: str
    bound: float
    below: bool = False
    hysteresis: float = 0.0
    on_delay_s: float = 0.0
    priority: str = "medium"
    line: UUID | None = None
    version: int = 0


class Saving(Proposal, forbid_unknown_fields=True):
    """A proposal that is to hold, and why."""

    reason: str = ""


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """The version that is to alarm no more, and why."""

    version: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Past:
    """The values of a datastream before now, in ``unit``; not ``complete``: not all 30 days are read."""

    stream: Stream
    gauge: Gauge | None
    unit: str
    from_us: int
    to_us: int
    values: Values
    complete: bool


@get("/api/thresholds", opt=needs("read"))
async def standing(request: AnyRequest) -> list[dict[str, Any]]:
    """Every threshold that is not ended, in its newest version."""
    async with _within(request) as connection:
        return [_row(one) for one in await thresholds.standing(connection)]


@get("/api/thresholds/streams", opt=needs("read"))
async def streams(
    request: AnyRequest, find: Annotated[str, Parameter(max_length=100)] = ""
) -> list[dict[str, Any]]:
    """Datastreams of numbers whose name, thing or series has a text in it; at most 50."""
    async with _within(request) as connection:
        found = await thresholds.find_streams(connection, find.strip(), FOUND_MAX)
    return [_stream_row(_desk(request), one) for one in found]


@get("/api/thresholds/history", opt=needs("read"))
async def history(request: AnyRequest, datastream_id: int) -> list[dict[str, Any]]:
    """Who set what for a datastream, when and why: every version, the newest first."""
    async with _within(request) as connection:
        await thresholds.find_stream(connection, datastream_id)
        return [_row(one) for one in await thresholds.history(connection, datastream_id)]


@post("/api/thresholds/preview", opt=needs("read"), status_code=200)
async def preview(request: AnyRequest, data: Proposal) -> dict[str, Any]:
    """What a limit would have alarmed in the last 30 days, and what those that stand would have."""
    async with _places, _within(request) as connection:
        past = await _past(request, connection, data.datastream_id)
        proposed = _draft(request, data, past)
        present = [
            one for one in await thresholds.standing(connection) if one.datastream_id == past.stream.id
        ]
        return await asyncio.to_thread(_previewed, past, proposed, present)


@post("/api/thresholds", opt=needs("set_threshold"), status_code=201)
async def save(request: AnyRequest, data: Saving) -> dict[str, Any]:
    """Let a limit hold from the next batch of observations on; the version before it stays on record."""
    reason = _reason(data.reason)
    desk, who = _desk(request), principal_of(request)
    async with _places, _within(request) as connection:
        past = await _past(request, connection, data.datastream_id)
        draft = replace(_draft(request, data, past), reason=reason)
        found = await asyncio.to_thread(_episodes, past, level_of(draft))
        made = await thresholds.add(connection, who.organisation_id, replace(draft, alarms_before=len(found)))
    await desk.nudge()
    return _row(made)


@post("/api/thresholds/{line:uuid}/end", opt=needs("set_threshold"), status_code=200)
async def end(request: AnyRequest, line: UUID, data: Ending) -> dict[str, Any]:
    """Let a threshold alarm no more; what it alarms now ends with the next batch."""
    reason = _reason(data.reason)
    desk, who = _desk(request), principal_of(request)
    async with _within(request) as connection:
        was = await thresholds.newest_of(connection, line)
        made = await thresholds.add(
            connection,
            who.organisation_id,
            replace(
                was, version=data.version + 1, ended=True, by=who.login, reason=reason,
                made_us=desk.facts_us(), in_force_us=None,
            ),
        )  # fmt: skip
    await desk.nudge()
    return _row(made)


ROUTES = (standing, streams, history, preview, save, end)


def _desk(request: AnyRequest) -> ConsoleDesk:
    desk: ConsoleDesk = request.app.state.desk
    return desk


def _within(request: AnyRequest) -> Any:
    return as_organisation(_desk(request).pool, principal_of(request).organisation_id)


async def _past(request: AnyRequest, connection: Connection, datastream_id: int) -> _Past:
    """The last 30 days of a datastream, those of months that are archived too."""
    desk = _desk(request)
    stream = await thresholds.find_stream(connection, datastream_id)
    to_us = desk.facts_us()
    from_us = to_us - PREVIEW_US
    seeing, shelf = connection, getattr(request.app.state, "shelf", None)
    if shelf is not None:
        reach = Reach(datastream_id, from_us, to_us + 1, enough=VALUES_MAX, newest_first=True)
        seeing = await shelf.within(connection, reach)
    values = await series.newest_within(seeing, datastream_id, from_us, to_us, VALUES_MAX)
    gauge = desk.city.gauges.get(stream.series)
    if gauge is not None:
        values = replace(values, value=values.value * gauge.scale)
    complete = len(values.time_us) < VALUES_MAX
    if not complete:
        from_us = int(values.time_us[0])
    return _Past(stream, gauge, gauge.unit if gauge else stream.unit, from_us, to_us, values, complete)


def _draft(request: AnyRequest, data: Proposal, past: _Past) -> Threshold:
    """The version that saving would write. Raises InvalidInput naming the field that cannot be."""
    _check(data)
    return Threshold(
        id=0,
        line=data.line or uuid4(),
        version=data.version + 1,
        datastream_id=past.stream.id,
        stream_name=past.stream.name,
        unit=past.unit,
        name=data.name.strip(),
        bound=data.bound,
        below=data.below,
        hysteresis=data.hysteresis,
        on_delay_s=data.on_delay_s,
        priority=data.priority,
        ended=False,
        alarms_before=0,
        by=principal_of(request).login,
        reason="",
        made_us=_desk(request).facts_us(),
    )


def _check(data: Proposal) -> None:
    def refuse(where: str, what: str, mend: str) -> InvalidInput:
        return InvalidInput(what, where=where, mend=mend)

    if not 1 <= len(data.name.strip()) <= 100:
        raise refuse("name", "a threshold has a name of 1 to 100 characters", "say what it is for")
    if not math.isfinite(data.bound) or abs(data.bound) > 1e300:
        raise refuse("bound", "a limit is a finite number", "give it in the unit of the datastream")
    if not (math.isfinite(data.hysteresis) and 0 <= data.hysteresis <= 1e300):
        raise refuse("hysteresis", "hysteresis is 0 or more", "give how far it must fall back, e.g. 0.5")
    if not 0 <= data.on_delay_s <= ON_DELAY_S_MAX:
        raise refuse("on_delay_s", "an on-delay is 0 s to 7 days", "give seconds, e.g. 60")
    if data.priority not in ("high", "medium", "low"):
        raise refuse("priority", "a priority is high, medium or low", "choose one of them")
    if (data.line is None) != (data.version == 0):
        raise refuse("version", "a change names the line and the version it replaces", "read it again")


def _reason(text: str) -> str:
    reason = text.strip()
    if not 1 <= len(reason) <= 2000:
        raise InvalidInput(
            "a threshold is changed for a reason of 1 to 2,000 characters", where="reason", mend="say why"
        )
    return reason


def _episodes(past: _Past, level: Level) -> list[Episode]:
    return episodes(past.values.time_us, past.values.value, past.values.flag, level)


def _previewed(past: _Past, proposed: Threshold, present: list[Threshold]) -> dict[str, Any]:
    drawn = outline(past.values.time_us, past.values.value, past.values.flag, PLACES)
    beside = [{"kind": "threshold", "line": one.line, **_counted(past, level_of(one))} for one in present]
    beside += [
        {"kind": "level", "line": None, **_counted(past, level)}
        for level in (past.gauge.levels if past.gauge else ())
    ]
    return {
        "unit": past.unit,
        "from_us": past.from_us,
        "to_us": past.to_us,
        "complete": past.complete,
        "values": len(past.values.time_us),
        "proposed": _counted(past, level_of(proposed), shown=EPISODES_SHOWN_MAX),
        "present": beside,
        "outline": drawn._asdict(),
    }


def _counted(past: _Past, level: Level, *, shown: int = 0) -> dict[str, Any]:
    """How often a level would have alarmed, how long in all, and its newest episodes."""
    found = _episodes(past, level)
    return {
        "name": level.name,
        "bound": level.limit,
        "below": level.below,
        "count": len(found),
        "alarmed_us": sum((e.ended_us or past.to_us) - e.onset_us for e in found),
        "episodes": [e._asdict() for e in reversed(found[-shown:])] if shown else [],
    }


def _row(one: Threshold) -> dict[str, Any]:
    return {**asdict(one), "rule": level_of(one).id}


def _stream_row(desk: ConsoleDesk, one: Stream) -> dict[str, Any]:
    gauge = desk.city.gauges.get(one.series)
    return {
        "datastream_id": one.id,
        "name": gauge.name if gauge else {"ko": one.name, "en": one.name},
        "thing": one.thing,
        "property": one.property,
        "unit": gauge.unit if gauge else one.unit,
        "series": one.series,
    }
