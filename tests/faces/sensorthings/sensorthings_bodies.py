# SPDX-License-Identifier: Apache-2.0
"""Bodies to send and the two steps every test makes."""

from __future__ import annotations

from typing import Any

import httpx

MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


FEATURE = {
    "name": "reach",
    "description": "the lower reach",
    "encodingType": "application/geo+json",
    "feature": {"type": "Point", "coordinates": [129.3, 35.5]},
    "properties": {"length_km": 4, "bank": {"left": "steep"}},
}


def a_sensor() -> dict[str, Any]:
    return {
        "name": "radar",
        "description": "radar gauge",
        "encodingType": "text/plain",
        "metadata": "datasheet 7",
        "properties": {"maker": "x"},
    }


def a_property() -> dict[str, Any]:
    return {
        "name": "stage",
        "description": "water level above gauge zero",
        "definition": "http://vocab.example/stage",
        "properties": {"unit": "m"},
    }


def a_datastream(**more: Any) -> dict[str, Any]:
    return {
        "name": "stage at the bridge",
        "description": "every ten minutes",
        "observationType": MEASUREMENT,
        "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": None},
        "observedArea": {"type": "Point", "coordinates": [129.3, 35.55]},
        "properties": {"zero_m": -0.5},
        **more,
    }


def a_multi_datastream(parts: int = 2, **more: Any) -> dict[str, Any]:
    unit = {"name": "metre per second", "symbol": "m/s", "definition": None}
    return {
        "name": "wind at the bridge",
        "description": "speed and more, every minute",
        "observationType": MEASUREMENT.replace("Measurement", "ComplexObservation"),
        "multiObservationDataTypes": [MEASUREMENT] * parts,
        "unitOfMeasurements": [unit] * parts,
        "observedArea": {"type": "Point", "coordinates": [129.3, 35.55]},
        "properties": {"height_m": 10},
        **more,
    }


def a_location(name: str = "bridge") -> dict[str, Any]:
    return {
        "name": name,
        "description": "on the bridge",
        "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [129.3, 35.55]},
        "properties": {"side": "left"},
    }


def a_thing(name: str = "gauge", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": "a river gauge", "properties": {"floor": 3}, **more}


def a_tree(name: str = "gauge", observations: int = 3) -> dict[str, Any]:
    """A thing with a place, a datastream and its observations, one deep insert."""
    measured = [
        {"phenomenonTime": f"2016-10-05T03:{minute:02d}:00Z", "result": minute / 4}
        for minute in range(observations)
    ]
    stream = a_datastream(Sensor=a_sensor(), ObservedProperty=a_property(), Observations=measured)
    return a_thing(name, Locations=[a_location()], Datastreams=[stream])


async def create(client: httpx.AsyncClient, path: str, body: Any) -> int:
    """POST and give the new id; the answer must be 201."""
    response = await client.post(path, json=body)
    assert response.status_code == 201, response.text
    row_id = int(response.json()["@iot.id"])
    assert response.headers["location"].endswith(f"({row_id})")
    return row_id


async def get(client: httpx.AsyncClient, path: str) -> Any:
    """GET and give the JSON; the answer must be 200."""
    response = await client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> int:
    """Create an entity; a Datastream with an owner, a sensor and an observed property of its own."""
    if path == "Datastreams":
        body = {**body, "Thing": a_thing(), "Sensor": a_sensor(), "ObservedProperty": a_property()}
    return await create(client, path, body)


async def owners_of(client: httpx.AsyncClient, stream: int) -> tuple[int, int]:
    """The ids of a datastream's sensor and observed property."""
    shown = await get(client, f"Datastreams({stream})?$expand=Sensor,ObservedProperty")
    return shown["Sensor"]["@iot.id"], shown["ObservedProperty"]["@iot.id"]


async def stream_of(client: httpx.AsyncClient, thing: int) -> dict[str, Any]:
    """The first datastream of a thing, with its observations."""
    shown: dict[str, Any] = (await get(client, f"Things({thing})/Datastreams?$expand=Observations"))["value"][
        0
    ]
    return shown
