# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import operator
from typing import Any

import httpx
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import a_datastream, a_location, a_property, a_sensor, a_thing, create, get

from cheoyong.domain.instant import parse_instant

NAMES = ("", "a", "b's", "가", "a b", "null", "Z")
NUMBERS = (-2, 0, 0.5, 3, 10_000_000_000)
TIMES = ("2016-10-05T03:00:00Z", "2016-10-05T12:10:00+09:00", "2016-10-05T03:20:00.250Z")
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_PYTHON = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt,
    "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def base(service: Any) -> tuple[str, list[dict[str, Any]], str, list[dict[str, Any]]]:
    """Eight things under one location and twelve observations of one datastream, with their addresses."""
    async with service.client(1) as client:
        location = await create(client, "Locations", a_location("filters"))
        for place in range(8):
            properties: dict[str, Any] = {
                "n": NUMBERS[place % 5],
                "open": place % 2 == 0,
                "tag": NAMES[place % 7],
            }
            if place % 3 == 0:
                del properties["n"]
            if place == 5:
                properties = {"n": None, "open": "yes", "tag": 3}
            thing = a_thing(NAMES[place % 7], description=NAMES[-place % 7], properties=properties)
            await create(client, f"Locations({location})/Things", thing)
        measured = [
            {
                "phenomenonTime": TIMES[i % 3] if i % 4 else f"{TIMES[0]}/{TIMES[2]}",
                "result": NUMBERS[i % 5] + i,
            }
            | ({"resultTime": TIMES[i % 3]} if i % 2 else {})
            for i in range(12)
        ]
        stream = a_datastream(Sensor=a_sensor(), ObservedProperty=a_property(), Observations=measured)
        thing_id = await create(client, "Things", a_thing(Datastreams=[stream]))
        row_id = (await get(client, f"Things({thing_id})/Datastreams"))["value"][0]["@iot.id"]
        things, observations = f"Locations({location})/Things", f"Datastreams({row_id})/Observations"
        shown = [(await get(client, address))["value"] for address in (things, observations)]
        return things, shown[0], observations, shown[1]


# A filter is drawn as its text together with what it means: a function of the entity as shown.
def _comparison(text: str, value: Any, literal: str, wanted: Any, name: str, entity: dict[str, Any]) -> bool:
    kinds = {bool: "b", int: "n", float: "n", str: "s"}
    if wanted is None or value is None:
        return {"eq": value is wanted, "ne": value is not wanted}.get(name, False)
    if kinds.get(type(value)) != kinds[type(wanted)]:
        return name == "ne"
    return bool(_PYTHON[name](value, wanted))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_TEXTS = st.sampled_from((*NAMES, "m")).map(lambda t: (_quoted(t), t))
_NUMBERS = st.one_of(st.sampled_from(NUMBERS), st.integers(-5, 20), st.sampled_from((1e300, -0.25))).map(
    lambda n: (repr(n), n)
)
_BOOLEANS = st.booleans().map(lambda b: (str(b).lower(), b))
_NULL = st.just(("null", None))
_INSTANTS = st.sampled_from(
    (*TIMES, "2016-10-05T03:15:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
).map(lambda t: (t, t))


def _leaf(path: str, values: Any, look: Any) -> Any:
    def made(drawn: Any) -> tuple[str, Any]:
        (literal, wanted), name, mirrored = drawn
        mirror = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
        text = f"{literal} {mirror.get(name, name)} {path}" if mirrored else f"{path} {name} {literal}"
        return text, lambda entity: _comparison(text, look(entity), literal, wanted, name, entity)

    return st.tuples(values, st.sampled_from(sorted(_PYTHON)), st.booleans()).map(made)


def _inside(name: str) -> Any:
    return lambda entity: (entity.get("properties") or {}).get(name)


def _any_filter(leaves: Any) -> Any:
    def grow(inner: Any) -> Any:
        return st.one_of(
            st.tuples(inner, inner).map(
                lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda e: p[0][1](e) and p[1][1](e))
            ),
            st.tuples(inner, inner).map(
                lambda p: (f"({p[0][0]} or {p[1][0]})", lambda e: p[0][1](e) or p[1][1](e))
            ),
            inner.map(lambda p: (f"not ({p[0]})", lambda e: not p[1](e))),
        )

    return st.recursive(leaves, grow, max_leaves=6)


_OF_THINGS = _any_filter(
    st.one_of(
        _leaf("name", _TEXTS, lambda e: e["name"]),
        _leaf("description", _TEXTS | _NULL, lambda e: e["description"]),
        _leaf("properties/n", _NUMBERS | _NULL | _TEXTS, _inside("n")),
        _leaf("properties/tag", _TEXTS | _NUMBERS, _inside("tag")),
        _leaf("properties/open", _BOOLEANS, _inside("open")),
        st.just(("true", lambda e: True)),
    )
)


def _span(text: str) -> tuple[int, int]:
    begin, _, end = text.partition("/")
    return parse_instant(begin), parse_instant(end or begin)


def _time_leaf(drawn: tuple[str, str]) -> tuple[str, Any]:
    literal, name = drawn

    def holds(entity: dict[str, Any]) -> bool:
        begin, end = _span(entity["phenomenonTime"])
        at = {"0001": -(10**18), "9999": 10**18}.get(literal[:4]) or parse_instant(literal)
        return {
            "eq": begin == end == at, "ne": not begin == end == at, "gt": begin > at, "ge": begin >= at,
            "lt": end < at, "le": end <= at,
        }[name]  # fmt: skip

    return f"phenomenonTime {name} {literal}", holds


def _result_time(entity: dict[str, Any]) -> int | None:
    return None if entity["resultTime"] is None else parse_instant(entity["resultTime"])


_OF_OBSERVATIONS = _any_filter(
    st.one_of(
        _leaf("result", _NUMBERS | _NULL, lambda e: e["result"]),
        st.tuples(_INSTANTS.map(lambda p: p[0]), st.sampled_from(sorted(_PYTHON))).map(_time_leaf),
        _leaf(
            "resultTime",
            _NULL | st.sampled_from(TIMES).map(lambda t: (t, parse_instant(t))),
            _result_time,
        ),
    )
)


async def _same(client: httpx.AsyncClient, address: str, rows: list[dict[str, Any]], drawn: Any) -> None:
    text, holds = drawn
    shown = await get(client, f"{address}?$select=id&$top=100&$filter={text.replace('+', '%2B')}")
    assert sorted(e["@iot.id"] for e in shown["value"]) == sorted(e["@iot.id"] for e in rows if holds(e)), (
        text
    )


@FEW
@given(drawn=_OF_THINGS)
async def test_a_filter_of_things_finds_what_plain_python_finds(
    base: Any, client: httpx.AsyncClient, drawn: Any
) -> None:
    await _same(client, base[0], base[1], drawn)


@FEW
@given(drawn=_OF_OBSERVATIONS)
async def test_a_filter_of_observations_finds_what_plain_python_finds(
    base: Any, client: httpx.AsyncClient, drawn: Any
) -> None:
    await _same(client, base[2], base[3], drawn)


_PIECES = (
    *(
        "name",
        "properties/n",
        "id",
        "result",
        "eq",
        "ne",
        "gt",
        "and",
        "or",
        "not",
        "(",
        ")",
        "'",
        "'a'",
        "1",
        "-",
    ),
    *(
        "1e999",
        "99999999999999999999",
        "null",
        "true",
        "2016-10-05T00:00:00Z",
        "2016-99-05T00:00:00Z",
        "/",
        ",",
    ),
    *(";", "=", "$top", "$filter", "$expand", "Datastreams", "Locations", "any(", "add", "geo.distance("),
    *(
        "geography'POINT(1 1)'",
        "\0",
        "\ud7ff",
        "%",
        "&",
        "+",
        "٣",
        "desc",
        "@iot.id",
        "resultQuality/flag",
        "--",
    ),
    "0001-01-01T00:00:00+14:00",
)
_ROOTS = ("Things", "Observations", "Datastreams(1)/Observations", "FeaturesOfInterest", "Things(1)")


@settings(FEW, max_examples=150)
@given(
    root=st.sampled_from(_ROOTS),
    option=st.sampled_from(("$filter", "$orderby", "$expand", "$select", "$top", "$skip", "$count", "")),
    text=st.one_of(st.text(max_size=40), st.lists(st.sampled_from(_PIECES), max_size=12).map(" ".join)),
)
async def test_S27_malformed_queries_never_make_the_server_fail(
    client: httpx.AsyncClient, root: str, option: str, text: str
) -> None:
    response = await client.get(f"{root}?", params={option: text} if option else {text: text})
    assert response.status_code in (200, 400, 404, 413, 501), response.text


@settings(FEW, max_examples=100)
@given(
    path=st.one_of(
        st.text(max_size=30),
        st.lists(st.sampled_from((*_PIECES, *_ROOTS, "$ref", "$value", "(1)")), max_size=6).map("/".join),
    )
)
async def test_malformed_paths_never_make_the_server_fail(client: httpx.AsyncClient, path: str) -> None:
    scope = {"type": "http", "method": "GET", "path": f"/v1.1/{path}", "query_string": b"", "headers": []}
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await client._transport.app(scope, receive, send)
    assert sent[0]["status"] in (200, 400, 404, 501), path


_MEMBERS = st.sampled_from(
    (
        *("name", "description", "properties", "Locations", "Datastreams", "Sensor", "@iot.id", "Things"),
        *("Observations", "result", "phenomenonTime", "location", "encodingType", "type", "coordinates"),
    )
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@settings(FEW, max_examples=150)
@given(path=st.sampled_from(("Things", "Locations", "Datastreams", "Sensors")), body=_JSON)
async def test_malformed_bodies_never_make_the_server_fail(
    client: httpx.AsyncClient, path: str, body: Any
) -> None:
    whole = {"name": "n", "description": "d", "encodingType": "text/plain", "metadata": "m", "location": 1}
    for sent in (body, {**whole, **body} if isinstance(body, dict) else whole | {"properties": body}):
        response = await client.post(path, content=json.dumps(sent))
        assert response.status_code in (201, 400, 404, 409, 413, 422, 501), response.text
