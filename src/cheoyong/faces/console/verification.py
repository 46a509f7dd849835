# SPDX-License-Identifier: Apache-2.0
"""Route of verification: how good the forecasts of a gauge were whose time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from litestar import get
from litestar.params import Parameter

from cheoyong.domain.city import CityPack, Level
from cheoyong.domain.errors import InvalidInput, NotFound
from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import DAY_US, EARLIEST_US, LATEST_US
from cheoyong.domain.observation import Series
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, desk_of
from cheoyong.faces.console.series import with_archived
from cheoyong.learn.judged import judged
from cheoyong.learn.verification import FEW
from cheoyong.records.connection import as_organisation
from cheoyong.records.reach import Reach
from cheoyong.records.verification import VALUES_MAX, good_values, issued

SPAN_US_MAX = 400 * DAY_US
_SEASONS_US = 400 * DAY_US
_ONE_AT_A_TIME = asyncio.Semaphore(1)  # a second of computing, which must not take both cores

Name = Annotated[str | None, Parameter(max_length=63)]
Micros = Annotated[int | None, Parameter(ge=EARLIEST_US, le=LATEST_US)]


@get("/api/verification", opt=needs("read"))
async def verification(
    request: AnyRequest, series: Name = None, from_us: Micros = None, to_us: Micros = None
) -> dict[str, Any]:
    """Scores of the forecasts of a gauge issued in a span of at most 400 days; default: the newest of them.

    Without ``series`` the first gauge that the city has forecast. Forecasts are those on record here: of an
    exercise in an exercise, of the live city else.
    """
    desk = desk_of(request)
    targets = _targets(desk.city)
    chosen = series or next(iter(targets), "")
    if chosen not in targets:
        raise NotFound(f"there is no forecast of {chosen!r:.60}", where="series", mend=f"one of {targets}")
    until_us = min(to_us or LATEST_US, desk.facts_us())
    since_us = from_us or until_us - SPAN_US_MAX
    if not 0 <= until_us - since_us <= SPAN_US_MAX:
        raise InvalidInput("the span must be 0 to 400 days", where="from_us")
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        forecasts = await issued(connection, chosen, since_us, until_us)
        first_us = forecasts[0].issued_us if forecasts else until_us
        earliest_us = max(EARLIEST_US, first_us - _SEASONS_US)
        stream = await connection.fetchval("SELECT id FROM datastream WHERE series = $1", chosen)
        reach = Reach(stream or 0, earliest_us, until_us + 1, enough=VALUES_MAX)
        seeing = await with_archived(request, connection, reach)
        values = await good_values(seeing, chosen, earliest_us, until_us)
    gauge = desk.city.gauges[chosen]
    async with _ONE_AT_A_TIME:
        scores = await asyncio.to_thread(_scores, forecasts, values, gauge.levels)
    return {
        "series": chosen,
        "name": dict(gauge.name),
        "unit": gauge.unit,
        "from_us": first_us,
        "to_us": forecasts[-1].issued_us if forecasts else until_us,
        "forecasts": len(forecasts),
        "mode": desk.clock()["mode"],
        **scores,
        "few": FEW,
        "others": [one for one in targets if one != chosen],
    }


def _scores(forecasts: list[Forecast], values: Series, levels: Sequence[Level]) -> dict[str, Any]:
    if not forecasts:
        return judged(forecasts, values, None, levels)
    first_us = forecasts[0].issued_us
    return judged(forecasts, values, values.until(first_us - 1), levels)


def _targets(city: CityPack) -> list[str]:
    """Gauges that the city has forecast, in the pack's order."""
    return [series for tables in city.hazards.values() for series in tables if series in city.gauges]
