# SPDX-License-Identifier: Apache-2.0
"""Thresholds that people set: versions written once, by whom, why, and since when each is in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from cheoyong.domain.errors import Conflict, NotFound, TooMany
from cheoyong.domain.fact import AlarmStep
from cheoyong.records.connection import Connection
from cheoyong.respond.alarm_life import ACKNOWLEDGED, OUT_OF_SERVICE, RAISED, SHELVED, SUPPRESSED

LINES_MAX = 2_000  # thresholds of an organisation that are not ended
VERSIONS_READ_MAX = 20_000
SHOWN_MAX = 200
_LASTING = (RAISED, ACKNOWLEDGED, SUPPRESSED, SHELVED, OUT_OF_SERVICE)  # their condition holds

_COLUMNS = (
    "id, line, version, datastream_id, stream_name, unit, name, bound, below, hysteresis, on_delay_s,"
    " priority, ended, alarms_before, by, reason, made_at, in_force_at"
)
_NEWEST = f"""
SELECT {_COLUMNS} FROM (
  SELECT DISTINCT ON (line) * FROM threshold ORDER BY line, version DESC) newest
WHERE NOT ended AND datastream_id IS NOT NULL ORDER BY stream_name, name, id LIMIT $1"""
_HISTORY = f"""
SELECT {_COLUMNS} FROM threshold WHERE datastream_id = $1 ORDER BY id DESC LIMIT $2"""
_NEWEST_OF = f"SELECT {_COLUMNS} FROM threshold WHERE line = $1 ORDER BY version DESC LIMIT 1"
_OF_ORGANISATION = f"""
SELECT {_COLUMNS} FROM threshold WHERE organisation_id = $1 ORDER BY id LIMIT {VERSIONS_READ_MAX}"""
_NUMERIC = """d.part_types IS NULL AND substring(d.observation_type FROM '[^/]*$')
  IN ('OM_Measurement', 'OM_CountObservation', 'OM_Observation')"""
_STREAM = f"""
SELECT d.id, d.name, t.name AS thing, p.name AS property, coalesce(d.unit ->> 'symbol', '') AS unit,
       coalesce(d.series, '') AS series
FROM datastream d JOIN thing t ON t.id = d.thing_id JOIN observed_property p ON p.id = d.observed_property_id
WHERE {_NUMERIC}"""
_ONE = f"{_STREAM} AND d.id = $1"
_FOUND = f"""{_STREAM} AND (strpos(lower(d.name), lower($1)) > 0 OR strpos(lower(t.name), lower($1)) > 0
  OR strpos(lower(coalesce(d.series, '')), lower($1)) > 0) ORDER BY t.name, d.name, d.id LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Stream:
    """A numeric datastream a threshold may be set for; ``series`` empty: no gauge of the city pack."""

    id: int
    name: str
    thing: str
    property: str
    unit: str
    series: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """One version of a threshold. ``bound`` and ``hysteresis`` are in ``unit``, instants in µs.

    ``line`` is the same over all versions. ``ended``: from here on it alarms no more. ``in_force_us`` is None
    until the worker has judged a batch under it. ``datastream_id`` is None when the datastream is gone.
    """

    id: int
    line: UUID
    version: int
    datastream_id: int | None
    stream_name: str
    unit: str
    name: str
    bound: float
    below: bool
    hysteresis: float
    on_delay_s: float
    priority: str
    ended: bool
    alarms_before: int
    by: str
    reason: str
    made_us: int
    in_force_us: int | None = None


async def find_stream(connection: Connection, datastream_id: int) -> Stream:
    """A numeric datastream of the caller's organisation; NotFound when there is none."""
    row = await connection.fetchrow(_ONE, datastream_id)
    if row is None:
        raise NotFound(
            "there is no such datastream of single numbers",
            where="datastream_id", mend="choose one of GET /api/thresholds/streams",
        )  # fmt: skip
    return Stream(*row.values())


async def find_streams(connection: Connection, text: str, limit: int) -> list[Stream]:
    """Numeric datastreams whose name, thing or series has ``text`` in it."""
    return [Stream(*row.values()) for row in await connection.fetch(_FOUND, text, limit)]


async def standing(connection: Connection) -> list[Threshold]:
    """The newest version of each threshold that is not ended."""
    return [Threshold(*row.values()) for row in await connection.fetch(_NEWEST, LINES_MAX)]


async def history(connection: Connection, datastream_id: int) -> list[Threshold]:
    """Every version of a datastream's thresholds, the newest first, at most 200."""
    rows = await connection.fetch(_HISTORY, datastream_id, SHOWN_MAX)
    return [Threshold(*row.values()) for row in rows]


async def newest_of(connection: Connection, line: UUID) -> Threshold:
    """The newest version of a threshold; NotFound when there is none."""
    row = await connection.fetchrow(_NEWEST_OF, line)
    if row is None:
        raise NotFound("there is no such threshold", where="line", mend="see GET /api/thresholds")
    return Threshold(*row.values())


async def add(connection: Connection, organisation_id: int, new: Threshold) -> Threshold:
    """Write a version; its id is given here. ``version`` is one more than the one it replaces.

    Raises Conflict when somebody else has written that version, or it does not follow the newest; TooMany
    beyond 2,000 thresholds of an organisation.
    """
    newest = await connection.fetchrow(
        "SELECT version, ended, datastream_id FROM threshold WHERE line = $1 ORDER BY version DESC LIMIT 1",
        new.line,
    )
    expected = 1 if newest is None else newest["version"] + 1
    same = newest is None or (newest["ended"], newest["datastream_id"]) == (False, new.datastream_id)
    if new.version != expected or not same:
        raise _moved_on()
    if newest is None and len(await standing(connection)) >= LINES_MAX:
        raise TooMany(f"there are {LINES_MAX} thresholds", retry_after_s=3600, where="threshold")
    try:
        identity: int = await connection.fetchval(
            "INSERT INTO threshold (organisation_id, line, version, datastream_id, stream_name, unit, name,"
            " bound, below, hysteresis, on_delay_s, priority, ended, alarms_before, by, reason, made_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
            " RETURNING id",
            organisation_id, *astuple(new)[1:-1],
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise _moved_on() from None
    return Threshold(identity, *astuple(new)[1:])


def _moved_on() -> Conflict:
    return Conflict(
        "this threshold has been changed since it was read", where="version", mend="look at it again"
    )


async def state_of(connection: Connection, organisation_id: int) -> tuple[Any, ...]:
    """What changes whenever ``versions`` would: the newest id, how many wait, how many have a stream."""
    row = await connection.fetchrow(
        "SELECT max(id), count(*) FILTER (WHERE in_force_at IS NULL), count(datastream_id)"
        " FROM threshold WHERE organisation_id = $1",
        organisation_id,
    )
    return tuple(row.values())


async def versions(connection: Connection, organisation_id: int) -> list[Threshold]:
    """Every version of an organisation's thresholds, in the order of writing."""
    return [Threshold(*row.values()) for row in await connection.fetch(_OF_ORGANISATION, organisation_id)]


async def put_in_force(connection: Connection, organisation_id: int, at_us: int) -> None:
    """Versions written until an instant, that of the batch judged next, are in force from it on."""
    await connection.execute(
        "UPDATE threshold SET in_force_at = $2"
        " WHERE organisation_id = $1 AND in_force_at IS NULL AND made_at <= $2",
        organisation_id, at_us,
    )  # fmt: skip


async def alarms_of_others(
    connection: Connection, organisation_id: int, rules: Sequence[str]
) -> list[tuple[AlarmStep, UUID]]:
    """Last step of each alarm that lasts, of a threshold that is not of ``rules``; its fact's id."""
    rows = await connection.fetch(
        "SELECT body, fact_id FROM alarm WHERE organisation_id = $1 AND state = ANY($2::text[])"
        " AND body ->> 'cause' = 'threshold' AND NOT body ->> 'rule' = ANY($3::text[]) ORDER BY id",
        organisation_id, list(_LASTING), list(rules),
    )  # fmt: skip
    return [(msgspec.convert(row["body"], AlarmStep), row["fact_id"]) for row in rows]
