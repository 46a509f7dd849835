# SPDX-License-Identifier: Apache-2.0
"""Forecasts as they were issued, and the good values of their gauge, to judge the ones by the others.

Callers hold a connection from ``as_organisation``; everything read has a bound.
"""

from __future__ import annotations

import msgspec
import numpy as np

from cheoyong.domain.fact import Forecast
from cheoyong.domain.observation import Series
from cheoyong.domain.quality import Flag
from cheoyong.records.connection import Connection
from cheoyong.records.series import newest_within

FORECASTS_MAX = 10_000
VALUES_MAX = 200_000
# One that was made again after its time had come would be judged with hindsight.
_FORECASTS = """
SELECT body FROM fact WHERE kind = 'forecast' AND body ->> 'series' = $1
AND organisation_id = current_organisation() AND about_at BETWEEN $2 AND $3
AND recorded_at < about_at + interval '1 hour'
ORDER BY about_at DESC, seq DESC LIMIT $4"""


async def issued(connection: Connection, series: str, from_us: int, to_us: int) -> list[Forecast]:
    """The newest forecasts issued in a span (µs, both ends in), oldest first; at most 10,000."""
    rows = await connection.fetch(_FORECASTS, series, from_us, to_us, FORECASTS_MAX)
    return [msgspec.convert(row["body"], Forecast) for row in reversed(rows)]


async def good_values(connection: Connection, series: str, from_us: int, to_us: int) -> Series:
    """The newest values of a series in a span that no check spoke against, by time; at most 200,000."""
    datastream_id = await connection.fetchval("SELECT id FROM datastream WHERE series = $1", series)
    if datastream_id is None:
        return Series(np.empty(0, np.int64), np.empty(0))
    found = await newest_within(connection, datastream_id, from_us, to_us, VALUES_MAX)
    good = np.isin(found.flag, (Flag.PASS, Flag.NOT_EVALUATED)) & np.isfinite(found.value)
    return Series(found.time_us[good], found.value[good])
