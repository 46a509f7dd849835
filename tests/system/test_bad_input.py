# SPDX-License-Identifier: Apache-2.0
"""Bad input at the door of a running program: a clear 4xx problem, nothing stored, the server alive."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from serving import OM, data_array, new_key, register, send, thing

from conftest import Live

pytestmark = pytest.mark.engines
TIME = "2026-01-01T00:00:00Z"
ONE = "/v1.1/Observations"
MANY = "/v1.1/CreateObservations"


@pytest.fixture(scope="module")
def streams(live: Live) -> dict[str, int]:
    """Datastreams of each kind of result."""
    kinds = ("OM_Measurement", "OM_TruthObservation", "OM_CountObservation", "OM_Observation")
    return {kind: register(live.device, f"bad {kind}", kind=kind)[1] for kind in kinds}


@pytest.fixture(autouse=True)
def nothing_is_stored_and_the_server_lives(live: Live) -> Iterator[None]:
    before = live.serving.sql("SELECT count(*), max(id) FROM observation")
    yield
    assert live.serving.sql("SELECT count(*), max(id) FROM observation") == before
    health = live.device.get("/health").json()
    assert health["ready"], health
    # The intake still takes: a tick of it would hang if one bad body had ended it.
    assert send(live.device, {**data_array(1, []), "dataArray": []}).status_code < 500


def refused(answer: httpx.Response, status: int | tuple[int, ...]) -> dict[str, object]:
    expected = (status,) if isinstance(status, int) else status
    assert answer.status_code in expected, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["code"] and problem["detail"]
    assert set(problem) >= {"type", "title", "where", "mend"}
    return dict(problem)


def one(live: Live, datastream: int, members: str, status: int | tuple[int, ...]) -> dict[str, object]:
    body = f'{{"Datastream": {{"@iot.id": {datastream}}}, {members}}}'
    return refused(live.device.post(ONE, content=body.encode()), status)


MALFORMED = {
    "nothing": b"",
    "half an object": b'{"result": 1',
    "two objects": b'{"result": 1} {"result": 2}',
    "a list": b"[1]",
    "a number": b"7",
    "null": b"null",
    "NaN": b'{"result": NaN, "Datastream": {"@iot.id": 1}}',
    "Infinity": b'{"result": -Infinity, "Datastream": {"@iot.id": 1}}',
    "invalid UTF-8": b'{"result": "\xff\xfe", "Datastream": {"@iot.id": 1}}',
    "UTF-16": '{"result": 1}'.encode("utf-16"),
    "a lone surrogate": b'{"result": "\\ud800", "Datastream": {"@iot.id": 1}}',
    "single quotes": b"{'result': 1}",
    "XML": b"<?xml version='1.0'?><a/>",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("path", [ONE, MANY])
def test_F11_a_malformed_body_is_a_bad_request(live: Live, path: str, body: bytes) -> None:
    refused(live.device.post(path, content=body), 400)


RESULTS = {
    "1e999": (400, 422), "-1e999": (400, 422), "true": 422, "false": 422, '"7.5"': 422, "null": (400, 422),
    "[1]": 422, "{}": 422, '"NaN"': 422,
}  # fmt: skip


@pytest.mark.parametrize(("result", "status"), RESULTS.items())
def test_F11_a_result_that_is_no_number_is_refused_naming_the_field(
    live: Live, streams: dict[str, int], result: str, status: int | tuple[int, ...]
) -> None:
    stream = streams["OM_Measurement"]
    problem = one(live, stream, f'"phenomenonTime": "{TIME}", "result": {result}', status)
    assert "result" in str(problem["where"]) + str(problem["detail"])
    rows = f'[["{TIME}", {result}], ["{TIME}", {result}]]'
    components = '"components": ["phenomenonTime", "result"]'
    body = f'[{{"Datastream": {{"@iot.id": {stream}}}, {components}, "dataArray": {rows}}}]'
    refused(live.device.post(MANY, content=body.encode()), status)


def test_F11_a_megabyte_of_text_as_a_number_is_refused(live: Live, streams: dict[str, int]) -> None:
    one(live, streams["OM_Measurement"], f'"result": "{"9" * (1 << 20)}"', 422)


@pytest.mark.parametrize(
    "time",
    ["1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
     "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "yesterday", "", "1", "10000-01-01T00:00:00Z",
     "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "2026-01-01T00:00:00+99:00", "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
@pytest.mark.parametrize("member", ["phenomenonTime", "resultTime", "validTime"])
def test_a_time_outside_1900_to_2200_or_no_time_is_refused(
    live: Live, streams: dict[str, int], time: str, member: str
) -> None:
    if member == "resultTime" and not time:
        pytest.skip("an empty resultTime is an absent one")
    stream = streams["OM_Measurement"]
    one(live, stream, f'"result": 1.5, "{member}": "{time}"', (400, 422))
    body = [{"Datastream": {"@iot.id": stream}, "components": [member, "result"], "dataArray": [[time, 1.5]]}]
    refused(live.device.post(MANY, json=body), (400, 422))


@pytest.mark.parametrize("datastream", [0, -1, 2**31 - 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**30])
def test_an_unknown_datastream_is_not_found(live: Live, datastream: int) -> None:
    one(live, datastream, '"result": 1.5', (400, 404))
    refused(send(live.device, data_array(datastream, [(0, 1.0)])), (400, 404))
    refused(live.device.post(f"/v1.1/Datastreams({datastream})/Observations", json={"result": 1}), (400, 404))


@pytest.mark.parametrize(
    "array",
    [
        {"components": ["phenomenonTime", "result"], "dataArray": []},
        {"Datastream": {"@iot.id": "x"}, "components": ["result"], "dataArray": [[1]]},
        {"Datastream": {"@iot.id": 1.5}, "components": ["result"], "dataArray": [[1]]},
        {"Datastream": {}, "components": ["result"], "dataArray": [[1]]},
        {"Datastream": {"@iot.id": 1}, "components": [], "dataArray": [[1]]},
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime"], "dataArray": [[TIME]]},
        {"Datastream": {"@iot.id": 1}, "components": ["result", "colour"], "dataArray": [[1, 2]]},
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [[TIME]]},
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [[TIME, 1, 2]]},  # noqa: E501
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": {"a": 1}},
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [7]},
        {"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": "x"},
        {"Datastream": {"@iot.id": 1}, "components": "result", "dataArray": [[1]]},
        {"Datastream": {"@iot.id": 1}, "components": ["result", "result"], "dataArray": [["x", 1]]},
    ],
)  # fmt: skip
def test_a_data_array_that_does_not_fit_its_components_is_refused(
    live: Live, array: dict[str, object]
) -> None:
    refused(live.device.post(MANY, json=[array]), (400, 422))


def test_a_body_without_a_good_row_is_refused_naming_the_first(live: Live, streams: dict[str, int]) -> None:
    empty = data_array(streams["OM_Measurement"], [])
    bad = data_array(streams["OM_CountObservation"], [(0, 1.0)])
    bad["dataArray"] = [[TIME, "many"]] * 500
    problem = refused(send(live.device, empty, bad), 422)
    assert problem["where"] == "[1].dataArray[0].result"


NUL = "a\0b"


@pytest.mark.parametrize(
    "more",
    [{"result": NUL}, {"result": {NUL: 1}}, {"result": 1, "parameters": {"a": NUL}},
     {"result": 1, "resultQuality": [NUL]}, {"result": 1, "parameters": {"a": [[{"b": {NUL: 2}}]]}}],
)  # fmt: skip
def test_a_zero_character_cannot_be_kept_and_is_refused(
    live: Live, streams: dict[str, int], more: dict[str, object]
) -> None:
    stream = streams["OM_Observation"]
    refused(live.device.post(f"/v1.1/Datastreams({stream})/Observations", json={"phenomenonTime": TIME, **more}),  # noqa: E501
            (400, 422))  # fmt: skip
    body = [
        {
            "Datastream": {"@iot.id": stream},
            "components": ["phenomenonTime", *more],
            "dataArray": [[TIME, *more.values()]],
        }
    ]
    refused(live.device.post(MANY, json=body), (400, 422))


@pytest.mark.parametrize("feature", [2**63, 2**64 - 1, 2**64, -(2**63) - 1])
def test_a_feature_of_interest_that_no_column_holds_is_refused(
    live: Live, streams: dict[str, int], feature: int
) -> None:
    one(live, streams["OM_Measurement"],
        f'"result": 1.5, "phenomenonTime": "{TIME}", "FeatureOfInterest": {{"@iot.id": {feature}}}',
        (400, 404, 422))  # fmt: skip


def test_a_huge_number_in_the_parameters_is_kept_or_refused_and_never_an_error_of_ours(
    live: Live, streams: dict[str, int]
) -> None:
    for number in ("1e999", "-1e999"):
        one(live, streams["OM_Observation"],
            f'"result": 1, "phenomenonTime": "{TIME}", "parameters": {{"a": {number}}}',
            (400, 422))  # fmt: skip
        one(live, streams["OM_Observation"], f'"phenomenonTime": "{TIME}", "result": [{number}]', (400, 422))
        one(live, streams["OM_Observation"], f'"phenomenonTime": "{TIME}", "result": {number}', (400, 422))


def test_a_hundred_thousand_brackets_are_refused(live: Live, streams: dict[str, int]) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    stream = streams["OM_Observation"]
    for nested in (deep, '{"a":' * 100_000 + "1" + "}" * 100_000):
        one(live, stream, f'"result": {nested}', (400, 413))
        one(live, stream, f'"result": 1, "parameters": {{"a": {nested}}}', (400, 413))
        one(live, stream, f'"result": 1, "unknown": {nested}', (400, 413))
        body = f'[{{"Datastream": {{"@iot.id": {stream}}}, "components": ["result"], "dataArray": {nested}}}]'
        refused(live.device.post(MANY, content=body.encode()), (400, 413))
    refused(live.device.post("/v1.1/Things", content=deep.encode()), (400, 413))
    refused(live.admin.client.post("/api/keys", content=deep.encode()), (400, 413))


def raw(live: Live, head: str, body: bytes = b"", patience_s: float = 60.0) -> tuple[bytes, int]:
    """Answer of a hand-written request, and how many body bytes were sent before it came."""
    address = urlsplit(live.serving.url)
    sent = 0
    with socket.create_connection((address.hostname, address.port), timeout=patience_s) as line:
        line.sendall(f"{head}\r\nHost: {address.netloc}\r\nAuthorization: Bearer {live.key}\r\n\r\n".encode())
        line.settimeout(0.2)
        answer = b""
        while True:
            try:
                answer = line.recv(65536)
                return answer, sent
            except TimeoutError:
                if sent >= len(body):
                    line.settimeout(patience_s)
                    return line.recv(65536), sent
                line.settimeout(patience_s)
                line.sendall(body[sent : sent + (1 << 20)])
                sent += 1 << 20
                line.settimeout(0.02)


def test_fifty_megabytes_are_refused_as_soon_as_they_are_announced(live: Live) -> None:
    size = 50 << 20
    answer, sent = raw(
        live, f"POST {MANY} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {size}"
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert sent == 0, "it was answered without a byte of the body"


def test_fifty_megabytes_in_pieces_are_refused_without_reading_them_all(live: Live) -> None:
    piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    answer, sent = raw(live, f"POST {MANY} HTTP/1.1\r\nTransfer-Encoding: chunked", piece * 50)
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 40 << 20


def test_an_honest_client_that_sends_fifty_megabytes_is_told_why(live: Live) -> None:
    for path in (MANY, ONE, "/v1.1/Things"):
        try:
            refused(live.device.post(path, content=b" " * (50 << 20)), 413)
        except httpx.TransportError:
            continue  # the server closed the line while we were still sending: refused as well
    assert live.device.get("/health").status_code == 200


def test_too_many_observations_in_one_body_are_refused(live: Live, streams: dict[str, int]) -> None:
    rows = [(index, 1.0) for index in range(50_001)]
    refused(send(live.device, data_array(streams["OM_Measurement"], rows)), 413)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", MANY), ("PUT", MANY), ("DELETE", MANY), ("PATCH", MANY), ("POST", "/v1.1/"), ("TRACE", ONE),
     ("POST", "/v1.1/Observations(1)"), ("DELETE", "/api/state"), ("PUT", "/api/keys"), ("POST", "/health")],
)  # fmt: skip
def test_a_wrong_method_is_refused_and_the_right_ones_are_named(live: Live, method: str, path: str) -> None:
    client = live.admin.client if path.startswith("/api") else live.device
    answer = client.request(method, path)
    refused(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    "query",
    ["$top=99999999999999999999999999", "$top=-1", "$top=1e3", "$top=", "$skip=99999999999999999999999999",
     "$skip=-1", "$filter=" + "(" * 5000, "$filter=result eq 'a%00'", "$filter=name eq '%00'",
     "$filter=%ff%fe",
     "$orderby=password", "$expand=" + "Thing/" * 50, "$select=" + "id," * 3000, "$count=maybe",
     "$top=1&$top=2",
     "$filter=result gt 1e999", "$filter=phenomenonTime gt 9999999-01-01T00:00:00Z", "$nonsense=1",
     "$filter=id eq 99999999999999999999999999999"],
)  # fmt: skip
@pytest.mark.parametrize("path", [ONE, "/v1.1/Datastreams"])
def test_a_wild_query_is_answered_or_refused_and_never_an_error_of_ours(
    live: Live, path: str, query: str
) -> None:
    answer = live.device.get(f"{path}?{query}")
    if answer.status_code != 200:
        assert 400 <= answer.status_code < 500 or answer.status_code == 501, answer.text
        refused(answer, answer.status_code)


def test_a_gigantic_top_gives_one_bounded_page(live: Live) -> None:
    answer = live.device.get(ONE, params={"$top": "1000000000"})
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert len(answer.json()["value"]) <= 10_000


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/keys", {"name": NUL}), ("/api/keys", {"name": "a", "thing_id": 2**63}), ("/api/keys", []),
     ("/api/people", {"login": NUL, "name": "x", "role": "viewer"}),
     ("/api/people", {"login": "nul", "name": NUL, "role": "viewer"}),
     ("/api/people", {"login": "nul", "name": "x", "role": NUL}),
     ("/api/session", {"login": NUL, "password": NUL}), ("/api/session/link", {"token": NUL}),
     ("/api/replay", {"action": NUL}), ("/api/replay", {"action": "speed", "speed": "fast"}),
     ("/api/incidents/00000000-0000-0000-0000-000000000000/close", {"reason": NUL}),
     ("/api/alerts/00000000-0000-0000-0000-000000000000/reject", {"reason": NUL}),
     ("/api/alerts/not-a-uuid/submit", {"content_hash": ""}),
     ("/api/alarms/00000000-0000-0000-0000-000000000000/acknowledge", None)],
)  # fmt: skip
def test_bad_bodies_of_the_console_are_refused(live: Live, path: str, body: object) -> None:
    answer = live.admin.post(path, body)
    refused(answer, (400, 401, 403, 404, 405, 409, 422))


@pytest.mark.parametrize(
    "path",
    ["/api/gauges/%00/observations?from_us=0&to_us=1", "/api/gauges/taehwa_stage_m/observations",
     "/api/gauges/taehwa_stage_m/observations?from_us=x&to_us=1",
     "/api/gauges/taehwa_stage_m/observations?from_us=99999999999999999999999&to_us=1",
     "/api/gauges/taehwa_stage_m/observations?from_us=0&to_us=99999999999999",
     "/api/gauges/taehwa_stage_m/observations?from_us=4611686018427387903&to_us=4611686018427387904",
     "/api/gauges/taehwa_stage_m/forecasts?from_us=-4611686018427387904&to_us=-4611686018427387904",
     "/api/trace/x", "/api/trace/00000000-0000-0000-0000-000000000000", "/api/nothing", "/nothing",
     "/cap/alerts/%00.xml", "/cap/alerts/..%2f..%2fetc%2fpasswd", "/console/assets/..%2f..%2fsecrets"],
)  # fmt: skip
def test_bad_addresses_of_the_console_are_refused(live: Live, path: str) -> None:
    answer = live.admin.get(path)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_live_installation_lets_no_replay_touch_its_clock(live: Live) -> None:
    wish = {"scenario": "x", "start_us": 0, "end_us": 1, "to_us": 1}
    refused(live.admin.post("/api/replay/advance", wish), 403)


def test_a_reader_may_not_write(live: Live, streams: dict[str, int]) -> None:
    with live.serving.client(new_key(live.admin, can_write=False)) as reader:
        refused(send(reader, data_array(streams["OM_Measurement"], [(0, 1.0)])), 403)
        refused(reader.post("/v1.1/Things", json=thing("x")), 403)
        part = {"id": "1", "method": "post", "url": "Things", "body": thing("x")}
        [answer] = reader.post("/v1.1/$batch", json={"requests": [part]}).json()["responses"]
        assert (answer["status"], answer["body"]["code"]) == (403, "forbidden")
    with live.serving.client("cyk_000000000000_" + "A" * 43) as nobody:
        refused(send(nobody, data_array(streams["OM_Measurement"], [(0, 1.0)])), 401)


def test_a_thing_with_a_zero_character_is_refused(live: Live) -> None:
    before = live.serving.count("SELECT count(*) FROM thing")
    for body in (
        thing(NUL),
        {**thing("x"), "properties": {NUL: 1}},
        {**thing("x"), "properties": {"a": NUL}},
    ):
        refused(live.device.post("/v1.1/Things", json=body), (400, 422))
    assert live.serving.count("SELECT count(*) FROM thing") == before


def test_the_observation_type_decides_what_a_result_may_be(live: Live, streams: dict[str, int]) -> None:
    assert streams["OM_TruthObservation"], OM
    for result in ("1", '"true"', "null"):
        one(
            live,
            streams["OM_TruthObservation"],
            f'"phenomenonTime": "{TIME}", "result": {result}',
            (400, 422),
        )
    one(live, streams["OM_CountObservation"], f'"phenomenonTime": "{TIME}", "result": true', 422)
    assert json.loads("true") is True
