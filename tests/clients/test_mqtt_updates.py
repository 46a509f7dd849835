# SPDX-License-Identifier: Apache-2.0
"""Updates received over MQTT by aiomqtt (OGC 18-088, 14.2) from a running server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
import pytest
from running_city import City
from serving import data_array, new_key, register
from test_mqtt_clients import TIME, body, publish, stranger

pytestmark = pytest.mark.engines
PROBE_S = 0.2


class Ear:
    """A client's subscriptions and what it has heard: topic and JSON."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[tuple[str, Any]] = []

    async def next(self) -> tuple[str, Any]:
        async with asyncio.timeout(60):
            message = await anext(aiter(self.client.messages))
        found = (str(message.topic), json.loads(message.payload))  # type: ignore[arg-type]
        self.heard.append(found)
        return found

    async def until(self, topic: str, result: float) -> None:
        """Hear until this result has come at this topic."""
        while True:
            at, value = await self.next()
            if at == topic and isinstance(value, dict) and value.get("result") == result:
                return


@asynccontextmanager
async def listening(city: City, key: str, *topics: str) -> AsyncIterator[Ear]:
    """A client whose subscriptions are granted and known to the platform (which asks once a second)."""
    async with aiomqtt.Client("127.0.0.1", city.serving.mqtt_port, username="x", password=key) as client:
        for topic in topics:
            granted = (await client.subscribe(topic))[0]
            assert getattr(granted, "value", granted) == 0, topic
        yield Ear(client)


def observe(city: City, stream: int, result: float) -> None:
    answer = city.http.post(
        f"/v1.1/Datastreams({stream})/Observations", json={"phenomenonTime": TIME, "result": result}
    )
    assert answer.status_code == 201, answer.text


async def noticed(city: City, ear: Ear, topic: str, stream: int, key: str = "") -> None:
    """Send observations until the first comes: from then on the platform knows of the subscription."""
    for number in range(100):
        await publish(
            city, key or city.key, (f"v1.1/Datastreams({stream})/Observations", body(1000.5 + number))
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_S):
                while (await ear.next())[0] != topic:
                    pass
                return
    raise AssertionError(f"nothing came at {topic}")


async def test_an_observation_is_told_at_its_datastream_and_at_the_set_of_all_as_get_shows_it(
    city: City,
) -> None:
    _, stream = register(city.http, "updates")
    own = f"v1.1/Datastreams({stream})/Observations"
    select = f"{own}?$select=phenomenonTime,result"
    async with listening(city, city.key, own, "v1.1/Observations", select) as ear:
        await noticed(city, ear, own, stream)
        observe(city, stream, 7.25)
        seen: dict[str, Any] = {}
        while len(seen) < 3:
            topic, value = await ear.next()
            if value["result"] == 7.25:
                seen[topic] = value
    assert set(seen) == {own, "v1.1/Observations", select}
    assert seen[select] == {"phenomenonTime": TIME, "result": 7.25}
    assert seen[own] == seen["v1.1/Observations"]
    shown = city.http.get(f"/v1.1/Observations({seen[own]['@iot.id']})").json()
    assert {k: v for k, v in seen[own].items() if k != "resultQuality"} == {
        k: v for k, v in shown.items() if k != "resultQuality"
    }


async def test_one_listener_of_a_data_array_hears_its_own_datastream_only(city: City) -> None:
    _, mine = register(city.http, "updates mine")
    _, other = register(city.http, "updates other")
    own = f"v1.1/Datastreams({mine})/Observations"
    async with listening(city, city.key, own) as ear:
        await noticed(city, ear, own, mine)
        arrays = [data_array(other, [(1, 1.0)]), data_array(mine, [(1, 2.5), (2, 3.5)])]
        assert city.http.post("/v1.1/CreateObservations", json=arrays).status_code == 201
        await ear.until(own, 3.5)
    assert {topic for topic, _ in ear.heard} == {own}
    assert [value["result"] for _, value in ear.heard[-2:]] == [2.5, 3.5]


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("retain", [False, True])
async def test_what_a_device_publishes_is_told_once_stored_and_never_as_sent(
    city: City, qos: int, retain: bool
) -> None:
    _, stream = register(city.http, f"updates echo {qos} {retain}")
    own = f"v1.1/Datastreams({stream})/Observations"
    async with aiomqtt.Client("127.0.0.1", city.serving.mqtt_port, username="x", password=city.key) as device:
        await device.publish(own, "{not json", qos=qos, retain=retain)
        async with aiomqtt.Client(
            "127.0.0.1", city.serving.mqtt_port, username="x", password=city.key
        ) as client:
            await client.subscribe(own, qos=1)
            ear = Ear(client)
            await noticed(city, ear, own, stream)
            await device.publish(own, "{not json either", qos=qos, retain=retain)
            await device.publish(own, body(8.5), qos=qos)
            await ear.until(own, 8.5)
    assert all("@iot.id" in value for _, value in ear.heard)


async def test_S08_nobody_hears_another_organisation_by_any_topic_or_wildcard(city: City) -> None:
    (key_1, _, stream_1), (key_2, _, stream_2) = stranger(city, "ear one"), stranger(city, "ear two")
    _, ours = register(city.http, "ear ours")
    streams = {key_1: stream_1, key_2: stream_2, city.key: ours}
    for key in streams:
        with contextlib.suppress(aiomqtt.MqttError):
            await publish(city, key)
    every = [f"v1.1/Datastreams({stream})/Observations" for stream in streams.values()]
    topics = ("v1.1/#", "v1.1/+/Observations", "v1.1/Observations", *every)
    async with contextlib.AsyncExitStack() as stack:
        ears = {key: await stack.enter_async_context(listening(city, key, *topics)) for key in streams}
        for key, stream in streams.items():
            await noticed(city, ears[key], f"v1.1/Datastreams({stream})/Observations", stream, key)
        for round_ in (2000, 3000):  # a stray of the first would come before what is heard in the second
            for place, (key, stream) in enumerate(streams.items()):
                result = round_ + 100.5 * place
                await publish(city, key, (f"v1.1/Datastreams({stream})/Observations", body(result)))
            for place, (key, stream) in enumerate(streams.items()):
                await ears[key].until(f"v1.1/Datastreams({stream})/Observations", round_ + 100.5 * place)
    for place, (key, stream) in enumerate(streams.items()):
        own = f"v1.1/Datastreams({stream})/Observations"
        heard = ears[key].heard
        assert {topic for topic, _ in heard} == {"v1.1/Observations", own}
        assert {v["result"] for _, v in heard if v["result"] >= 2000} == {
            2000 + 100.5 * place, 3000 + 100.5 * place,
        }  # fmt: skip


async def test_S23_a_bound_key_may_listen_to_its_own_thing_and_datastreams_only(city: City) -> None:
    mine, my_stream = register(city.http, "ear bound")
    other, other_stream = register(city.http, "ear not bound")
    key = new_key(city.admin, thing_id=mine)
    refused = [
        f"v1.1/Datastreams({other_stream})/Observations", f"v1.1/Things({other})", "v1.1/Observations",
        "v1.1/#", "v1.1/+/Observations", "v1.1/Things", "#", "+/+", "in/#", "out/#", "$SYS/#", "$MQTT/#",
    ]  # fmt: skip
    async with aiomqtt.Client("127.0.0.1", city.serving.mqtt_port, username="x", password=key) as client:
        for topic in refused:
            answer = (await client.subscribe(topic))[0]
            assert getattr(answer, "value", answer) == 128, topic
    own = f"v1.1/Datastreams({my_stream})/Observations"
    async with listening(city, key, own, f"{own}?$select=result", f"v1.1/Things({mine})/name") as ear:
        await noticed(city, ear, own, my_stream)


@pytest.mark.parametrize(
    "topic", ["#", "+/#", "in/#", "in/v1.1/#", "out/#", "out/CITY/#", "$SYS/#", "$MQTT/#"]
)
async def test_S23_a_key_for_the_whole_organisation_may_listen_to_the_service_only(
    city: City, topic: str
) -> None:
    async with aiomqtt.Client("127.0.0.1", city.serving.mqtt_port, username="x", password=city.key) as client:
        answer = (await client.subscribe(topic))[0]
        assert getattr(answer, "value", answer) == 128


async def test_an_entity_created_is_told_at_its_set_and_one_changed_at_its_topic_and_its_properties(
    city: City,
) -> None:
    changed, stream = register(city.http, "entity changed")
    own = f"v1.1/Things({changed})"
    topics = ("v1.1/Things", "v1.1/Datastreams", "v1.1/Sensors", f"{own}/Datastreams", own, f"{own}/name",
              f"{own}/properties", f"v1.1/Datastreams({stream})/Thing/name",
              "v1.1/Things?$select=name")  # fmt: skip
    probe_stream = register(city.http, "entity probe")[1]
    probe = f"v1.1/Datastreams({probe_stream})/Observations"
    async with listening(city, city.key, probe, *topics) as ear:
        await noticed(city, ear, probe, probe_stream)
        made, made_stream = register(city.http, "entity created")
        at: dict[str, Any] = {}  # the probe is told of as well, as often as it was sent
        sets = {"v1.1/Things", "v1.1/Datastreams", "v1.1/Sensors", "v1.1/Things?$select=name"}
        while not sets <= at.keys():
            topic, value = await ear.next()
            if value.get("name") == "entity created" or topic not in sets:
                at[topic] = value
        assert at["v1.1/Things"] == city.http.get(f"/v1.1/Things({made})").json()
        assert at["v1.1/Datastreams"]["@iot.id"] == made_stream
        assert at["v1.1/Things?$select=name"] == {"name": "entity created"}
        assert own not in at
        at.clear()
        change = {"name": "entity anew", "properties": {"a": 1}}
        assert city.http.patch(f"/v1.1/Things({changed})", json=change).status_code == 200
        patched = city.http.patch(f"/v1.1/Datastreams({stream})", json={"description": "anew"})
        assert patched.status_code == 200
        awaited = {"v1.1/Things", own, f"{own}/name", f"{own}/properties", f"{own}/Datastreams",
                   f"v1.1/Datastreams({stream})/Thing/name"}  # fmt: skip
        while not awaited <= at.keys():
            topic, value = await ear.next()
            at[topic] = value
        assert at[own] == at["v1.1/Things"] == city.http.get(f"/v1.1/Things({changed})").json()
        assert at[f"{own}/name"] == at[f"v1.1/Datastreams({stream})/Thing/name"] == {"name": "entity anew"}
        assert at[f"{own}/properties"] == {"properties": {"a": 1}}
        assert at[f"{own}/Datastreams"]["description"] == "anew"


async def test_an_observation_that_is_changed_is_told_at_its_set_and_its_own_topic(city: City) -> None:
    _, stream = register(city.http, "observation changed")
    own = f"v1.1/Datastreams({stream})/Observations"
    observe(city, stream, 1.5)
    row = city.http.get(f"/{own}").json()["value"][0]["@iot.id"]
    itself = f"v1.1/Observations({row})"
    async with listening(city, city.key, own, itself) as ear:
        await noticed(city, ear, own, stream)
        assert city.http.patch(f"/{itself}", json={"result": 2.5}).status_code == 200
        at: dict[str, Any] = {}
        while not {own, itself} <= at.keys():
            topic, value = await ear.next()
            if value["@iot.id"] == row:
                at[topic] = value["result"]
    assert at == {own: 2.5, itself: 2.5}


async def test_S08_an_entity_of_another_organisation_is_told_to_nobody_else(city: City) -> None:
    key, thing, stream = stranger(city, "entity stranger")
    with contextlib.suppress(aiomqtt.MqttError):
        await publish(city, key)
    _, ours = register(city.http, "entity ours")
    mine, theirs = f"v1.1/Datastreams({ours})/Observations", f"v1.1/Datastreams({stream})/Observations"
    async with listening(city, city.key, "v1.1/#") as us, listening(city, key, "v1.1/#") as them:
        await noticed(city, us, mine, ours)
        await noticed(city, them, theirs, stream, key)
        with city.serving.client(key) as http:
            for number in range(2):
                assert http.patch(f"/v1.1/Things({thing})", json={"name": f"t{number}"}).status_code == 200
                while (await them.next())[0] != f"v1.1/Things({thing})/name":
                    pass
        made, _ = register(city.http, "entity after")
        while (found := await us.next())[0] != "v1.1/Things" or found[1]["@iot.id"] != made:
            pass
    assert not any(value.get("@iot.id") == thing or "t1" in value.values() for _, value in us.heard)
    assert not any(topic == mine for topic, _ in them.heard)
