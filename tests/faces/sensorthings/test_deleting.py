# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import FEATURE, a_datastream, a_tree, create, get, made, stream_of

from cheoyong.flow import directory as directories
from cheoyong.flow.directory import Directory
from cheoyong.records.connection import FLOW, ROLES, Database, open_pool


@pytest.mark.parametrize(
    ("what", "gone", "left"),
    [
        (
            "Thing",
            {"Thing", "Datastream", "Observation"},
            {"Location", "Sensor", "ObservedProperty", "Feature"},
        ),
        (
            "Datastream",
            {"Datastream", "Observation"},
            {"Thing", "Location", "Sensor", "ObservedProperty", "Feature"},
        ),
        ("Sensor", {"Sensor", "Datastream", "Observation"}, {"Thing", "ObservedProperty", "Feature"}),
        ("ObservedProperty", {"ObservedProperty", "Datastream", "Observation"}, {"Thing", "Sensor"}),
        ("Feature", {"Feature", "Observation"}, {"Thing", "Datastream", "Sensor"}),
        ("Observation", {"Observation"}, {"Thing", "Datastream", "Feature"}),
        ("Location", {"Location"}, {"Thing", "Datastream", "Observation", "Feature"}),
    ],
)
async def test_a_deletion_takes_with_it_what_the_standard_says(
    client: httpx.AsyncClient, what: str, gone: set[str], left: set[str]
) -> None:
    tree = a_tree("deleted", observations=1)
    tree["Datastreams"][0]["Observations"][0]["FeatureOfInterest"] = FEATURE
    thing = await create(client, "Things", tree)
    stream = await stream_of(client, thing)
    here = stream["@iot.selfLink"]
    observation = stream["Observations"][0]["@iot.selfLink"]
    links = {
        "Thing": f"Things({thing})",
        "Datastream": here,
        "Observation": observation,
        "Location": (await get(client, f"Things({thing})/Locations"))["value"][0]["@iot.selfLink"],
        "Sensor": (await get(client, f"{here}/Sensor"))["@iot.selfLink"],
        "ObservedProperty": (await get(client, f"{here}/ObservedProperty"))["@iot.selfLink"],
        "Feature": (await get(client, f"{observation}/FeatureOfInterest"))["@iot.selfLink"],
    }
    answer = await client.delete(links[what])
    assert (answer.status_code, answer.content) == (200, b"")
    for name, link in links.items():
        if name in gone | left:
            assert (await client.get(link)).status_code == (404 if name in gone else 200), name
    assert (await client.delete(links[what])).status_code == 404


async def test_a_deleted_observation_is_kept_out_of_sight_and_may_be_sent_again(
    service: Any, client: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_tree(observations=2))
    stream = await stream_of(client, thing)
    first = stream["Observations"][0]
    path = f"Datastreams({stream['@iot.id']})/Observations"
    await client.delete(first["@iot.selfLink"])
    shown = await get(client, f"{path}?$count=true")
    assert (shown["@iot.count"], len(shown["value"])) == (1, 1)
    kept = await service.owner.fetchrow(
        "SELECT gone, was ->> 'phenomenon_time' AS at FROM observation_past WHERE observation_id = $1",
        first["@iot.id"],
    )
    assert (kept["gone"], kept["at"][:10]) == (True, "2016-10-05")
    again = await client.post(path, json={"phenomenonTime": first["phenomenonTime"], "result": 0})
    assert again.status_code == 201
    assert (await get(client, again.headers["location"]))["@iot.id"] != first["@iot.id"]


async def test_a_deleted_datastream_takes_no_more_observations(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree(observations=1))
    stream = (await stream_of(client, thing))["@iot.id"]
    body = {"phenomenonTime": "2016-10-05T05:00:00Z", "result": 1}
    assert (await client.post(f"Datastreams({stream})/Observations", json=body)).status_code == 201
    assert (await client.delete(f"Things({thing})")).status_code == 200
    assert (await client.post(f"Datastreams({stream})/Observations", json=body)).status_code == 404
    many = [{"Datastream": {"@iot.id": stream}, "components": ["result"], "dataArray": [[1]]}]
    assert (await client.post("CreateObservations", json=many)).status_code == 404


async def test_another_process_learns_of_a_deletion_within_its_second(
    service: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await made(client, "Datastreams", a_datastream())
    kept = await made(client, "Datastreams", a_datastream())
    pool = await open_pool(Database(service.dsn, dict.fromkeys(ROLES, "test")), FLOW)
    try:
        elsewhere = Directory(pool)
        await elsewhere.load([stream, kept])
        await client.delete(f"Datastreams({stream})")
        await elsewhere.load([stream, kept])
        assert elsewhere.known(stream) is not None  # its second is not over
        monkeypatch.setattr(directories, "REFRESH_S", 0.0)
        await elsewhere.load([stream, kept])
        assert elsewhere.known(stream) is None
        assert elsewhere.known(kept) is not None
    finally:
        await pool.close()


async def test_the_place_of_a_thing_is_not_changed_as_a_feature(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree(observations=1))
    observation = (await stream_of(client, thing))["Observations"][0]
    feature = await get(client, f"{observation['@iot.selfLink']}/FeatureOfInterest")
    assert feature["@iot.id"] < 0
    assert (await client.delete(feature["@iot.selfLink"])).status_code == 409
    assert (await client.patch(feature["@iot.selfLink"], json={"name": "x"})).status_code == 409
    answer = await client.patch(
        observation["@iot.selfLink"], json={"FeatureOfInterest": {"@iot.id": feature["@iot.id"]}}
    )
    assert answer.status_code == 200
