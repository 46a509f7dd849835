# SPDX-License-Identifier: Apache-2.0
"""Weather and heat of a site from its own sensors, with the formulas used; or plainly that there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cheoyong.assess.heat import feels_like_c, stage, wbgt_c
from cheoyong.domain.instant import HOUR_US
from cheoyong.records import weather as records
from cheoyong.records.connection import Connection
from cheoyong.records.weather import Felt

OLD_US = 3 * HOUR_US  # of an older value it is not said that it is so now
SUMMER_C = 15.0  # below it the formulas of heat say nothing
_CELSIUS = {"°c", "℃", "c", "cel", "degc", "deg_c", "celsius"}
_SOURCES = {
    "feels_like_c": "Korea Meteorological Administration 2022, wet bulb after Stull (2011)",
    "wbgt_c": "Australian Bureau of Meteorology: 0.567 T + 0.393 e + 3.94",
}


async def weather(connection: Connection, now_us: int) -> dict[str, Any]:
    """Air and humidity of now, what they feel like, and what is missing of it."""
    return judged(await records.newest(connection, now_us), now_us)


def judged(felt: Sequence[Felt], now_us: int) -> dict[str, Any]:
    """The newest air temperature, with the humidity of its own thing where there is one.

    ``why`` is empty, or says what is missing: ``no_sensor``, ``old``, ``unit``, ``no_humidity``, ``cool``.

    >>> judged([], 0)["why"]
    'no_sensor'
    >>> both = [Felt(1, "gate", "air", "°C", 9, 34.0), Felt(1, "gate", "humidity", "%", 8, 60.0)]
    >>> [judged(both, 10)[name] for name in ("feels_like_c", "stage", "why")]
    [34.5, 'rest_two_hourly', '']
    """
    told: dict[str, Any] = dict.fromkeys(
        ("air_c", "humidity", "feels_like_c", "wbgt_c", "stage", "thing", "time_us")
    )
    told |= {"why": "no_sensor", "sources": _SOURCES}
    airs = [one for one in felt if one.kind == "air" and math.isfinite(one.value)]
    if not airs:
        return told
    fresh = [one for one in airs if now_us - one.time_us <= OLD_US]
    known = [one for one in fresh if one.unit.strip().lower() in _CELSIUS]
    if not known:
        return told | {
            "why": "unit" if fresh else "old",
            "thing": (fresh or airs)[0].thing,
            "time_us": airs[0].time_us,
        }
    damp = {one.thing_id: one for one in reversed(felt) if _is_humidity(one, now_us)}
    air = next((one for one in known if one.thing_id in damp), known[0])
    told |= {"air_c": round(air.value, 1), "thing": air.thing, "time_us": air.time_us, "why": "no_humidity"}
    humidity = damp.get(air.thing_id) or next(iter(damp.values()), None)
    if humidity is None:
        return told
    told["humidity"] = round(humidity.value)
    if air.value < SUMMER_C:
        return told | {"why": "cool"}
    feels = feels_like_c(air.value, humidity.value)
    return told | {
        "feels_like_c": round(feels, 1),
        "wbgt_c": round(wbgt_c(air.value, humidity.value), 1),
        "stage": stage(round(feels, 1)),
        "why": "",
    }


def _is_humidity(one: Felt, now_us: int) -> bool:
    """A fresh relative humidity within what the formulas are for."""
    fresh = now_us - one.time_us <= OLD_US
    return one.kind == "humidity" and fresh and one.unit.strip() in ("%", "percent") and 5 <= one.value <= 100
