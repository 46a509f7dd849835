# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
import os
import zlib
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import (
    MEASUREMENT,
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    create,
    get,
)

# CHEOYONG_EXAMPLES=20 makes twenty times as many.
MANY = int(os.environ.get("CHEOYONG_EXAMPLES", "1"))
SOME = settings(
    max_examples=50 * MANY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ANYTHING = MEASUREMENT.replace("Measurement", "Observation")
PLAIN = {
    "Things": ("name", "description", "id"),
    "Observations": ("phenomenonTime", "resultTime", "result", "id"),
    "HistoricalLocations": ("time", "id"),
    "ObservedProperties": ("name", "definition", "id"),
    "all Observations": ("phenomenonTime", "resultTime", "id"),
    "all Sensors": ("name", "encodingType"),
}
WORKED_OUT = {
    "Things": ("properties/floor", "Datastreams/name"),
    "Observations": ("resultQuality/flag", "Datastream/name"),
    "HistoricalLocations": ("Thing/name",),
    "ObservedProperties": ("properties/unit",),
    "all Observations": ("parameters/depth",),
    "all Sensors": ("metadata",),
}
FILTERS = {
    "Things": ("name ne 'b'", "description eq 'x' or id gt 0", "substringof('a',name)"),
    "Observations": ("result ge 1", "resultTime ne null", "phenomenonTime lt 2016-10-05T03:02:00Z"),
    "HistoricalLocations": ("time gt 2016-10-05T00:00:00Z",),
    "ObservedProperties": ("name ne 'p1'",),
    "all Observations": ("result eq 2", "parameters/depth ne null"),
    "all Sensors": ("name eq 'radar'",),
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def paged(service: Any) -> dict[str, str]:
    """Addresses of sets with many ties and nulls in what they are ordered by."""
    async with service.client(1) as client:
        location = await create(client, "Locations", a_location("paging"))
        for number in range(11):
            thing = a_thing("abc"[number % 3], description="xy"[number % 2])
            thing["properties"] = {"floor": number % 4} if number % 3 else {}
            await create(client, f"Locations({location})/Things", thing)
        measured = [
            {
                "phenomenonTime": f"2016-10-05T03:0{number % 4}:00Z"
                + (f"/2016-10-05T04:0{number % 3}:00Z" if number % 5 == 0 else ""),
                "result": ("dry", number % 3, 2.5 + number)[number % 3],
                "parameters": {"depth": number % 2, "number": number},
            }
            | ({"resultTime": f"2016-10-05T05:0{number % 2}:00Z"} if number % 3 else {})
            for number in range(14)
        ]
        streams = [
            a_datastream(observationType=ANYTHING)
            | {"Sensor": a_sensor(), "ObservedProperty": a_property(), "Observations": measured[n:]}
            for n in (0, 8)
        ]
        thing_id = await create(client, "Things", a_thing("paged", Datastreams=streams))
        [first, second] = (await get(client, f"Things({thing_id})/Datastreams"))["value"]
        for minute in (3, 1, 2, 1, 2, 2, 3):
            moved = {"time": f"2016-10-05T03:0{minute}:00Z", "Locations": [{"@iot.id": location}]}
            await create(client, f"Things({thing_id})/HistoricalLocations", moved)
        properties = [a_property() | {"name": f"p{n % 2}", "definition": f"http://d/{n}"} for n in range(5)]
        # Made in one order and put together in another: the parts have an order of their own.
        ids = [await create(client, "ObservedProperties", body) for body in properties]
        multi = a_multi_datastream(5, Thing={"@iot.id": thing_id}, Sensor=a_sensor())
        multi["ObservedProperties"] = [{"@iot.id": ids[n]} for n in (3, 0, 4, 2, 1)]
        multi_id = await create(client, "MultiDatastreams", multi)
    of_both = f"(Datastream/id eq {first['@iot.id']} or Datastream/id eq {second['@iot.id']})"
    return {
        "Things": f"Locations({location})/Things?",
        "Observations": f"Datastreams({first['@iot.id']})/Observations?",
        "HistoricalLocations": f"Things({thing_id})/HistoricalLocations?",
        "ObservedProperties": f"MultiDatastreams({multi_id})/ObservedProperties?",
        "all Observations": f"Observations?$filter={of_both}",
        "all Sensors": "Sensors?",
        "thing": str(thing_id),
        "stream": str(first["@iot.id"]),
    }


def _address(root: str, options: dict[str, str]) -> str:
    """The options added to an address that may have a filter already."""
    text = root
    for name, value in options.items():
        if name == "$filter" and "$filter=" in text:
            text += f" and ({value})"
        else:
            text += f"&{name}={value}"
    return text


async def _pages(client: httpx.AsyncClient, address: str | None) -> list[dict[str, Any]]:
    pages = []
    while address:
        pages.append(await get(client, address))
        address = pages[-1].get("@iot.nextLink")
        assert len(pages) <= 1_000
    return pages


@st.composite
def _asked(draw: Any, *, plain: bool) -> tuple[str, dict[str, str], int]:
    name = draw(st.sampled_from(sorted(PLAIN)))
    fields = PLAIN[name] if plain else PLAIN[name] + WORKED_OUT[name]
    terms = draw(
        st.lists(st.tuples(st.sampled_from(fields), st.sampled_from(("", " asc", " desc"))), max_size=3)
    )
    options = {}
    if draw(st.booleans()):
        options["$filter"] = draw(st.sampled_from(FILTERS[name]))
    if terms:
        options["$orderby"] = ",".join(field + way for field, way in terms)
    if draw(st.booleans()):
        options["$count"] = "true"
    if draw(st.booleans()):
        options["$select"] = "id"
    if draw(st.integers(0, 3)) == 0:
        options["$skip"] = str(draw(st.integers(0, 6)))
    return name, options, draw(st.integers(1, 6))


async def _same_rows_once_each(
    client: httpx.AsyncClient, root: str, options: dict[str, str], top: int
) -> Any:
    whole = await get(client, _address(root, options | {"$top": "10000"}))
    assert "@iot.nextLink" not in whole
    pages = await _pages(client, _address(root, options | {"$top": str(top)}))
    assert [row for page in pages for row in page["value"]] == whole["value"]
    assert all(len(page["value"]) == top for page in pages[:-1])
    assert {page.get("@iot.count") for page in pages} == {whole.get("@iot.count")}
    return pages


@SOME
@given(asked=_asked(plain=False))
async def test_pages_together_are_the_unpaged_answer_for_any_order_filter_and_size(
    client: httpx.AsyncClient, paged: dict[str, str], asked: Any
) -> None:
    name, options, top = asked
    await _same_rows_once_each(client, paged[name], options, top)


@SOME
@given(asked=_asked(plain=True))
async def test_the_next_page_of_a_plain_order_begins_at_a_place_and_counts_nothing_off(
    client: httpx.AsyncClient, paged: dict[str, str], asked: Any
) -> None:
    name, options, top = asked
    for page in await _pages(client, _address(paged[name], options | {"$top": str(top)})):
        if "@iot.nextLink" in page:
            query = parse_qs(urlsplit(page["@iot.nextLink"]).query)
            assert "$skiptoken" in query
            assert "$skip" not in query


async def _observed(client: httpx.AsyncClient, address: str, body: Any) -> int:
    response = await client.post(address, json=body)
    assert response.status_code == 201, response.text
    return int(response.headers["location"].rpartition("(")[2].rstrip(")"))


_STEPS = st.lists(st.tuples(st.sampled_from(("insert", "delete", "nothing")), st.integers(0, 50)), max_size=8)


@settings(SOME, max_examples=15 * MANY)
@given(
    terms=st.lists(
        st.tuples(
            st.sampled_from(("phenomenonTime", "resultTime", "result")), st.sampled_from(("", " desc"))
        ),
        max_size=2,
    ),
    top=st.integers(1, 4),
    steps=_STEPS,
)
async def test_rows_that_come_and_go_between_pages_neither_hide_nor_double_another(
    client: httpx.AsyncClient, paged: dict[str, str], terms: Any, top: int, steps: Any
) -> None:
    def body(number: int) -> dict[str, Any]:
        times = {"phenomenonTime": f"2016-10-05T03:0{number % 5}:00Z", "result": number % 7}
        times["parameters"] = {"number": number}
        return times | ({"resultTime": f"2016-10-05T05:0{number % 3}:00Z"} if number % 2 else {})

    thing = {"@iot.id": int(paged["thing"])}
    stream = await create(
        client, "Datastreams", a_datastream(Thing=thing, Sensor=a_sensor(), ObservedProperty=a_property())
    )
    address = f"Datastreams({stream})/Observations"
    stay = {await _observed(client, address, body(number)) for number in range(9)}
    order = ",".join(field + way for field, way in terms)
    link: str | None = f"{address}?$top={top}&$select=id" + (f"&$orderby={order}" if order else "")
    seen: list[int] = []
    waiting = list(steps)
    while link:
        page = await get(client, link)
        seen += [row["@iot.id"] for row in page["value"]]
        assert len(seen) == len(set(seen))
        link = page.get("@iot.nextLink")
        action, number = waiting.pop() if waiting else ("nothing", 0)
        if action == "insert":
            await _observed(client, address, body(100 + number + 60 * len(waiting)))
        elif action == "delete" and stay:
            gone = sorted(stay)[number % len(stay)]
            assert (await client.delete(f"Observations({gone})")).status_code == 200
            stay.remove(gone)
    assert stay <= set(seen)


async def test_the_link_inside_an_expanded_list_leads_to_the_rest_of_it(
    client: httpx.AsyncClient, paged: dict[str, str]
) -> None:
    inner = "$orderby=result desc,id desc;$filter=resultTime ne null;$top=2;$count=true;$select=id,result"
    for options, one in ((inner, 2), ("$top=3;$skip=1;$select=id", 3), ("$top=1;$orderby=Datastream/id", 1)):
        address = f"Things({paged['thing']})?$expand=Datastreams($expand=Observations({options}))"
        streams = (await get(client, address))["Datastreams"]
        assert "Observations@iot.nextLink" in streams[0]
        for stream in streams:
            plain = options.replace(";", "&").replace(f"$top={one}", "$top=1000")
            whole = await get(client, f"Datastreams({stream['@iot.id']})/Observations?{plain}")
            link = stream.get("Observations@iot.nextLink")
            if link is None:
                assert stream["Observations"] == whole["value"]
                continue
            assert f"/Datastreams({stream['@iot.id']})/Observations?" in link
            assert ("$skiptoken=" in link) is ("/id" not in options)
            rest = [row for page in await _pages(client, link) for row in page["value"]]
            assert stream["Observations"] + rest == whole["value"]


async def test_the_parts_of_a_multi_datastream_keep_their_own_order_from_page_to_page(
    client: httpx.AsyncClient, paged: dict[str, str]
) -> None:
    pages = await _same_rows_once_each(client, paged["ObservedProperties"], {}, 2)
    assert [row["definition"][-1] for page in pages for row in page["value"]] == list("30421")
    assert "$skiptoken" in pages[0]["@iot.nextLink"]
    multi = paged["ObservedProperties"].removesuffix("/ObservedProperties?")
    shown = await get(client, f"{multi}?$expand=ObservedProperties($top=3)")
    [rest] = await _pages(client, shown["ObservedProperties@iot.nextLink"])
    assert [row["definition"][-1] for row in rest["value"]] == ["2", "1"]


@pytest.mark.parametrize("form", ["$resultFormat=dataArray", "$resultFormat=CSV", "$resultFormat=GeoJSON"])
async def test_formats_are_kept_from_page_to_page(
    client: httpx.AsyncClient, paged: dict[str, str], form: str
) -> None:
    address: str | None = f"{paged['Observations']}{form}&$top=4&$select=id,result&$filter=result ne null"
    rows = 0
    while address:
        response = await client.get(address)
        assert response.status_code == 200, response.text
        if form.endswith("CSV"):
            rows += response.text.count("\r\n") - 1
            address = response.links.get("next", {}).get("url")
        elif form.endswith("GeoJSON"):
            rows += len(response.json()["features"])
            address = response.links.get("next", {}).get("url")
        else:
            rows += sum(part["dataArray@iot.count"] for part in response.json()["value"])
            address = response.json().get("@iot.nextLink")
        if address:
            assert form in address
            assert "$skiptoken" in address
    assert rows == 14


async def test_a_skip_beside_a_token_counts_from_its_place(
    client: httpx.AsyncClient, paged: dict[str, str]
) -> None:
    [whole] = await _pages(client, paged["Things"])
    first = await get(client, f"{paged['Things']}$top=3&$skip=1")
    onward = await get(client, first["@iot.nextLink"] + "&$skip=2")
    assert onward["value"] == whole["value"][6:9]
    assert "$skip=" not in onward["@iot.nextLink"]


async def test_a_place_too_long_to_carry_is_counted_off_instead(client: httpx.AsyncClient) -> None:
    location = await create(client, "Locations", a_location("long names"))
    for number in range(5):
        await create(client, f"Locations({location})/Things", a_thing("가" * 900 + str(number % 2)))
    root = f"Locations({location})/Things?$orderby=name desc"
    pages = await _same_rows_once_each(client, root, {"$select": "id"}, 2)
    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    assert "$skip=2" in pages[0]["@iot.nextLink"]


# A token is a check of four bytes and a JSON list, in base64url; these make any list into one.
def _token(order: str, values: Any) -> str:
    body = values if isinstance(values, bytes) else json.dumps(values).encode()
    check = zlib.crc32(order.encode() + b"\0" + body).to_bytes(4, "big")
    return base64.urlsafe_b64encode(check + body).rstrip(b"=").decode()


async def _refused(client: httpx.AsyncClient, address: str) -> str:
    response = await client.get(address)
    assert response.status_code == 400, response.text
    problem = response.json()
    assert problem["mend"]
    return str(problem["where"])


async def test_a_damaged_token_is_refused_with_its_position(
    client: httpx.AsyncClient, paged: dict[str, str]
) -> None:
    root = f"{paged['Things']}$top=2"
    query = parse_qs(urlsplit((await get(client, root))["@iot.nextLink"]).query)
    [token] = query["$skiptoken"]
    assert (await client.get(f"{root}&$skiptoken={token}")).status_code == 200
    assert await _refused(client, f"{root}&$skiptoken={token[:6]}!{token[6:]}") == "$skiptoken, character 7"
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        if base64.urlsafe_b64decode(other + "==") != base64.urlsafe_b64decode(token + "=="):
            assert (await _refused(client, f"{root}&$skiptoken={other}")).startswith("$skiptoken")
        assert (await _refused(client, f"{root}&$skiptoken={token[:place] or 'A'}")).startswith("$skiptoken")
    assert (await _refused(client, f"{root}&$orderby=name&$skiptoken={token}")).startswith("$skiptoken")
    assert (await _refused(client, f"{root}&$orderby=id desc&$skiptoken={token}")).startswith("$skiptoken")
    assert await _refused(client, f"{root}&$orderby=properties/floor&$skiptoken={token}") == "$skiptoken"
    assert await _refused(client, f"{root}&$skiptoken={'A' * 2000}") == "$skiptoken"


@pytest.mark.parametrize(
    "values",
    [
        [], [1], [1, 2, 3], [True, 1], [None, 1], ["a", 1], [1.5, 1], [2**63, 1], [1, 2**63], [-(2**70), 1],
        [10**18, 1], [-(10**18), 1], {"a": 1}, 7, [[1], 1], [1, None], b"", b"[1,", b"\xff\xfe", b"[" * 500,
        b"[NaN,1]", b"[1e999,1]",
    ],
)  # fmt: skip
async def test_a_forged_token_is_refused(
    client: httpx.AsyncClient, paged: dict[str, str], values: Any
) -> None:
    address = f"{paged['Observations']}$skiptoken={_token('phenomenon_time,id', values)}"
    assert (await _refused(client, address)).startswith("$skiptoken")


@pytest.mark.parametrize(
    ("order", "columns", "values"),
    [
        ("name", "name,id", ["a\0b", 1]),
        ("name", "name,id", b'["\\ud800",1]'),
        ("name", "name,id", [1, 1]),
        ("name", "name,id", [None, 1]),
        ("name desc", "name,id", ["a", 1]),
    ],
)
async def test_a_forged_token_of_text_is_refused(
    client: httpx.AsyncClient, paged: dict[str, str], order: str, columns: str, values: Any
) -> None:
    address = f"{paged['Things']}$orderby={order}&$skiptoken={_token(columns, values)}"
    assert (await _refused(client, address)).startswith("$skiptoken")


async def test_a_well_forged_token_begins_where_it_says_and_shows_nothing_more(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, paged: dict[str, str]
) -> None:
    at_us = 1_475_636_580_000_000  # 2016-10-05T03:03:00Z
    token = _token("phenomenon,id", [at_us - 1, 0])
    address = f"{paged['Observations']}$orderby=phenomenonTime&$skiptoken={token}"
    [page] = await _pages(client, address)
    assert {row["phenomenonTime"][:20] for row in page["value"]} == {"2016-10-05T03:03:00Z"}
    assert (await stranger.get(address)).status_code == 404


@settings(SOME, max_examples=60 * MANY)
@given(token=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda raw: _token("id", raw))))
async def test_no_token_makes_the_server_fail(
    client: httpx.AsyncClient, paged: dict[str, str], token: str
) -> None:
    response = await client.get(f"{paged['Things']}$skiptoken={quote(token, errors='replace')}")
    assert response.status_code in (200, 400), response.text


async def test_a_token_is_not_for_a_list_inside_an_expand(client: httpx.AsyncClient) -> None:
    token = _token("id", [1])
    assert await _refused(client, f"Things?$expand=Datastreams($skiptoken={token})") == "$skiptoken"
    assert await _refused(client, "Things?$skiptoken=") == "$skiptoken"
