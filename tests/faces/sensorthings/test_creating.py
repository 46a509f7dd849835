# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import (
    a_datastream,
    a_location,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
)

from cheoyong.domain.errors import Unavailable

FEATURE = {
    "name": "reach",
    "description": "the lower reach",
    "encodingType": "application/vnd.geo+json",
    "feature": {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "Point", "coordinates": [129.3, 35.5]},
    },
    "properties": {"length_km": 4},
}


async def _rows(service: Any) -> list[int]:
    tables = ("thing", "location", "thing_location", "sensor", "observed_property", "feature", "datastream")
    return [
        await service.owner.fetchval(f"SELECT count(*) FROM {table}") for table in (*tables, "observation")
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Things", a_thing()),
        ("Locations", a_location()),
        ("Locations", {**a_location(), "encodingType": "application/vnd.geo+json"}),
        ("Locations", {**a_location(), "encodingType": "text/plain", "location": "by the old mill"}),
        ("Sensors", a_sensor()),
        ("ObservedProperties", a_property()),
        ("FeaturesOfInterest", FEATURE),
        ("Datastreams", a_datastream(Thing=a_thing(), Sensor=a_sensor(), ObservedProperty=a_property())),
    ],
)
async def test_each_entity_type_can_be_created_and_read_back(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    row_id = await create(client, path, body)
    shown = await get(client, f"{path}({row_id})")
    for name, value in body.items():
        if name not in ("Thing", "Sensor", "ObservedProperty"):
            assert shown[name] == value


async def test_a_deep_insert_stores_the_whole_tree(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("deep", observations=3))
    shown = await get(
        client, f"Things({thing})?$expand=Locations,Datastreams/Sensor,Datastreams/ObservedProperty,"
        "Datastreams($expand=Observations)",
    )  # fmt: skip
    assert shown["Locations"][0]["name"] == "bridge"
    stream = shown["Datastreams"][0]
    assert stream["Sensor"]["metadata"] == "datasheet 7"
    assert stream["ObservedProperty"]["name"] == "stage"
    assert [o["result"] for o in stream["Observations"]] == [0, 0.25, 0.5]


def _stream(tree: dict[str, Any]) -> dict[str, Any]:
    stream: dict[str, Any] = tree["Datastreams"][0]
    return stream


def _place(tree: dict[str, Any]) -> dict[str, Any]:
    place: dict[str, Any] = tree["Locations"][0]["location"]
    return place


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("Datastreams[0].Sensor.metadata", lambda t: _stream(t)["Sensor"].pop("metadata")),
        ("Datastreams[0].ObservedProperty", lambda t: _stream(t).pop("ObservedProperty")),
        ("Datastreams[0].Observations[1].result", lambda t: _stream(t)["Observations"][1].update(result="x")),
        ("Datastreams[0].Sensor", lambda t: _stream(t).update(Sensor={"@iot.id": 10**12})),
        ("Datastreams[0].unitOfMeasurement.symbol", lambda t: _stream(t)["unitOfMeasurement"].pop("symbol")),
        ("Datastreams[0].observationType", lambda t: _stream(t).update(observationType="number")),
        ("Locations[0].location.coordinates", lambda t: _place(t).update(coordinates=[0, 91])),
        ("Locations[0].colour", lambda t: t["Locations"][0].update(colour="red")),
    ],
)  # fmt: skip
async def test_a_deep_insert_with_a_fault_stores_nothing(
    service: Any, client: httpx.AsyncClient, where: str, fault: Any
) -> None:
    before = await _rows(service)
    tree = a_tree("faulty")
    fault(tree)
    response = await client.post("Things", json=tree)
    assert 400 <= response.status_code < 500
    assert response.json()["where"] == where
    assert await _rows(service) == before


async def test_a_deep_insert_whose_observations_cannot_be_stored_is_taken_back(
    service: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await _rows(service)

    async def away(*_: Any) -> Any:
        raise Unavailable("the database is away")

    monkeypatch.setattr(service.intake, "store_within", away)
    response = await client.post("Things", json=a_tree("taken back"))
    assert response.status_code == 503
    assert await _rows(service) == before


async def test_a_nested_observation_brings_its_own_feature(client: httpx.AsyncClient) -> None:
    tree = a_tree(observations=1)
    tree["Datastreams"][0]["Observations"][0]["FeatureOfInterest"] = FEATURE
    thing = await create(client, "Things", tree)
    shown = await get(client, f"Things({thing})/Datastreams?$expand=Observations/FeatureOfInterest")
    feature = shown["value"][0]["Observations"][0]["FeatureOfInterest"]
    assert feature["name"] == "reach"
    observations = await get(client, f"FeaturesOfInterest({feature['@iot.id']})/Observations")
    assert len(observations["value"]) == 1


async def test_a_datastream_links_to_existing_entities(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing())
    sensor = await create(client, "Sensors", a_sensor())
    observed = await create(client, "ObservedProperties", a_property())
    links = {"Sensor": {"@iot.id": sensor}, "ObservedProperty": {"@iot.id": observed}}
    by_link = await create(client, "Datastreams", a_datastream(Thing={"@iot.id": thing}, **links))
    by_address = await create(client, f"Things({thing})/Datastreams", a_datastream(**links))
    both = await get(client, f"Sensors({sensor})/Datastreams?$expand=Thing")
    assert [s["@iot.id"] for s in both["value"]] == [by_link, by_address]
    assert {s["Thing"]["@iot.id"] for s in both["value"]} == {thing}


async def test_a_client_may_send_a_whole_entity_where_a_link_is_enough(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("inlined"))
    whole = await get(client, f"Things({thing})")
    stream = a_datastream(Thing=whole, Sensor=a_sensor(), ObservedProperty=a_property())
    row_id = await create(client, "Datastreams", stream)
    assert (await get(client, f"Datastreams({row_id})/Thing"))["@iot.id"] == thing


async def test_a_new_location_of_a_thing_replaces_the_old_one(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing(Locations=[a_location("old")]))
    await create(client, f"Things({thing})/Locations", a_location("new"))
    shown = await get(client, f"Things({thing})/Locations")
    assert [place["name"] for place in shown["value"]] == ["new"]


async def test_a_series_belongs_to_one_datastream_of_an_organisation(
    service: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    body = a_datastream(Thing=a_thing(), Sensor=a_sensor(), ObservedProperty=a_property())
    body["properties"] = {"series": "mill_stage_m"}
    row_id = await create(client, "Datastreams", body)
    assert (
        await service.owner.fetchval("SELECT series FROM datastream WHERE id = $1", row_id) == "mill_stage_m"
    )
    again = await client.post("Datastreams", json=body)
    assert again.status_code == 409
    assert again.json()["where"] == "properties.series"
    await create(stranger, "Datastreams", body)


async def test_annotations_of_clients_are_let_pass_and_typing_errors_are_not(
    client: httpx.AsyncClient,
) -> None:
    await create(client, "Things", a_thing(**{"@iot.id": 7, "Datastreams@iot.navigationLink": "x"}))
    response = await client.post("Things", json=a_thing(propertys={}))
    assert response.status_code == 400
    assert response.json()["where"] == "propertys"


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"", 400),
        (b"\xff\xfe", 400),
        (b'{"name": NaN}', 400),
        (b'{"name": "a", "description": "b", "properties": {"x": 1e999}}', 400),
        (b'{"name": "a\\u0000", "description": "b"}', 400),
        (b'{"name": "a", "description": "b", "properties": {"x": 99999999999999999999}}', 422),
        (b'{"name": "a", "description": "b", "properties": {"x": ' + b"[" * 63 + b"]" * 63 + b"}}", 413),
        (b'{"name": "a", "description": "b", "properties": ' + b'{"a":' * 200_000, 413),
        (b'{"name": "' + b"a" * (1 << 20) + b'"}', 413),
        (b'{"name": 3, "description": "b"}', 400),
        (b'{"name": "a", "description": "b", "Datastreams": {}}', 400),
        (b'{"name": "a", "description": "b", "Locations": [{"@iot.id": "x"}]}', 400),
        (b'{"name": "a", "description": "b", "Datastreams": [{"@iot.id": 1}]}', 501),
    ],
)
async def test_bad_bodies_are_refused_with_a_problem_and_nothing_is_stored(
    service: Any, client: httpx.AsyncClient, payload: bytes, status: int
) -> None:
    before = await _rows(service)
    response = await client.post("Things", content=payload)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert await _rows(service) == before


async def test_S08_a_link_to_another_organisations_entity_is_not_found(
    service: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_thing(Locations=[a_location()]))
    sensor = await create(client, "Sensors", a_sensor())
    place = (await get(client, f"Things({thing})/Locations"))["value"][0]["@iot.id"]
    before = await _rows(service)
    rest = {"Sensor": a_sensor(), "ObservedProperty": a_property()}
    attempts = [
        ("Datastreams", a_datastream(Thing={"@iot.id": thing}, **rest)),
        (f"Things({thing})/Datastreams", a_datastream(**rest)),
        (f"Things({thing})/Locations", a_location()),
        (f"Sensors({sensor})/Datastreams", a_datastream(Thing=a_thing(), ObservedProperty=a_property())),
        ("Things", a_thing(Locations=[{"@iot.id": place}])),
        ("Locations", {**a_location(), "Things": [{"@iot.id": thing}]}),
        (f"Locations({place})/Things", a_thing()),
    ]
    for path, body in attempts:
        response = await stranger.post(path, json=body)
        assert response.status_code == 404, (path, response.text)
    assert await _rows(service) == before


async def test_S07_registering_needs_the_permission(service: Any) -> None:
    for role in ("viewer", "operator", "key_read", "key_device"):
        async with service.client(1, role) as client:
            response = await client.post("Things", json=a_thing())
            assert response.status_code == 403


async def test_observations_are_not_created_where_they_have_no_datastream(client: httpx.AsyncClient) -> None:
    response = await client.post("FeaturesOfInterest(1)/Observations", json={"result": 1})
    assert response.status_code == 501


_FIRST = "Observations[0]"


@pytest.mark.parametrize(
    ("path", "change", "status", "where"),
    [
        ("Datastreams", {"Sensor": []}, 400, "Sensor"),
        ("Datastreams", {"Observations": [5]}, 400, "Observations[0]"),
        ("Datastreams", {"Observations": [{"result": 1, "validTime": "x"}]}, 400, f"{_FIRST}.validTime"),
        ("Datastreams", {"Observations": [{"result": 1, "resultTime": 5}]}, 400, _FIRST),
        ("Datastreams", {"properties": {"series": 5}}, 400, "properties.series"),
        ("Datastreams", {"properties": {"series": "x" * 201}}, 400, "properties.series"),
        ("Datastreams", {"observedArea": {"type": "Square"}}, 400, "observedArea"),
        ("Datastreams", {"MultiDatastreams": [1]}, 400, "MultiDatastreams"),
        ("Datastreams", {"Thing": {"@iot.id": True}}, 400, "Thing.@iot.id"),
        ("Things(0)/Datastreams", {}, 404, ""),
    ],
)  # fmt: skip
async def test_a_fault_of_a_datastream_is_named(
    client: httpx.AsyncClient, path: str, change: dict[str, Any], status: int, where: str
) -> None:
    body = a_datastream(Thing=a_thing(), Sensor=a_sensor(), ObservedProperty=a_property()) | change
    response = await client.post(path, json=body)
    assert (response.status_code, response.json()["where"]) == (status, where), response.text


async def test_a_datastream_cannot_say_another_owner_than_its_address(client: httpx.AsyncClient) -> None:
    here, there = [await create(client, "Things", a_thing(name)) for name in ("here", "there")]
    rest = {"Sensor": a_sensor(), "ObservedProperty": a_property()}
    path = f"Things({here})/Datastreams"
    response = await client.post(path, json=a_datastream(Thing={"@iot.id": there}, **rest))
    assert (response.status_code, response.json()["where"]) == (400, "Thing")
    await create(client, path, a_datastream(Thing={"@iot.id": here}, **rest))


async def test_a_request_holds_a_bounded_number_of_entities(client: httpx.AsyncClient) -> None:
    many = [{"name": "l", "description": "d", "encodingType": "text/plain", "location": 1}] * 2_000
    response = await client.post("Things", json=a_thing(Locations=many))
    assert (response.status_code, response.json()["where"]) == (413, "Locations[1999]")
