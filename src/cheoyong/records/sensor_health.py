# SPDX-License-Identifier: Apache-2.0
"""Every single-valued datastream as a witness: where it stands, when it was heard, how often it sends.

Callers hold a connection from ``as_organisation``: row security decides what exists for them.
"""

from __future__ import annotations

from typing import Any

from cheoyong.records.connection import Connection

SENSORS_MAX = 5_000
_OF_EACH = 12  # newest values that tell how often it sends

# One step down an index for each datastream, however long its past is.
_SENSORS = """
SELECT d.id, d.name, coalesce(d.series, '') AS series, t.name AS thing, p.name AS property,
       coalesce(d.unit ->> 'symbol', '') AS unit, l.place, v.times, v.id AS observation_id, v.result,
       (SELECT q.flag FROM quality_visible q WHERE q.observation_id = v.id
        ORDER BY q.batch DESC LIMIT 1) AS flag
FROM datastream d JOIN thing t ON t.id = d.thing_id
JOIN observed_property p ON p.id = d.observed_property_id
LEFT JOIN LATERAL (
  SELECT g.shape -> 'coordinates' AS place FROM thing_location tl JOIN location l ON l.id = tl.location_id
  CROSS JOIN LATERAL (SELECT coalesce(l.location -> 'geometry', l.location) AS shape) g
  WHERE tl.thing_id = d.thing_id AND g.shape ->> 'type' = 'Point' ORDER BY l.id LIMIT 1) l ON true
LEFT JOIN LATERAL (
  SELECT array_agg(o.phenomenon_time ORDER BY o.phenomenon_time DESC) AS times,
         (array_agg(o.id ORDER BY o.phenomenon_time DESC, o.id DESC))[1] AS id,
         (array_agg(o.result ORDER BY o.phenomenon_time DESC, o.id DESC))[1] AS result
  FROM (SELECT o.id, o.phenomenon_time, o.result FROM observation_visible o
        WHERE o.datastream_id = d.id AND o.phenomenon_time <= $1
        ORDER BY o.phenomenon_time DESC, o.id DESC LIMIT $3) o) v ON true
WHERE d.part_types IS NULL ORDER BY (d.series IS NULL), d.id LIMIT $2"""
_ALARMS = """
SELECT body ->> 'series' AS series, body ->> 'cause' AS cause, state FROM alarm
WHERE state NOT IN ('cleared', 'withdrawn') AND body ->> 'cause' IN ('silence', 'fault') LIMIT 10000"""

Row = Any  # asyncpg.Record: columns by name


async def sensors(connection: Connection, until_us: int) -> list[Row]:
    """The organisation's datastreams with their newest values, the city's gauges first, 5,000 at most."""
    return list(await connection.fetch(_SENSORS, until_us, SENSORS_MAX, _OF_EACH))


async def count(connection: Connection) -> int:
    """How many single-valued datastreams there are."""
    return int(await connection.fetchval("SELECT count(*) FROM datastream WHERE part_types IS NULL"))


async def alarms(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """Open alarms that are about the sensor itself, by series: (cause, state)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in await connection.fetch(_ALARMS):
        found.setdefault(row["series"], []).append((row["cause"], row["state"]))
    return found
