# SPDX-License-Identifier: Apache-2.0
"""Observations read in columns: complete, in order, resumable, with flags, and nobody else's."""

from __future__ import annotations

import asyncio
import json

import httpx
import pyarrow as pa
import pytest
from bulk_world import START_US, UTC_US, Bulk, bulk_fixture, rows  # noqa: F401

from cheoyong.domain.instant import MINUTE_US, format_instant, to_datetime
from cheoyong.faces.bulk.rendering import COLUMNS
from cheoyong.records.bulk import ROWS_PER_PAGE_MAX


def instant(us: int) -> str:
    return format_instant(us)


@pytest.mark.parametrize("form", ["arrow", "parquet"])
async def test_R6_what_was_sent_is_read_back_the_same(bulk: Bulk, form: str) -> None:
    _, one = await bulk.stream()
    _, two = await bulk.stream(kind="Observation")
    await bulk.sent(rows(two, ["calm", "rough"]))
    await bulk.sent(rows(one, [1.5, -0.25, 1e308], parameters=[None, '{"a":1}', None]))
    table = await bulk.table(datastream=f"{two},{one}", format=form)
    assert table.column_names == list(COLUMNS)
    assert table["datastream_id"].to_pylist() == [one] * 3 + [two] * 2
    assert table["result"].to_pylist() == [1.5, -0.25, 1e308, None, None]
    assert table["result_json"].to_pylist() == [None] * 3 + ['"calm"', '"rough"']
    assert table["parameters"].to_pylist() == [None, '{"a":1}', None, None, None]
    minutes = [to_datetime(START_US + n * MINUTE_US) for n in (0, 1, 2, 0, 1)]
    assert table["phenomenon_time"].to_pylist() == minutes
    assert table["phenomenon_end"].null_count == table["result_time"].null_count == 5


async def test_R3_each_row_has_event_time_ingest_time_raw_value_and_flag(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    bulk.clock.now_us += MINUTE_US
    first_us = bulk.clock.now_us
    await bulk.sent(rows(stream, [1.0]))
    bulk.clock.now_us += MINUTE_US
    await bulk.sent(rows(stream, [2.0, 3.0], from_us=START_US - 10 * MINUTE_US))
    table = await bulk.table(datastream=stream)
    ingest = [to_datetime(us) for us in (first_us + MINUTE_US, first_us + MINUTE_US, first_us)]
    assert table["recorded_at"].to_pylist() == ingest
    assert table["flag"].to_pylist() == [2, 2, 2], "no rules: not evaluated"
    spoken = table["id"].to_pylist()[1]
    batch = await bulk.owner.fetchval("SELECT max(number) FROM batch")
    await bulk.owner.execute("INSERT INTO quality VALUES ($1, $2, $3, 3, 4)", spoken, batch - 1, stream)
    await bulk.owner.execute("INSERT INTO quality VALUES ($1, $2, $3, 4, 5)", spoken, batch, stream)
    table = await bulk.table(datastream=stream)
    assert table["flag"].to_pylist() == [2, 4, 2], "the newest verdict"
    assert table["tests"].to_pylist() == [0, 5, 0]
    assert table["result"].to_pylist() == [2.0, 3.0, 1.0], "the value as it was measured"


async def test_several_pages_are_one_table_in_order_with_none_lost(bulk: Bulk) -> None:
    _, one = await bulk.stream()
    _, two = await bulk.stream()
    count = ROWS_PER_PAGE_MAX + 1_000
    await bulk.sent(rows(one, [float(n) for n in range(count)], step_us=1_000_000))
    await bulk.sent(rows(two, [float(n) for n in range(10)]))
    table = await bulk.table(datastream=f"{one},{two}", columns="datastream_id,result")
    assert table["result"].to_pylist() == [float(n) for n in range(count)] + [float(n) for n in range(10)]


async def test_R6_pages_by_limit_and_after_join_to_the_whole_while_others_write(bulk: Bulk) -> None:
    _, one = await bulk.stream()
    _, two = await bulk.stream()
    for stream in (one, two):  # several results of one time: the id decides
        await bulk.sent(rows(stream, [1.0, 2.0, 3.0, 4.0], step_us=0))
        await bulk.sent(rows(stream, [5.0, 6.0, 7.0], from_us=START_US + MINUTE_US))
    whole = await bulk.table(datastream=f"{one},{two}")
    pieces, parameters = [], {"datastream": f"{one},{two}", "limit": 3}
    while True:
        answer = await bulk.get(**parameters)
        pieces.append(pa.ipc.open_stream(answer.content).read_all())
        if "cheoyong-next-after" not in answer.headers:
            break
        parameters["after"] = answer.headers["cheoyong-next-after"]
        await bulk.sent(rows(one, [float(len(pieces))], from_us=START_US - MINUTE_US * len(pieces)))
    assert pa.concat_tables(pieces).select(["id", "result"]) == whole.select(["id", "result"])


async def test_from_and_to_cut_by_time_and_things_and_properties_choose(bulk: Bulk) -> None:
    thing_id, stream = await bulk.stream(observed="wave height", definition="urn:wave")
    await bulk.sent(rows(stream, [0.0, 1.0, 2.0, 3.0]))
    begin, end = instant(START_US + MINUTE_US), instant(START_US + 3 * MINUTE_US)
    table = await bulk.table(thing=thing_id, from_=begin, to=end)
    assert table["result"].to_pylist() == [1.0, 2.0]
    found = await bulk.http.get(f"/v1.1/Datastreams({stream})/ObservedProperty")
    table = await bulk.table(observed_property=found.json()["@iot.id"])
    assert table["result"].to_pylist() == [0.0, 1.0, 2.0, 3.0]
    nothing = await bulk.table(observed_property=found.json()["@iot.id"], thing=thing_id + 1)
    assert len(nothing) == 0


async def test_R2_the_schema_says_what_whose_and_how_it_was_asked(bulk: Bulk) -> None:
    _, stream = await bulk.stream(properties={"licence": "KOGL-1"}, unit="m")
    await bulk.sent(rows(stream, [1.0]))
    for form in ("arrow", "parquet"):
        table = await bulk.table(datastream=stream, format=form)
        told = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        assert (told["time_zone"], told["query"]) == ("UTC", f"datastream={stream}&format={form}")
        assert told["software"].startswith("cheoyong ")
        (about,) = json.loads(told["datastreams"])
        assert (about["unit"]["symbol"], about["licence"], about["owner"]) == ("m", "KOGL-1", "tests")
        assert about["observed_property"]["definition"] == "urn:level"


async def test_S08_another_organisations_observations_are_not_there_by_any_choice(bulk: Bulk) -> None:
    thing_id, stream = await bulk.stream(observed="secret", definition="urn:secret")
    await bulk.sent(rows(stream, [42.0]))
    found = await bulk.http.get(f"/v1.1/Datastreams({stream})/ObservedProperty")
    property_id = found.json()["@iot.id"]
    strange = await bulk.get(organisation=2, datastream=stream)
    absent = await bulk.get(organisation=2, datastream=999_999)
    assert strange.status_code == absent.status_code == 404
    assert strange.json()["detail"].replace(str(stream), "999999") == absent.json()["detail"]
    for choice in ({"thing": thing_id}, {"observed_property": property_id}):
        assert len(await bulk.table(organisation=2, **choice)) == 0
        for then in (START_US - MINUTE_US, bulk.clock.now_us + MINUTE_US):
            assert len(await bulk.table(organisation=2, known_at=instant(then), **choice)) == 0
        assert len(await bulk.table(**choice)) == 1


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({}, "datastream"),
        ({"datastream": "x"}, "datastream"),
        ({"datastream": "1", "from": "2016-10-05"}, "from"),
        ({"datastream": "1", "known_at": "yesterday"}, "known_at"),
        ({"datastream": "1", "format": "csv"}, "format"),
        ({"datastream": "1", "columns": "id,secret"}, "columns"),
        ({"datastream": "1", "after": "1,2"}, "after"),
        ({"datastream": "1", "limit": "0"}, "limit"),
        ({"datastream": "1", "known_as": "1"}, "known_as"),
        ({"datastream": str(2**31)}, "datastream"),
    ],
)
async def test_R9_a_wrong_question_is_told_its_parameter(
    bulk: Bulk, parameters: dict[str, str], where: str
) -> None:
    answer = await bulk.http.get("/bulk/observations", params=parameters)
    assert (answer.status_code, answer.json()["where"]) == (400, where)
    assert answer.json()["mend"]


async def running_copies(bulk: Bulk) -> int:
    found: int = await bulk.owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cheoyong_app' AND state <> 'idle'"
        " AND datname = current_database()"
    )
    return found


async def test_F30_a_reader_who_goes_away_ends_what_is_read_for_it(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    count = 4 * ROWS_PER_PAGE_MAX
    await bulk.sent(rows(stream, [0.5] * count, step_us=1_000_000))
    async with (
        httpx.AsyncClient(base_url=bulk.url, trust_env=False, timeout=60) as other,
        other.stream("GET", f"/bulk/observations?datastream={stream}") as answer,
    ):
        await anext(answer.aiter_raw())
    async with asyncio.timeout(60):
        while bulk.litestar.state["downloads"].running or await running_copies(bulk):
            await asyncio.sleep(0)
    assert len(await bulk.table(datastream=stream, limit=5)) == 5, "the next reader is served"


async def test_instants_and_columns_keep_their_types_in_an_empty_answer(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    table = await bulk.table(datastream=stream, columns="recorded_at,flag")
    assert len(table) == 0
    assert table.schema.types == [UTC_US, pa.int8()]
