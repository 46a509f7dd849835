# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import a_location, a_thing, create, get


async def _history(client: httpx.AsyncClient, thing: int) -> list[tuple[str, list[str]]]:
    path = f"Things({thing})/HistoricalLocations?$expand=Locations&$orderby=time"
    shown = (await get(client, path))["value"]
    return [(item["time"], [place["name"] for place in item["Locations"]]) for item in shown]


async def test_moving_a_thing_writes_where_it_has_been(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing(Locations=[a_location("first"), a_location("also first")]))
    now = "2016-10-05T03:30:00Z"
    assert await _history(client, thing) == [(now, ["first", "also first"])]
    await create(client, f"Things({thing})/Locations", a_location("second"))
    third = await create(client, "Locations", a_location("third"))
    await client.patch(f"Things({thing})", json={"Locations": [{"@iot.id": third}]})
    fourth = await create(client, "Locations", {**a_location("fourth"), "Things": [{"@iot.id": thing}]})
    names = [places for _, places in await _history(client, thing)]
    assert names == [["first", "also first"], ["second"], ["third"], ["fourth"]]
    entry = (await get(client, f"Locations({fourth})/HistoricalLocations"))["value"][0]
    assert (await get(client, f"{entry['@iot.selfLink']}/Thing"))["@iot.id"] == thing
    await client.delete(f"Locations({third})")  # and with it the entry that the thing was there
    assert [places for _, places in await _history(client, thing)][2] == ["fourth"]
    await client.delete(f"Things({thing})")
    assert (await client.get(entry["@iot.selfLink"])).status_code == 404


async def test_a_historical_location_can_be_written_by_hand_and_the_newest_is_where_the_thing_is(
    client: httpx.AsyncClient,
) -> None:
    thing = await create(client, "Things", a_thing(Locations=[a_location("now")]))
    place = await create(client, "Locations", a_location("other"))

    async def here() -> list[str]:
        return [item["name"] for item in (await get(client, f"Things({thing})/Locations"))["value"]]

    body = {"time": "2016-10-04T00:00:00Z", "Locations": [{"@iot.id": place}]}
    await create(client, "HistoricalLocations", {**body, "Thing": {"@iot.id": thing}})
    assert await here() == ["now"]
    entry = await create(
        client, f"Things({thing})/HistoricalLocations", {**body, "time": "2016-10-06T00:00:00Z"}
    )
    assert await here() == ["other"]
    assert [at for at, _ in await _history(client, thing)] == [
        "2016-10-04T00:00:00Z", "2016-10-05T03:30:00Z", "2016-10-06T00:00:00Z",
    ]  # fmt: skip
    path = f"HistoricalLocations({entry})"
    changed = await client.patch(path, json={"time": "2016-10-07T00:00:00+09:00"})
    assert changed.json()["time"] == "2016-10-06T15:00:00Z"
    fresh = await create(client, "Locations", a_location("put right"))
    await client.patch(path, json={"Locations": [{"@iot.id": fresh}]})
    assert (await _history(client, thing))[-1] == ("2016-10-06T15:00:00Z", ["put right"])
    found = await get(
        client, "HistoricalLocations?$filter=time gt 2016-10-06T00:00:00Z and Thing/id eq " + str(thing)
    )
    assert [item["@iot.id"] for item in found["value"]] == [entry]
    assert (await client.delete(path)).status_code == 200
    assert len(await _history(client, thing)) == 2


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"time": None}, "time"),
        ({"time": 5}, "time"),
        ({"time": "yesterday"}, "time"),
        ({"Thing": None}, "Thing"),
        ({"Locations": []}, "Locations"),
    ],
)
async def test_a_historical_location_with_a_fault_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], where: str
) -> None:
    body = {"time": "2016-10-04T00:00:00Z", "Thing": a_thing(), "Locations": [a_location()]}
    answer = await client.post("HistoricalLocations", json=body | change)
    assert (answer.status_code, answer.json()["where"]) == (400, where), answer.text
    await create(client, "HistoricalLocations", body)
