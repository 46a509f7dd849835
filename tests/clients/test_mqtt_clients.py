# SPDX-License-Identifier: Apache-2.0
"""Observations created over MQTT by aiomqtt and mosquitto_pub (OGC 18-088, 14.1) against a running server."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

import aiomqtt
import pytest
from running_city import City
from serving import new_key, register, wait_until

from cheoyong.faces.sensorthings.conformance import CREATE_OVER_MQTT, RECEIVE_OVER_MQTT

pytestmark = pytest.mark.engines
SET = "v1.1/Observations"
TIME = "2016-10-05T00:00:00Z"


def stored(city: City, stream: int) -> list[Any]:
    answer = city.http.get(f"/v1.1/Datastreams({stream})/Observations")
    return [row["result"] for row in answer.json()["value"]]


def body(result: float, stream: int | None = None, **more: Any) -> str:
    named = {} if stream is None else {"Datastream": {"@iot.id": stream, **more}}
    return json.dumps({"phenomenonTime": TIME, "result": result, **named})


async def publish(city: City, key: str, *messages: tuple[str, str]) -> None:
    async with aiomqtt.Client("127.0.0.1", city.serving.mqtt_port, username="x", password=key) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1)


async def test_the_landing_page_names_an_mqtt_endpoint_that_a_client_can_sign_in_to(city: City) -> None:
    settings = city.http.get("/v1.1").json()["serverSettings"]
    assert CREATE_OVER_MQTT in settings["conformance"]
    assert RECEIVE_OVER_MQTT in settings["conformance"]
    assert settings[RECEIVE_OVER_MQTT] == settings[CREATE_OVER_MQTT]
    (endpoint,) = settings[CREATE_OVER_MQTT]["endpoints"]
    where = urlsplit(endpoint)
    assert where.scheme == "mqtt"
    async with aiomqtt.Client(where.hostname or "", where.port or 0, username="x", password=city.key):
        pass


async def test_an_observation_is_created_at_either_topic_of_the_standard(city: City) -> None:
    _, stream = register(city.http, "mqtt topics")
    await publish(
        city,
        city.key,
        (SET, body(1.5, stream, name="mqtt topics", description="inlined whole")),
        (f"v1.1/Datastreams({stream})/Observations", body(2.5)),
    )
    wait_until(lambda: sorted(stored(city, stream)) == [1.5, 2.5], "both observations")


async def test_a_message_to_the_set_that_names_no_datastream_is_refused_and_stops_nobody(city: City) -> None:
    _, stream = register(city.http, "mqtt set")
    await publish(city, city.key, (SET, body(1.0)), (SET, body(1.0, 2_000_000_000)), (SET, body(3.5, stream)))
    wait_until(lambda: stored(city, stream) == [3.5], "the good one")


async def test_an_observation_of_a_feature_that_is_not_there_is_refused_and_stops_nobody(city: City) -> None:
    _, stream = register(city.http, "mqtt features")
    feature = {
        "name": "reach", "description": "the lower reach", "encodingType": "application/geo+json",
        "feature": {"type": "Point", "coordinates": [129.3, 35.5]},
    }  # fmt: skip
    made = city.http.post("/v1.1/FeaturesOfInterest", json=feature).json()["@iot.id"]
    messages = [
        json.dumps({"phenomenonTime": TIME, "result": result, "FeatureOfInterest": {"@iot.id": named}})
        for result, named in ((1.5, 999_999_999), (2.5, made), (3.5, -999_999_999))
    ]
    topic = f"v1.1/Datastreams({stream})/Observations"
    await publish(city, city.key, *((topic, message) for message in messages), (topic, body(4.5)))
    wait_until(lambda: sorted(stored(city, stream)) == [2.5, 4.5], "the good ones")


async def test_S23_a_key_bound_to_its_thing_may_not_publish_to_the_set_of_all(city: City) -> None:
    mine, my_stream = register(city.http, "mqtt bound")
    _, other_stream = register(city.http, "mqtt other")
    key = new_key(city.admin, thing_id=mine)
    await publish(
        city,
        key,
        (SET, body(1.0, other_stream)),  # MQTT 3.1.1 has no refusal: it is acknowledged and dropped
        (f"v1.1/Datastreams({my_stream})/Observations", body(2.0)),
    )
    wait_until(lambda: stored(city, my_stream) == [2.0], "its own observation")
    assert stored(city, other_stream) == []


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto-clients is not installed")
def test_mosquitto_pub_creates_an_observation(city: City) -> None:
    _, stream = register(city.http, "mosquitto")
    argv = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(city.serving.mqtt_port), "-u", "x", "-P", city.key,
            "-q", "1", "-t", SET, "-m", body(4.5, stream)]  # fmt: skip
    subprocess.run(argv, check=True, timeout=60)
    wait_until(lambda: stored(city, stream) == [4.5], "the observation")


async def test_S08_the_set_of_all_never_reaches_another_organisations_datastream(city: City) -> None:
    thing, stream = register(city.http, "mqtt stranger")
    _, mine = register(city.http, "mqtt ours")
    row = city.serving.database.fetch(
        "INSERT INTO organisation (name, created_at) VALUES ('stranger', now()) RETURNING id"
    )
    for table, column in (("thing", thing), ("datastream", stream)):
        city.serving.database.fetch(
            f"UPDATE {table} SET organisation_id = {row[0]['id']} WHERE id = {column} RETURNING id"
        )
    await publish(city, city.key, (SET, body(1.0, stream)), (SET, body(2.0, mine)))
    wait_until(lambda: stored(city, mine) == [2.0], "our own observation")
    assert city.serving.count(f"SELECT count(*) FROM observation WHERE datastream_id = {stream}") == 0


def stranger(city: City, name: str) -> tuple[str, int, int]:
    """Another organisation with a key, a thing and a datastream of its own: key, thing, datastream."""
    made = city.serving.database.fetch(
        f"INSERT INTO organisation (name, created_at) VALUES ('{name}', now()) RETURNING id"
    )[0]["id"]
    thing, stream = register(city.http, name)
    key = new_key(city.admin)
    moved = (
        ("thing", f"id = {thing}"),
        ("datastream", f"id = {stream}"),
        ("api_key", f"prefix = '{key[4:16]}'"),
    )
    for table, which in moved:
        rows = city.serving.database.fetch(
            f"UPDATE {table} SET organisation_id = {made} WHERE {which} RETURNING organisation_id"
        )
        assert len(rows) == 1, table
    return key, thing, stream


async def test_S08_devices_of_every_organisation_publish_to_the_set_of_all_and_only_into_their_own(
    city: City,
) -> None:
    (key_1, _, stream_1), (key_2, _, stream_2) = stranger(city, "first"), stranger(city, "second")
    _, ours = register(city.http, "ours beside strangers")

    def results(stream: int) -> list[float]:
        found = city.serving.database.fetch(f"SELECT result FROM observation WHERE datastream_id = {stream}")
        return sorted(row["result"] for row in found)

    for key in (key_1, key_2):  # an organisation's very first sign-in may be cut off: its account is made
        with contextlib.suppress(aiomqtt.MqttError):
            await publish(city, key)
    everyone = [(key_1, 1.0), (key_2, 2.0), (city.key, 3.0)]
    for key, result in everyone:  # each to all three: what is not its own does not exist for it
        await publish(city, key, *((SET, body(result, stream)) for stream in (stream_1, stream_2, ours)))
    await publish(city, key_1, (f"v1.1/Datastreams({stream_1})/Observations", body(4.0)))
    await publish(city, key_2, (f"v1.1/Datastreams({stream_1})/Observations", body(5.0)))
    await publish(city, key_2, (SET, body(6.0, stream_2)))
    await publish(city, city.key, (SET, body(7.0, ours)))
    wait_until(lambda: 4.0 in results(stream_1) and 6.0 in results(stream_2) and 7.0 in results(ours), "all")
    assert [results(stream) for stream in (stream_1, stream_2, ours)] == [[1.0, 4.0], [2.0, 6.0], [3.0, 7.0]]
