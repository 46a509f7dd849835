# SPDX-License-Identifier: Apache-2.0
"""What has gone into archives is answered as before it went: the same queries, the same bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from sensorthings_bodies import (
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    create,
)

from cheoyong.domain.access import Role
from cheoyong.domain.instant import format_instant, parse_instant
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.flow.directory import Directory
from cheoyong.records import archived_reading
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.archives import archive_month, restore_month, stage
from cheoyong.records.connection import FLOW, ROLES, Database, open_pool, prepare_codecs
from cheoyong.records.reading_pool import open_reading_pool
from conftest import NOW_US, ROOT, GateByHeader, Service

MONTHS = tuple(parse_instant(f"2016-{month:02d}-01T00:00:00Z") for month in (1, 2, 3, 9))
ROWS_A_MONTH, STEP_US = 40, 61 * 60 * 1_000_000 + 7
PAST = MONTHS[:2]


@dataclass
class City:
    """The service with a shelf, the owner's connection, the folder, and ids by name."""

    app: SensorThings
    owner: Any
    folder: Path
    ids: dict[str, int]

    def client(self, organisation: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),  # type: ignore[arg-type]
            base_url=ROOT,
            headers={"x-organisation": str(organisation), "x-role": Role.KEY_WRITE},
        )

    async def answers(self, organisation: int, queries: tuple[str, ...]) -> dict[str, tuple[int, str]]:
        async with self.client(organisation) as client:
            found = {}
            for query in queries:
                response = await client.get(query.format(**self.ids))
                found[query] = response.status_code, response.text
            return found

    async def archive(self) -> None:
        for month_us in PAST:
            await archive_month(self.owner, self.folder, month_us, grace_s=0)

    async def restore(self) -> None:
        for month_us in PAST:
            await restore_month(self.owner, self.folder, month_us, grace_s=0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def city(service_apart: Service, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    folder = tmp_path_factory.mktemp("archives")
    owner = await asyncpg.connect(service_apart.dsn)
    await prepare_codecs(owner)
    database = Database(service_apart.dsn, dict.fromkeys(ROLES, "test"))
    flow, reading = await open_pool(database, FLOW), await open_reading_pool(database, size_max=2)
    app = SensorThings(
        pool=service_apart.app_pool, ingest=Ingest(service_apart.intake, Directory(flow), lambda: NOW_US),
        intake=service_apart.intake, gate=GateByHeader(), now_us=lambda: NOW_US, reading=reading,
        shelf=Shelf(folder, known_for_s=0),
    )  # fmt: skip
    made = City(app, owner, folder, {})
    for organisation, name in ((1, "a"), (1, "b"), (2, "theirs")):
        async with made.client(organisation) as client:
            made.ids |= {key + name: value for key, value in (await _filled(client)).items()}
    await owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)"
        " SELECT id, b, datastream_id, 3 + b % 2, b FROM observation, generate_series(1, 2) b"
        " WHERE id % 7 = 0"
    )
    made.ids["old"] = await owner.fetchval(
        "SELECT min(id) FROM observation WHERE datastream_id = $1", made.ids["stream_a"]
    )
    yield made
    await reading.close()
    await flow.close()
    await owner.close()


async def _filled(client: httpx.AsyncClient) -> dict[str, int]:
    sensor = {"@iot.id": await create(client, "Sensors", a_sensor())}
    observed = {"@iot.id": await create(client, "ObservedProperties", a_property())}
    thing = await create(client, "Things", a_thing(Locations=[a_location()]))
    linked = {"Thing": {"@iot.id": thing}, "Sensor": sensor}
    stream = await create(client, "Datastreams", a_datastream(**linked, ObservedProperty=observed))
    multi = await create(
        client, "MultiDatastreams", a_multi_datastream(1, **linked) | {"ObservedProperties": [observed]}
    )
    await _send(client, stream, multi, MONTHS)
    return {"stream_": stream, "multi_": multi, "thing_": thing}


async def _send(client: httpx.AsyncClient, stream: int, multi: int, months: Sequence[int]) -> None:
    for kind, one in (("Datastream", stream), ("MultiDatastream", multi)):
        for month_us in months:
            times = [format_instant(month_us + n * STEP_US) for n in range(ROWS_A_MONTH)]
            values = [n % 7 / 4 if kind == "Datastream" else [n % 5] for n in range(ROWS_A_MONTH)]
            body = {
                kind: {"@iot.id": one},
                "components": ["phenomenonTime", "result", "parameters"],
                "dataArray": [[t, v, {"n": i}] for i, (t, v) in enumerate(zip(times, values, strict=True))],
            }
            response = await client.post("CreateObservations", json=[body])
            assert response.status_code == 201, response.text


_RANGE = "phenomenonTime ge 2016-01-01T05:00:00Z and phenomenonTime lt 2016-02-01T09:00:00Z"
QUERIES = (
    "Datastreams({stream_a})/Observations",
    "Datastreams({stream_a})/Observations?$count=true&$top=3",
    "Datastreams({stream_a})/Observations?$orderby=phenomenonTime desc&$top=50",
    "Datastreams({stream_a})/Observations?$orderby=phenomenonTime desc&$top=2&$skip=90&$count=true",
    "Datastreams({stream_a})/Observations?$top=45&$skip=20",
    f"Datastreams({{stream_a}})/Observations?$filter={_RANGE}&$count=true",
    "Datastreams({stream_a})/Observations?$filter=phenomenonTime lt 2016-01-02T00:00Z&$orderby=result",
    "Datastreams({stream_a})/Observations?$filter=phenomenonTime eq 2016-01-01T00:00:00Z",
    "Datastreams({stream_a})/Observations?$filter=result gt 1 and day(phenomenonTime) eq 1&$orderby=id",
    "Datastreams({stream_a})/Observations?$filter=parameters/n eq 3",
    "Datastreams({stream_a})/Observations?$filter=not (phenomenonTime gt 2016-01-02T00:00:00Z)",
    "Datastreams({stream_a})/Observations?$filter=result eq 1 or phenomenonTime lt 2016-01-02T00:00:00Z",
    "Datastreams({stream_a})/Observations?$resultFormat=dataArray",
    f"Datastreams({{stream_a}})/Observations?$resultFormat=CSV&$filter={_RANGE}",
    "Datastreams({stream_a})/Observations/$count",
    f"Datastreams({{stream_a}})/Observations/$count?$filter={_RANGE}",
    "Datastreams({stream_a})/Observations/$ref",
    "MultiDatastreams({multi_a})/Observations?$top=50&$orderby=phenomenonTime",
    "Things({thing_a})/Datastreams({stream_a})/Observations?$top=5",
    "Observations?$top=3",
    "Observations?$top=45&$count=true",
    "Observations?$top=100&$skip=30",
    "Observations?$orderby=phenomenonTime desc,id&$top=200",
    "Observations?$orderby=phenomenonTime,id&$top=5",
    "Observations?$filter=Datastream/id eq {stream_b}&$top=100&$orderby=phenomenonTime desc",
    "Observations?$filter=Datastream/Thing/id eq {thing_b}&$top=200",
    "Observations?$filter=id lt 9&$expand=Datastream($select=name),FeatureOfInterest",
    "Observations/$count",
    "Observations({old})",
    "Observations({old})/result/$value",
    "Observations({old})/Datastream/Thing",
    "Observations({old})/FeatureOfInterest",
    "Datastreams({stream_a})/Observations({old})?$expand=Datastream",
    "Datastreams?$expand=Observations($top=3)",
    "Datastreams?$expand=Observations($orderby=phenomenonTime desc;$top=100)",
    "Datastreams?$expand=Observations($orderby=phenomenonTime desc;$top=70;$skip=30;$count=true)",
    "Datastreams?$expand=Observations($orderby=phenomenonTime asc;$top=45;$filter=phenomenonTime gt"
    " 2016-01-02T00:00:00Z)",
    "MultiDatastreams({multi_a})?$expand=Observations($top=79),Thing/Datastreams/Observations($top=2)",
    "Things({thing_a})/Datastreams?$expand=Observations($orderby=result desc;$top=3)",
    "Datastreams({stream_a})?$expand=Observations($orderby=phenomenonTime desc;$top=2)",
    f"Things?$expand=Datastreams/Observations($filter={_RANGE};$count=true;$top=4)",
    "Datastreams?$filter=Observations/phenomenonTime lt 2016-01-05T00:00:00Z",
    "Datastreams?$orderby=Observations/phenomenonTime",
    "Observations({old})/FeatureOfInterest/Observations?$top=4",
)


@pytest.mark.parametrize("organisation", [1, 2])
async def test_R9_every_query_is_answered_from_archives_as_it_was_from_the_tables(
    city: City, organisation: int
) -> None:
    before = await city.answers(organisation, QUERIES)
    if organisation == 1:
        assert {query: answer for query, answer in before.items() if answer[0] != 200} == {}
    await city.archive()
    try:
        assert await city.owner.fetchval("SELECT min(phenomenon_time) FROM observation") == MONTHS[2]
        after = await city.answers(organisation, QUERIES)
    finally:
        await city.restore()
    assert {query: after[query] for query in QUERIES if after[query] != before[query]} == {}


async def test_what_is_sent_again_of_an_archived_month_is_answered_once_under_its_first_id(
    city: City,
) -> None:
    """Only the count that is kept is too high, until the month is restored or archived again."""
    before = await city.answers(1, QUERIES)
    await city.archive()
    try:
        async with city.client(1) as client:
            await _send(client, city.ids["stream_a"], city.ids["multi_a"], PAST[:1])
        assert await city.owner.fetchval(
            "SELECT count(*) FROM observation WHERE phenomenon_time < $1", PAST[1]
        )
        during = await city.answers(1, QUERIES)
    finally:
        await city.restore()
    counting = {query for query in QUERIES if "$count" in query and "$filter" not in query}
    assert {query for query in QUERIES if during[query] != before[query]} <= counting
    after = await city.answers(1, QUERIES)
    assert {query: after[query] for query in QUERIES if after[query] != before[query]} == {}


@pytest.mark.parametrize(
    "order", ["$orderby=phenomenonTime desc", "$orderby=phenomenonTime", "$orderby=id", ""]
)
@pytest.mark.parametrize("address", ["Datastreams({stream_a})/Observations", "Observations"])
async def test_pages_lead_through_archives_to_the_last_row_each_once(
    city: City, address: str, order: str
) -> None:
    await city.archive()
    try:
        async with city.client(1) as client:
            link, ids = f"{address.format(**city.ids)}?$top=37&{order}", []
            while link:
                answer = (await client.get(link)).json()
                ids += [row["@iot.id"] for row in answer["value"]]
                link = answer.get("@iot.nextLink", "")
    finally:
        await city.restore()
    streams = [city.ids["stream_a"]] if "Datastreams" in address else [
        city.ids[name] for name in ("stream_a", "multi_a", "stream_b", "multi_b")
    ]  # fmt: skip
    rows = await city.owner.fetch("SELECT id FROM observation WHERE datastream_id = ANY($1::int[])", streams)
    assert sorted(ids) == sorted(row["id"] for row in rows)


async def test_S08_rows_of_others_are_never_taken_out_of_a_file(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[int] = set()

    async def noting(connection: Any, name: str, table: Any) -> None:
        taken.update(table["datastream_id"].to_pylist())
        await stage(connection, name, table)

    monkeypatch.setattr("cheoyong.records.archived_reading.stage", noting)
    await city.archive()
    try:
        await city.answers(2, QUERIES)
    finally:
        await city.restore()
    assert taken == {city.ids["stream_theirs"], city.ids["multi_theirs"]}


async def test_a_page_of_the_newest_that_the_tables_fill_opens_no_archive(city: City) -> None:
    await city.archive()
    away = city.folder.rename(city.folder.with_name("away"))
    stream = "Datastreams({stream_a})/Observations?$orderby=phenomenonTime desc"
    try:
        answers = await city.answers(
            1,
            (
                f"{stream}&$top=79",
                "Datastreams({stream_a})/Observations?$filter=phenomenonTime ge 2016-09-01T00:00:00Z",
                "Datastreams?$expand=Observations($orderby=phenomenonTime desc;$top=1)",
                "Observations?$count=true&$top=0",
                f"{stream}&$top=80",
            ),
        )
    finally:
        away.rename(city.folder)
        await city.restore()
    assert [status for status, _ in answers.values()] == [200, 200, 200, 200, 503]


async def test_more_archived_rows_than_a_request_may_reach_are_refused_with_the_mend(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived_reading, "ROWS_MAX", 2 * ROWS_A_MONTH - 1)
    await city.archive()
    try:
        answers = await city.answers(
            1,
            (
                "Observations?$orderby=result",
                "Datastreams({stream_a})/Observations?$orderby=result",
                f"Datastreams({{stream_a}})/Observations?$orderby=result&$filter={_RANGE}",
                "Observations?$top=1",
            ),
        )
    finally:
        await city.restore()
    assert [status for status, _ in answers.values()] == [413, 413, 200, 200]
    assert "give a range of phenomenonTime or a Datastream" in answers["Observations?$orderby=result"][1]


async def test_an_archived_observation_cannot_be_changed_and_it_is_said_how_it_could(city: City) -> None:
    await city.archive()
    address = f"Observations({city.ids['old']})"
    try:
        async with city.client(1) as client, city.client(2) as stranger:
            for response in (
                await client.delete(address),
                await client.patch(address, json={"result": 1}),
            ):
                assert response.status_code == 409, response.text
                assert response.json()["mend"] == "cheoyong archive --restore 2016-01"
            assert (await stranger.delete(address)).status_code == 404
            assert (await stranger.get(address)).status_code == 404
    finally:
        await city.restore()
    async with city.client(1) as client:
        assert (await client.patch(address, json={"parameters": {"n": 0}})).status_code == 200
