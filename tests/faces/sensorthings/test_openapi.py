# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI description says what is served, all of it and nothing else."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import schemathesis
from sensorthings_bodies import FEATURE, a_multi_datastream, a_property, a_sensor, a_tree, create, get

from cheoyong.faces.sensorthings import openapi
from cheoyong.faces.sensorthings.entities import ENTITIES

ROOT = "http://city.example/v1.1"


@pytest.fixture
async def description(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict(await get(client, "api"))


@pytest.fixture
async def ids(client: httpx.AsyncClient) -> dict[str, int]:
    """One of each entity type, all of one tree."""
    multi = a_multi_datastream(Sensor=a_sensor(), ObservedProperties=[a_property(), a_property()])
    tree = {**a_tree("described", observations=1), "MultiDatastreams": [multi]}
    thing = await create(client, "Things", tree)
    inside = "Datastreams($expand=Sensor,ObservedProperty,Observations),MultiDatastreams"
    shown = await get(client, f"Things({thing})?$expand=Locations,HistoricalLocations,{inside}")
    [stream] = shown["Datastreams"]
    one = {"Things": shown, "Datastreams": stream, "Sensors": stream["Sensor"],
           "ObservedProperties": stream["ObservedProperty"], "Observations": stream["Observations"][0],
           **{name: shown[name][0] for name in ("Locations", "HistoricalLocations", "MultiDatastreams")},
          }  # fmt: skip
    feature = await create(client, "FeaturesOfInterest", FEATURE)
    return {"FeaturesOfInterest": feature, **{name: entity["@iot.id"] for name, entity in one.items()}}


async def test_the_landing_page_leads_to_the_description(client: httpx.AsyncClient) -> None:
    """RFC 8631: service-desc is the description of a service for machines."""
    landing = await client.get("")
    link = landing.headers["link"]
    assert link == f'<{ROOT}/api>; rel="service-desc"; type="{openapi.MEDIA_TYPE}"'
    answer = await client.get(f"{ROOT}/api")
    assert (answer.status_code, answer.headers["content-type"]) == (200, openapi.MEDIA_TYPE)
    assert answer.json()["servers"] == [{"url": ROOT}]
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = await client.request(method, "api", json={})
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_the_description_is_one_of_openapi_3_1(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(description).validate()
    text = str(description)
    for name in set(re.findall(r"#/components/(\w+/\w+)", text)):
        kind, _, item = name.partition("/")
        assert item in description["components"][kind], name


async def test_every_address_that_is_described_answers(
    client: httpx.AsyncClient, description: dict[str, Any], ids: dict[str, int]
) -> None:
    for path, item in description["paths"].items():
        if "get" not in item:
            assert (await client.get(f"{ROOT}{path}")).status_code == 405, path
            continue
        entity = ENTITIES.get(path[1:].partition("(")[0])
        number = str(ids[entity.set_name]) if entity else ""
        for name in entity.properties if entity and "{property}" in path else [""]:
            filled = path.replace("{id}", number).replace("{property}", name)
            response = await client.get(f"{ROOT}{filled}")
            nowhere = response.status_code == 404 and filled.endswith(")/MultiDatastream")
            assert nowhere or str(response.status_code) in item["get"]["responses"], (filled, response.text)
            assert nowhere or response.status_code in (200, 204), (filled, response.text)
            if response.content and not nowhere:
                kind = response.headers["content-type"].partition("; charset")[0]
                assert kind in item["get"]["responses"]["200"]["content"], filled


async def test_every_option_that_is_described_is_understood(
    client: httpx.AsyncClient, description: dict[str, Any], ids: dict[str, int]
) -> None:
    values = {"$filter": "id gt 0", "$orderby": "id", "$select": "id", "$expand": "", "$top": "1",
              "$skip": "0", "$count": "true", "$skiptoken": ""}  # fmt: skip
    parameters = description["components"]["parameters"]
    for path, item in description["paths"].items():
        for reference in item.get("get", {}).get("parameters", ()):
            option = parameters[reference["$ref"].rpartition("/")[2]]
            name, set_name = option["name"], path[1:].partition("(")[0].partition("/")[0]
            if name in ("$expand", "$skiptoken"):  # what they may be depends on the entity and the page
                continue
            for value in option["schema"].get("enum", [values.get(name)]):
                filled = path.replace("{id}", str(ids[set_name]))
                response = await client.get(f"{ROOT}{filled}", params={name: value})
                assert response.status_code in (200, 404), (filled, name, value, response.text)


async def test_what_may_be_created_and_changed_is_described_and_nothing_else(
    client: httpx.AsyncClient, description: dict[str, Any], ids: dict[str, int]
) -> None:
    """An empty body is wrong (400) where creating is served; else the method (405) or the part (501) is."""
    for path, item in description["paths"].items():
        entity = ENTITIES.get(path[1:].partition("(")[0])
        if path == "/$batch" or "{property}" in path or path.endswith(")/MultiDatastream"):
            continue
        filled = path.replace("{id}", str(ids[entity.set_name]) if entity else "")
        for method in ("post", "patch", "put"):
            if method == "patch" and method in item:
                continue  # an empty change is none
            response = await client.request(method, f"{ROOT}{filled}", json={})
            expected = (400, 409) if method in item else (404, 405, 501)
            assert response.status_code in expected, (method, filled, response.text)


async def test_an_entity_is_shown_and_sent_as_described(description: dict[str, Any]) -> None:
    named = description["components"]["schemas"]
    for entity in ENTITIES.values():
        shown, sent = named[entity.name]["properties"], named[f"{entity.name}Sent"]["properties"]
        assert set(shown) >= {"@iot.id", "@iot.selfLink", *entity.properties, *entity.navigations}
        assert set(sent) >= {*entity.properties, *entity.navigations}
    made = description["paths"]["/Things({id})/Datastreams"]["post"]["requestBody"]["content"]
    schema, demanded = made["application/json"]["schema"]["allOf"]
    assert schema == {"$ref": "#/components/schemas/DatastreamSent"}
    assert set(demanded["required"]) == {
        "name", "description", "observationType", "unitOfMeasurement", "Sensor", "ObservedProperty",
    }  # fmt: skip
