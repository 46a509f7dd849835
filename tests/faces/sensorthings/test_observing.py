# SPDX-License-Identifier: Apache-2.0
"""An Observation that brings its FeatureOfInterest or Datastream along is stored with it, or not at all."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import (
    FEATURE,
    a_datastream,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
    stream_of,
)
from test_batch import post_json

from cheoyong.domain.access import Role

TIME = "2016-10-05T03:00:00Z"


async def _counts(client: httpx.AsyncClient) -> list[int]:
    names = ("Things", "Sensors", "Datastreams", "FeaturesOfInterest", "Observations")
    return [int((await client.get(f"{name}/$count")).text) for name in names]


async def _stream(client: httpx.AsyncClient) -> int:
    thing = await create(client, "Things", a_tree("observing", observations=0))
    return int((await stream_of(client, thing))["@iot.id"])


def _of(stream: int, **more: Any) -> dict[str, Any]:
    return {"phenomenonTime": TIME, "result": 1.5, "Datastream": {"@iot.id": stream}, **more}


async def test_an_observation_brings_its_feature_along(client: httpx.AsyncClient) -> None:
    stream = await _stream(client)
    for path in ("Observations", f"Datastreams({stream})/Observations"):
        response = await client.post(
            path, json=_of(stream, FeatureOfInterest=FEATURE, parameters={"by": path})
        )
        assert (response.status_code, response.content) == (201, b"")
        shown = await get(client, f"{response.headers['location']}?$expand=FeatureOfInterest,Datastream")
        assert (shown["result"], shown["Datastream"]["@iot.id"]) == (1.5, stream)
        assert {name: shown["FeatureOfInterest"][name] for name in FEATURE} == FEATURE


async def test_an_observation_brings_its_datastream_along(client: httpx.AsyncClient) -> None:
    inside = [{"phenomenonTime": "2016-10-05T02:00:00Z", "result": 1}]
    whole = a_datastream(
        Thing=a_thing(), Sensor=a_sensor(), ObservedProperty=a_property(), Observations=inside
    )
    response = await client.post("Observations", json=_of(0, Datastream=whole))
    assert response.status_code == 201, response.text
    stream = await get(client, f"{response.headers['location']}/Datastream?$expand=Thing,Observations")
    assert [o["result"] for o in stream["Observations"]] == [1, 1.5]
    assert stream["Thing"]["name"] == "gauge"


@pytest.mark.parametrize(
    ("more", "status", "where"),
    [
        ({"FeatureOfInterest": FEATURE, "result": "x"}, 422, "result"),
        ({"FeatureOfInterest": {**FEATURE, "encodingType": 5}}, 400, "FeatureOfInterest.encodingType"),
        ({"FeatureOfInterest": {}}, 400, "FeatureOfInterest.name"),
        ({"FeatureOfInterest": FEATURE, "Datastream": {"@iot.id": 999_999_999}}, 404, None),
        ({"FeatureOfInterest": FEATURE, "phenomenonTime": "x"}, 400, "phenomenonTime"),
        ({"Datastream": a_datastream(Sensor=a_sensor())}, 400, "Datastream.Thing"),
        ({"FeatureOfInterest": FEATURE, "parameters": {"a": 2**64}}, 422, ""),
    ],
)
async def test_a_fault_anywhere_stores_nothing(
    client: httpx.AsyncClient, more: dict[str, Any], status: int, where: str | None
) -> None:
    body = _of(await _stream(client), **more)
    before = await _counts(client)
    response = await client.post("Observations", json=body)
    assert response.status_code == status, response.text
    assert where is None or response.json()["where"] == where
    assert await _counts(client) == before


async def test_S07_who_may_only_observe_brings_nothing_along(service: Any, client: httpx.AsyncClient) -> None:
    body = _of(await _stream(client), FeatureOfInterest=FEATURE)
    async with service.client(1, Role.KEY_READ) as reader:
        assert (await reader.post("Observations", json=body)).status_code == 403


async def test_in_a_group_it_is_stored_with_the_group(client: httpx.AsyncClient) -> None:
    stream = await _stream(client)
    good = {"method": "post", "url": "Observations", "atomicityGroup": "g",
            "body": _of(stream, FeatureOfInterest=FEATURE)}  # fmt: skip
    bad = {"method": "post", "url": "Sensors", "atomicityGroup": "g", "body": {}}
    sensor = {**bad, "body": a_sensor()}
    before = await _counts(client)
    assert [a["status"] for a in await post_json(client, good, bad)] == [424, 400]
    assert await _counts(client) == before
    made, _ = answers = await post_json(client, good, sensor)
    assert [a["status"] for a in answers] == [201, 201]
    assert (await get(client, f"{made['location']}/FeatureOfInterest"))["name"] == FEATURE["name"]
    other = {**good, "body": _of(stream, result="x")}  # of observations only, too
    before = await _counts(client)
    assert [a["status"] for a in await post_json(client, good, other)] == [424, 422]
    assert await _counts(client) == before
    [alone] = await post_json(client, {**good, "atomicityGroup": "h", "body": _of(stream, result=9)})
    assert alone["status"] == 201
