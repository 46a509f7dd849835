# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
import operator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
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
            thing["Datastreams"] = [
                a_datastream(
                    name=NAMES[(place + n) % 7],
                    properties={"zero_m": NUMBERS[(place + n) % 5]} if n else None,
                    Sensor=a_sensor() | {"name": NAMES[(place * n) % 7]},
                    ObservedProperty=a_property(),
                )
                for n in range(place % 3)
            ]
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
        around = (
            f"{things}?$expand=Datastreams/Sensor,Locations",
            f"{observations}?$expand=Datastream/Thing",
        )
        shown = [(await get(client, address))["value"] for address in around]
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


# What the functions mean, in plain Python; None where an argument is not of their kind.
def _when(kind: Any, work: Any) -> Any:
    return lambda *values: (
        work(*values)
        if all(isinstance(v, kind) and not (isinstance(v, bool) and kind is not bool) for v in values)
        else None
    )


_NUMBER = (int, float)
_COMPUTED = [
    ("length(name)", lambda e: len(e["name"])),
    ("indexof(name,'b')", lambda e: e["name"].find("b")),
    ("length(properties/tag)", lambda e: _when(str, len)(_inside("tag")(e))),
    ("properties/n add 2", lambda e: _when(_NUMBER, lambda n: n + 2)(_inside("n")(e))),
    ("properties/n sub 0.5 mul 2", lambda e: _when(_NUMBER, lambda n: n - 1)(_inside("n")(e))),
    ("properties/n div 4", lambda e: _when(_NUMBER, lambda n: n / 4)(_inside("n")(e))),
    ("properties/n div 0", lambda e: None),
    (
        "3 mod properties/n",
        lambda e: _when(_NUMBER, lambda n: math.fmod(3, n) if n else None)(_inside("n")(e)),
    ),
    ("-properties/n", lambda e: _when(_NUMBER, lambda n: -n)(_inside("n")(e))),
    ("round(properties/n)", lambda e: _when(_NUMBER, _half_away)(_inside("n")(e))),
    ("floor(properties/n div 4)", lambda e: _when(_NUMBER, lambda n: n // 4)(_inside("n")(e))),
    ("ceiling(properties/n div 4)", lambda e: _when(_NUMBER, lambda n: math.ceil(n / 4))(_inside("n")(e))),
    (
        "id div 2 sub id add 2 mul length(name)",
        lambda e: e["@iot.id"] // 2 - e["@iot.id"] + 2 * len(e["name"]),
    ),
    ("id mod 3", lambda e: e["@iot.id"] % 3),
]
_WORDED = [
    ("tolower(name)", lambda e: e["name"].lower()),
    ("toupper(name)", lambda e: e["name"].upper()),
    ("trim(concat(' ',name))", lambda e: e["name"].strip()),
    ("substring(name,1)", lambda e: e["name"][1:]),
    ("substring(name,0,1)", lambda e: e["name"][:1]),
    ("concat(name,description)", lambda e: e["name"] + e["description"]),
    ("concat('',properties/tag)", lambda e: _when(str, str)(_inside("tag")(e))),
]
_PAIRS = [
    ("name", "description", lambda e: e["name"], lambda e: e["description"]),
    ("properties/n", "id", _inside("n"), lambda e: e["@iot.id"]),
    ("properties/tag", "properties/open", _inside("tag"), _inside("open")),
    ("properties/tag", "tolower(name)", _inside("tag"), lambda e: e["name"].lower()),
]
_STREAMS = [
    ("Datastreams/name", _TEXTS, lambda d: d["name"]),
    ("Datastreams/Sensor/name", _TEXTS, lambda d: d["Sensor"]["name"]),
    ("Datastreams/Thing/name", _TEXTS | _NULL, None),
    ("length(Datastreams/Sensor/name)", _NUMBERS, lambda d: len(d["Sensor"]["name"])),
    ("Datastreams/properties/zero_m", _NUMBERS | _NULL, lambda d: (d.get("properties") or {}).get("zero_m")),
]


def _half_away(number: float) -> float:
    return math.copysign(math.floor(abs(number) + 0.5), number)


def _test_of_text(drawn: Any) -> tuple[str, Any]:
    (literal, part), name = drawn
    return {
        "startswith": (f"startswith(name,{literal})", lambda e: e["name"].startswith(part)),
        "endswith": (f"endswith(name,{literal})", lambda e: e["name"].endswith(part)),
        "substringof": (f"substringof({literal},name)", lambda e: part in e["name"]),
        "contains": (f"contains(name,{literal}) eq true", lambda e: part in e["name"]),
        "of JSON": (
            f"startswith(properties/tag,{literal}) ne true",
            lambda e: not (isinstance(_inside("tag")(e), str) and _inside("tag")(e).startswith(part)),
        ),
    }[name]


def _between(pair: Any, name: str) -> tuple[str, Any]:
    left, right, first, second = pair
    text = f"{left} {name} {right}"
    return text, lambda e: _of_values(first(e), second(e), name)


def _of_values(value: Any, wanted: Any, name: str) -> bool:
    return _comparison("", value, "", wanted, name, {})


def _of_streams(item: Any, drawn: Any) -> tuple[str, Any]:
    path, _, look = item
    (literal, wanted), name = drawn

    def holds(entity: dict[str, Any]) -> bool:
        return any(
            _of_values(entity["name"] if look is None else look(stream), wanted, name)
            for stream in entity["Datastreams"]
        )

    return f"{path} {name} {literal}", holds


_NAMED = st.sampled_from(sorted(_PYTHON))
_FUNCTIONS_OF_THINGS = st.one_of(
    *(_leaf(text, _NUMBERS | _NULL, look) for text, look in _COMPUTED),
    *(_leaf(text, _TEXTS | _NULL, look) for text, look in _WORDED),
    st.tuples(_TEXTS, st.sampled_from(("startswith", "endswith", "substringof", "contains", "of JSON"))).map(
        _test_of_text
    ),
    st.tuples(st.sampled_from(_PAIRS), _NAMED).map(lambda p: _between(*p)),
)
_RELATED_OF_THINGS = st.one_of(
    *(
        st.tuples(values, _NAMED).map(partial(_of_streams, (path, values, look)))
        for path, values, look in _STREAMS
    ),
    st.just(("Locations/name eq 'filters'", lambda e: bool(e["Locations"]))),
    st.just(
        (
            "name eq Datastreams/name",
            lambda e: any(e["name"] == stream["name"] for stream in e["Datastreams"]),
        )
    ),
    st.just(
        (
            "Datastreams/name eq Datastreams/Sensor/name",
            lambda e: any(stream["name"] == stream["Sensor"]["name"] for stream in e["Datastreams"]),
        )
    ),
)

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


def _begin(entity: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(_span(entity["phenomenonTime"])[0] / 1e6, UTC)


_NOW = datetime(2016, 10, 5, 3, 30, tzinfo=UTC)
_PARTS = [
    ("year(phenomenonTime)", lambda e: _begin(e).year),
    ("month(phenomenonTime)", lambda e: _begin(e).month),
    ("day(phenomenonTime)", lambda e: _begin(e).day),
    ("hour(phenomenonTime)", lambda e: _begin(e).hour),
    ("minute(phenomenonTime)", lambda e: _begin(e).minute),
    (
        "second(resultTime)",
        lambda e: None if e["resultTime"] is None else (_result_time(e) or 0) // 10**6 % 60,
    ),
    ("fractionalseconds(phenomenonTime) mul 4", lambda e: _begin(e).microsecond * 4 / 1e6),
    ("totaloffsetminutes(resultTime)", lambda e: None if e["resultTime"] is None else 0),
    ("result add id sub id", lambda e: e["result"]),
    ("length(Datastream/Thing/name)", lambda e: len(e["Datastream"]["Thing"]["name"])),
]
_CLOCKED = [
    ("date(phenomenonTime)", lambda e: _begin(e).date(), "2016-10-05", date(2016, 10, 5)),
    ("date(phenomenonTime)", lambda e: _begin(e).date(), "date'2016-10-06'", date(2016, 10, 6)),
    ("time(phenomenonTime)", lambda e: _begin(e).time(), "03:10:00", time(3, 10)),
    ("time(phenomenonTime)", lambda e: _begin(e).time(), "time'03:20:00.25'", time(3, 20, 0, 250_000)),
    # The service's clock stands at 03:30.
    ("phenomenonTime sub resultTime", lambda e: _lag(e), "duration'-PT10M'", timedelta(minutes=-10)),
    ("phenomenonTime sub now()", lambda e: _begin(e) - _NOW, "duration'-PT20M'", timedelta(minutes=-20)),
    ("resultTime", lambda e: _result_time(e), "now() sub duration'PT30M'", parse_instant(TIMES[0])),
    ("resultTime", lambda e: _result_time(e), "mindatetime() add duration'P736240D'", None),
]


def _lag(entity: dict[str, Any]) -> timedelta | None:
    at_us = _result_time(entity)
    return None if at_us is None else timedelta(microseconds=_span(entity["phenomenonTime"])[0] - at_us)


def _clocked(item: Any, name: str) -> tuple[str, Any]:
    text, look, literal, wanted = item
    if wanted is None:
        wanted = _DAY_736240

    def holds(entity: dict[str, Any]) -> bool:
        value = look(entity)
        return name == "ne" if value is None else bool(_PYTHON[name](value, wanted))

    return f"{text} {name} {literal}", holds


_DAY_736240 = parse_instant((datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=736_240)).isoformat())


def _against_result_time(name: str) -> tuple[str, Any]:
    def holds(entity: dict[str, Any]) -> bool:
        at_us = _result_time(entity)
        begin, end = _span(entity["phenomenonTime"])
        if at_us is None:
            return name == "ne"
        return {
            "eq": begin == end == at_us, "ne": not begin == end == at_us, "gt": begin > at_us,
            "ge": begin >= at_us, "lt": end < at_us, "le": end <= at_us,
        }[name]  # fmt: skip

    return f"phenomenonTime {name} resultTime", holds


_FUNCTIONS_OF_OBSERVATIONS = st.one_of(
    *(
        _leaf(text, _NUMBERS | st.sampled_from((2016, 10, 3, 12, 1)).map(lambda n: (str(n), n)), look)
        for text, look in _PARTS
    ),
    st.tuples(st.sampled_from(_CLOCKED), _NAMED).map(lambda p: _clocked(*p)),
    _NAMED.map(_against_result_time),
    _leaf("Datastream/Thing/name", _TEXTS | st.just(("'gauge'", "gauge")), lambda e: "gauge"),
    _leaf("Datastream/Thing/properties/floor", _NUMBERS | _NULL, lambda e: 3),
)

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
@given(drawn=_any_filter(_FUNCTIONS_OF_THINGS))
async def test_functions_and_arithmetic_find_what_plain_python_finds(
    base: Any, client: httpx.AsyncClient, drawn: Any
) -> None:
    await _same(client, base[0], base[1], drawn)


@FEW
@given(drawn=_any_filter(_RELATED_OF_THINGS))
async def test_a_filter_over_related_entities_finds_what_plain_python_finds(
    base: Any, client: httpx.AsyncClient, drawn: Any
) -> None:
    await _same(client, base[0], base[1], drawn)


@FEW
@given(drawn=_any_filter(_FUNCTIONS_OF_OBSERVATIONS))
async def test_functions_of_time_find_what_plain_python_finds(
    base: Any, client: httpx.AsyncClient, drawn: Any
) -> None:
    await _same(client, base[2], base[3], drawn)


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
