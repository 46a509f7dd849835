# SPDX-License-Identifier: Apache-2.0
"""The route of the sensor-health map on a real PostgreSQL: the sensors of the owner, and of nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from test_watch_stage import START_US, STEP_US, Streams, streams

from cheoyong.domain.access import Principal, Role
from cheoyong.domain.city import CityPack, Town
from cheoyong.faces.access import permission_guard
from cheoyong.faces.console.health_map import sensor_health
from cheoyong.faces.problem import EXCEPTION_HANDLERS

__all__ = ["streams"]  # the fixture of the watch's own tests
pytestmark = pytest.mark.engines
BOX = ((129.3, 35.5), (129.31, 35.5), (129.31, 35.51), (129.3, 35.51), (129.3, 35.5))
CITY = CityPack(
    "c", {}, "Asia/Seoul", ("ko",), "EPSG:5187", (129.0, 35.0, 130.0, 36.0), "s", {}, {},
    {"t": Town("t", {}, (BOX,), 1, 0, 0)}, (),
)  # fmt: skip
LAST_US = START_US + 99 * STEP_US


async def ask(streams: Streams, organisation: int, now_us: int, **query: Any) -> Any:
    desk = SimpleNamespace(pool=streams.app, city=CITY, facts_us=lambda: now_us)
    app = Litestar([sensor_health], guards=[permission_guard], exception_handlers=EXCEPTION_HANDLERS)  # type: ignore[arg-type]

    async def principal(scope: Any) -> Principal:
        return Principal(organisation, Role.VIEWER, "x", "x", UUID(int=1), "x", False)

    app.state.update({"desk": desk, "gate": SimpleNamespace(principal=principal)})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://city.test"
    ) as client:
        answer = await client.get("/api/sensors/health", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def place(streams: Streams, organisation: int, coordinates: str) -> None:
    await streams.owner.execute(
        "WITH l AS (INSERT INTO location (organisation_id, name, description, encoding_type, location)"
        f" VALUES ({organisation}, 'l', 'l', 'application/geo+json',"
        f"""  '{{"type": "Point", "coordinates": {coordinates}}}') RETURNING id)"""
        " INSERT INTO thing_location (thing_id, location_id, organisation_id)"
        f" SELECT {organisation}, id, {organisation} FROM l"
    )


async def test_O4_a_sensor_grows_old_and_its_town_goes_blind(streams: Streams) -> None:
    await place(streams, 2, "[129.305, 35.505]")
    never = await ask(streams, 2, LAST_US)
    assert [one["state"] for one in never["sensors"]] == ["never"]
    assert never["towns"][0]["blind"]
    await streams.send(0, 100)
    states = {}
    for periods in (0, 2, 3, 5):
        told = await ask(streams, 2, LAST_US + periods * STEP_US)
        states[periods] = told["sensors"][0]["state"], told["towns"][0]["blind"]
    assert states == {0: ("heard", False), 2: ("heard", False), 3: ("late", True), 5: ("silent", True)}
    assert told["sensors"][0]["last_us"] == LAST_US
    assert told["sensors"][0]["period_s"] == 300.0
    assert told["counts"]["silent"] == told["all"] == 1


async def test_S08_the_sensors_of_another_organisation_are_not_on_the_map(streams: Streams) -> None:
    await place(streams, 2, "[129.305, 35.505]")
    await streams.send(0, 100)
    mine, theirs = [await ask(streams, one, LAST_US) for one in (1, 2)]
    assert [one["name"] for one in mine["sensors"]] == ["d1"]
    assert mine["towns"][0] == {"code": "t", "blind": True, "nearest": None, "distance_m": None}
    assert not theirs["towns"][0]["blind"]


async def test_a_place_that_is_no_place_sees_nothing(streams: Streams) -> None:
    await place(streams, 2, '["a", "b"]')
    await streams.send(0, 100)
    told = await ask(streams, 2, LAST_US)
    assert (told["sensors"][0]["state"], told["sensors"][0]["place"]) == ("heard", None)
    assert told["towns"][0]["blind"]


async def test_who_sees_with_one_observed_property_alone(streams: Streams) -> None:
    await place(streams, 2, "[129.305, 35.505]")
    await streams.send(0, 100)
    assert not (await ask(streams, 2, LAST_US, property="p"))["towns"][0]["blind"]
    other = await ask(streams, 2, LAST_US, property="rain")
    assert (other["sensors"], other["towns"][0]["blind"], other["properties"]) == ([], True, ["p"])
