# SPDX-License-Identifier: Apache-2.0
"""What drives a flood map: the forecast of a gauge known at an instant, and what the gauge showed then."""

from __future__ import annotations

from uuid import UUID

import msgspec

from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.connection import Connection

_FORECAST = """
SELECT id, body FROM fact WHERE kind = 'forecast' AND body ->> 'series' = $1
  AND organisation_id = current_organisation() AND recorded_at <= $2
ORDER BY about_at DESC, seq DESC LIMIT 1
"""
# Values that failed their test, or are missing, say nothing of the river.
_SHOWN = """
SELECT v.result FROM datastream d JOIN observation_visible v ON v.datastream_id = d.id
LEFT JOIN LATERAL (
  SELECT flag FROM quality_visible w WHERE w.observation_id = v.id ORDER BY batch DESC LIMIT 1) q ON true
WHERE d.series = $1 AND v.phenomenon_time BETWEEN $2 AND $3 AND v.result BETWEEN -1000 AND 10000
  AND coalesce(q.flag, 1) < 4
ORDER BY v.phenomenon_time DESC LIMIT 1
"""


async def forecast_known(connection: Connection, series: str, as_of_us: int) -> tuple[UUID, Forecast] | None:
    """The newest forecast of ``series`` on record at ``as_of_us`` (µs), with its fact's id.

    None when there is none, or when its last lead lies before ``as_of_us``: it speaks of no future any more.
    """
    row = await connection.fetchrow(_FORECAST, series, as_of_us)
    if row is None:
        return None
    forecast = msgspec.convert(row["body"], Forecast)
    if forecast.issued_us + max(forecast.lead_s, default=0) * SECOND_US < as_of_us:
        return None
    return row["id"], forecast


async def shown_at(connection: Connection, series: str, at_us: int, within_us: int) -> float | None:
    """The last value of ``series`` that did not fail, at most ``within_us`` before ``at_us``, or None."""
    value = await connection.fetchval(_SHOWN, series, at_us - within_us, at_us)
    return None if value is None else float(value)
