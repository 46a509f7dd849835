# SPDX-License-Identifier: Apache-2.0
"""Single-valued numeric datastreams as series: what each measures where, and its values with flags.

Callers hold a connection from ``as_organisation``; row security decides what exists for them. Everything
read has a bound that the caller names or that stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cheoyong.domain.errors import TooLarge
from cheoyong.domain.observation import Int64s
from cheoyong.domain.quality import Flag
from cheoyong.records.checks import UNCHECKED_FROM
from cheoyong.records.connection import Connection

STREAMS_MAX, CHARACTERS_MAX = 50_000, 50_000_000
_PIECE_ROWS = 5_000

_GEOJSON = "('application/geo+json', 'application/vnd.geo+json')"
_NUMERIC = "('OM_Measurement', 'OM_CountObservation', 'OM_Observation')"
_OF_NUMBERS = f"""
FROM datastream d JOIN thing t ON t.id = d.thing_id JOIN sensor s ON s.id = d.sensor_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN LATERAL (
  SELECT CASE WHEN l.encoding_type IN {_GEOJSON} THEN l.location END AS place
  FROM thing_location tl JOIN location l ON l.id = tl.location_id
  WHERE tl.thing_id = d.thing_id ORDER BY l.id LIMIT 1) l ON true
WHERE d.part_types IS NULL AND substring(d.observation_type FROM '[^/]*$') IN {_NUMERIC}
ORDER BY d.id LIMIT $1"""
# JSON as text where it can be: read in Python it costs more than all the rest.
_STREAM = """
SELECT d.id, d.thing_id, t.name AS thing, t.description AS thing_description, p.name AS property,
       p.definition, p.description AS property_description, d.unit ->> 'name' AS unit_name,
       d.unit ->> 'symbol' AS unit_symbol, d.unit ->> 'definition' AS unit_definition, l.place::text"""
_STREAMS = f"{_STREAM} {_OF_NUMBERS}"
_DESCRIBED = f"""{_STREAM}, d.series, d.properties, t.properties AS thing_properties,
       s.id AS sensor_id, s.name AS sensor, s.description AS sensor_description {_OF_NUMBERS}"""
# The same time twice is a correction: the one recorded last speaks, which has the higher id.
_VALUES = """
SELECT d.id AS datastream_id, v.* FROM unnest($1::int[]) d (id)
CROSS JOIN LATERAL (
  SELECT o.phenomenon_time, o.id, o.result, o.detail ? 'revised' AS revised FROM observation_visible o
  WHERE o.datastream_id = d.id AND o.phenomenon_time BETWEEN $2 AND $3 AND o.result IS NOT NULL
  ORDER BY o.phenomenon_time, o.id LIMIT $4) v
LIMIT $4"""
_NEWEST = """
SELECT d.id AS datastream_id, v.* FROM unnest($1::int[]) d (id)
CROSS JOIN LATERAL (
  SELECT o.phenomenon_time, o.id, o.result, o.detail ? 'revised' AS revised FROM observation_visible o
  WHERE o.datastream_id = d.id AND o.result IS NOT NULL
  ORDER BY o.phenomenon_time DESC, o.id DESC LIMIT $2) v"""
_NEWEST_WITHIN = """
SELECT $1::int AS datastream_id, o.phenomenon_time, o.id, o.result, o.detail ? 'revised' AS revised
FROM observation_visible o
WHERE o.datastream_id = $1 AND o.phenomenon_time BETWEEN $2 AND $3 AND o.result IS NOT NULL
ORDER BY o.phenomenon_time DESC, o.id DESC LIMIT $4"""
_VERDICTS = """
SELECT DISTINCT ON (q.observation_id) q.observation_id, q.flag FROM quality_visible q
WHERE q.observation_id = ANY ($1::bigint[]) ORDER BY q.observation_id, q.batch DESC"""
_JUDGED = "SELECT d.id FROM datastream d WHERE d.id = ANY ($1::int[]) AND d.series IS NOT NULL"
# Once there are archives the ends kept of each datastream count as well: those know of archived ones.
_SPANS = """
SELECT d.id, least(f.at, s.first) AS first, greatest(l.at, s.last) AS last FROM unnest($1::int[]) d (id)
LEFT JOIN LATERAL (SELECT o.phenomenon_time AS at FROM observation_visible o
  WHERE o.datastream_id = d.id ORDER BY o.phenomenon_time, o.id LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT o.phenomenon_time AS at FROM observation_visible o
  WHERE o.datastream_id = d.id ORDER BY o.phenomenon_time DESC, o.id DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (SELECT min(v.first_at) AS first, max(v.last_at) AS last FROM standing_visible v
  WHERE v.datastream_id = d.id AND v.count > 0
    AND EXISTS (SELECT FROM archive a WHERE a.state <> 'closing')) s ON true
WHERE f.at IS NOT NULL OR s.first IS NOT NULL"""

Row = Any  # asyncpg.Record: columns by name


@dataclass(frozen=True, slots=True)
class Values:
    """Observations in columns of equal length: by datastream, then by time.

    ``time_us`` µs since 1970, begin of the phenomenon time; ``flag`` the codes of domain.quality.Flag.
    A time stands once in a datastream: of several results the one recorded last.
    """

    datastream_id: Int64s
    time_us: Int64s
    value: npt.NDArray[np.float64]
    flag: Int64s

    def of(self, datastream_id: int) -> slice:
        """Where the rows of a datastream are."""
        first, last = np.searchsorted(self.datastream_id, [datastream_id, datastream_id + 1])
        return slice(int(first), int(last))


async def streams(connection: Connection, *, described: bool = False) -> list[Row]:
    """Every single-valued numeric datastream, by id: thing, observed property, unit, place as GeoJSON text.

    ``described`` adds series, properties and sensor. Raises TooLarge beyond 50,000 of them or
    50,000,000 characters of places.
    """
    cursor = await connection.cursor(_DESCRIBED if described else _STREAMS, STREAMS_MAX + 1)
    rows: list[Row] = []
    characters = 0
    while piece := await cursor.fetch(_PIECE_ROWS):
        rows += piece
        characters += sum(len(row["place"] or "") for row in piece)
        if len(rows) > STREAMS_MAX or characters > CHARACTERS_MAX:
            raise TooLarge(
                f"there are more than {STREAMS_MAX:,} datastreams"
                f" or {CHARACTERS_MAX:,} characters of places",
                where="datastreams", mend="ask SensorThings (/v1.1) for them",
            )  # fmt: skip
    return rows


async def owner_name(connection: Connection) -> str:
    """The name of the organisation of this connection."""
    return str(await connection.fetchval("SELECT name FROM organisation WHERE id = current_organisation()"))


async def spans_us(connection: Connection, datastream_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """First and last time of each datastream that has observations, µs since 1970."""
    rows = await connection.fetch(_SPANS, list(datastream_ids))
    return {row["id"]: (row["first"], row["last"]) for row in rows}


async def values(
    connection: Connection, datastream_ids: Sequence[int], from_us: int, to_us: int, limit: int
) -> Values:
    """The numeric observations of these datastreams that begin in a closed interval.

    Raises TooLarge when there are more than ``limit``.
    """
    ids = sorted(set(datastream_ids))
    rows = await connection.fetch(_VALUES, ids, from_us, to_us, limit + 1)
    if len(rows) > limit:
        raise TooLarge(
            f"more than {limit:,} values are asked for", where="datetime",
            mend="ask for a shorter datetime, a smaller place or fewer parameters",
        )  # fmt: skip
    return await _in_columns(connection, rows)


async def newest(connection: Connection, datastream_ids: Sequence[int], of_each: int) -> Values:
    """The newest numeric observations of each datastream, at most ``of_each``."""
    rows = await connection.fetch(_NEWEST, sorted(set(datastream_ids)), of_each)
    return await _in_columns(connection, rows)


async def newest_within(
    connection: Connection, datastream_id: int, from_us: int, to_us: int, limit: int
) -> Values:
    """The newest numeric observations of one datastream that begin in a closed interval, up to ``limit``."""
    rows = await connection.fetch(_NEWEST_WITHIN, datastream_id, from_us, to_us, limit)
    return await _in_columns(connection, rows)


async def _in_columns(connection: Connection, rows: Sequence[Row]) -> Values:
    stream = np.array([row["datastream_id"] for row in rows], np.int64)
    time_us = np.array([row["phenomenon_time"] for row in rows], np.int64)
    ids = np.array([row["id"] for row in rows], np.int64)
    order = np.lexsort((ids, time_us, stream))
    last = np.ones(len(order), bool)  # of a time in a datastream: the one recorded last
    if len(order):
        last[:-1] = (np.diff(stream[order]) != 0) | (np.diff(time_us[order]) != 0)
    kept = order[last]
    result = np.array([row["result"] for row in rows], np.float64)
    revised = np.array([row["revised"] or False for row in rows], bool)
    flag = await _flags(connection, ids[kept], stream[kept], revised[kept])
    return Values(stream[kept], time_us[kept], result[kept], flag)


async def _flags(
    connection: Connection, ids: Int64s, stream: Int64s, revised: npt.NDArray[np.bool_]
) -> Int64s:
    """A pass is written nowhere: it is what has been checked, has rules and was not spoken against."""
    flag = np.full(len(ids), int(Flag.NOT_EVALUATED), np.int64)
    if not len(ids):
        return flag
    unchecked_from = await connection.fetchval(f"SELECT {UNCHECKED_FROM}")
    judged = [row["id"] for row in await connection.fetch(_JUDGED, np.unique(stream).tolist())]
    flag[(ids < unchecked_from) & np.isin(stream, judged)] = Flag.PASS
    said = {row["observation_id"]: row["flag"] for row in await connection.fetch(_VERDICTS, ids.tolist())}
    for at in np.flatnonzero(np.isin(ids, list(said))).tolist():
        flag[at] = said[int(ids[at])]
    flag[revised] = Flag.NOT_EVALUATED  # what was said of the old value is not said of the new
    return flag
