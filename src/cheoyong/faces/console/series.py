# SPDX-License-Identifier: Apache-2.0
"""Routes that read one gauge's past: its observations with flags, its forecasts as they were issued."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from litestar import Request, get
from litestar.params import Parameter

from cheoyong.domain.errors import InvalidInput, NotFound
from cheoyong.domain.instant import DAY_US, EARLIEST_US, LATEST_US
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.faces.console.snapshot import flag_of
from cheoyong.records import facts
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.checks import UNCHECKED_FROM
from cheoyong.records.connection import Connection, as_organisation
from cheoyong.records.reach import Reach

SPAN_US_MAX = 40 * DAY_US
POINTS_MAX = 20_000

_OBSERVATIONS = f"""
SELECT v.id, v.phenomenon_time, v.result, q.flag, {UNCHECKED_FROM} AS taken
FROM observation_visible v
LEFT JOIN LATERAL (
  SELECT flag FROM quality_visible w WHERE w.observation_id = v.id ORDER BY batch DESC LIMIT 1) q ON true
WHERE v.datastream_id = $1 AND v.phenomenon_time BETWEEN $2 AND $3 AND v.result IS NOT NULL
ORDER BY v.phenomenon_time, v.id LIMIT $4
"""

_STREAM = "SELECT id FROM datastream WHERE series = $1"

Micros = Annotated[int, Parameter(ge=EARLIEST_US, le=LATEST_US)]


@get("/api/gauges/{series:str}/observations", opt=needs("read"))
async def observations(
    request: Request[Any, Any, Any], series: str, from_us: Micros, to_us: Micros
) -> dict[str, list[Any]]:
    """Values of a gauge in a span of at most 40 days, with their quality flags."""
    desk = _known(request, series, from_us, to_us)
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        datastream_id = await connection.fetchval(_STREAM, series)
        reach = Reach(datastream_id or 0, from_us, to_us + 1, enough=POINTS_MAX)
        seeing = await with_archived(request, connection, reach)
        rows = await seeing.fetch(_OBSERVATIONS, datastream_id, from_us, to_us, POINTS_MAX)
    return {
        "time_us": [row["phenomenon_time"] for row in rows],
        "value": [row["result"] if np.isfinite(row["result"]) else None for row in rows],
        "flag": [flag_of(row["flag"], row["id"], row["taken"]) for row in rows],
    }


@get("/api/gauges/{series:str}/forecasts", opt=needs("read"))
async def forecasts(
    request: Request[Any, Any, Any], series: str, from_us: Micros, to_us: Micros
) -> list[dict[str, Any]]:
    """Forecasts issued in a span of at most 40 days, as they were issued."""
    desk = _known(request, series, from_us, to_us)
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        return await facts.facts_of_kind(connection, "forecast", series=series, from_us=from_us, to_us=to_us)


async def with_archived(request: Request[Any, Any, Any], connection: Connection, reach: Reach) -> Connection:
    """The connection, with archived observations of a gauge beside those in the database."""
    shelf: Shelf | None = getattr(request.app.state, "shelf", None)
    if shelf is None or not await shelf.may_hold(connection, reach):
        return connection
    return await shelf.within(connection, reach)


def _known(request: Request[Any, Any, Any], series: str, from_us: int, to_us: int) -> ConsoleDesk:
    desk: ConsoleDesk = request.app.state.desk
    if series not in desk.city.gauges:
        raise NotFound(f"there is no gauge {series!r:.60}", mend="see GET /api/map")
    if not 0 <= to_us - from_us <= SPAN_US_MAX:
        raise InvalidInput("the span must be 0 to 40 days", where="to_us")
    return desk
