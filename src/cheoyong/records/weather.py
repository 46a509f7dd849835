# SPDX-License-Identifier: Apache-2.0
"""Air temperature and relative humidity as the organisation's own datastreams have them now."""

from __future__ import annotations

from dataclasses import dataclass

from cheoyong.records.connection import Connection

SENSORS_MAX = 50
# By the name or definition of the observed property, in the words of CF, ucum-like ids and Korean.
_STREAMS = r"""
SELECT d.thing_id, t.name AS thing, k.kind, coalesce(d.unit ->> 'symbol', '') AS unit,
       o.phenomenon_time, o.result
FROM datastream d JOIN thing t ON t.id = d.thing_id
JOIN observed_property p ON p.id = d.observed_property_id
CROSS JOIN LATERAL (SELECT CASE
  WHEN (p.name || ' ' || p.definition) ~* '(air[ _-]?temperature|기온)' THEN 'air'
  WHEN (p.name || ' ' || p.definition) ~* '((relative|air)[ _-]?humidity|습도)' THEN 'humidity' END AS kind) k
CROSS JOIN LATERAL (
  SELECT v.id, v.phenomenon_time, v.result FROM observation_visible v
  WHERE v.datastream_id = d.id AND v.phenomenon_time <= $1 AND v.result IS NOT NULL
  ORDER BY v.phenomenon_time DESC, v.id DESC LIMIT 1) o
WHERE k.kind IS NOT NULL AND d.part_types IS NULL
  AND coalesce((SELECT q.flag FROM quality_visible q WHERE q.observation_id = o.id
                ORDER BY q.batch DESC LIMIT 1), 1) <> 4
ORDER BY o.phenomenon_time DESC, d.id LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Felt:
    """The newest value of a weather datastream: ``kind`` is ``air`` or ``humidity``, time in µs."""

    thing_id: int
    thing: str
    kind: str
    unit: str
    time_us: int
    value: float


async def newest(connection: Connection, until_us: int) -> list[Felt]:
    """The newest usable value of each air temperature and humidity, the newest first, at most 50."""
    return [Felt(*row.values()) for row in await connection.fetch(_STREAMS, until_us, SENSORS_MAX)]
