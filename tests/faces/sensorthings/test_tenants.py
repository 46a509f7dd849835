# SPDX-License-Identifier: Apache-2.0
"""Two organisations with data that could be taken for each other's: each sees its own.

One base holds both, another holds one. Whatever one of the two asks, the answer must name nothing but its
own entities, and must be the one that it gets where there is no other organisation, ids aside.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from filter_grammar import filters, ways
from filter_meaning import LINKS, PROPERTIES, Judged
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import create, get
from small_base import fill

# CHEOYONG_EXAMPLES=20 makes twenty times as many.
MANY = int(os.environ.get("CHEOYONG_EXAMPLES", "1"))
SOME = settings(
    max_examples=70 * MANY,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NOBODYS = 10**9  # an id that no one has
GEOMETRIES_MAX = 8
_ID = re.compile(r"\b(" + "|".join(sorted(LINKS, key=len, reverse=True)) + r")\((-?\d+)\)")
_TOKEN = re.compile(r"\$skiptoken=[\w-]+")
_MARK = re.compile(r"mark-(\d)")


@dataclass
class Tenant:
    """One organisation on one base: its client, and its ids of each set in order."""

    client: httpx.AsyncClient
    mark: str
    ids: dict[str, list[int]]

    def place(self, entity_set: str, row_id: int) -> str:
        """What an entity is called on every base; KeyError for one that is not of this organisation."""
        if row_id < 0:  # the place of a thing, standing in for its feature
            return f"-{self.place('Locations', -row_id)}"
        if row_id not in self.ids[entity_set]:
            raise KeyError(f"{entity_set}({row_id}) is not of {self.mark}")
        return f"{entity_set} {self.ids[entity_set].index(row_id)}"


@dataclass
class Tenants:
    """Both organisations on the one base, and one that is alone on another."""

    both: tuple[Tenant, Tenant]
    alone: Tenant


async def _tenant(client: httpx.AsyncClient, mark: str) -> Tenant:
    ids = {}
    for entity_set in LINKS:
        shown = (await get(client, f"{entity_set}?$top=10000"))["value"]
        assert shown
        ids[entity_set] = sorted(entity["@iot.id"] for entity in shown if entity["@iot.id"] > 0)
    return Tenant(client, mark, ids)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tenants(service_apart: Any, another_service_apart: Any) -> Any:
    """The same data thrice; on the shared base the two have different ids for it."""
    async with (
        service_apart.client(1) as one,
        service_apart.client(2) as two,
        another_service_apart.client(1) as alone,
    ):
        passing = {
            "Things": {"name": "a", "description": "mark-2"},
            "Sensors": {"name": "a", "description": "mark-2", "encodingType": "", "metadata": ""},
        }
        made = {name: await create(two, name, body) for name, body in passing.items()}
        await fill(one, "mark-1")
        await fill(two, "mark-2")
        for name, row_id in made.items():
            assert (await two.delete(f"{name}({row_id})")).status_code == 200
        await fill(alone, "mark-0")
        both = (await _tenant(one, "mark-1"), await _tenant(two, "mark-2"))
        assert both[0].ids != both[1].ids
        yield Tenants(both, await _tenant(alone, "mark-0"))


def _named(tenant: Tenant, value: Any, entity_set: str) -> Any:
    """An answer with every id replaced by the name of what it stands for."""
    if isinstance(value, list):
        return [_named(tenant, item, entity_set) for item in value]
    if isinstance(value, dict):
        named = {}
        for name, item in value.items():
            target = LINKS.get(entity_set, {}).get(name, entity_set)
            if name == "@iot.id":
                named[name] = tenant.place(entity_set, item)
            elif name == "dataArray" and value["components"][:1] == ["id"]:
                named[name] = [
                    [tenant.place("Observations", row[0]), *_named(tenant, row[1:], "")] for row in item
                ]
            else:
                named[name] = _named(tenant, item, target)
        return named
    if isinstance(value, str):
        value = _TOKEN.sub("$skiptoken=…", value)
        value = _ID.sub(lambda found: tenant.place(found[1], int(found[2])), value)
        return _MARK.sub("mark", value)
    return value


def _addressed(address: str, tenant: Tenant, other: Tenant | None) -> str:
    """``{Things 2}`` becomes the tenant's third thing, ``{other Things 2}`` the other's, or nobody's."""

    def number(found: re.Match[str]) -> str:
        whose = other if found[1] else tenant
        if whose is None:
            return str(NOBODYS)
        ids = whose.ids[found[2]]
        return str(ids[int(found[3]) % len(ids)])

    return re.sub(r"\{(other )?(\w+) (\d+)\}", number, address)


def _only_own(tenant: Tenant, response: httpx.Response) -> None:
    assert {f"mark-{number}" for number in _MARK.findall(response.text)} <= {tenant.mark}, response.text


async def _same_as_alone(tenants: Tenants, address: str, entity_set: str) -> None:
    """Each of the two gets what it would get alone, over up to three pages."""
    alone = await _pages(tenants.alone, _addressed(address, tenants.alone, None), entity_set)
    for tenant, other in (tenants.both, tenants.both[::-1]):
        pages = await _pages(tenant, _addressed(address, tenant, other), entity_set)
        assert pages == alone, address


async def _pages(tenant: Tenant, address: str | None, entity_set: str) -> list[Any]:
    pages: list[Any] = []
    while address and len(pages) < 3:
        response = await tenant.client.get(address)
        _only_own(tenant, response)
        address = None
        if response.status_code != 200:
            pages.append(response.status_code)  # what is said of it may name the id that was asked for
        elif "json" in response.headers.get("content-type", ""):
            shown = response.json()
            address = shown.get("@iot.nextLink") if isinstance(shown, dict) else None
            pages.append(_named(tenant, shown, entity_set))
        else:
            pages.append(_named(tenant, response.text, entity_set))
    return pages


def _about_no_id(judged: Judged) -> bool:
    """Ids differ from base to base, so what is said of them does."""
    return judged.geometries <= GEOMETRIES_MAX and not re.search(r"\bid\b", judged.text)


@st.composite
def _addresses(draw: Any) -> tuple[str, str]:
    """An address of a set: the whole of it, or what is linked to an entity, own or the other's."""
    entity_set = draw(st.sampled_from(sorted(LINKS)))
    if draw(st.booleans()):
        return entity_set, entity_set
    whose = draw(st.sampled_from(("", "", "other ")))
    name = draw(st.sampled_from(sorted(LINKS[entity_set])))
    start = f"{entity_set}({{{whose}{entity_set} {draw(st.integers(0, 3))}}})"
    return f"{start}/{name}", LINKS[entity_set][name]


def _many(address: str) -> bool:
    name = address.rpartition("/")[2]
    return name in LINKS


@st.composite
def _expands(draw: Any, entity_set: str, depth: int = 2) -> str:
    name = draw(st.sampled_from(sorted(LINKS[entity_set])))
    target = LINKS[entity_set][name]
    inside = []
    if name in LINKS:
        if draw(st.booleans()):
            judged = draw(filters(target))
            assume(_about_no_id(judged) and not judged.geometries)
            inside.append(f"$filter={judged.text}")
        inside.append(f"$top={draw(st.integers(0, 3))}")
        if draw(st.booleans()):
            inside.append("$count=true")
    if depth and draw(st.booleans()):
        inside.append(f"$expand={draw(_expands(target, depth - 1))}")
    return f"{name}({';'.join(inside)})" if inside else name


@st.composite
def _orders(draw: Any, entity_set: str) -> str:
    way, end = draw(ways(entity_set, long=False))
    name = draw(st.sampled_from(sorted(PROPERTIES[end])))
    below = "/n" if name == "properties" else ""
    return "/".join((*way, name)) + below + draw(st.sampled_from(("", " desc")))


@st.composite
def _queries(draw: Any) -> tuple[str, str]:
    address, entity_set = draw(_addresses())
    options: list[tuple[str, str]] = []
    if draw(st.integers(0, 2)):
        options.append(("$expand", draw(_expands(entity_set))))
    if _many(address):
        options.append(("$top", str(draw(st.integers(1, 4)))))
        if draw(st.booleans()):
            judged = draw(filters(entity_set))
            assume(_about_no_id(judged))
            options.append(("$filter", judged.text))
        if draw(st.booleans()):
            options.append(("$orderby", draw(_orders(entity_set))))
        if draw(st.booleans()):
            options.append(("$count", "true"))
        if draw(st.integers(0, 4)) == 0:
            options.append(("$skip", "1"))
    query = "&".join(f"{name}={quote(value)}" for name, value in options)
    return f"{address}?{query}" if query else address, entity_set


@SOME
@given(drawn=_queries())
async def test_S08_no_expand_filter_order_or_count_tells_of_another_organisation(
    tenants: Tenants, drawn: tuple[str, str]
) -> None:
    await _same_as_alone(tenants, *drawn)


@settings(SOME, max_examples=20 * MANY)
@given(drawn=_addresses(), data=st.data())
async def test_S08_counts_references_and_values_are_of_ones_own_only(
    tenants: Tenants, drawn: tuple[str, str], data: Any
) -> None:
    address, entity_set = drawn
    if _many(address):
        judged = data.draw(filters(entity_set))
        assume(_about_no_id(judged))
        for ending in (f"$count?$filter={quote(judged.text)}", f"$ref?$filter={quote(judged.text)}&$top=2"):
            await _same_as_alone(tenants, f"{address}/{ending}", entity_set)
    name = data.draw(st.sampled_from([name for name in PROPERTIES[entity_set] if "/" not in name]))
    whose = data.draw(st.sampled_from(("", "other ")))
    one = f"{entity_set}({{{whose}{entity_set} {data.draw(st.integers(0, 3))}}})"
    for ending in ("", f"/{name}", f"/{name}/$value"):
        await _same_as_alone(tenants, one + ending, entity_set)


@settings(SOME, max_examples=15 * MANY)
@given(entity_set=st.sampled_from(sorted(LINKS)), data=st.data())
async def test_S08_formats_hold_rows_of_ones_own_only(tenants: Tenants, entity_set: str, data: Any) -> None:
    judged = data.draw(filters(entity_set))
    assume(_about_no_id(judged))
    name = next(iter(PROPERTIES[entity_set]))
    query = f"$filter={quote(judged.text)}&$top=4"
    await _same_as_alone(tenants, f"{entity_set}?$resultFormat=CSV&$select={name}&{query}", entity_set)
    await _same_as_alone(tenants, f"{entity_set}?$resultFormat=GeoJSON&$select={name}&{query}", entity_set)
    if entity_set == "Observations":
        await _same_as_alone(tenants, f"Observations?$resultFormat=dataArray&{query}", entity_set)


@settings(SOME, max_examples=20 * MANY)
@given(drawn=_addresses(), data=st.data())
async def test_S08_a_token_made_by_one_shows_the_other_rows_of_its_own_only(
    tenants: Tenants, drawn: tuple[str, str], data: Any
) -> None:
    address, entity_set = drawn
    assume(_many(address))
    order = data.draw(st.sampled_from(("", *(f"&$orderby={name} desc" for name in PROPERTIES[entity_set]))))
    for tenant, other in (tenants.both, tenants.both[::-1]):
        made = await tenant.client.get(_addressed(f"{address}?$top=1{order}", tenant, other))
        _only_own(tenant, made)
        if made.status_code != 200 or "@iot.nextLink" not in made.json():
            continue
        response = await other.client.get(made.json()["@iot.nextLink"])
        _only_own(other, response)
        if "(" in address:
            assert response.status_code == 404
        else:
            assert response.status_code == 200, response.text
            _named(other, response.json(), entity_set)


async def test_the_check_itself_sees_a_table_without_row_security(
    tenants: Tenants, service_apart: Any
) -> None:
    for entity_set in LINKS:
        assert len({len(t.ids[entity_set]) for t in (*tenants.both, tenants.alone)}) == 1
    await _same_as_alone(tenants, "Sensors?$count=true", "Sensors")
    await service_apart.owner.execute("ALTER TABLE sensor DISABLE ROW LEVEL SECURITY")
    try:
        with pytest.raises((KeyError, AssertionError)):
            await _same_as_alone(tenants, "Sensors?$count=true", "Sensors")
        with pytest.raises(AssertionError):
            await _same_as_alone(tenants, "Sensors?$count=true&$select=name", "Sensors")
    finally:
        await service_apart.owner.execute("ALTER TABLE sensor ENABLE ROW LEVEL SECURITY")
