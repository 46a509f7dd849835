# SPDX-License-Identifier: Apache-2.0
"""M2: a site manager's day is told from what the platform has, and plainly what it has not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import pytest_asyncio
from desk_world import Console, FakeDesk

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain.access import Role
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.faces.console.today import ROUTES
from cheoyong.records import presence
from cheoyong.records.connection import FLOW, as_organisation, open_pool

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def console(world: World) -> Console:
    await world.owner("DELETE FROM thing")
    await world.owner("DELETE FROM presence")
    await world.owner("DELETE FROM inspection")
    return Console(world, FakeDesk(world.pool), ROUTES)


async def told(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/today")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_M2_an_empty_site_says_plainly_what_it_has_not(console: Console) -> None:
    async with console.as_(Role.VIEWER) as client:
        day = await told(client)
    assert day["weather"]["why"] == "no_sensor"
    assert day["weather"]["feels_like_c"] is None
    assert day["presence"] == {"count": 0, "my_since_us": None, "names": None, "kept_h": 24}
    assert (day["checks"], day["overdue"], sum(day["sensors"].values())) == ([], 0, 0)
    assert day["hazards"] == {"incidents": [], "alarms": [], "alarms_open": {}}


async def test_M2_heat_is_told_from_the_sites_own_sensors_with_its_formulas(console: Console) -> None:
    air = await console.stream("gate air", observed="air temperature")
    damp = await console.stream("gate air", observed="relative humidity", unit="%")
    await console.world.owner(
        "UPDATE datastream SET thing_id = (SELECT thing_id FROM datastream WHERE id = $1) WHERE id = $2",
        air,
        damp,
    )
    await console.measure(air, [30.0, 34.0], NOW_US - HOUR_US)
    await console.measure(damp, [60.0], NOW_US - HOUR_US)
    async with console.as_(Role.VIEWER) as client:
        heat = (await told(client))["weather"]
        assert (heat["air_c"], heat["humidity"], heat["why"], heat["stage"]) == (
            34.0,
            60,
            "",
            "rest_two_hourly",
        )
        assert (heat["feels_like_c"], heat["wbgt_c"]) == (34.5, 35.7)  # wet bulb 27.6, then both polynomials
        assert "Stull" in heat["sources"]["feels_like_c"]
        console.desk.now = NOW_US + 5 * HOUR_US
        assert (await told(client))["weather"]["why"] == "old"


async def test_M2_a_check_is_overdue_until_a_person_has_done_it(console: Console) -> None:
    await console.stream("ESS container")
    (thing,) = await console.world.owner("SELECT id FROM thing WHERE name = 'ESS container'")
    async with console.as_(Role.OPERATOR) as client:
        plan = {"name": "fire doors", "every_s": 86_400, "thing_id": thing["id"]}
        made = await client.post("/api/today/checks", json=plan)
        assert made.status_code == 201, made.text
        day = await told(client)
        assert [(c["thing"], c["overdue"], c["due_us"]) for c in day["checks"]] == [
            ("ESS container", False, NOW_US + DAY_US)
        ]
        console.desk.now = NOW_US + DAY_US + HOUR_US
        assert (await told(client))["overdue"] == 1
        path = f"/api/today/checks/{made.json()['id']}"
        done = await client.post(f"{path}/done", json={"note": "hinge oiled"})
        assert done.status_code == 200, done.text
        (check,) = (await told(client))["checks"]
        assert (check["overdue"], check["by"], check["note"]) == (
            False,
            client.headers["x-login"],
            "hinge oiled",
        )
        assert check["due_us"] == console.desk.now + DAY_US
        assert (await client.post(f"{path}/end")).status_code == 200
        assert (await told(client))["checks"] == []
        assert (await client.post(f"{path}/done", json={})).status_code == 404
    kept = await console.world.owner("SELECT note FROM inspection_done")
    assert [row["note"] for row in kept] == ["hinge oiled"]


@pytest.mark.parametrize(
    ("plan", "status", "where"),
    [
        ({"name": " ", "every_s": 86_400}, 400, "name"),
        ({"name": "doors", "every_s": 60}, 400, "every_s"),
        ({"name": "doors", "every_s": 86_400, "thing_id": 999_999}, 404, "thing_id"),
    ],
)
async def test_M2_a_check_that_cannot_be_is_refused_naming_the_field(
    console: Console, plan: dict[str, Any], status: int, where: str
) -> None:
    async with console.as_(Role.ADMINISTRATOR) as client:
        answer = await client.post("/api/today/checks", json=plan)
    assert (answer.status_code, answer.json()["where"]) == (status, where)


async def test_M2_who_is_on_site_is_a_head_count_for_all_and_names_for_who_is_in_charge(
    console: Console,
) -> None:
    async with console.as_(Role.VIEWER) as worker:
        assert (await worker.post("/api/today/presence/in")).json()["count"] == 1
        assert (await told(worker))["presence"] == {
            "count": 1, "my_since_us": NOW_US, "names": None, "kept_h": 24,
        }  # fmt: skip
        async with console.as_(Role.OPERATOR) as other:
            assert (await told(other))["presence"]["names"] is None
        async with console.as_(Role.APPROVER) as manager:
            seen = (await told(manager))["presence"]
            assert (seen["count"], [one["since_us"] for one in seen["names"]]) == (1, [NOW_US])
        async with console.as_(Role.ADMINISTRATOR, organisation=console.world.theirs) as stranger:
            assert (await told(stranger))["presence"]["count"] == 0
        assert (await worker.post("/api/today/presence/out")).json()["count"] == 0
    assert await console.world.owner("SELECT 1 FROM presence") == []


async def test_M2_presence_is_gone_after_24_hours_even_when_nobody_signs_out(console: Console) -> None:
    async with console.as_(Role.VIEWER) as worker:
        await worker.post("/api/today/presence/in")
        console.desk.now = NOW_US + DAY_US
        assert (await told(worker))["presence"]["count"] == 0
    flow = await open_pool(console.world.database, FLOW)
    async with flow.acquire() as connection:
        await presence.forget(connection, NOW_US + DAY_US - 1)
        assert len(await console.world.owner("SELECT 1 FROM presence")) == 1
        await presence.forget(connection, NOW_US + DAY_US)
    await flow.close()
    assert await console.world.owner("SELECT 1 FROM presence") == []


async def test_M2_only_who_may_check_marks_and_strangers_find_nothing(console: Console) -> None:
    async with console.as_(Role.OPERATOR) as client:
        made = (await client.post("/api/today/checks", json={"name": "doors", "every_s": 86_400})).json()[
            "id"
        ]
    path = f"/api/today/checks/{made}/done"
    async with console.as_(Role.VIEWER) as client:
        assert (await client.post(path, json={})).status_code == 403
    async with console.as_(Role.OPERATOR, organisation=console.world.theirs) as client:
        assert (await client.post(path, json={})).status_code == 404
        assert (await told(client))["checks"] == []
    async with as_organisation(console.world.pool, console.world.theirs) as connection:
        assert await connection.fetchval("SELECT count(*) FROM inspection") == 0
