# SPDX-License-Identifier: Apache-2.0
"""Batch requests: many in one, as multipart/mixed and as JSON, groups of them all or nothing."""

from __future__ import annotations

import json
import re
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import a_datastream, a_property, a_sensor, a_thing, a_tree, create, get

from cheoyong.domain.access import Role
from cheoyong.faces.sensorthings import batch

CRLF = "\r\n"


def one(request: str, body: Any = None, content_id: str = "") -> str:
    """A part of a multipart batch."""
    head = [
        "Content-Type: application/http",
        *([f"Content-ID: {content_id}"] if content_id else []),
        "",
        request,
    ]
    content = "" if body is None else json.dumps(body, ensure_ascii=False)
    return CRLF.join([*head, "Host: city.example", "Content-Type: application/json", "", content])


def mixed(parts: list[str], boundary: str) -> str:
    return "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts) + f"--{boundary}--{CRLF}"


def change_set(*parts: str, boundary: str = "changeset_1") -> str:
    return f"Content-Type: multipart/mixed;boundary={boundary}{CRLF}{CRLF}{mixed(list(parts), boundary)}"


async def post_mixed(client: httpx.AsyncClient, *parts: str) -> Any:
    """The MIME parts of the answer, read by the standard library's own parser."""
    response = await client.post(
        "$batch",
        content=mixed(list(parts), "batch_1").encode(),
        headers={"content-type": "multipart/mixed; boundary=batch_1"},
    )
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['content-type']}{CRLF}{CRLF}".encode()
    message = BytesParser().parsebytes(head + response.content)
    assert message.get_content_type() == "multipart/mixed"
    assert not message.defects
    return message.get_payload()


def answer_of(part: Any) -> tuple[int, dict[str, str], Any]:
    """Status, headers by lower-case name and JSON of one application/http part."""
    assert part.get_content_type() == "application/http"
    head, _, body = part.get_payload(decode=True).partition(b"\r\n\r\n")
    line, *lines = head.decode().split(CRLF)
    assert line.startswith("HTTP/1.1 ")
    headers = {name.lower(): value for name, _, value in (text.partition(": ") for text in lines)}
    return int(line.split()[1]), headers, json.loads(body) if body.strip() else None


async def post_json(client: httpx.AsyncClient, *requests: dict[str, Any], **headers: str) -> Any:
    numbered = [{"id": str(number), **request} for number, request in enumerate(requests)]
    response = await client.post("$batch", json={"requests": numbered}, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()["responses"]


async def _count(client: httpx.AsyncClient, set_name: str) -> int:
    return int((await client.get(f"{set_name}/$count")).text)


async def test_a_multipart_batch_reads_and_changes_and_each_part_has_its_own_status(
    client: httpx.AsyncClient,
) -> None:
    """The first example of OGC 18-088 §11, with numbers that are there."""
    thing = await create(client, "Things", a_thing("Thing 0"))
    read, changed, absent = await post_mixed(
        client,
        one(f"GET /v1.1/Things({thing})?$select=name HTTP/1.1"),
        change_set(
            one("POST /v1.1/Things HTTP/1.1", a_thing("새 것"), "1"),
            one(f"PATCH /v1.1/Things({thing}) HTTP/1.1", {"name": "Patched"}, "2"),
        ),
        one("GET /v1.1/Things(999999999) HTTP/1.1"),
    )
    assert answer_of(read)[::2] == (200, {"name": "Thing 0"})
    assert changed.get_content_type() == "multipart/mixed"
    made, patched = changed.get_payload()
    assert (made["Content-ID"], patched["Content-ID"]) == ("1", "2")
    status, headers, _ = answer_of(made)
    assert status == 201
    assert (await get(client, headers["location"]))["name"] == "새 것"
    assert answer_of(patched)[0] == 200
    assert (await get(client, f"Things({thing})"))["name"] == "Patched"
    assert (answer_of(absent)[0], answer_of(absent)[2]["code"]) == (404, "not_found")


async def test_a_change_set_links_to_what_it_creates(client: httpx.AsyncClient) -> None:
    """The second example of OGC 18-088 §11: a Datastream of a Sensor that the same set creates."""
    thing = await create(client, "Things", a_thing())
    observed = await create(client, "ObservedProperties", a_property())
    stream = {**a_datastream(), "ObservedProperty": {"@iot.id": observed}, "Sensor": {"@iot.id": "$sensor1"}}
    [changed] = await post_mixed(
        client,
        change_set(
            one("POST /v1.1/Sensors HTTP/1.1", a_sensor(), "sensor1"),
            one(f"POST /v1.1/Things({thing})/Datastreams HTTP/1.1", stream, "stream1"),
            one("PATCH $stream1 HTTP/1.1", {"name": "renamed"}, "3"),
        ),
    )
    sensor, stored, renamed = (answer_of(part) for part in changed.get_payload())
    assert (sensor[0], stored[0], renamed[0]) == (201, 201, 200)
    shown = await get(client, f"{stored[1]['location']}?$expand=Sensor")
    assert (shown["name"], shown["Sensor"]["@iot.selfLink"]) == ("renamed", sensor[1]["location"])


async def test_a_change_set_that_fails_stores_nothing_and_has_one_answer(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("before"))
    before = await _count(client, "Things"), await _count(client, "Sensors")
    failed, after = await post_mixed(
        client,
        change_set(
            one("POST Things HTTP/1.1", a_thing("lost"), "a"),
            one(f"PATCH Things({thing}) HTTP/1.1", {"name": "lost"}, "b"),
            one("POST Sensors HTTP/1.1", {"name": "no more than a name"}, "c"),
            one("POST Sensors HTTP/1.1", a_sensor(), "d"),
        ),
        one("GET $a HTTP/1.1"),
    )
    status, _, problem = answer_of(failed)
    assert (failed["Content-ID"], status, problem["where"]) == ("c", 400, "description")
    assert answer_of(after)[0] == 424
    assert (await _count(client, "Things"), await _count(client, "Sensors")) == before
    assert (await get(client, f"Things({thing})"))["name"] == "before"


async def test_a_json_batch_answers_by_id_and_groups_are_atomic(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("Thing 0"))
    read, made, linked, bad, undone, last = await post_json(
        client,
        {"method": "get", "url": f"Things({thing})?$select=name"},
        {"id": "s", "method": "POST", "url": "/v1.1/Sensors", "body": a_sensor(), "atomicityGroup": "g"},
        {"method": "patch", "url": "$s", "body": {"name": "again"}, "atomicityGroup": "g"},
        {"method": "delete", "url": "Things(999999999)", "atomicityGroup": "h"},
        {"method": "delete", "url": f"Things({thing})", "atomicityGroup": "h"},
        {"method": "get", "url": "http://city.example/v1.1/$s/name", "dependsOn": ["g"]},
    )
    assert read.pop("headers") == {"content-type": "application/json"}
    assert read == {"id": "0", "status": 200, "body": {"name": "Thing 0"}}
    assert (made["id"], made["status"], made["atomicityGroup"]) == ("s", 201, "g")
    assert made["location"] == made["headers"]["location"]
    assert (linked["status"], (await get(client, made["location"]))["name"]) == (200, "again")
    assert (bad["status"], bad["body"]["code"]) == (404, "not_found")
    assert (undone["status"], undone["body"]["code"]) == (424, "failed_dependency")
    assert (await get(client, f"Things({thing})"))["name"] == "Thing 0"
    assert last["status"] == 404  # $s is a name at the start of a relative address only


async def test_observations_of_a_group_are_stored_in_one_commit_or_not_at_all(
    client: httpx.AsyncClient, service: Any
) -> None:
    thing = await create(client, "Things", a_tree("group", observations=0))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]

    def post(minute: int, result: Any) -> dict[str, Any]:
        body = {"phenomenonTime": f"2016-10-05T03:{minute:02d}:00Z", "result": result}
        path = f"Datastreams({stream})/Observations"
        return {"method": "post", "url": path, "body": body, "atomicityGroup": "o"}

    bad = await post_json(client, post(0, 1), post(1, "x"), post(2, 3))
    assert [answer["status"] for answer in bad] == [424, 422, 424]
    assert await _count(client, f"Datastreams({stream})/Observations") == 0
    commits = service.intake.commits
    good = await post_json(client, post(0, 1), post(1, 2), post(2, 3))
    assert [answer["status"] for answer in good] == [201] * 3
    assert service.intake.commits == commits + 1
    assert [(await get(client, answer["location"]))["result"] for answer in good] == [1, 2, 3]


async def test_observations_can_follow_in_the_same_batch_the_datastream_that_a_group_makes(
    client: httpx.AsyncClient,
) -> None:
    array = {"components": ["phenomenonTime", "result"], "dataArray": [["2016-10-05T03:01:00Z", 2]]}
    stream = a_datastream(Thing={"@iot.id": "$t"}, Sensor=a_sensor(), ObservedProperty=a_property())
    answers = await post_json(
        client,
        {"id": "t", "method": "post", "url": "Things", "body": a_thing(), "atomicityGroup": "g"},
        {"id": "d", "method": "post", "url": "Datastreams", "body": stream, "atomicityGroup": "g"},
        {"method": "post", "url": "$d/Observations", "body": {"result": 1}},
        {
            "method": "post", "url": "CreateObservations",
            "body": [{"Datastream": {"@iot.id": "$d"}, **array}],
        },
        {"method": "get", "url": "$t/Datastreams?$expand=Observations($orderby=result;$select=result)"},
    )  # fmt: skip
    assert [answer["status"] for answer in answers] == [201, 201, 201, 201, 200], answers
    assert answers[4]["body"]["value"][0]["Observations"] == [{"result": 1}, {"result": 2}]


async def test_lone_observations_in_a_row_share_commits_and_are_judged_each_for_itself(
    client: httpx.AsyncClient, service: Any
) -> None:
    thing = await create(client, "Things", a_tree("row", observations=0))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    results = [*range(40), "x", *range(41, 90)]
    commits = service.intake.commits
    answers = await post_json(
        client,
        {"id": "d", "method": "get", "url": f"Datastreams({stream})"},
        *({"method": "post", "url": "$d/Observations", "body": {"result": result}} for result in results),
        {"method": "get", "url": "$d/Observations/$count"},
        {"id": "o", "method": "post", "url": "$d/Observations", "body": {"result": 100}},
        {"method": "get", "url": "$o?$select=result"},
    )
    assert service.intake.commits - commits < len(results) / 2
    expected = [200] + [201] * 40 + [422] + [201] * 49 + [200, 201, 200]
    assert [answer["status"] for answer in answers] == expected
    assert (answers[91]["body"], answers[93]["body"]) == ("89", {"result": 100})
    shown = [(await get(client, answer["location"]))["result"] for answer in answers[1:41]]
    assert shown == list(range(40))


async def test_a_group_holds_changes_only(client: httpx.AsyncClient) -> None:
    reading = await post_json(client, {"method": "get", "url": "Things", "atomicityGroup": "g"})
    assert reading[0]["status"] == 400


async def test_a_failure_stops_the_rest_only_when_the_client_prefers_that(client: httpx.AsyncClient) -> None:
    requests = [{"method": "get", "url": "Nothings"}, {"method": "get", "url": "Things?$top=0"}]
    for prefer, status in (("", 200), ("continue-on-error", 200), ("odata.continue-on-error=false", 424)):
        answers = await post_json(client, *requests, prefer=prefer)
        assert [answer["status"] for answer in answers] == [404, status]


async def test_S07_a_part_may_do_no_more_than_its_caller(
    service: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_thing("kept apart"))
    [seen] = await post_json(stranger, {"method": "get", "url": f"Things({thing})"})
    assert seen["status"] == 404
    # A part cannot speak for another: what it says of who asks is not heard.
    [posing] = await post_json(
        stranger,
        {
            "method": "get",
            "url": f"Things({thing})",
            "headers": {"x-organisation": "1", "authorization": "x"},
        },
    )
    assert posing["status"] == 404
    async with service.client(1, Role.KEY_READ) as reader:
        made, read = await post_json(
            reader,
            {"method": "post", "url": "Things", "body": a_thing()},
            {"method": "get", "url": f"Things({thing})"},
        )
        assert (made["status"], made["body"]["code"], read["status"]) == (403, "forbidden", 200)


async def test_each_part_is_let_in_by_the_gate(service: Any, client: httpx.AsyncClient) -> None:
    gate, asked = service.app._gate, []

    class Counting:
        async def principal(self, scope: Any) -> Any:
            asked.append((scope["method"], scope["path"]))
            return await gate.principal(scope)

    service.app._gate = Counting()
    try:
        await post_json(
            client,
            {"method": "get", "url": "Things?$top=0"},
            {"method": "post", "url": "Sensors", "body": a_sensor(), "atomicityGroup": "g"},
        )
    finally:
        service.app._gate = gate
    assert asked == [("POST", "/v1.1/$batch"), ("GET", "/v1.1/Things"), ("POST", "/v1.1/Sensors")]


async def test_a_csv_or_a_bare_value_is_a_text_in_a_json_batch(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("bare"))
    value, table = await post_json(
        client,
        {"method": "get", "url": f"Things({thing})/name/$value"},
        {"method": "get", "url": f"Things({thing})?$select=name&$resultFormat=CSV"},
    )
    assert (value["body"], table["body"]) == ("bare", "name\r\nbare\r\n")


async def test_an_address_is_relative_absolute_or_with_spaces_in_it(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("네 번째"))
    query = f"Things?$filter=id eq {thing} and name eq '네 번째'&$select=name"
    urls = [query, f"/v1.1/{query}", f"https://city.example/v1.1/{query}", query.replace(" ", "%20")]
    answers = await post_json(client, *({"method": "get", "url": url} for url in urls))
    assert [answer["body"] for answer in answers] == [{"value": [{"name": "네 번째"}]}] * 4
    [plain] = await post_mixed(client, one(f"GET {query} HTTP/1.1"))
    assert answer_of(plain)[2] == {"value": [{"name": "네 번째"}]}
    for url in ("https://other.example/v1.1/Things", "$nothing/Things", "/v1.1/$batch", "/v1.1/%24batch/"):
        [answer] = await post_json(client, {"method": "post", "url": url, "body": {}})
        assert answer["status"] == 400, url


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"", 400),
        ("", b"{}", 400),
        ("application/json", b"{}", 400),
        ("application/json", b'{"requests": [', 400),
        ("application/json", b'{"requests": [{"id": "1", "method": "get"}]}', 400),
        (
            "application/json",
            b'{"requests": [{"id": "1", "method": "get", "url": "Things", "if": true}]}',
            501,
        ),
        ("application/json", b'{"requests": [{"id": "1", "method": "TRACE", "url": "Things"}]}', 400),
        ("application/json", b"[" * 100_000, 400),
        ("multipart/mixed", b"--a\r\n\r\n--a--", 400),
        ("multipart/mixed; boundary=a", b"", 400),
        ("multipart/mixed; boundary=a", b"--b\r\n\r\n--b--", 400),
        ("multipart/mixed; boundary=a", b"--a\r\nContent-Type: application/http\r\n\r\nGET Things", 400),
        ("multipart/mixed; boundary=a", b"--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--", 400),
        ("multipart/mixed; boundary=a", b"--a\r\nContent-Type: application/http\r\n\r\n\xff\r\n--a--", 400),
        ("multipart/mixed; boundary=a", b"--a\r\n" * 1000 + b"--a--", 413),
        ("multipart/mixed; boundary=a", b"\r" * 200_001, 413),
        ("application/json", b" " * (batch.BODY_BYTES_MAX + 1), 413),
    ],
)
async def test_a_malformed_batch_is_refused_as_a_whole(
    client: httpx.AsyncClient, content_type: str, body: bytes, status: int
) -> None:
    response = await client.post("$batch", content=body, headers={"content-type": content_type})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("requests", "status"),
    [
        ([{"id": "a"}] * 2, 400),
        ([{"id": str(number)} for number in range(batch.PARTS_MAX + 1)], 413),
        ([{"id": "a", "dependsOn": ["b"]}, {"id": "b"}], 400),
        ([{"id": "a", "atomicityGroup": "g"}, {"id": "b"}, {"id": "c", "atomicityGroup": "g"}], 400),
    ],
)
async def test_a_batch_whose_parts_do_not_fit_together_is_refused(
    client: httpx.AsyncClient, requests: list[dict[str, Any]], status: int
) -> None:
    filled = [{"method": "get", "url": "Things", **request} for request in requests]
    assert (await client.post("$batch", json={"requests": filled})).status_code == status


async def test_a_group_that_takes_too_long_is_undone(
    service: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another transaction holds the thing that the group wants to change, and does not let go."""
    monkeypatch.setattr(batch, "GROUP_S_MAX", 0.2)
    thing = await create(client, "Things", a_thing("held"))
    before = await _count(client, "Sensors")
    async with service.app_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('cheoyong.organisation', '1', true)")
        await connection.execute("SELECT FROM thing WHERE id = $1 FOR UPDATE", thing)
        answers = await post_json(
            client,
            {"method": "post", "url": "Sensors", "body": a_sensor(), "atomicityGroup": "g"},
            {"method": "patch", "url": f"Things({thing})", "body": {"name": "x"}, "atomicityGroup": "g"},
        )
    assert [(answer["status"], answer["body"]["code"]) for answer in answers] == [(503, "unavailable")] * 2
    assert await _count(client, "Sensors") == before
    assert (await get(client, f"Things({thing})"))["name"] == "held"


WHOLE = mixed(
    [
        one("GET /v1.1/Things?$top=1 HTTP/1.1"),
        change_set(one("POST Things HTTP/1.1", a_thing(), "1"), one("PATCH $1 HTTP/1.1", {"name": "b"}, "2")),
    ],
    "batch_1",
).encode()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(WHOLE)), st.integers(0, 40), st.binary(max_size=20))
async def test_a_damaged_batch_is_answered_and_never_an_error_of_ours(
    client: httpx.AsyncClient, start: int, length: int, instead: bytes
) -> None:
    damaged = WHOLE[:start] + instead + WHOLE[start + length :]
    headers = {"content-type": "multipart/mixed; boundary=batch_1"}
    response = await client.post("$batch", content=damaged, headers=headers)
    assert response.status_code < 500, response.text
    assert b"HTTP/1.1 500" not in response.content


async def test_the_batch_on_the_reference_page_is_carried_out(client: httpx.AsyncClient) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "sensorthings.md").read_text(encoding="utf-8")
    shown = page[page.index("## Batch requests") :]
    example = json.loads(re.findall(r"```json\n(.*?)```", shown, re.DOTALL)[0])
    answers = (await client.post("$batch", json=example)).json()["responses"]
    assert [answer["status"] for answer in answers] == [201, 201, 201, 200], answers
    assert answers[-1]["body"] == {"name": "stage", "Observations": [{"result": 1.25}]}
    bounds = f"at most {batch.PARTS_MAX} requests, {batch.BODY_BYTES_MAX >> 20} MiB"
    assert bounds in " ".join(shown.split())


async def test_a_batch_is_posted(client: httpx.AsyncClient) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await client.request(method, "$batch")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_answers_beyond_the_bound_are_not_fetched(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "ANSWER_BYTES_MAX", 10)
    answers = await post_json(client, *[{"method": "get", "url": "Things?$top=1"}] * 3)
    assert [answer["status"] for answer in answers] == [200, 413, 413]
