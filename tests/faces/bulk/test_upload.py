# SPDX-License-Identifier: Apache-2.0
"""Observations sent in columns: stored once, judged as by the other doors, refused with row and column."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest
from bulk_world import START_US, UTC_US, Bulk, arrow, bulk_fixture, parquet, rows  # noqa: F401

from cheoyong.domain.instant import MINUTE_US, format_instant
from cheoyong.faces.bulk.upload import ARROW_FILE, MEDIA_TYPES, PARQUET, ROWS_PER_GROUP

T0 = pa.array([START_US], pa.int64()).cast(UTC_US)


def body(table: pa.Table, media_type: str) -> bytes:
    if media_type == PARQUET:
        return parquet(table)
    if media_type == ARROW_FILE:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()
    return arrow(table)


async def stored(bulk: Bulk, stream: int) -> list[tuple[int, float | None]]:
    found = await bulk.owner.fetch(
        "SELECT (extract(epoch FROM phenomenon_time) * 1000000)::bigint AS at, result FROM observation"
        " WHERE datastream_id = $1 ORDER BY phenomenon_time, id",
        stream,
    )
    return [(row["at"], row["result"]) for row in found]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_R6_what_is_sent_in_columns_is_there_and_sent_again_is_there_once(
    bulk: Bulk, media_type: str
) -> None:
    _, stream = await bulk.stream()
    content = body(rows(stream, [1.5, 2.5, -0.25]), media_type)
    first = (await bulk.send(content, media_type)).json()
    assert (first["rows"], first["stored"], first["already_there"]) == (3, 3, 0)
    assert first["last_id"] - first["first_id"] == 2
    again = (await bulk.send(content, media_type)).json()
    assert (again["rows"], again["stored"], again["already_there"]) == (3, 0, 3)
    minutes = [START_US + n * MINUTE_US for n in range(3)]
    assert await stored(bulk, stream) == list(zip(minutes, [1.5, 2.5, -0.25], strict=True))


async def test_F09_the_same_value_by_json_and_in_columns_is_one_observation(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    value = {"phenomenonTime": format_instant(START_US), "result": 7.25, "parameters": {"a": 1}}
    made = await bulk.http.post(f"/v1.1/Datastreams({stream})/Observations", json=value)
    assert made.status_code == 201
    account = await bulk.sent(rows(stream, [7.25], parameters=['{"a":1}']))
    assert (account["stored"], account["already_there"]) == (0, 1)


async def test_several_groups_are_stored_whole(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    count = 3 * ROWS_PER_GROUP + 17
    before = bulk.intake.commits
    account = await bulk.sent(rows(stream, [float(n) for n in range(count)], step_us=1_000_000))
    assert account["stored"] == count == len(await stored(bulk, stream))
    assert bulk.intake.commits - before > 1, "not one commit for all"


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.int64(), pa.uint32(), pa.float32(), pa.float64(), pa.float16()], ids=str
)
async def test_results_of_any_width_are_the_same_numbers(bulk: Bulk, kind: pa.DataType) -> None:
    _, stream = await bulk.stream()
    await bulk.sent(rows(stream, pa.array([0, 1, 2], kind)))
    assert [result for _, result in await stored(bulk, stream)] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
async def test_times_of_any_unit_and_zone_are_the_same_instants(bulk: Bulk, unit: str) -> None:
    _, stream = await bulk.stream()
    table = rows(stream, [1.0])
    seoul = table.column("phenomenon_time").cast(pa.timestamp(unit, "Asia/Seoul"))
    await bulk.sent(table.set_column(1, "phenomenon_time", seoul))
    assert await stored(bulk, stream) == [(START_US, 1.0)]


async def test_text_booleans_and_arrays_are_stored_where_the_datastream_takes_them(bulk: Bulk) -> None:
    _, words = await bulk.stream(kind="Observation")
    _, truths = await bulk.stream(kind="TruthObservation")
    await bulk.sent(rows(words, ["calm", "rough"]))
    await bulk.sent(rows(truths, [True, False]))
    await bulk.sent(rows(words, pa.nulls(1, pa.float64()), from_us=0, result_json=['{"wave": [1, 2]}']))
    for stream, expected in ((words, [{"wave": [1, 2]}, "calm", "rough"]), (truths, [True, False])):
        answer = await bulk.http.get(
            f"/v1.1/Datastreams({stream})/Observations?$orderby=phenomenonTime&$select=result"
        )
        assert [one["result"] for one in answer.json()["value"]] == expected


async def test_what_goes_beyond_a_number_is_stored_with_it(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    made = await bulk.http.post(
        "/v1.1/FeaturesOfInterest",
        json={"name": "f", "description": "f", "encodingType": "application/geo+json",
              "feature": {"type": "Point", "coordinates": [129, 35]}},
    )  # fmt: skip
    feature = made.json()["@iot.id"]
    end, known = START_US + 10 * MINUTE_US, START_US + 20 * MINUTE_US
    table = rows(
        stream, [1.0, 2.0],
        phenomenon_end=pa.array([None, end], pa.int64()).cast(UTC_US),
        result_time=pa.array([None, known], pa.int64()).cast(UTC_US),
        feature_id=pa.array([None, feature]),
        result_quality=[None, '"doubtful"'], parameters=[None, '{"tide": "low"}'],
    )  # fmt: skip
    await bulk.sent(table)
    answer = await bulk.http.get(
        f"/v1.1/Datastreams({stream})/Observations?$orderby=id desc&$top=1&$expand=FeatureOfInterest"
    )
    found = answer.json()["value"][0]
    begin = format_instant(START_US + MINUTE_US)
    assert found["phenomenonTime"] == f"{begin}/{format_instant(end)}"
    assert found["resultTime"] == format_instant(known)
    assert (found["resultQuality"]["reported"], found["parameters"]) == ("doubtful", {"tide": "low"})
    assert found["FeatureOfInterest"]["@iot.id"] == feature


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None], ids=str)
@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_F11_R9_the_first_bad_row_is_named_and_what_stands_before_it_is_stored(
    bulk: Bulk, media_type: str, value: float | None
) -> None:
    _, stream = await bulk.stream()
    content = body(rows(stream, [1.0, 2.0, value, 4.0]), media_type)
    answer = await bulk.send(content, media_type)
    said = answer.json()
    assert (answer.status_code, said["where"], said["bad_row"]) == (422, "row 2, result", 2)
    assert said["mend"]
    assert (said["stored"], len(await stored(bulk, stream))) == (2, 2)


async def test_F11_a_bad_row_in_a_later_batch_is_counted_from_the_first(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    values = [float(n) for n in range(ROWS_PER_GROUP + 5)] + [math.nan, 1.0]
    answer = await bulk.send(arrow(rows(stream, values, step_us=1_000_000), rows_per_batch=7_000))
    said = answer.json()
    assert (said["bad_row"], said["stored"]) == (ROWS_PER_GROUP + 5, ROWS_PER_GROUP + 5)


def changed(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, values)


@pytest.mark.parametrize(
    ("name", "values", "where", "status"),
    [
        ("datastream_id", pa.array([999_999]), "row 0, datastream_id", 404),
        ("datastream_id", pa.array([-1]), "row 0, datastream_id", 404),
        ("datastream_id", pa.array([2**63], pa.uint64()), "row 0, datastream_id", 422),
        ("datastream_id", pa.array([None], pa.int64()), "row 0, datastream_id", 400),
        ("datastream_id", pa.array([1.0]), "datastream_id", 400),
        ("datastream_id", pa.array([1]).dictionary_encode(), "datastream_id", 501),
        ("phenomenon_time", pa.array([None], UTC_US), "row 0, phenomenon_time", 400),
        ("phenomenon_time", pa.array([2**62]).cast(pa.timestamp("s", "UTC")), "row 0, phenomenon_time", 422),
        ("phenomenon_time", pa.array([0]).cast(pa.timestamp("us")), "phenomenon_time", 400),
        ("phenomenon_time", pa.array(["2016-10-05"]), "phenomenon_time", 400),
        ("result", pa.array(["high"]), "row 0, result", 422),
        ("result", pa.array([True]), "row 0, result", 422),
        ("result", pa.array([[1.0]]), "result", 400),
    ],
)
async def test_R9_each_fault_names_its_column(
    bulk: Bulk, name: str, values: pa.Array, where: str, status: int
) -> None:
    _, stream = await bulk.stream()
    answer = await bulk.send(changed(rows(stream, [1.0]), name, values))
    said = answer.json()
    assert (answer.status_code, said["where"]) == (status, where), said
    assert said["mend"] or status == 404
    assert await stored(bulk, stream) == []


@pytest.mark.parametrize("name", ["datastream_id", "phenomenon_time", "result"])
async def test_R9_a_missing_column_is_named(bulk: Bulk, name: str) -> None:
    answer = await bulk.send(rows(1, [1.0]).drop_columns([name]))
    assert (answer.status_code, answer.json()["where"]) == (400, name)


@pytest.mark.parametrize(
    ("column", "value"),
    [("parameters", "[1]"), ("parameters", "{"), ("result_quality", "fine"), ("feature_id", 10**12)],
)
async def test_R9_a_fault_in_an_optional_column_names_it(bulk: Bulk, column: str, value: Any) -> None:
    _, stream = await bulk.stream()
    answer = await bulk.send(rows(stream, [1.0, 2.0], **{column: pa.array([None, value])}))
    assert answer.status_code in (400, 404)
    assert answer.json()["where"] == f"row 1, {column}"
    assert len(await stored(bulk, stream)) == 1


async def test_S08_nobody_writes_to_a_datastream_of_another_organisation_or_device(bulk: Bulk) -> None:
    thing_id, mine = await bulk.stream()
    _, other_thing = await bulk.stream()
    _, theirs = await bulk.stream(organisation=2)
    strange = await bulk.send(rows(theirs, [1.0]))
    absent = await bulk.send(rows(999_999, [1.0]))
    assert strange.status_code == absent.status_code == 404
    assert strange.json()["detail"].replace(str(theirs), "N") == absent.json()["detail"].replace(
        "999999", "N"
    )
    bound = {"x-role": "key_device", "x-thing": str(thing_id)}
    assert (await bulk.send(rows(mine, [1.0]), **bound)).status_code == 200
    assert (await bulk.send(rows(other_thing, [1.0]), **bound)).status_code == 404
    assert await stored(bulk, theirs) == await stored(bulk, other_thing) == []


async def test_S07_who_may_only_read_sends_nothing(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    answer = await bulk.send(rows(stream, [1.0]), **{"x-role": "key_read"})
    assert answer.status_code == 403


async def test_another_media_type_is_refused_with_those_there_are(bulk: Bulk) -> None:
    answer = await bulk.send(b"{}", "application/json")
    assert (answer.status_code, answer.json()["where"]) == (400, "Content-Type")
    assert all(one in answer.json()["mend"] for one in MEDIA_TYPES)


async def test_a_table_read_from_the_door_can_be_sent_to_it(bulk: Bulk) -> None:
    _, source = await bulk.stream()
    _, target = await bulk.stream()
    await bulk.sent(rows(source, [1.0, 2.0], parameters=[None, '{"a":1}']))
    table = changed(await bulk.table(datastream=source), "datastream_id", pa.array([target] * 2))
    assert (await bulk.sent(table))["stored"] == 2
    assert await stored(bulk, target) == await stored(bulk, source)
