# SPDX-License-Identifier: Apache-2.0
"""A city that does not exist, as large as one likes, to see how the console bears it.

Nothing in it was measured: places, people, levels and values are made up, and say so.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import msgspec

from cheoyong.app.http_load import request_bytes, send_all
from cheoyong.app.replay import thing_of
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import HOUR_US, format_instant
from cheoyong.links.city_pack import load_city

WEST, SOUTH, SIDE_DEG = 129.0, 35.3, 0.4
TOWNS_A_SIDE = 10
LEVEL_M = 3.0
SOURCE = "synthetic: made up for measuring"
PAST_HOURS = 24
_CONNECTIONS = 8
_PAGE = 1_000
_BOUND_S = 300.0
_LEVELS = (("caution", "주의", "Caution"), ("alert", "경계", "Alert"), ("serious", "심각", "Serious"))

_HEAD = f"""
id = "synthetic"
name = {{ ko = "가상시 (합성)", en = "Synthetic City" }}
time_zone = "Asia/Seoul"
languages = ["ko", "en"]
metric_crs = "EPSG:5187"
box = [{WEST - 0.1:.1f}, {SOUTH - 0.1:.1f}, {WEST + SIDE_DEG + 0.1:.1f}, {SOUTH + SIDE_DEG + 0.1:.1f}]
sender = "cheoyong@synthetic.example"
sender_name = {{ ko = "합성 도시", en = "Synthetic City" }}
sources = ["{SOURCE}"]

[files]
towns = "towns.geojson"
"""


def write_synthetic_city(folder: Path, gauges: int) -> CityPack:
    """Write a city pack of so many river gauges, one in ten thousand degrees apart, in 100 towns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(write_synthetic_city(Path(folder), 12).gauges)
    12
    """
    (folder / "history").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the program may run as another user
    (folder / "history" / "columns.toml").write_text("", encoding="utf-8")
    (folder / "towns.geojson").write_text(json.dumps(_towns()), encoding="utf-8")
    city = _HEAD + "".join(_gauge(number, gauges) for number in range(gauges))
    (folder / "city.toml").write_text(city, encoding="utf-8")
    return load_city(folder)


def _towns() -> dict[str, object]:
    side = SIDE_DEG / TOWNS_A_SIDE
    features = []
    for number in range(TOWNS_A_SIDE**2):
        west, south = WEST + number % TOWNS_A_SIDE * side, SOUTH + number // TOWNS_A_SIDE * side
        corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
        ring = [[round(west + x * side, 5), round(south + y * side, 5)] for x, y in corners]
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "code": f"S{number:03}",
                    "name": {"ko": f"가상{number}동", "en": f"Synthetic {number}"},
                    "people": 10_000, "over_65": 2_000, "under_7": 500,
                },
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )  # fmt: skip
    return {"type": "FeatureCollection", "features": features}


def _gauge(number: int, gauges: int) -> str:
    """One gauge; the golden ratio spreads them evenly without two in one place."""
    x, y = number * 0.618033988749895 % 1.0, (number + 0.5) / gauges
    level, korean, english = _LEVELS[number % len(_LEVELS)]
    return f"""
[[gauges]]
series = "{series_of(number)}"
thing = "synthetic-{number}"
name = {{ ko = "가상 {number}", en = "Synthetic {number}" }}
observed_property = "river_stage"
unit = "m"
longitude = {WEST + x * SIDE_DEG:.5f}
latitude = {SOUTH + y * SIDE_DEG:.5f}
position_source = "{SOURCE}"

[gauges.quality]
fail_range = [-5.0, 20.0]
period_s = 3600.0
silence_s = 7200.0
source = "{SOURCE}"

[[gauges.levels]]
id = "{level}"
name = {{ ko = "{korean}", en = "{english}" }}
limit = {LEVEL_M}
crisis_level = "{level}"
priority = "{"high" if level == "serious" else "medium"}"
source = "{SOURCE}"
confirmed = false
"""


def series_of(number: int) -> str:
    """Name of a gauge's series.

    >>> series_of(7)
    's7_stage_m'
    """
    return f"s{number}_stage_m"


async def register_gauges(url: str, headers: Mapping[str, str], city: CityPack) -> dict[str, int]:
    """Make a Thing for every gauge, eight at a time; the datastream of each series.

    Raises Unavailable when the server refuses one.
    """
    requests = (
        request_bytes("POST", url, "/v1.1/Things", dict(headers), msgspec.json.encode(thing_of(gauge)))
        for gauge in city.gauges.values()
    )
    load = await send_all(url, requests, _CONNECTIONS)
    if set(load.statuses) != {201}:
        raise Unavailable(f"the server answered {load.statuses}")
    found: dict[str, int] = {}
    async with httpx.AsyncClient(base_url=url, headers=dict(headers), trust_env=False) as client:
        for skip in range(0, len(city.gauges), _PAGE):
            query = {"$select": "id,name", "$top": str(_PAGE), "$skip": str(skip), "$orderby": "id"}
            page = (await client.get("/v1.1/Datastreams", params=query)).raise_for_status().json()
            found |= {one["name"]: int(one["@iot.id"]) for one in page["value"]}
    return found


def past_of(
    datastreams: Sequence[int], now_us: int, alarms: int, hours: int
) -> Iterator[list[dict[str, object]]]:
    """Hourly values for every gauge up to now, hour by hour as CreateObservations bodies.

    In the last hour the first ``alarms`` gauges stand above their level; the others are calm.
    """
    for hour in range(hours, -1, -1):
        yield [
            {
                "Datastream": {"@iot.id": datastream},
                "components": ["phenomenonTime", "result"],
                "dataArray": [
                    [format_instant(now_us - hour * HOUR_US), _stage_m(number, hour, number < alarms)]
                ],
            }
            for number, datastream in enumerate(datastreams)
        ]


def _stage_m(number: int, hour: int, alarms: bool) -> float:
    return LEVEL_M + 0.3 if alarms and hour == 0 else round(1.0 + 0.3 * math.sin((number + hour) / 4.0), 2)


async def fill(
    url: str,
    headers: Mapping[str, str],
    datastreams: Sequence[int],
    now_us: int,
    alarms: int,
    hours: int = PAST_HOURS,
) -> None:
    """Send the past of every gauge; raises Unavailable when the server refuses a part of it."""
    async with (
        httpx.AsyncClient(base_url=url, headers=dict(headers), trust_env=False, timeout=60) as client,
        asyncio.timeout(_BOUND_S),
    ):
        for body in past_of(datastreams, now_us, alarms, hours):
            answer = await client.post("/v1.1/CreateObservations", content=msgspec.json.encode(body))
            if answer.status_code != 201:
                raise Unavailable(f"the server answered {answer.status_code}: {answer.text[:200]}")
