# SPDX-License-Identifier: Apache-2.0
"""Counts and times of observations over the face: exact at once and when added up, one organisation only."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import a_datastream, a_multi_datastream, a_property, a_sensor, a_thing, create, get

from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.options import _KEPT, KEPT_BYTES_MAX, KEPT_MAX, parse_options
from cheoyong.records.standing import fold

DAY = "2016-10-05T0{}:00:00Z"


async def a_stream(client: httpx.AsyncClient, name: str) -> int:
    thing = await create(client, "Things", a_thing(name=name, Datastreams=[
        a_datastream(name=name, Sensor=a_sensor(), ObservedProperty=a_property())]))  # fmt: skip
    found = await get(client, f"Things({thing})/Datastreams?$select=id")
    return int(found["value"][0]["@iot.id"])


async def observed(client: httpx.AsyncClient, stream: int, hour: int, **more: Any) -> str:
    body = {"phenomenonTime": DAY.format(hour), "result": hour} | more
    answer = await client.post(f"Datastreams({stream})/Observations", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def counts(client: httpx.AsyncClient, stream: int) -> list[int]:
    """The count of a datastream's observations, in every way it can be asked for."""
    under = f"Datastreams({stream})/Observations"
    raw = await client.get(f"{under}/$count")
    expanded = await get(client, f"Datastreams({stream})?$expand=Observations($count=true;$top=1)")
    return [
        int(raw.text),
        (await get(client, f"{under}?$count=true&$top=0"))["@iot.count"],
        (await get(client, f"{under}?$count=true&$filter=result ge -1"))["@iot.count"],
        expanded["Observations@iot.count"],
    ]


async def test_every_count_is_exact_before_and_after_it_is_added_up(
    service_apart: Any,
) -> None:
    async with service_apart.client(1) as client, service_apart.client(2) as stranger:
        ours, theirs = await a_stream(client, "ours"), await a_stream(stranger, "theirs")
        for hour in (1, 2, 3):
            last = await observed(client, ours, hour)
        await observed(stranger, theirs, 5)
        for _ in range(2):
            assert await counts(client, ours) == [3, 3, 3, 3]
            assert await counts(stranger, theirs) == [1, 1, 1, 1]
            for who, number in ((client, 3), (stranger, 1)):
                assert (await who.get("Observations/$count")).text == str(number)
                assert (await get(who, "Observations?$count=true&$top=1"))["@iot.count"] == number
            assert await fold(service_apart.owner) >= 0
        assert (await client.get(f"Datastreams({theirs})/Observations/$count")).status_code == 404
        assert (await client.delete(last)).status_code == 200
        assert await counts(client, ours) == [2, 2, 2, 2]
        assert (await client.delete(f"Datastreams({ours})")).status_code == 200
        assert (await client.get("Observations/$count")).text == "0"
        assert (await stranger.get("Observations/$count")).text == "1"


async def test_a_datastream_shows_from_when_to_when_its_observations_and_their_results_are(
    service_apart: Any,
) -> None:
    async with service_apart.client(1) as client:
        stream = await a_stream(client, "times")
        one = f"Datastreams({stream})"
        shown = await get(client, one)
        assert "phenomenonTime" not in shown and "resultTime" not in shown
        await observed(client, stream, 3, resultTime=DAY.format(4))
        first = await observed(client, stream, 1, resultTime=DAY.format(2))
        await observed(client, stream, 5, phenomenonTime=f"{DAY.format(5)}/{DAY.format(6)}")
        for _ in range(2):
            shown = await get(client, one)
            assert shown["phenomenonTime"] == f"{DAY.format(1)}/{DAY.format(6)}"
            assert shown["resultTime"] == f"{DAY.format(2)}/{DAY.format(4)}"
            await fold(service_apart.owner)
        assert (await client.get(f"{one}/phenomenonTime/$value")).text == f"{DAY.format(1)}/{DAY.format(6)}"
        await client.delete(first)
        await fold(service_apart.owner)
        shown = await get(client, f"{one}?$select=phenomenonTime,resultTime")
        assert shown == {
            "phenomenonTime": f"{DAY.format(3)}/{DAY.format(6)}",
            "resultTime": f"{DAY.format(4)}/{DAY.format(4)}",
        }


async def test_datastreams_are_found_and_sorted_by_their_times(service_apart: Any) -> None:
    async with service_apart.client(2) as client:
        streams = {hour: await a_stream(client, f"at {hour}") for hour in (7, 8, 9)}
        silent = await a_stream(client, "silent")
        for hour, stream in streams.items():
            await observed(client, stream, hour, resultTime=DAY.format(hour))

        async def found(query: str) -> list[int]:
            rows = (await get(client, f"Datastreams?$select=id&{query}"))["value"]
            return [row["@iot.id"] for row in rows if row["@iot.id"] in (*streams.values(), silent)]

        late = f"phenomenonTime gt {DAY.format(7)}"
        assert await found(f"$filter={late}") == [streams[8], streams[9]]
        assert await found(f"$filter=not ({late})") == [streams[7], silent]
        assert await found(f"$filter=resultTime eq {DAY.format(8)}") == [streams[8]]
        assert await found("$filter=phenomenonTime eq null") == [silent]
        assert await found("$orderby=phenomenonTime desc,id") == [streams[9], streams[8], streams[7], silent]


async def test_what_a_client_sends_back_of_the_times_is_let_pass_and_changes_nothing(
    service_apart: Any,
) -> None:
    async with service_apart.client(1) as client:
        stream = await a_stream(client, "sent back")
        await observed(client, stream, 3)
        shown = await get(client, f"Datastreams({stream})")
        body = {"name": "another", "phenomenonTime": f"{DAY.format(1)}/{DAY.format(2)}", "resultTime": None}
        assert (await client.patch(f"Datastreams({stream})", json=body)).status_code == 200
        again = await get(client, f"Datastreams({stream})")
        assert again == shown | {"name": "another"}


async def test_a_multi_datastream_has_counts_and_times_too(service_apart: Any) -> None:
    async with service_apart.client(1) as client:
        links: dict[str, Any] = {
            "Thing": a_thing(),
            "Sensor": a_sensor(),
            "ObservedProperties": [a_property(), a_property()],
        }
        made = await create(client, "MultiDatastreams", a_multi_datastream(**links))
        parts = len((await get(client, f"MultiDatastreams({made})"))["unitOfMeasurements"])
        body = {"phenomenonTime": DAY.format(1), "result": [1.5] * parts}
        assert (await client.post(f"MultiDatastreams({made})/Observations", json=body)).status_code == 201
        shown = await get(client, f"MultiDatastreams({made})?$expand=Observations($count=true)")
        assert shown["Observations@iot.count"] == 1
        assert shown["phenomenonTime"] == f"{DAY.format(1)}/{DAY.format(1)}"
        assert (await client.get(f"MultiDatastreams({made})/Observations/$count")).text == "1"
        assert (await client.get(f"Datastreams({made})/Observations/$count")).status_code == 404


@pytest.mark.parametrize(
    "query", [b"$filter=phenomenonTime%20lt%20now()", b"$filter=phenomenonTime%20lt%20n%6Fw()"]
)
def test_what_now_means_is_asked_anew_each_time(query: bytes) -> None:
    entity = ENTITIES["Observations"]
    assert parse_options(query, entity, 1).condition != parse_options(query, entity, 2).condition


def test_queries_that_are_kept_are_the_same_for_one_set_only_and_few_and_short() -> None:
    observations, things = ENTITIES["Observations"], ENTITIES["Things"]
    assert parse_options(b"$top=3", observations, 1) is parse_options(b"$top=3", observations, 2)
    assert parse_options(b"$top=3", observations, 1) is not parse_options(b"$top=3", things, 1)
    for skip in range(KEPT_MAX + 10):
        parse_options(b"$skip=%d" % skip, things, 1)
    parse_options(b"$filter=name%20eq%20'" + b"x" * KEPT_BYTES_MAX + b"'", things, 1)
    assert len(_KEPT) <= KEPT_MAX
    assert all(len(query) <= KEPT_BYTES_MAX for _, query in _KEPT)
