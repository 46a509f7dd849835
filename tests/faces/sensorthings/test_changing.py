# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import (
    FEATURE,
    a_datastream,
    a_location,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
    made,
    stream_of,
)

JSON_PATCH = {"content-type": "application/json-patch+json"}
SAMPLES = [
    ("Things", a_thing()),
    ("Locations", a_location()),
    ("Sensors", a_sensor()),
    ("ObservedProperties", a_property()),
    ("FeaturesOfInterest", FEATURE),
    ("Datastreams", a_datastream()),
]


async def _past(service: Any, noun: str, row_id: int) -> list[Any]:
    rows: list[Any] = await service.owner.fetch(
        "SELECT gone, was::text, changed_by FROM registry_past WHERE noun = $1 AND row_id = $2 ORDER BY seq",
        noun, row_id,
    )  # fmt: skip
    return rows


# PATCH and PUT --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "body"), SAMPLES)
async def test_a_patch_changes_what_it_names_and_nothing_else(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    row_id = await made(client, path, body)
    before = await get(client, f"{path}({row_id})")
    answer = await client.patch(
        f"{path}({row_id})", json={"@iot.id": row_id, "name": "renamed", "properties": {"new": {"a": 1}}}
    )
    assert answer.status_code == 200, answer.text
    after = await get(client, f"{path}({row_id})")
    properties = {**body["properties"], "new": {"a": 1}}
    assert after == answer.json() == {**before, "name": "renamed", "properties": properties}


async def test_a_patch_merges_objects_to_any_depth_and_replaces_what_is_one_thing(
    client: httpx.AsyncClient,
) -> None:
    row_id = await create(client, "FeaturesOfInterest", FEATURE)
    line = {"type": "LineString", "coordinates": [[129.3, 35.5], [129.4, 35.6]]}
    change = {"properties": {"bank": {"right": "flat"}, "length_km": None}, "feature": line}
    shown = (await client.patch(f"FeaturesOfInterest({row_id})", json=change)).json()
    assert shown["properties"] == {"length_km": None, "bank": {"left": "steep", "right": "flat"}}
    assert shown["feature"] == line
    stream = await made(client, "Datastreams", a_datastream())
    shown = (
        await client.patch(f"Datastreams({stream})", json={"unitOfMeasurement": {"symbol": "cm"}})
    ).json()
    assert shown["unitOfMeasurement"] == {"name": "metre", "symbol": "cm", "definition": None}


@pytest.mark.parametrize(("path", "body"), SAMPLES)
async def test_a_put_replaces_all_properties_and_keeps_links(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    row_id = await made(client, path, body)
    without = {name: value for name, value in body.items() if name not in ("properties", "observedArea")}
    answer = await client.put(f"{path}({row_id})", json={**without, "description": "put"})
    assert answer.status_code == 200, answer.text
    after = await get(client, f"{path}({row_id})")
    assert {n: v for n, v in after.items() if "@iot" not in n} == {**without, "description": "put"}
    missing = {name: value for name, value in without.items() if name != "description"}
    refused = await client.put(f"{path}({row_id})", json=missing)
    assert (refused.status_code, refused.json()["where"]) == (400, "description")


async def test_a_json_patch_changes_an_entity_or_nothing(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing())
    operations = [
        {"op": "test", "path": "/properties/floor", "value": 3},
        {"op": "replace", "path": "/name", "value": "patched"},
        {"op": "move", "from": "/properties/floor", "path": "/properties/level"},
    ]
    path = f"Things({thing})"
    shown = (await client.patch(path, json=operations, headers=JSON_PATCH)).json()
    assert (shown["name"], shown["properties"]) == ("patched", {"level": 3})
    for body, status, where in (
        (operations, 400, "[0].path"),
        ([{"op": "replace", "path": "/name", "value": "x"}, {"op": "test", "path": "/name", "value": 1}], 409,
         "[1]"),
        ([{"op": "remove", "path": "/description"}], 400, "description"),
        ([{"op": "add", "path": "/colour", "value": "red"}], 400, "colour"),
        ([{"op": "replace", "path": "", "value": 5}], 400, ""),
        ({"name": "no array"}, 400, ""),
    ):  # fmt: skip
        answer = await client.patch(path, json=body, headers=JSON_PATCH)
        assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert await get(client, path) == shown


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"name": 5}, 400, "name"),
        ({"name": None}, 400, "name"),
        ({"colour": "red"}, 400, "colour"),
        ({"Sensor": a_sensor()}, 400, "Sensor"),
        ({"Sensor": None}, 400, "Sensor"),
        ({"Sensor": {"@iot.id": 10**12}}, 404, "Sensor"),
        ({"Observations": {}}, 400, "Observations"),
        ({"Observations": [{"@iot.id": 1}]}, 501, "Observations"),
        ({"unitOfMeasurement": 5}, 400, "unitOfMeasurement"),
        ([], 400, ""),
    ],
)
async def test_a_change_with_a_fault_changes_nothing(
    service: Any, client: httpx.AsyncClient, change: Any, status: int, where: str
) -> None:
    stream = await made(client, "Datastreams", a_datastream())
    before = await get(client, f"Datastreams({stream})")
    body = {"description": "half way", **change} if isinstance(change, dict) else change
    answer = await client.patch(f"Datastreams({stream})", json=body)
    assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert await get(client, f"Datastreams({stream})") == before
    assert await _past(service, "datastream", stream) == []


async def test_links_can_be_linked_anew_from_either_end(client: httpx.AsyncClient) -> None:
    stream = await made(client, "Datastreams", a_datastream())
    things = [await create(client, "Things", a_thing(name)) for name in ("first", "second")]
    sensor = await create(client, "Sensors", a_sensor())
    links = {"Thing": {"@iot.id": things[0]}, "Sensor": {"@iot.id": sensor}}
    assert (await client.patch(f"Datastreams({stream})", json=links)).status_code == 200
    assert (await get(client, f"Datastreams({stream})/Thing"))["@iot.id"] == things[0]
    assert (await get(client, f"Datastreams({stream})/Sensor"))["@iot.id"] == sensor
    inside = f"Things({things[0]})/Datastreams({stream})"
    moved = await client.patch(inside, json={"name": "moved", "Thing": {"@iot.id": things[1]}})
    assert (moved.status_code, moved.json()["name"]) == (200, "moved")
    assert (await client.get(inside)).status_code == 404
    back = await client.patch(f"Things({things[0]})", json={"Datastreams": [{"@iot.id": stream}]})
    assert back.status_code == 200
    assert (await client.get(inside)).status_code == 200


async def test_a_thing_is_moved_from_either_end(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing(Locations=[a_location("old")]))
    new, newer = [await create(client, "Locations", a_location(name)) for name in ("new", "newer")]
    await client.patch(f"Things({thing})", json={"Locations": [{"@iot.id": new}]})
    assert [p["name"] for p in (await get(client, f"Things({thing})/Locations"))["value"]] == ["new"]
    await client.patch(f"Locations({newer})", json={"Things": [{"@iot.id": thing}]})
    assert [p["name"] for p in (await get(client, f"Things({thing})/Locations"))["value"]] == ["newer"]


async def test_what_was_changed_or_deleted_is_kept_as_it_was(service: Any, client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("kept"))
    await client.patch(f"Things({thing})", json={"name": "changed"})
    await client.patch(f"Things({thing})", json={"name": "changed"})  # changes nothing
    await client.delete(f"Things({thing})")
    rows = await _past(service, "thing", thing)
    assert [(row["gone"], '"kept"' in row["was"], row["changed_by"]) for row in rows] == [
        (False, True, "key"),
        (True, False, "key"),
    ]


async def test_of_two_changes_at_once_none_is_lost(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing(properties={}))
    changes = [{"properties": {f"n{n}": n}} for n in range(8)]
    answers = await asyncio.gather(*(client.patch(f"Things({thing})", json=change) for change in changes))
    assert {answer.status_code for answer in answers} == {200}
    assert (await get(client, f"Things({thing})"))["properties"] == {f"n{n}": n for n in range(8)}


async def test_a_series_can_be_given_and_is_still_one_datastreams(
    service: Any, client: httpx.AsyncClient
) -> None:
    first, second = [await made(client, "Datastreams", a_datastream()) for _ in range(2)]
    change = {"properties": {"series": "given_later_m"}}
    assert (await client.patch(f"Datastreams({first})", json=change)).status_code == 200
    series = await service.owner.fetchval("SELECT series FROM datastream WHERE id = $1", first)
    assert series == "given_later_m"
    taken = await client.patch(f"Datastreams({second})", json=change)
    assert (taken.status_code, taken.json()["where"]) == (409, "properties.series")


# Observations ---------------------------------------------------------------------------------------


async def test_an_observation_can_be_changed_and_what_it_said_is_kept(
    service: Any, client: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_tree("revised", observations=2))
    stream = await stream_of(client, thing)
    row_id = stream["Observations"][1]["@iot.id"]
    path = f"Observations({row_id})"
    await service.owner.execute("INSERT INTO quality VALUES ($1, 1, $2, 4, 1)", row_id, stream["@iot.id"])
    assert (await get(client, path))["resultQuality"]["name"] == "fail"
    noted = await client.patch(path, json={"parameters": {"by": "hand"}})
    assert (noted.json()["resultQuality"]["name"], noted.json()["result"]) == ("fail", 0.25)
    change = {"result": 7.5, "resultTime": "2016-10-05T04:00:00Z"}
    after = (await client.patch(path, json=change)).json()
    assert after["result"] == 7.5
    assert after["resultTime"] == "2016-10-05T04:00:00Z"
    assert after["phenomenonTime"] == "2016-10-05T03:01:00Z"
    assert after["parameters"] == {"by": "hand"}
    assert after["resultQuality"]["name"] == "not_evaluated"
    assert (await client.patch(path, json=after)).json() == after  # a client sends back what it has read
    rows = await service.owner.fetch(
        "SELECT gone, (was ->> 'result')::float8 AS result, changed_by FROM observation_past"
        " WHERE observation_id = $1 ORDER BY seq",
        row_id,
    )
    assert [tuple(row) for row in rows][:2] == [(False, 0.25, "key"), (False, 0.25, "key")]


async def test_an_observation_can_be_put_and_given_another_datastream_and_feature(
    client: httpx.AsyncClient,
) -> None:
    thing = await create(client, "Things", a_tree(observations=1))
    stream = await stream_of(client, thing)
    other = await made(client, "Datastreams", a_datastream())
    feature = await create(client, "FeaturesOfInterest", FEATURE)
    path = f"Observations({stream['Observations'][0]['@iot.id']})"
    body = {
        "phenomenonTime": "2016-10-05T03:00:00Z/2016-10-05T03:10:00Z",
        "result": 3,
        "Datastream": {"@iot.id": other},
        "FeatureOfInterest": {"@iot.id": feature},
    }
    after = (await client.put(path, json=body)).json()
    assert (after["phenomenonTime"], after["result"]) == (body["phenomenonTime"], 3)
    assert (await get(client, f"{path}/Datastream"))["@iot.id"] == other
    assert (await get(client, f"{path}/FeatureOfInterest"))["@iot.id"] == feature
    assert (await client.patch(path, json={"result": 4})).status_code == 200
    assert (await get(client, f"{path}/FeatureOfInterest"))["@iot.id"] == feature


@pytest.mark.parametrize(
    ("method", "body", "status", "where"),
    [
        ("PATCH", {"result": "high"}, 422, "result"),
        ("PATCH", {"result": None}, 400, "result"),
        ("PATCH", {"phenomenonTime": "yesterday"}, 400, "phenomenonTime"),
        ("PATCH", {"colour": "red"}, 400, "colour"),
        ("PATCH", {"Datastream": {"@iot.id": 10**9}}, 404, "Datastream"),
        ("PATCH", {"FeatureOfInterest": {"@iot.id": -1}}, 404, "FeatureOfInterest"),
        ("PATCH", {"FeatureOfInterest": FEATURE}, 400, "FeatureOfInterest"),
        ("PATCH", {"phenomenonTime": "2016-10-05T03:01:00Z", "result": 0.25}, 409, ""),
        ("PUT", {"result": 5}, 400, "phenomenonTime"),
    ],
)
async def test_a_change_of_an_observation_with_a_fault_changes_nothing(
    client: httpx.AsyncClient, method: str, body: dict[str, Any], status: int, where: str
) -> None:
    thing = await create(client, "Things", a_tree(observations=2))
    before = (await stream_of(client, thing))["Observations"][0]
    answer = await client.request(method, before["@iot.selfLink"], json=body)
    assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert await get(client, before["@iot.selfLink"]) == before


async def test_S08_nothing_of_another_organisation_can_be_changed_or_deleted(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_tree(observations=1))
    stream = await stream_of(client, thing)
    own = await create(stranger, "Things", a_tree("own", observations=1))
    own_stream = await stream_of(stranger, own)
    observation = stream["Observations"][0]["@iot.selfLink"]
    for path in (f"Things({thing})", stream["@iot.selfLink"], observation):
        absent = path.rpartition("(")[0] + "(999999999)"
        for method in ("PATCH", "PUT", "DELETE"):
            there, nowhere = [await stranger.request(method, p, json={}) for p in (path, absent)]
            assert (there.status_code, there.json()) == (404, nowhere.json())
    for path, body in (
        (own_stream["@iot.selfLink"], {"Thing": {"@iot.id": thing}}),
        (f"Things({own})", {"Datastreams": [{"@iot.id": stream["@iot.id"]}]}),
        (own_stream["Observations"][0]["@iot.selfLink"], {"Datastream": {"@iot.id": stream["@iot.id"]}}),
    ):
        assert (await stranger.patch(path, json=body)).status_code == 404
    assert (await stream_of(client, thing)) == stream


_MEMBERS = st.sampled_from(
    ("name", "description", "properties", "Locations", "Datastreams", "Thing", "@iot.id", "result", "op",
     "path", "value", "from", "phenomenonTime", "FeatureOfInterest", "time", "Things")
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5)
    | st.sampled_from(("add", "move", "copy", "test", "replace", "/name", "/properties/floor", "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(("PATCH", "PUT")), place=st.integers(0, 3), body=_JSON, as_patch=st.booleans())
async def test_S27_malformed_changes_never_make_the_server_fail(
    client: httpx.AsyncClient, targets: list[str], method: str, place: int, body: Any, as_patch: bool
) -> None:
    headers = JSON_PATCH if as_patch else {}
    answer = await client.request(method, targets[place], content=json.dumps(body), headers=headers)
    assert answer.status_code in (200, 400, 404, 409, 413, 422, 501), answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def targets(service: Any) -> list[str]:
    """One entity of each kind that is changed in its own way."""
    async with service.client(1) as client:
        thing = await create(client, "Things", a_tree("to be changed", observations=1))
        stream = await stream_of(client, thing)
        entry = (await get(client, f"Things({thing})/HistoricalLocations"))["value"][0]
    links = [item["@iot.selfLink"] for item in (stream, stream["Observations"][0], entry)]
    return [f"Things({thing})", *links]


async def test_S07_changing_and_deleting_need_the_permission(service: Any, client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing())
    for role in ("viewer", "operator", "key_read", "key_device"):
        async with service.client(1, role) as other:
            for method in ("PATCH", "PUT", "DELETE"):
                assert (await other.request(method, f"Things({thing})", json={})).status_code == 403
