# SPDX-License-Identifier: Apache-2.0
"""Route of the sensor-health map: each sensor by its state and age, and the places that nothing sees."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from litestar import Request, Response, get
from litestar.params import Parameter

from cheoyong.assess.sensor_health import (
    RULE,
    WITHIN_M,
    Sensor,
    SensorState,
    blind_reaches,
    sight_of_towns,
    state_of,
)
from cheoyong.domain.city import CityPack, Gauge
from cheoyong.domain.instant import SECOND_US
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.desk import ConsoleDesk
from cheoyong.faces.console.packed import packed
from cheoyong.faces.console.snapshot import FUTURE_US
from cheoyong.records import sensor_health as records
from cheoyong.records.connection import Connection, as_organisation

FAIL = 4


@get("/api/sensors/health", opt=needs("read"))
async def sensor_health(
    request: Request[Any, Any, Any],
    within_m: Annotated[float, Parameter(ge=0, le=100_000)] = WITHIN_M,
    observed_property: Annotated[str, Parameter(query="property", max_length=300)] = "",
) -> Response[bytes]:
    """Every sensor by its state, the towns by who sees them, the reaches that are blind, and the rule.

    ``property`` asks who sees with sensors of one observed property alone: a rain gauge sees no gas.
    """
    desk: ConsoleDesk = request.app.state.desk
    now_us = desk.facts_us()
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        rows = await records.sensors(connection, now_us + FUTURE_US)
        alarms = await records.alarms(connection)
        all_of_them = await records.count(connection)
    shown = [_shown(row, desk.city, alarms.get(row["series"], []), now_us) for row in rows]
    known = {one["series"] for one in shown}
    shown += [_missing(gauge) for series, gauge in desk.city.gauges.items() if series not in known]
    asked = [one for one in shown if not observed_property or one["property"] == observed_property]
    heard = {one["id"]: one["place"] for one in asked if one["state"] == SensorState.HEARD and one["place"]}
    towns = sight_of_towns(desk.city, heard, within_m)
    told = {
        "now_us": now_us,
        "rule": RULE,
        "within_m": within_m,
        "property": observed_property,
        "properties": sorted({one["property"] for one in shown}),
        "all": all_of_them,
        "counts": {state: sum(one["state"] == state for one in asked) for state in SensorState},
        "sensors": asked,
        "towns": [
            {"code": t.code, "blind": t.blind, "nearest": t.nearest, "distance_m": t.distance_m}
            for t in towns
        ],
        "blind_reaches": blind_reaches(
            desk.city, {one["series"] for one in asked if one["state"] == SensorState.HEARD}
        ),
    }
    return packed(request, told)


async def states_of(connection: Connection, city: CityPack, now_us: int) -> list[SensorState]:
    """The state of every sensor, for a count."""
    rows = await records.sensors(connection, now_us + FUTURE_US)
    alarms = await records.alarms(connection)
    return [SensorState(_shown(row, city, alarms.get(row["series"], []), now_us)["state"]) for row in rows]


def _shown(row: records.Row, city: CityPack, alarms: list[tuple[str, str]], now_us: int) -> dict[str, Any]:
    gauge = city.gauges.get(row["series"])
    times = row["times"] or []
    sensor = Sensor(
        id=row["id"],
        place=(gauge.longitude, gauge.latitude) if gauge else _place(row["place"]),
        age_s=max(0.0, (now_us - times[0]) / SECOND_US) if times else None,
        period_s=gauge.quality.period_s if gauge else _period_s(times),
        silence_s=gauge.quality.silence_s if gauge else 0.0,
        failed=row["flag"] == FAIL,
        alarms=alarms,
    )
    return {
        "id": sensor.id,
        "series": row["series"],
        "name": row["name"],
        "thing": row["thing"],
        "property": row["property"],
        "unit": row["unit"],
        "place": sensor.place,
        "state": state_of(sensor),
        "last_us": times[0] if times else None,
        "value": row["result"] if row["result"] is not None and np.isfinite(row["result"]) else None,
        "period_s": sensor.period_s,
    }


def _missing(gauge: Gauge) -> dict[str, Any]:
    """A gauge the city names and nobody has registered: it is not there to be heard."""
    return {
        "id": None,
        "series": gauge.series,
        "name": gauge.series,
        "thing": gauge.thing,
        "property": gauge.observed_property,
        "unit": gauge.unit,
        "place": (gauge.longitude, gauge.latitude),
        "state": SensorState.NEVER,
        "last_us": None,
        "value": None,
        "period_s": gauge.quality.period_s,
    }


def _place(coordinates: Any) -> tuple[float, float] | None:
    """A point's longitude and latitude; None for what is none.

    >>> _place([129.3, 35.5, 12.0]), _place(["x"]), _place(None)
    ((129.3, 35.5), None, None)
    """
    match coordinates:
        case [int() | float() as x, int() | float() as y, *_] if abs(x) <= 180 and abs(y) <= 90:
            return float(x), float(y)
    return None


def _period_s(times_us: list[int]) -> float | None:
    """How often a stream sends by its newest times, s; None when fewer than four tell.

    >>> _period_s([50_000_000, 40_000_000, 30_000_000, 20_000_000]), _period_s([1])
    (10.0, None)
    """
    steps = -np.diff(np.array(times_us, np.int64))
    steps = steps[steps > 0]
    return float(np.median(steps)) / SECOND_US if len(steps) >= 3 else None
