# SPDX-License-Identifier: Apache-2.0
"""The reference page tells the truth: what it shows is sent to the service."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
from sensorthings_bodies import a_multi_datastream, a_property, a_sensor, a_tree, create, get

from cheoyong.faces.sensorthings import creating, drafting, options, reading

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "sensorthings.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^GET (/v1\.1\S*.*)$", PAGE, re.MULTILINE)


async def test_every_address_on_the_page_answers(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("documented", observations=2))
    stream: Any = (await get(client, f"Things({thing})/Datastreams?$expand=Observations"))["value"][0]
    numbers = {
        "Things": thing,
        "Datastreams": stream["@iot.id"],
        "Observations": stream["Observations"][0]["@iot.id"],
    }
    multi = a_multi_datastream(
        1, Thing={"@iot.id": thing}, Sensor=a_sensor(), ObservedProperties=[a_property()]
    )  # fmt: skip
    numbers["MultiDatastreams"] = await create(client, "MultiDatastreams", multi)
    assert len(QUERIES) >= 14
    for query in QUERIES:
        address = re.sub(r"(\w+)\(1\)", lambda found: f"{found[1]}({numbers[found[1]]})", query)
        response = await client.get(f"http://city.example{address}")
        assert response.status_code == 200, (address, response.text)


async def test_the_entity_on_the_page_can_be_created(service: Any, client: httpx.AsyncClient) -> None:
    body = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert body is not None
    thing = await create(client, "Things", json.loads(body[1]))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    series = await service.owner.fetchval("SELECT series FROM datastream WHERE id = $1", stream)
    assert series == "taehwa_stage_m"


def test_the_bounds_on_the_page_are_the_ones_in_force() -> None:
    text = " ".join(PAGE.split())
    for said in (
        f"at most {options.TOP_MAX:,} entities are given at once, {options.TOP_DEFAULT} when nothing is said",
        f"up to {options.EXPAND_DEPTH_MAX} levels deep",
        f"more than {reading.ROWS_EXPANDED_MAX:,}",
        f"at most {creating.BODY_BYTES_MAX >> 20} MiB, {drafting.DEPTH_MAX} levels deep,"
        f" {drafting.ENTITIES_MAX:,} entities",
        f"of equal length (1 to {drafting.PARTS_MAX})",
    ):
        assert said in text
