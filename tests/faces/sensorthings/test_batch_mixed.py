# SPDX-License-Identifier: Apache-2.0
"""Entities and observations in one change set, and observations in a deep insert: all of it or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from sensorthings_bodies import (
    a_datastream,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
    stream_of,
)
from test_batch import answer_of, change_set, one, post_json, post_mixed

from cheoyong.faces.sensorthings import batch


def grouped(*requests: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"method": "post", "atomicityGroup": "g", **request} for request in requests]


def a_stream(thing: Any) -> dict[str, Any]:
    return a_datastream(Thing={"@iot.id": thing}, Sensor=a_sensor(), ObservedProperty=a_property())


async def counts(client: httpx.AsyncClient) -> list[int]:
    names = ("Things", "Sensors", "Datastreams", "FeaturesOfInterest", "Observations")
    return [int((await client.get(f"{name}/$count")).text) for name in names]


async def test_a_change_set_holds_entities_and_observations_and_is_all_or_nothing(
    client: httpx.AsyncClient,
) -> None:
    array = {"components": ["phenomenonTime", "result"], "dataArray": [["2016-10-05T03:02:00Z", 3]]}
    good = [
        one("POST Things HTTP/1.1", a_thing("mixed"), "t"),
        one("POST Datastreams HTTP/1.1", a_stream("$t"), "d"),
        one("POST $d/Observations HTTP/1.1", {"phenomenonTime": "2016-10-05T03:00:00Z", "result": 1}, "o"),
        one("POST Observations HTTP/1.1", {"result": 2, "Datastream": {"@iot.id": "$d"}}),
        one("POST CreateObservations HTTP/1.1", [{"Datastream": {"@iot.id": "$d"}, **array}]),
        one("PATCH $d HTTP/1.1", {"name": "renamed after its observations"}),
    ]
    before = await counts(client)
    for broken in ({"result": "x", "Datastream": {"@iot.id": "$d"}}, {"result": 1}):
        [failed] = await post_mixed(client, change_set(*good, one("POST Observations HTTP/1.1", broken, "b")))
        assert failed["Content-ID"] == "b"
        assert answer_of(failed)[0] in (400, 422)
        assert await counts(client) == before
    [changed] = await post_mixed(client, change_set(*good))
    answers = [answer_of(part) for part in changed.get_payload()]
    assert [status for status, _, _ in answers] == [201, 201, 201, 201, 201, 200]
    shown = await get(client, f"{answers[0][1]['location']}?$expand=Datastreams($expand=Observations)")
    [stream] = shown["Datastreams"]
    assert stream["name"] == "renamed after its observations"
    assert sorted(o["result"] for o in stream["Observations"]) == [1, 2, 3]
    assert {o["@iot.selfLink"] for o in stream["Observations"]} == {
        answers[2][1]["location"],
        answers[3][1]["location"],
        *answers[4][2],
    }


async def test_an_observation_of_a_group_may_be_named_by_what_comes_after_it(
    client: httpx.AsyncClient,
) -> None:
    thing = await create(client, "Things", a_thing())
    answers = await post_json(
        client,
        *grouped(
            {"id": "d", "url": "Datastreams", "body": a_stream(thing)},
            {"id": "o", "url": "$d/Observations", "body": {"result": 1}},
            {"method": "patch", "url": "$o", "body": {"result": 7}},
        ),
    )
    assert [answer["status"] for answer in answers] == [201, 201, 200], answers
    assert (await get(client, answers[1]["location"]))["result"] == 7


async def test_nested_observations_of_a_group_are_stored_with_it(client: httpx.AsyncClient) -> None:
    before = await counts(client)
    tree = {"id": "t", "url": "Things", "body": a_tree("nested in a group")}
    failed = await post_json(client, *grouped(tree, {"url": "Sensors", "body": {"name": "only"}}))
    assert [answer["status"] for answer in failed] == [424, 400]
    assert await counts(client) == before
    [made] = await post_json(client, *grouped(tree))
    stream = await stream_of(client, int(made["body"]["@iot.id"]))
    assert [o["result"] for o in stream["Observations"]] == [0, 0.25, 0.5]


async def test_an_observation_that_is_there_already_keeps_its_address_in_a_group(
    client: httpx.AsyncClient,
) -> None:
    thing = await create(client, "Things", a_tree("again", observations=1))
    stream = await stream_of(client, thing)
    [there] = stream["Observations"]
    body = {"phenomenonTime": there["phenomenonTime"], "result": there["result"]}
    path = f"Datastreams({stream['@iot.id']})/Observations"
    [_, again] = await post_json(
        client, *grouped({"url": "Sensors", "body": a_sensor()}, {"url": path, "body": body})
    )
    assert (again["status"], again["location"]) == (201, there["@iot.selfLink"])
    assert (await client.get(f"{path}/$count")).text == "1"


async def test_the_parts_of_an_array_are_judged_in_a_group_too(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing())
    body = a_multi_datastream(
        Thing={"@iot.id": thing}, Sensor=a_sensor(), ObservedProperties=[a_property(), a_property()]
    )
    stream = {"id": "m", "url": "MultiDatastreams", "body": body}
    bad = await post_json(client, *grouped(stream, {"url": "$m/Observations", "body": {"result": [1]}}))
    good = await post_json(
        client, *grouped(stream, {"url": "$m/Observations", "body": {"result": [1, None]}})
    )
    assert [answer["status"] for answer in (*bad, *good)] == [424, 422, 201, 201]
    assert (await get(client, good[1]["location"]))["result"] == [1, None]


async def test_S09_a_group_writes_into_no_datastream_of_another_organisation(
    service: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_tree("not theirs", observations=0))
    stream = (await stream_of(client, thing))["@iot.id"]
    before = await counts(stranger)
    answers = await post_json(
        stranger,
        *grouped(
            {"url": "Sensors", "body": a_sensor()},
            {"url": f"Datastreams({stream})/Observations", "body": {"result": 1}},
        ),
    )
    nothing = await post_json(
        stranger,
        *grouped(
            {"url": "Sensors", "body": a_sensor()},
            {"url": "Datastreams(2147483000)/Observations", "body": {"result": 1}},
        ),
    )
    assert [answer["status"] for answer in answers] == [answer["status"] for answer in nothing] == [424, 404]
    assert await counts(stranger) == before
    # And should a face forget to ask, the database lets no such row in.
    async with service.app_pool.acquire() as connection:
        with pytest.raises(asyncpg.WithCheckOptionViolationError):
            async with connection.transaction():
                await connection.execute("SELECT set_config('cheoyong.organisation', '2', true)")
                await connection.execute(
                    "INSERT INTO observation_changeable (id, phenomenon_time, result, digest, datastream_id)"
                    " VALUES (-1, now(), 1, 1, $1)",
                    stream,
                )
    assert (await client.get(f"Datastreams({stream})/Observations/$count")).text == "0"


async def test_the_worker_is_told_of_a_group_after_its_commit_and_reads_it_as_one_of_the_log(
    service: Any, client: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_thing())
    told: list[tuple[int, list[float], int]] = []

    async def committed(stored: Any, rows: Any, recorded_us: int) -> None:
        count = await service.owner.fetchval("SELECT count FROM batch WHERE number = $1", stored.number)
        told.append((stored.number, rows.result.tolist(), count))

    service.intake._committed = committed
    try:
        requests = grouped(
            {"id": "d", "url": "Datastreams", "body": a_stream(thing)},
            {"url": "$d/Observations", "body": {"result": 4}},
        )
        await post_json(client, *requests, *grouped({"url": "$d/Observations", "body": {"result": "x"}}))
        assert told == []
        answers = await post_json(client, *requests)
    finally:
        service.intake._committed = None
    [(number, results, count)] = told
    assert (results, count) == ([4.0], 1)
    observation = int(answers[1]["location"].rpartition("(")[2].rstrip(")"))
    assert observation == await service.owner.fetchval("SELECT first_id FROM batch WHERE number = $1", number)


async def test_a_group_that_fails_after_its_observations_leaves_no_commit_in_the_log(
    service: Any, client: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_thing())
    batches = await service.owner.fetchval("SELECT count(*) FROM batch")
    requests = grouped(
        {"id": "d", "url": "Datastreams", "body": a_stream(thing)},
        {"id": "o", "url": "$d/Observations", "body": {"result": 4}},
        {"method": "patch", "url": "$o", "body": {"result": 5, "nonsense": 1}},
    )
    assert [answer["status"] for answer in await post_json(client, *requests)] == [424, 424, 400]
    assert await service.owner.fetchval("SELECT count(*) FROM batch") == batches


async def test_a_group_whose_end_is_lost_has_stored_nothing(
    service: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost (the server ends it) between the last part and the commit."""
    thing = await create(client, "Things", a_thing())
    before = await counts(client)
    within = service.intake.store_within

    async def then_killed(connection: Any, rows: Any, recorded_us: int) -> Any:
        stored = await within(connection, rows, recorded_us)
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await service.owner.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        return stored

    monkeypatch.setattr(service.intake, "store_within", then_killed)
    answers = await post_json(
        client,
        *grouped(
            {"id": "d", "url": "Datastreams", "body": a_stream(thing)},
            {"url": "$d/Observations", "body": {"result": 4}},
        ),
    )
    assert {answer["status"] for answer in answers} <= {424, 503}
    response = await client.post("Things", json=a_tree("lost"))
    assert response.status_code == 503, response.text
    monkeypatch.undo()
    assert await counts(client) == before


async def test_observations_by_the_other_door_do_not_wait_for_a_group(
    client: httpx.AsyncClient, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that another transaction holds up has not stored its observations yet: they come last."""
    monkeypatch.setattr(batch, "GROUP_S_MAX", 2)
    thing = await create(client, "Things", a_tree("held", observations=0))
    stream = (await stream_of(client, thing))["@iot.id"]
    path = f"Datastreams({stream})/Observations"
    body = {"phenomenonTime": "2016-10-05T03:00:00Z", "result": 1}
    async with service.app_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('cheoyong.organisation', '1', true)")
        await connection.execute("SELECT FROM thing WHERE id = $1 FOR UPDATE", thing)
        held = asyncio.create_task(
            post_json(
                client,
                *grouped(
                    {"url": path, "body": body},
                    {"method": "patch", "url": f"Things({thing})", "body": {"name": "x"}},
                ),
            )
        )
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not await service.owner.fetchval(waiting):
            assert not held.done()
        assert (await client.post(path, json=body)).status_code == 201
        assert not held.done()
    assert [answer["status"] for answer in await held] == [201, 200]
    assert (await client.get(f"{path}/$count")).text == "1"


async def test_a_group_stores_observations_of_any_time_and_they_are_counted(
    client: httpx.AsyncClient,
) -> None:
    thing = await create(client, "Things", a_thing())
    times = ["1970-01-02T00:00:00Z", "1999-12-31T23:59:59.999999Z", "2016-10-05T03:00:00Z"]
    posts = [
        {"url": "$d/Observations", "body": {"phenomenonTime": time, "result": number}}
        for number, time in enumerate(times)
    ]
    answers = await post_json(
        client, *grouped({"id": "d", "url": "Datastreams", "body": a_stream(thing)}, *posts)
    )
    assert [answer["status"] for answer in answers] == [201] * 4, answers
    stream = await get(client, f"{answers[0]['location']}?$expand=Observations($count=true)")
    assert [o["phenomenonTime"] for o in stream["Observations"]] == times
    assert stream["Observations@iot.count"] == 3
