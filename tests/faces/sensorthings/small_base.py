# SPDX-License-Identifier: Apache-2.0
"""A small base of every kind of entity, full of what filters and orders stumble over."""

from __future__ import annotations

from typing import Any

import httpx
from filter_grammar import NAMES, NUMBERS
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

ANYTHING = MEASUREMENT.replace("Measurement", "Observation")


def _json(place: int, mark: str) -> dict[str, Any]:
    """A JSON object in which every name is there sometimes, and of another kind sometimes."""
    value: dict[str, Any] = {
        "n": (NUMBERS[place % 10], "3", None)[place % 7 // 3],
        "tag": (NAMES[place % 10], 3)[place % 6 == 5],
        "open": (True, False, "yes", 1)[place % 4],
        "inner": {"n": place % 3, "tag": NAMES[place % 4]},
        "list": [1, {"a": True}][: place % 3],
        "nothing": None,
        "mark": mark,
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


async def fill(client: httpx.AsyncClient, mark: str) -> None:
    """Five things with all that can hang on one, nulls, absences and other kinds; ``mark`` tells whose."""
    sensors = [
        await create(client, "Sensors", a_sensor() | {
            "name": NAMES[n + 3], "metadata": ("a", {"n": 1}, 3)[n], "properties": _json(n, mark),
        }) for n in range(3)
    ]  # fmt: skip
    properties = [
        await create(client, "ObservedProperties", a_property() | {
            "name": NAMES[n + 1], "properties": _json(n + 2, mark),
        }) for n in range(3)
    ]  # fmt: skip
    feature = FEATURE | {"name": "a b", "feature": _geometry(1), "properties": _json(4, mark)}
    features = [await create(client, "FeaturesOfInterest", feature)]
    places = [
        await create(client, "Locations", a_location(NAMES[n]) | {
            "location": _geometry(n), "properties": _json(n + 3, mark),
        }) for n in range(4)
    ]  # fmt: skip
    things = []
    for n in range(5):
        body = a_thing(NAMES[n * 3 % 10], description=NAMES[n])
        body["properties"] = _json(n, mark)
        if n == 3:
            del body["properties"]
        if n != 4:
            body["Locations"] = [{"@iot.id": places[n % 3]}, {"@iot.id": places[3]}][: 1 + n % 2]
        things.append(await create(client, "Things", body))
    await create(client, f"Things({things[0]})/Locations", a_location("Z") | {"properties": _json(8, mark)})
    for n in range(6):
        body = a_datastream(name=NAMES[n + 2], observationType=ANYTHING, properties=_json(n + 1, mark))
        body |= {"Thing": {"@iot.id": things[n % 4]}, "Sensor": {"@iot.id": sensors[n % 3]}}
        body["ObservedProperty"] = {"@iot.id": properties[n % 2]}
        body["observedArea"] = _geometry(n)
        if n in (1, 4):
            del body["observedArea"], body["properties"]
        stream = await create(client, "Datastreams", body)
        await _observed(client, f"Datastreams({stream})", n, features[0], mark)
    multi = a_multi_datastream(2, Thing={"@iot.id": things[1]}, Sensor={"@iot.id": sensors[0]})
    multi |= {"ObservedProperties": [{"@iot.id": row_id} for row_id in properties[:2]]}
    multi_id = await create(client, "MultiDatastreams", multi | {"properties": _json(6, mark)})
    body = {"phenomenonTime": "2016-10-05T03:10:00Z", "result": [1, 2.5]}
    assert (await client.post(f"MultiDatastreams({multi_id})/Observations", json=body)).status_code == 201


async def _observed(client: Any, address: str, n: int, feature: int, mark: str) -> None:
    """Up to three observations of different kinds."""
    results = (NUMBERS[n], "a", True, {"n": 1}, 2.5, 3)
    for i in range(n % 4):
        time = ("2016-10-05T03:00:00Z", "2016-10-05T03:10:00Z/2016-10-05T03:20:00.250Z")[(i + n) % 2]
        body = {"phenomenonTime": time, "result": results[(n + i) % 6], "parameters": _json(n + i, mark)}
        if i % 2:
            body["resultTime"] = ("2016-10-05T03:10:00Z", "2016-10-05T03:30:00Z")[n % 2]
        if i == 2:
            body["FeatureOfInterest"] = {"@iot.id": feature}
            del body["parameters"]
        response = await client.post(f"{address}/Observations", json=body)
        assert response.status_code == 201, response.text
