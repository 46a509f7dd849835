# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from documented_queries import addressed, documented_queries
from sensorthings_bodies import (
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    create,
    get,
)

from cheoyong.domain.instant import MINUTE_US, format_instant, parse_instant
from cheoyong.records import reading_pool
from cheoyong.records.connection import as_organisation

THINGS = 60
ROWS_OF_EACH = 500
ROWS = THINGS * ROWS_OF_EACH
BEGIN_US = parse_instant("2016-10-05T00:00:00Z")


@dataclass
class Planned:
    """A connection that has each statement explained before it is carried out."""

    connection: Any
    plans: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    how: str = "ANALYZE, TIMING OFF"

    async def fetch(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.connection.fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.connection.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        await self._explain(sql, values)
        return await self.connection.fetchval(sql, *values)

    async def _explain(self, sql: str, values: Any) -> None:
        [row] = await self.connection.fetch(f"EXPLAIN ({self.how}, FORMAT JSON) {sql}", *values)
        self.plans.append((sql, json.loads(row[0])[0]["Plan"]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@dataclass
class Base:
    """A service with thirty thousand observations, the ids in it, and the plans of what is asked."""

    service: Any
    ids: dict[int, dict[str, int]]
    filled: set[str]

    async def plans(
        self,
        address: str,
        monkeypatch: pytest.MonkeyPatch,
        organisation: int = 1,
        how: str = "ANALYZE, TIMING OFF",
    ) -> list[tuple[str, dict[str, Any]]]:
        """The plans of all statements that a GET takes, with what they came to."""
        seen: list[tuple[str, dict[str, Any]]] = []

        @asynccontextmanager
        async def explaining(pool: Any, organisation: int, *more: Any) -> AsyncIterator[Any]:
            async with as_organisation(pool, organisation, *more) as connection:
                yield Planned(connection, seen, how)

        monkeypatch.setattr(reading_pool, "as_organisation", explaining)
        monkeypatch.setattr(self.service.app, "_reading", reading_pool.InTransactions(self.service.app_pool))
        async with self.service.client(organisation) as client:
            response = await client.get(address)
        monkeypatch.undo()
        assert response.status_code == 200, response.text
        return seen


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def base(service_apart: Any) -> Base:
    """Two organisations with sixty datastreams between them, as many again of parts, and statistics."""
    ids: dict[int, dict[str, int]] = {}
    for organisation in (1, 2):
        async with service_apart.client(organisation) as client:
            streams, ids[organisation] = await _registered(client, THINGS // 2)
            for stream in streams:
                await _filled(client, stream)
    await service_apart.owner.execute("VACUUM (ANALYZE)")
    rows = await service_apart.owner.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^observation' AND reltuples > 0"
    )
    return Base(service_apart, ids, {row["relname"] for row in rows})


async def _registered(client: httpx.AsyncClient, number: int) -> tuple[list[int], dict[str, int]]:
    sensor = {"@iot.id": await create(client, "Sensors", a_sensor())}
    observed = {"@iot.id": await create(client, "ObservedProperties", a_property())}
    streams, ids = [], {}
    for one in range(number):
        stream = a_datastream(name=f"stage {one}", Sensor=sensor, ObservedProperty=observed)
        thing = a_thing(f"gauge {one}", Datastreams=[stream], Locations=[a_location(f"bridge {one}")])
        thing_id = await create(client, "Things", thing)
        streams.append((await get(client, f"Things({thing_id})/Datastreams"))["value"][0]["@iot.id"])
        ids = ids or {"Things": thing_id, "Datastreams": streams[0]}
    multi = a_multi_datastream(1, Thing={"@iot.id": ids["Things"]}, Sensor=sensor)
    multi["ObservedProperties"] = [observed]
    ids["MultiDatastreams"] = await create(client, "MultiDatastreams", multi)
    return streams, ids | {"Sensors": sensor["@iot.id"], "ObservedProperties": observed["@iot.id"]}


async def _filled(client: httpx.AsyncClient, stream: int) -> None:
    rows = [[format_instant(BEGIN_US + n * MINUTE_US), n % 97 / 8] for n in range(ROWS_OF_EACH)]
    body = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    response = await client.post("CreateObservations", json=[body])
    assert response.status_code == 201, response.text


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _of_observations(base: Base, plans: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The nodes that read a table which holds observations."""
    nodes = [node for _, plan in plans for node in _nodes(plan)]
    return [node for node in nodes if node.get("Relation Name") in base.filled]


def _rows_read(nodes: list[dict[str, Any]]) -> float:
    """How many observations were looked at, those that were dropped again too."""
    dropped = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return sum(
        (node["Actual Rows"] + sum(node.get(name, 0) for name in dropped)) * node["Actual Loops"]
        for node in nodes
    )


async def _an_observation(base: Base, organisation: int) -> int:
    stream = base.ids[organisation]["Datastreams"]
    async with base.service.client(organisation) as client:
        shown = await get(client, f"Datastreams({stream})/Observations?$top=1&$select=id")
    return int(shown["value"][0]["@iot.id"])


@pytest.mark.parametrize("organisation", [1, 2])
@pytest.mark.parametrize("query", documented_queries())
async def test_no_documented_query_scans_a_table_of_observations(
    base: Base, monkeypatch: pytest.MonkeyPatch, query: str, organisation: int
) -> None:
    ids = base.ids[organisation] | {"Observations": await _an_observation(base, organisation)}
    address = f"http://city.example/v1.1{addressed(query, ids)}"
    read = _of_observations(base, await base.plans(address, monkeypatch, organisation))
    assert [node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"] == []
    # The whole of an index read is a scan as well. One id is found in 16 pages of the table.
    assert _rows_read(read) < ROWS / 4


@pytest.mark.parametrize("query", documented_queries())
async def test_no_plan_that_is_kept_for_all_parameters_scans_either(
    base: Base, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    address = addressed(query, base.ids[1] | {"Observations": await _an_observation(base, 1)})
    plans = await base.plans(f"http://city.example/v1.1{address}", monkeypatch, how="GENERIC_PLAN")
    read = _of_observations(base, plans)
    assert [node["Relation Name"] for node in read if node["Node Type"] == "Seq Scan"] == []


async def test_a_scan_is_seen_when_there_is_one(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = await base.plans("Observations?$orderby=result desc&$top=1", monkeypatch)
    read = _of_observations(base, plans)
    assert "Seq Scan" in {node["Node Type"] for node in read}
    assert _rows_read(read) == ROWS


@pytest.mark.parametrize(
    "asked",
    [
        "Datastreams({Datastreams})/Observations?",
        "Datastreams({Datastreams})/Observations?$orderby=phenomenonTime desc",
        "Datastreams({Datastreams})/Observations?$orderby=phenomenonTime desc,id desc",
        "Datastreams({Datastreams})/Observations?$filter=phenomenonTime ge 2016-10-05T00:30:00Z",
        "Observations?",
        "Observations?$orderby=phenomenonTime desc",
        "Observations?$orderby=phenomenonTime",
    ],
)
async def test_a_deep_page_reads_no_more_than_the_first_and_by_the_same_index(
    base: Base, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    address = f"http://city.example/v1.1/{asked.format_map(base.ids[1])}&$top=25"
    first = _of_observations(base, await base.plans(address, monkeypatch))
    async with base.service.client(1) as client:
        for _ in range(15):
            address = (await get(client, address))["@iot.nextLink"]
    deep = _of_observations(base, await base.plans(address, monkeypatch))
    scans = {(node["Node Type"], node.get("Index Name")) for node in deep}
    assert scans == {(node["Node Type"], node.get("Index Name")) for node in first}
    assert all("phenomenon_time" in node["Index Cond"] for node in deep)
    # The place itself, and its ties, are met once in each datastream.
    assert _rows_read(deep) <= _rows_read(first) + 3 * THINGS
    assert _rows_read(first) <= 27 * THINGS


async def test_the_latest_of_a_city_reads_one_row_of_each_datastream(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    for condition, streams in (("", THINGS // 2), ("&$filter=Datastream/Thing/name eq 'gauge 7'", 1)):
        address = f"Observations?$orderby=phenomenonTime desc&$top=1&$select=id{condition}"
        read = _of_observations(base, await base.plans(address, monkeypatch))
        assert {node["Node Type"] for node in read} == {"Index Scan"}
        # The row shown, one to see whether there are more, and one to see that it is no tie.
        assert _rows_read(read) <= 3 * (streams + 1)


async def test_what_no_feature_matches_is_known_without_reading_observations(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = "geography'POLYGON ((9 9,11 9,11 11,9 11,9 9))'"
    address = f"Observations?$filter=st_within(FeatureOfInterest/feature,{area})"
    assert _rows_read(_of_observations(base, await base.plans(address, monkeypatch))) == 0


@pytest.mark.parametrize("order", ["phenomenonTime desc", "phenomenonTime", "phenomenonTime desc,result"])
@pytest.mark.parametrize(
    "condition",
    [
        "true",
        "result gt 6",
        "Datastream/Thing/name eq 'gauge 3'",
        "not (Datastream/name lt 'stage 3') and result eq 2.25",
        "Datastream/name eq 'stage 5' or result eq 0",
        "MultiDatastream/id ne null",
    ],
)
async def test_rows_gathered_from_each_datastream_are_those_that_sorting_all_gives(
    base: Base, order: str, condition: str
) -> None:
    async with base.service.client(1) as client:
        few = await get(client, f"Observations?$orderby={order}&$filter={condition}&$top=70&$skip=40")
        all_of_them = await get(client, f"Observations?$orderby={order}&$filter={condition}&$top=2000")
    assert few["value"] == all_of_them["value"][40:110]


async def test_the_rows_of_other_organisations_are_not_stepped_over(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (
        "Observations?$top=5",
        "Observations?$filter=phenomenonTime ge 2016-10-05T01:00:00Z&$top=5",
    ):
        for organisation in (1, 2):
            read = _of_observations(base, await base.plans(address, monkeypatch, organisation))
            assert _rows_read(read) <= 20
