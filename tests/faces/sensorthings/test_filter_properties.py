# SPDX-License-Identifier: Apache-2.0
"""Any filter that the grammar allows gives the answer of a plain Python evaluation over a small base."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

import pytest_asyncio
from filter_grammar import NAMES, NUMBERS, filters
from filter_meaning import LINKS, Base, Judged, read_base
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import (
    FEATURE,
    MEASUREMENT,
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    create,
)

# CHEOYONG_EXAMPLES=20 makes twenty times as many.
MANY = int(os.environ.get("CHEOYONG_EXAMPLES", "1"))
ANYTHING = MEASUREMENT.replace("Measurement", "Observation")
GEOMETRIES_MAX = 8
SETS = (*sorted(LINKS), *(("Things", "Datastreams", "Observations", "Locations") * 3))


def _json(place: int) -> dict[str, Any]:
    """A JSON object in which every name is there sometimes, and of another kind sometimes."""
    value: dict[str, Any] = {
        "n": (NUMBERS[place % 10], "3", None)[place % 7 // 3],
        "tag": (NAMES[place % 10], 3)[place % 6 == 5],
        "open": (True, False, "yes", 1)[place % 4],
        "inner": {"n": place % 3, "tag": NAMES[place % 4]},
        "list": [1, {"a": True}][: place % 3],
        "nothing": None,
    }
    if place % 5 == 1:
        del value["n"]
    if place % 5 == 2:
        value["inner"] = "a"
    return value


def _geometry(place: int) -> dict[str, Any]:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]}
    near = {"type": "Point", "coordinates": [129.3, 35.55]}
    return (near, {"type": "LineString", "coordinates": [[0, 0], [3, 4]]}, bow)[place % 3]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(service_apart: Any) -> Base:
    """Five things with all that can hang on one, nulls, absences and other kinds among it."""
    async with service_apart.client(1) as client:
        sensors = [
            await create(client, "Sensors", a_sensor() | {
                "name": NAMES[n + 3], "metadata": ("a", {"n": 1}, 3)[n], "properties": _json(n),
            }) for n in range(3)
        ]  # fmt: skip
        properties = [
            await create(client, "ObservedProperties", a_property() | {
                "name": NAMES[n + 1], "properties": _json(n + 2),
            }) for n in range(3)
        ]  # fmt: skip
        feature = FEATURE | {"name": "a b", "feature": _geometry(1), "properties": _json(4)}
        features = [await create(client, "FeaturesOfInterest", feature)]
        places = [
            await create(client, "Locations", a_location(NAMES[n]) | {
                "location": _geometry(n), "properties": _json(n + 3),
            }) for n in range(4)
        ]  # fmt: skip
        things = []
        for n in range(5):
            body = a_thing(NAMES[n * 3 % 10], description=NAMES[n])
            body["properties"] = _json(n)
            if n == 3:
                del body["properties"]
            if n != 4:
                body["Locations"] = [{"@iot.id": places[n % 3]}, {"@iot.id": places[3]}][: 1 + n % 2]
            things.append(await create(client, "Things", body))
        await create(client, f"Things({things[0]})/Locations", a_location("Z"))
        for n in range(6):
            body = a_datastream(name=NAMES[n + 2], observationType=ANYTHING, properties=_json(n + 1))
            body |= {"Thing": {"@iot.id": things[n % 4]}, "Sensor": {"@iot.id": sensors[n % 3]}}
            body["ObservedProperty"] = {"@iot.id": properties[n % 2]}
            body["observedArea"] = _geometry(n)
            if n in (1, 4):
                del body["observedArea"], body["properties"]
            stream = await create(client, "Datastreams", body)
            await _observed(client, f"Datastreams({stream})", n, features[0])
        multi = a_multi_datastream(2, Thing={"@iot.id": things[1]}, Sensor={"@iot.id": sensors[0]})
        multi |= {"ObservedProperties": [{"@iot.id": row_id} for row_id in properties[:2]]}
        multi_id = await create(client, "MultiDatastreams", multi | {"properties": _json(6)})
        body = {"phenomenonTime": "2016-10-05T03:10:00Z", "result": [1, 2.5]}
        assert (await client.post(f"MultiDatastreams({multi_id})/Observations", json=body)).status_code == 201
        return await read_base(client)


async def _observed(client: Any, address: str, n: int, feature: int) -> None:
    """Up to three observations of different kinds."""
    results = (NUMBERS[n], "a", True, {"n": 1}, 2.5, 3)
    for i in range(n % 4):
        time = ("2016-10-05T03:00:00Z", "2016-10-05T03:10:00Z/2016-10-05T03:20:00.250Z")[(i + n) % 2]
        body = {"phenomenonTime": time, "result": results[(n + i) % 6], "parameters": _json(n + i)}
        if i % 2:
            body["resultTime"] = ("2016-10-05T03:10:00Z", "2016-10-05T03:30:00Z")[n % 2]
        if i == 2:
            body["FeatureOfInterest"] = {"@iot.id": feature}
            del body["parameters"]
        response = await client.post(f"{address}/Observations", json=body)
        assert response.status_code == 201, response.text


@settings(
    max_examples=300 * MANY,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=st.sampled_from(SETS).flatmap(lambda name: st.tuples(st.just(name), filters(name))))
async def test_any_filter_finds_what_plain_python_finds(
    service_apart: Any, base: Base, drawn: tuple[str, Judged]
) -> None:
    entity_set, judged = drawn
    assume(judged.geometries <= GEOMETRIES_MAX)
    async with service_apart.client(1) as client:
        response = await client.get(f"{entity_set}?$select=id&$top=10000&$filter={quote(judged.text)}")
    assert response.status_code == 200, (judged.text, response.text)
    shown = {entity["@iot.id"] for entity in response.json()["value"]}
    entities = base.entities[entity_set]
    wanted = {row_id for row_id, entity in entities.items() if judged.holds(base, entity_set, entity, True)}
    event("some but not all" if 0 < len(wanted) < len(entities) else "all or none")
    assert shown == wanted, judged.text


async def test_the_base_has_what_it_takes_to_tell_right_from_wrong(base: Base) -> None:
    for entity_set, links in LINKS.items():
        assert len(base.entities[entity_set]) >= 1, entity_set
        for name in links:
            assert any(base.links[entity_set, row_id, name] for row_id in base.entities[entity_set]), name
