# SPDX-License-Identifier: Apache-2.0
"""F11: numbers that no column holds, in every place of every door, are refused with words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from hostile import BODIES

from conftest import Hammered

pytestmark = pytest.mark.engines
NUMBERS = ("2147483648", "9223372036854775808", "-9223372036854775809", "1" + "0" * 30, "9" * 400, "1e400")
WRONG = json.dumps("here")  # stands for the number until the body is text: JSON knows numbers of any size
# Those of the console are in its own description.
DOORS = (
    "/v1.1/Things({})", "/v1.1/Datastreams({})/Observations", "/v1.1/Things?$top={}", "/v1.1/Things?$skip={}",
    "/v1.1/Observations?$filter=id eq {}", "/v1.1/Observations?$filter=result add {} gt id mul {}",
    "/v1.1/Things?$filter=substring(name,{}) eq name", "/v1.1/Things?$skiptoken={}",
    "/v1.1/Observations?$filter=phenomenonTime gt now() sub duration'P{}D'",
    "/ogc/features/collections/things/items/{}", "/ogc/features/collections/datastreams/items?after={}",
    "/ogc/features/collections/things/items?limit={}", "/ogc/features/collections/things/items?bbox={},1,2,3",
    "/ogc/edr/collections/observations/locations/{}",
    "/ogc/edr/collections/observations/radius?coords=POINT({} 1)&within={}&within-units=km",
    "/bulk/observations?after={}", "/bulk/observations?limit={}", "/bulk/observations?datastream={}",
    "/bulk/observations?thing={}&from={}", "/catalogue/{}", "/cap/alerts/{}",
)  # fmt: skip
# An answer without an end; what would sign the tester out; pages of the web framework.
APART = ("/api/events", "/api/session", "/api/schema")


def test_F11_numbers_beyond_64_bits_in_addresses_are_answered_or_refused(hammered: Hammered) -> None:
    for door in DOORS:
        for number in NUMBERS:
            check(hammered.http.get(quote(door.format(*[number] * 2), safe="/?=&,()$'")), f"{door} {number}")


def test_F11_numbers_beyond_64_bits_in_bodies_of_sensorthings_are_refused(hammered: Hammered) -> None:
    for name, body in BODIES.items():
        for spoilt in spoilt_bodies(body(), NUMBERS[1:4:2]):
            check(send(hammered.http, "POST", f"/v1.1/{name}", spoilt), f"{name} {spoilt}")


def test_F11_numbers_beyond_64_bits_are_refused_wherever_the_console_takes_a_number(
    hammered: Hammered,
) -> None:
    description = hammered.admin.get("/api/schema/openapi.json").json()
    client, sent = hammered.admin.client, 0
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if path.startswith(APART) or method == "parameters":
                continue
            body = example(description, body_schema(operation)) if "requestBody" in operation else None
            for address in addresses(path, operation.get("parameters", [])):
                check(send(client, method, address, json.dumps(body)), f"{method} {address}")
                sent += 1
            address = next(addresses(path, operation.get("parameters", []), ("1",)), path)
            for spoilt in spoilt_bodies(body, NUMBERS[::3]) if body is not None else ():
                check(send(client, method, address, spoilt), f"{method} {address} {spoilt}")
                sent += 1
    assert sent > 300


def check(answer: httpx.Response, told: str) -> None:
    assert answer.status_code < 500 or answer.status_code == 501, f"{told[:500]}: {answer.text[:500]}"
    if answer.status_code >= 400:
        assert answer.json()["detail"], told[:500]


def send(client: httpx.Client, method: str, address: str, body: str) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return client.request(method.upper(), address, content=body.encode(), headers=headers)


def addresses(path: str, parameters: list[Any], numbers: tuple[str, ...] = NUMBERS) -> Iterator[str]:
    """The path with each of its parameters, one after the other, made each of ``numbers``."""
    for chosen in parameters:
        for number in numbers:
            queries = []
            address = path
            for one in parameters:
                value = number if one is chosen else str(UUID(int=1)) if "_id" in one["name"] else "1"
                if one["in"] == "path":
                    address = address.replace(f"{{{one['name']}}}", value)
                elif one["in"] == "query" and (one is chosen or one.get("required")):
                    queries.append(f"{one['name']}={value}")
            yield f"{address}?{'&'.join(queries)}"


def body_schema(operation: Any) -> Any:
    return next(iter(operation["requestBody"]["content"].values()))["schema"]


def example(description: Any, schema: Any) -> Any:
    """A body of the form that is described."""
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in schema.get("oneOf", schema.get("anyOf", ())):
        if choice.get("type") != "null":
            return example(description, choice)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(description, one) for name, one in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(description, schema.get("items", {}))]
    if schema.get("format") == "uuid":
        return str(UUID(int=1))
    return {"integer": 1, "number": 1, "boolean": True}.get(kind, "taehwa_stage_m")


def spoilt_bodies(body: Any, numbers: tuple[str, ...]) -> Iterator[str]:
    """The body as JSON with each of its values, one after the other, made each of ``numbers``."""
    for place in places(body):
        text = json.dumps(with_value(body, place))
        for number in numbers:
            yield text.replace(WRONG, number)


def places(body: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else None
    if inner is None:
        yield before
        return
    for key, value in inner:
        yield from places(value, (*before, key))


def with_value(body: Any, place: tuple[Any, ...]) -> Any:
    if not place:
        return json.loads(WRONG)
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = with_value(body[place[0]], place[1:])
    return copy
