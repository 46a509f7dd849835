# SPDX-License-Identifier: Apache-2.0
"""Functions of geometry in filters and orders, against shapely called here by itself and hand cases."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
import shapely
import shapely.geometry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import FEATURE, a_datastream, a_location, a_property, a_sensor, a_thing, create, get

from cheoyong.domain.errors import CheoyongError, InvalidInput, NotSupported, TooLarge
from cheoyong.faces.sensorthings import filtering, measuring
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.filtering import condition_of, orders_of
from cheoyong.faces.sensorthings.geometry import pieces_of, shapes_of
from cheoyong.records import geometries
from cheoyong.records.among import among_sql
from cheoyong.records.conditions import Order, Parameters, order_sql
from cheoyong.records.connection import as_organisation
from cheoyong.records.nouns import NOUNS
from cheoyong.records.scalars import Field, Measured, Rows

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOCATION = ENTITIES["Locations"]


def _point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]]}
LINE = {"type": "LineString", "coordinates": [[0, 0], [3, 4]]}
PLACES: tuple[Any, ...] = (
    _point(1, 1),
    _point(4, 2),
    _point(9, 9),
    LINE,
    {"type": "LineString", "coordinates": [[-1, 2], [5, 2]]},
    {"type": "MultiPoint", "coordinates": [[1, 1], [9, 9]]},
    {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 0]], [[2, 0], [2, 2]]]},
    SQUARE,
    {"type": "MultiPolygon", "coordinates": [[[[4, 0], [6, 0], [6, 2], [4, 2], [4, 0]]]]},
    {"type": "Feature", "properties": {"a": 1}, "geometry": _point(2, 2)},
    {"type": "Feature", "properties": None, "geometry": None},
    {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": LINE}]},
    {"type": "GeometryCollection", "geometries": [_point(1, 3), LINE]},
    BOW,
)
NOWHERE = (10, 13)  # a feature without geometry, a polygon that crosses itself
WKT = (
    "POINT (1 1)", "SRID=4326;POINT(4 2)", "LINESTRING (0 0, 3 4)", "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))",
    "POLYGON ((1 1, 5 1, 5 3, 1 3, 1 1))", "MULTIPOINT (1 1, 9 9)", "POINT Z (2 2 7)",
    "GEOMETRYCOLLECTION (POINT (9 9), LINESTRING (0 0, 9 0))",
)  # fmt: skip
PREDICATES = {
    "geo.intersects": "intersects", "st_equals": "equals", "st_disjoint": "disjoint", "st_touches": "touches",
    "st_within": "within", "st_overlaps": "overlaps", "st_crosses": "crosses", "st_intersects": "intersects",
    "st_contains": "contains",
}  # fmt: skip
PATTERNS = ("T********", "T*F**F***", "FF*FF****", "0FFFFF212", "t*****ff*")


def _shape(place: Any) -> Any:
    """What a place means, by shapely's own reader of JSON objects; None when it is nowhere."""
    if place["type"] == "Feature":
        return _shape(place["geometry"]) if place["geometry"] else None
    if place["type"] == "FeatureCollection":
        return shapely.GeometryCollection([_shape(item) for item in place["features"]])
    shape = shapely.geometry.shape(place)
    return shape if shape.is_valid else None


SHAPES = [_shape(place) for place in PLACES]


def _of_literal(text: str) -> Any:
    return shapely.from_wkt(text.rpartition(";")[2])


# A filter is drawn as its text and what it means of a shape: true, false or None (neither).
_LITERAL = st.tuples(st.sampled_from(("geography", "geometry")), st.sampled_from(WKT))


def _predicate(drawn: Any) -> tuple[str, Any]:
    (word, text), name, mirrored, ending = drawn
    sides = [f"{word}'{text}'", "location"] if mirrored else ["location", f"{word}'{text}'"]

    def holds(shape: Any) -> bool | None:
        if shape is None:
            return None
        pair = (_of_literal(text), shape) if mirrored else (shape, _of_literal(text))
        return bool(getattr(pair[0], PREDICATES[name])(pair[1]))

    return f"{name}({','.join(sides)}){ending}", holds


def _relation(drawn: Any) -> tuple[str, Any]:
    (word, text), pattern = drawn

    def holds(shape: Any) -> bool | None:
        if shape is None:
            return None
        return bool(shape.relate_pattern(_of_literal(text), pattern.upper()))

    return f"st_relate(location,{word}'{text}','{pattern}')", holds


def _distance(drawn: Any) -> tuple[str, Any]:
    (word, text), (name, compare), limit = drawn

    def holds(shape: Any) -> bool | None:
        return None if shape is None else compare(shape.distance(_of_literal(text)), limit)

    return f"geo.distance({word}'{text}',location) {name} {limit!r}", holds


_LEAVES = st.one_of(
    st.tuples(
        _LITERAL, st.sampled_from(sorted(PREDICATES)), st.booleans(), st.sampled_from(("", " eq true"))
    ).map(_predicate),
    st.tuples(_LITERAL, st.sampled_from(PATTERNS)).map(_relation),
    st.tuples(
        _LITERAL,
        st.sampled_from(
            (("lt", lambda a, b: a < b), ("ge", lambda a, b: a >= b), ("eq", lambda a, b: a == b))
        ),
        st.sampled_from((0, 1, 2.5, 5)),
    ).map(_distance),
)


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _and(first: bool | None, second: bool | None) -> bool | None:
    if first is False or second is False:
        return False
    return None if first is None or second is None else True


def _grown(inner: Any) -> Any:
    return st.one_of(
        inner.map(lambda f: (f"not ({f[0]})", lambda s: _not(f[1](s)))),
        st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda s: _and(p[0][1](s), p[1][1](s)))
        ),
        st.tuples(inner, inner).map(
            lambda p: (
                f"({p[0][0]}) or ({p[1][0]})",
                lambda s: _not(_and(_not(p[0][1](s)), _not(p[1][1](s)))),
            )
        ),
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def places(service: Any) -> dict[int, int]:
    """One location for each of PLACES, all of one thing: its id, then id → place in the list."""
    async with service.client(1) as client:
        thing = await create(client, "Things", a_thing("of many places"))
        ids = []
        for number, place in enumerate(PLACES):
            body = a_location(f"place {number}") | {"location": place}
            ids.append(await create(client, "Locations", body))
        answer = await client.patch(f"Things({thing})", json={"Locations": [{"@iot.id": i} for i in ids]})
        assert answer.status_code == 200, answer.text
        return {-1: thing} | {row: number for number, row in enumerate(ids)}


async def _found(client: httpx.AsyncClient, places: dict[int, int], query: str) -> list[int]:
    shown = await get(client, f"Things({places[-1]})/Locations?$select=id&{query}")
    return [places[item["@iot.id"]] for item in shown["value"]]


@FEW
@given(drawn=st.recursive(_LEAVES, _grown, max_leaves=4))
async def test_a_filter_of_geometry_finds_what_shapely_finds(
    client: httpx.AsyncClient, places: dict[int, int], drawn: tuple[str, Any]
) -> None:
    text, holds = drawn
    expected = [number for number, shape in enumerate(SHAPES) if holds(shape) is True]
    assert await _found(client, places, f"$filter={text}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("st_within(location,geography'POLYGON((0 0,4 0,4 4,0 4,0 0))')", [0, 3, 6, 7, 9, 11, 12]),
        ("st_touches(location,geography'POLYGON((0 0,4 0,4 4,0 4,0 0))')", [1, 8]),
        ("st_crosses(location,geography'POLYGON((0 0,4 0,4 4,0 4,0 0))')", [4, 5]),
        ("st_contains(location,geography'POINT(2 2)')", [4, 7, 9]),
        ("geo.length(location) eq 5", [3, 11, 12]),  # 3, 4, 5; the point beside the line has none
        ("geo.length(location) eq 3", [6]),
        ("geo.length(location) eq 0", [0, 1, 2, 5, 7, 8, 9]),  # points and areas have no length
        ("geo.length(location) eq null", list(NOWHERE)),
        ("not (geo.length(location) ge 0)", []),
        ("geo.distance(location,geography'POINT(9 6)') lt 4", [2, 5]),
        ("round(geo.distance(location,geography'POINT(9 6)')) add 1 eq 4", [2, 5]),
        ("geo.distance(location,geography'POINT(4 2)') eq geo.length(location)", [1, 7, 8, *NOWHERE]),
        ("geo.distance(geography'POINT(0 0)',geography'POINT(3 4)') eq 5 and id gt 0", list(range(14))),
        ("st_disjoint(geometry'POINT(0 0)',geometry'POINT(0 0)')", []),
        ("location/type eq 'Feature' and st_within(location,geography'POINT(2 2)')", [9]),
    ],
)
async def test_hand_cases_of_geometry_in_degrees(
    client: httpx.AsyncClient, places: dict[int, int], text: str, expected: list[int]
) -> None:
    assert await _found(client, places, f"$filter={text}") == expected


async def test_orderby_sorts_by_distance_with_those_nowhere_first_ascending(
    client: httpx.AsyncClient, places: dict[int, int]
) -> None:
    term = "geo.distance(location, geography'POINT(9 9)')"
    far = [math.inf if shape is None else shape.distance(shapely.Point(9, 9)) for shape in SHAPES]
    known = [number for number in range(len(SHAPES)) if number not in NOWHERE]
    near = sorted(known, key=lambda number: far[number])
    assert await _found(client, places, f"$orderby={term}") == [*NOWHERE, *near]
    down = sorted(known, key=lambda number: -far[number])
    assert await _found(client, places, f"$orderby={term} desc,id") == [*down, *NOWHERE]
    shown = await get(client, f"Things({places[-1]})?$expand=Locations($orderby={term} desc;$top=1)")
    assert places[shown["Locations"][0]["@iot.id"]] == down[0]
    page = await get(client, f"Things({places[-1]})/Locations?$orderby={term} DESC&$top=5&$select=id")
    following = await get(client, page["@iot.nextLink"])
    assert [places[item["@iot.id"]] for item in page["value"] + following["value"]] == down[:10]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def near_and_far(service: Any) -> tuple[int, int, int]:
    """Two things at longitude 40 and 50 and one nowhere; the second has an observation with a feature."""
    area = {"type": "Polygon", "coordinates": [[[60, 1], [61, 1], [61, 2], [60, 1]]]}
    things = []
    async with service.client(1) as client:
        for longitude in (40, 50, None):
            stream = a_datastream(
                Sensor=a_sensor(), ObservedProperty=a_property(), Observations=[{"result": 1}]
            )
            stream["observedArea"] = area if longitude == 50 else None
            if longitude == 50:
                feature = FEATURE | {"feature": _point(70, 1)}
                stream["Observations"].append({"result": 2, "FeatureOfInterest": feature})
            place = [] if longitude is None else [a_location() | {"location": _point(longitude, 1)}]
            things.append(await create(client, "Things", a_thing("g", Locations=place, Datastreams=[stream])))
    return things[0], things[1], things[2]


def _box(longitude: float) -> str:
    west, east = longitude - 1, longitude + 1
    return f"geography'POLYGON(({west} 0,{east} 0,{east} 2,{west} 2,{west} 0))'"


async def test_things_are_found_by_where_they_stand_and_what_they_observe(
    client: httpx.AsyncClient, near_and_far: tuple[int, int, int]
) -> None:
    near, far, nowhere = near_and_far
    both = f"id ge {near} and id le {nowhere}"

    async def found(text: str, more: str = "") -> list[int]:
        shown = await get(client, f"Things?$filter={both} and ({text}){more}")
        return [item["@iot.id"] for item in shown["value"]]

    assert await found(f"st_within(Locations/location,{_box(40)})") == [near]
    # A thing without a place is neither inside nor outside.
    assert await found(f"not st_within(Locations/location,{_box(40)})") == [far]
    assert await found(f"st_within(Locations/location,{_box(40)}) eq false") == [far]
    assert await found("geo.distance(Locations/location,geography'POINT(41 1)') lt 9.5") == [near, far]
    assert await found(f"st_intersects(Datastreams/observedArea,{_box(60)})") == [far]
    by_distance = "&$orderby=geo.distance(Locations/location,geography'POINT(51 1)')"
    assert await found("true", by_distance) == [nowhere, far, near]
    expanded = await get(
        client, f"Things({far})?$expand=Datastreams($filter=st_within(observedArea,{_box(60)}))"
    )
    assert len(expanded["Datastreams"]) == 1
    counted = await get(
        client, f"Things?$filter={both} and st_within(Locations/location,{_box(50)})&$count=true"
    )
    assert counted["@iot.count"] == 1
    assert await get(client, f"Things({far})/Locations/$count?$filter=st_within(location,{_box(50)})") == 1


async def test_observations_are_found_by_their_feature_and_by_the_place_that_stands_for_it(
    client: httpx.AsyncClient, near_and_far: tuple[int, int, int]
) -> None:
    near, far, nowhere = near_and_far
    of_these = f"Datastream/Thing/id ge {near} and Datastream/Thing/id le {nowhere}"

    async def found(text: str) -> list[tuple[int, float]]:
        shown = await get(client, f"Observations?$filter={of_these} and {text}&$expand=Datastream/Thing")
        return [(item["Datastream"]["Thing"]["@iot.id"], item["result"]) for item in shown["value"]]

    where = "FeatureOfInterest/feature"
    assert await found(f"st_within({where},{_box(40)})") == [(near, 1)]
    assert await found(f"st_within({where},{_box(50)})") == [(far, 1)]
    assert await found(f"st_within({where},{_box(70)})") == [(far, 2)]
    assert sorted(await found(f"not st_within({where},{_box(70)})")) == [(near, 1), (far, 1)]
    features = await get(
        client, f"FeaturesOfInterest?$filter=st_within(feature,{_box(50)})&$expand=Observations"
    )
    assert [item["result"] for item in features["value"][0]["Observations"]] == [1]


async def test_S08_a_filter_of_geometry_never_reaches_another_organisation(
    stranger: httpx.AsyncClient, near_and_far: tuple[int, int, int]
) -> None:
    near, _, _ = near_and_far
    await create(
        stranger, "Things", a_thing("theirs", Locations=[a_location() | {"location": _point(40, 1)}])
    )
    things = (await get(stranger, f"Things?$filter=st_within(Locations/location,{_box(40)})"))["value"]
    assert [item["name"] for item in things] == ["theirs"]
    seen = await get(stranger, "Locations?$filter=geo.distance(location,geography'POINT(50 1)') lt 1")
    assert seen["value"] == []
    assert (
        await stranger.get(f"Things({near})/Locations?$filter=st_within(location,{_box(40)})")
    ).status_code == 404
    for longitude in (50, 70):  # the place of their thing, and the feature their observation names
        query = f"Observations?$filter=st_within(FeatureOfInterest/feature,{_box(longitude)})"
        assert (await get(stranger, query))["value"] == []


@pytest.mark.parametrize(
    ("text", "error", "where"),
    [
        ("st_within(name,geography'POINT(1 1)')", InvalidInput, 11),
        ("st_within(location,'POINT(1 1)')", InvalidInput, 20),
        ("st_within(location,5)", InvalidInput, 20),
        ("st_within(location,null)", InvalidInput, 20),
        ("st_within(location/type,geography'POINT(1 1)')", InvalidInput, 11),
        ("st_within(properties/area,geography'POINT(1 1)')", InvalidInput, 11),
        ("st_within(Things/name,geography'POINT(1 1)')", InvalidInput, 11),
        ("st_within(location)", InvalidInput, 1),
        ("geo.length(location,location) eq 1", InvalidInput, 1),
        ("geo.length(location)", InvalidInput, 1),
        ("geo.distance(location,geography'POINT(1 1)') eq 'a'", InvalidInput, 49),
        ("geo.distance(location,geography'POINT(1 1') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'POINT(1 nan)') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'POINT(1e999 1)') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'POINT EMPTY') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'POINT(1 1)\0') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'CIRCULARSTRING(0 0,1 1,2 0)') lt 1", InvalidInput, 23),
        ("geo.distance(location,geography'LINESTRING(0 0)') lt 1", InvalidInput, 23),
        ("st_within(location,geography'POLYGON((0 0,4 4,4 0,0 4,0 0))')", InvalidInput, 20),
        ("st_within(location,geography'SRID=5186;POINT(1 1)')", NotSupported, 20),
        ("st_intersects(location,Things/Locations/location)", NotSupported, 1),
        ("st_relate(location,geography'POINT(1 1)')", InvalidInput, 1),
        ("st_relate(location,geography'POINT(1 1)','T')", InvalidInput, 42),
        ("st_relate(location,geography'POINT(1 1)',name)", InvalidInput, 42),
        ("location eq geography'POINT(1 1)'", NotSupported, 13),
    ],
)
def test_what_a_function_of_geometry_cannot_take_is_named_with_its_place(
    text: str, error: type[CheoyongError], where: int
) -> None:
    with pytest.raises(error) as caught:
        condition_of(text, LOCATION, 0)
    assert caught.value.where == f"$filter, character {where}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("st_within(location,geography'POINT(1 1)')", NotSupported),
        ("tolower(name)", NotSupported),
        ("geo.distance(name,geography'POINT(1 1)')", InvalidInput),
        ("geo.distance(location,geography'POINT(1)')", InvalidInput),
        ("geo.distance(geography'POINT(1 1)',geography'POINT(1 2)')", InvalidInput),
        ("geo.distance(location,geography'POINT(1 1)') down", InvalidInput),
        ("geo.distance(location", InvalidInput),
        ("geo.distance location)", InvalidInput),
    ],
)
def test_what_cannot_be_ordered_by_is_refused(text: str, error: type[CheoyongError]) -> None:
    with pytest.raises(error) as caught:
        orders_of(text, LOCATION)
    assert caught.value.where.startswith("$orderby, character ")


_PIECES = st.lists(
    st.sampled_from(
        ("POINT", "POLYGON", "MULTI", "GEOMETRYCOLLECTION", "EMPTY", "Z", "M", "(", ")", ",", " ", "0",
         "-1.5", "1e308", "nan", "inf", "SRID=4326;", "SRID=-1;", "한", "\t", "%00", "0 0", "3 3", "0 3"),
    ),
    max_size=12,
).map("".join)  # fmt: skip


@FEW
@given(
    pieces=st.one_of(_PIECES, st.text("POINTLRESG(),. 0123456789eE-+;='", max_size=30)), order=st.booleans()
)
async def test_S27_malformed_geometries_never_make_the_server_fail(
    client: httpx.AsyncClient, places: dict[int, int], pieces: str, order: bool
) -> None:
    text = pieces.replace("%00", "\0")
    term = f"geo.distance(location,geography'{text}')"
    query = (
        {"$orderby": term}
        if order
        else {"$filter": f"{term} lt 1 or st_relate(location,geometry'{text}','{text[:9]}')"}
    )
    answer = await client.get(f"Things({places[-1]})/Locations", params=query)
    assert answer.status_code in (200, 400, 501), answer.text


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.sampled_from((0, -1, 2.5, 1e300, 10**400, "Point", ""))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.fixed_dictionaries(
            {"type": st.sampled_from(("Point", "LineString", "Polygon", "MultiPolygon", "GeometryCollection",
                                      "Feature", "FeatureCollection", "Circle", 3))},
            optional={"coordinates": inner, "geometries": inner, "geometry": inner, "features": inner},
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(value=_JSON)
def test_what_stands_in_a_column_is_a_valid_geometry_or_none(value: Any) -> None:
    [shape] = shapes_of([json.dumps(value)])
    assert shape is None or (shape.is_valid and not shape.is_empty)


async def test_a_location_in_words_is_nowhere(client: httpx.AsyncClient) -> None:
    spoken = a_location() | {"encodingType": "text/plain", "location": {"said": "behind the mill"}}
    row = await create(client, "Locations", spoken)
    for text in (
        "st_disjoint(location,geography'POINT(1 1)')",
        "not st_disjoint(location,geography'POINT(1 1)')",
    ):
        assert (await get(client, f"Locations?$filter=id eq {row} and {text}"))["value"] == []


async def test_work_on_geometries_is_bounded(
    client: httpx.AsyncClient, places: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = "st_within(location,geography'POINT(1 1)')"
    path = f"Things({places[-1]})/Locations?$filter="
    many = await client.get(path + " or ".join([one] * (measuring.FUNCTIONS_MAX + 1)))
    assert (many.status_code, many.json()["where"]) == (400, "$filter")
    monkeypatch.setattr(geometries, "GEOMETRIES_MAX", 3)
    assert (await client.get(path + one)).status_code == TooLarge.status
    monkeypatch.undo()
    monkeypatch.setattr(geometries, "CHARACTERS_MAX", 100)
    assert (await client.get(path + one)).status_code == TooLarge.status
    monkeypatch.undo()
    monkeypatch.setattr(measuring, "WORK_S_MAX", 0.0)
    assert (await client.get(path + one)).status_code == TooLarge.status
    monkeypatch.undo()
    assert (await client.get(path + one)).status_code == 200


def test_terms_that_look_at_related_entities_are_bounded() -> None:
    most = " or ".join(["Things/name eq 'a'"] * filtering.RELATED_TERMS_MAX)
    condition_of(most, LOCATION, 0)
    with pytest.raises(InvalidInput, match="related"):
        condition_of(f"not ({most} or contains(tolower(Things/name),'a'))", LOCATION, 0)


def test_geometries_that_nobody_measured_never_become_sql() -> None:
    [order] = orders_of("geo.length(location)", LOCATION)
    assert isinstance(order.field, Measured)
    with pytest.raises(ValueError, match="was not measured"):
        order_sql(NOUNS["location"], [order], Parameters())
    measured = Order(replace(order.field, values={7: 2.5}))
    parameters = Parameters()
    assert "NULLS FIRST" in order_sql(NOUNS["location"], [measured], parameters)
    assert parameters.values == [{"7": 2.5}]


def test_the_reference_page_says_the_bounds_that_are_in_force() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "sensorthings.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    for said in (
        f"at most {measuring.FUNCTIONS_MAX} functions of geometry",
        f"no more than {geometries.GEOMETRIES_MAX:,} geometries",
        f"no more than {measuring.WORK_S_MAX:.0f} s",
        f"up to {filtering.RELATED_TERMS_MAX} such terms",
    ):
        assert said in text


_WAYS = [
    (noun, (first, *second))
    for noun, known in NOUNS.items()
    for first, relation in known.relations.items()
    for second in ((), *((name,) for name in NOUNS[relation.target].relations))
]


@pytest.mark.parametrize(
    ("noun", "way"), _WAYS, ids=lambda part: part if isinstance(part, str) else "/".join(part)
)
async def test_the_rows_found_backwards_are_those_found_row_by_row(
    service: Any, near_and_far: tuple[int, int, int], noun: str, way: tuple[str, ...]
) -> None:
    parameters = Parameters()
    rows = Rows(NOUNS[noun], parameters)
    reached = rows.column(Field("id", (), way)).sql
    sources, links = ", ".join(rows.sources), " AND ".join(rows.links)
    one_by_one = f"SELECT FROM {sources} WHERE {links} AND {reached} % 4 <> 0"
    target = noun
    for step in way:
        target = NOUNS[target].relations[step].target
    async with as_organisation(service.app_pool, 1) as connection:
        all_ids = await connection.fetch(f"SELECT n.id FROM {NOUNS[target].source} n")
        ids = [row["id"] for row in all_ids if row["id"] % 4]
        backwards = among_sql(noun, way, ids, parameters)
        statement = (
            f"SELECT count(*) FILTER (WHERE ({backwards}) IS TRUE IS DISTINCT FROM EXISTS ({one_by_one}))"
            f" AS wrong, count(*) FILTER (WHERE {backwards}) AS found FROM {NOUNS[noun].source} n"
        )
        row = await connection.fetchrow(statement, *parameters.values)
    assert row["wrong"] == 0
    assert row["found"] or "multi_datastream" in (noun + "".join(way))


@pytest.mark.parametrize("positions", [[], [1], [1] * 20_000, [4] * 9_000 + [70_000, 1, 200_000, 2]])
def test_pieces_hold_every_row_once_and_few_positions(positions: list[int]) -> None:
    shapes = np.array([None if n == 4 else shapely.MultiPoint([[0, 0]] * n) for n in positions], object)
    pieces = pieces_of(shapes)
    assert [row for piece in pieces for row in range(len(shapes))[piece]] == list(range(len(shapes)))
    for piece in pieces:
        held = [len(shape.geoms) for shape in shapes[piece] if shape is not None]
        assert len(held) <= 6_000
        assert sum(sorted(held)[:-1]) <= 60_000
