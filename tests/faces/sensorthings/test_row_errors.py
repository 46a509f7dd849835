# SPDX-License-Identifier: Apache-2.0
"""CreateObservations: each row is stored or told what is wrong with it (OGC 18-088 §13.2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import a_tree, create, get

TIME = "2016-10-05T03:{:02d}:00Z"


async def _stream(client: httpx.AsyncClient, name: str) -> int:
    thing = await create(client, "Things", a_tree(name, observations=0))
    return int((await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"])


def _array(stream: int, rows: Any, components: tuple[str, ...] = ("phenomenonTime", "result")) -> Any:
    return {"Datastream": {"@iot.id": stream}, "components": components, "dataArray": rows}


async def _results(client: httpx.AsyncClient, stream: int) -> list[Any]:
    shown = await get(client, f"Datastreams({stream})/Observations?$select=result&$orderby=phenomenonTime")
    return [item["result"] for item in shown["value"]]


async def test_a_bad_row_is_told_and_the_good_ones_are_stored(client: httpx.AsyncClient) -> None:
    stream = await _stream(client, "rows")
    rows = [
        [TIME.format(0), 1.5],
        [TIME.format(1), "many"],
        [TIME.format(2), 2.5],
        ["1066-10-14T00:00:00Z", 1],
    ]
    answer = await client.post("CreateObservations", json=[_array(stream, rows)])
    assert answer.status_code == 201
    told = answer.json()
    assert told[1] == (
        "error: [0].dataArray[1].result: str is not a number, and this datastream measures numbers"
        " (send a JSON number)"
    )
    assert told[3].startswith("error: [0].dataArray[3].phenomenonTime: ")
    for place, result in ((0, 1.5), (2, 2.5)):
        assert (await get(client, told[place]))["result"] == result
    assert await _results(client, stream) == [1.5, 2.5]


async def test_the_answers_stand_in_the_order_of_the_rows_over_several_arrays(
    client: httpx.AsyncClient,
) -> None:
    one, two = await _stream(client, "first"), await _stream(client, "second")
    body = [
        _array(one, [[TIME.format(0), None], [TIME.format(1), 1]]),
        _array(two, [[2, TIME.format(0)], [3, "soon"], [4], 7], ("result", "phenomenonTime")),
        _array(one, [[TIME.format(2), 5]]),
    ]
    told = (await client.post("CreateObservations", json=body)).json()
    assert [text.startswith("error: ") for text in told] == [True, False, False, True, True, True, False]
    assert [text.split(": ")[1] for text in told if text.startswith("error")] == [
        "[0].dataArray[0].result", "[1].dataArray[1].phenomenonTime", "[1].dataArray[2]", "[1].dataArray[3]",
    ]  # fmt: skip
    assert [(await get(client, told[place]))["result"] for place in (1, 2, 6)] == [1, 2, 5]
    assert (await _results(client, one), await _results(client, two)) == ([1, 5], [2])


async def test_rows_with_parameters_and_intervals_keep_them_beside_a_bad_row(
    client: httpx.AsyncClient,
) -> None:
    stream = await _stream(client, "extras")
    interval = f"{TIME.format(1)}/{TIME.format(2)}"
    rows = [[TIME.format(0), True, {"a": 1}], [interval, 2, {"a": 2}], [TIME.format(3), 3, None]]
    body = [_array(stream, rows, ("phenomenonTime", "result", "parameters"))]
    told = (await client.post("CreateObservations", json=body)).json()
    assert told[0].startswith("error: [0].dataArray[0].result: ")
    kept = await get(client, told[1])
    assert (kept["phenomenonTime"], kept["parameters"]) == (interval, {"a": 2})
    assert "parameters" not in await get(client, told[2])


@pytest.mark.parametrize(
    ("array", "status", "where"),
    [
        ({"dataArray": [[TIME.format(0), "x"], ["y", 1]]}, 422, "[0].dataArray[0].result"),
        ({"components": ["result", "colour"]}, 400, "[0].components"),
        ({"components": ["phenomenonTime"]}, 400, "[0].components"),
        ({"Datastream": {"@iot.id": 2**31 - 1}}, 404, ""),
        ({"dataArray": {"a": 1}}, 400, "body"),
        ({"dataArray": [[TIME.format(0), 1.0]] * 50_001}, 413, ""),
    ],
)
async def test_what_is_wrong_as_a_whole_or_in_every_row_refuses_the_request(
    client: httpx.AsyncClient, array: dict[str, Any], status: int, where: str
) -> None:
    stream = await _stream(client, "refused")
    bad = {**_array(stream, [[TIME.format(0), 1]]), **array}
    good = [] if status == 422 else [_array(stream, [[TIME.format(0), 1]])]
    answer = await client.post("CreateObservations", json=[bad, *good])
    assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert await _results(client, stream) == []
