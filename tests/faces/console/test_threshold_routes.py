# SPDX-License-Identifier: Apache-2.0
"""M3: a limit is previewed on the last 30 days, saved for a reason by whoever may, and stays on record."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from desk_world import Console, FakeDesk

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.access import Role
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.faces.console.thresholds import ROUTES

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]
HOURS = 40 * 24


@pytest_asyncio.fixture(loop_scope="session")
async def console(world: World) -> Console:
    return Console(world, FakeDesk(world.pool), ROUTES)


def hot_days(*peaks: tuple[int, float]) -> list[float]:
    """Forty days of 20 degrees, with one hot hour on each of these days before now."""
    values = [20.0] * HOURS
    for day, peak in peaks:
        values[HOURS - 1 - day * 24] = peak
    return values


def limit(stream: int, bound: float = 30.0, **more: Any) -> dict[str, Any]:
    return {
        "datastream_id": stream,
        "name": "heat in the rack room",
        "bound": bound,
        "hysteresis": 1.0,
        **more,
    }


async def test_M3_would_have_alarmed_three_times_in_the_last_30_days(console: Console) -> None:
    stream = await console.stream("rack room")
    await console.measure(stream, hot_days((3, 31.0), (10, 35.0), (28, 40.0), (33, 50.0)), NOW_US)
    async with console.as_(Role.VIEWER) as client:
        found = (await client.post("/api/thresholds/preview", json=limit(stream))).json()
    assert found["proposed"]["count"] == 3
    assert [
        (e["onset_us"], e["ended_us"] - e["onset_us"], e["peak"]) for e in found["proposed"]["episodes"]
    ] == [
        (NOW_US - 3 * DAY_US, HOUR_US, 31.0),
        (NOW_US - 10 * DAY_US, HOUR_US, 35.0),
        (NOW_US - 28 * DAY_US, HOUR_US, 40.0),
    ]
    assert (found["complete"], found["values"], found["present"]) == (True, 30 * 24 + 1, [])
    assert max(found["outline"]["high"]) == 40.0
    assert found["from_us"] == NOW_US - 30 * DAY_US


async def test_M3_the_present_threshold_stands_beside_the_proposed(console: Console) -> None:
    stream = await console.stream("rack room 2")
    await console.measure(stream, hot_days((3, 31.0), (10, 35.0), (12, 33.0)), NOW_US)
    async with console.as_(Role.APPROVER) as client:
        made = await client.post("/api/thresholds", json=limit(stream, 34.0, reason="the maker's sheet"))
        assert made.status_code == 201, made.text
        one = made.json()
        assert (one["alarms_before"], one["version"], one["by"]) == (1, 1, client.headers["x-login"])
        change = limit(stream, 30.0, line=one["line"], version=1)
        found = (await client.post("/api/thresholds/preview", json=change)).json()
        assert found["proposed"]["count"] == 3
        assert [(p["kind"], p["bound"], p["count"]) for p in found["present"]] == [("threshold", 34.0, 1)]
        two = (await client.post("/api/thresholds", json={**change, "reason": "too late"})).json()
        again = await client.post("/api/thresholds", json={**change, "reason": "too late"})
        assert (again.status_code, again.json()["where"]) == (409, "version")
        ended = await client.post(
            f"/api/thresholds/{one['line']}/end", json={"version": 2, "reason": "moved"}
        )
        assert ended.status_code == 200
        assert stream not in [t["datastream_id"] for t in (await client.get("/api/thresholds")).json()]
        past = (await client.get("/api/thresholds/history", params={"datastream_id": stream})).json()
    assert two["line"] == one["line"]
    assert [(t["version"], t["bound"], t["reason"], t["ended"]) for t in past] == [
        (3, 30.0, "moved", True), (2, 30.0, "too late", False), (1, 34.0, "the maker's sheet", False),
    ]  # fmt: skip
    assert console.desk.nudges == 3


async def test_M3_a_gauge_of_the_city_is_previewed_in_its_unit_beside_its_levels(console: Console) -> None:
    stream = await console.stream("bridge", series="river_stage_m", unit="cm")
    await console.measure(stream, [100.0, 300.0, 460.0, 100.0], NOW_US)
    async with console.as_(Role.OPERATOR) as client:
        found = (await client.post("/api/thresholds/preview", json=limit(stream, 2.0, hysteresis=0.1))).json()
        (said,) = (await client.get("/api/thresholds/streams", params={"find": "BRIDGE"})).json()
    assert (found["unit"], found["proposed"]["count"]) == ("m", 1)
    assert found["proposed"]["episodes"][0]["peak"] == pytest.approx(4.6)
    assert [(p["kind"], p["bound"], p["count"]) for p in found["present"]] == [("level", 4.5, 1)]
    assert (said["name"]["en"], said["unit"]) == ("bridge stage", "m")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"bound": 1e301}, "bound"),
        ({"hysteresis": -0.1}, "hysteresis"),
        ({"on_delay_s": -1}, "on_delay_s"),
        ({"on_delay_s": 8 * 86_400}, "on_delay_s"),
        ({"priority": "urgent"}, "priority"),
        ({"version": 3}, "version"),
        ({"reason": "  "}, "reason"),
    ],
)
async def test_M3_what_cannot_be_is_refused_naming_the_field(
    console: Console, change: dict[str, Any], where: str
) -> None:
    stream = await console.stream("refused")
    async with console.as_(Role.ADMINISTRATOR) as client:
        answer = await client.post("/api/thresholds", json={**limit(stream), "reason": "r", **change})
    said = answer.json()
    assert (answer.status_code, said["where"]) == (400, where)
    assert said["mend"]


async def test_M3_only_who_is_in_charge_saves_and_strangers_see_nothing(console: Console) -> None:
    stream = await console.stream("ours")
    body = {**limit(stream), "reason": "r"}
    for role in (Role.VIEWER, Role.OPERATOR):
        async with console.as_(role) as client:
            assert (await client.post("/api/thresholds", json=body)).status_code == 403
    async with console.as_(Role.APPROVER) as client:
        line = (await client.post("/api/thresholds", json=body)).json()["line"]
    async with console.as_(Role.APPROVER, organisation=console.world.theirs) as client:
        assert (await client.post("/api/thresholds/preview", json=limit(stream))).status_code == 404
        assert (await client.post("/api/thresholds", json=body)).status_code == 404
        ended = await client.post(f"/api/thresholds/{line}/end", json={"version": 1, "reason": "r"})
        assert ended.status_code == 404
        past = await client.get("/api/thresholds/history", params={"datastream_id": stream})
        assert past.status_code == 404
        assert (await client.get("/api/thresholds")).json() == []
        assert (await client.get("/api/thresholds/streams", params={"find": "ours"})).json() == []


async def test_text_that_no_table_can_hold_is_refused_wherever_it_is_sent(console: Console) -> None:
    stream = await console.stream("rack nul")
    async with console.as_(Role.ADMINISTRATOR) as client:
        asked = await client.get("/api/thresholds/streams", params={"find": "a\0b"})
        set_ = await client.post("/api/thresholds", json={**limit(stream), "reason": "a\0b"})
    for answer in (asked, set_):
        assert answer.status_code == 400, answer.text
        assert answer.json()["mend"]
