# SPDX-License-Identifier: Apache-2.0
"""Malformed queries by the thousand: never a 5xx, always a problem that names the field and the mend."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ogc_world import Ogc, ogc_fixture, point  # noqa: F401

PATHS = [
    "/ogc/features/collections/things/items", "/ogc/features/collections/datastreams/items",
    "/ogc/features/collections/features-of-interest/items", "/ogc/features/collections",
    "/ogc/edr/collections/observations/position", "/ogc/edr/collections/observations/radius",
    "/ogc/edr/collections/observations/area", "/ogc/edr/collections/observations/cube",
    "/ogc/edr/collections/observations/locations", "/ogc/edr/collections/observations/locations/1",
    "/catalogue", "/catalogue/x",
]  # fmt: skip
NAMES = [
    "bbox", "datetime", "limit", "after", "f", "crs", "bbox-crs", "name", "series", "unit", "coords",
    "within", "within-units", "parameter-name", "parameter_names", "z", "colour",
]  # fmt: skip
PLACES: list[Any] = [
    point(129.3, 35.5), point(129.3, 35.5, 10.0),
    {"type": "MultiPoint", "coordinates": [[0, 0], [170, 80]]},
    {"type": "LineString", "coordinates": [[179, 0], [-179, 0]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},  # crosses itself
    {"type": "GeometryCollection", "geometries": [point(1, 2), {"type": "LineString",
                                                               "coordinates": [[1, 2], [3, 4]]}]},
    {"type": "GeometryCollection", "geometries": []},
    {"type": "MultiPolygon", "coordinates": []},
    {"type": "FeatureCollection", "features": []},
    {"type": "Feature", "geometry": None, "properties": {}},
    "a word", None, 3, {"type": "Point", "coordinates": []}, {"type": "Point", "coordinates": ["a", "b"]},
    {"type": "Circle", "coordinates": [1, 2]}, {"type": "Point", "coordinates": [1e308, -1e308]},
]  # fmt: skip
NUMBER = st.sampled_from(
    ["0", "-0", "1e308", "-1e400", "nan", "inf", "180", "-180", "90", "", " ", "1_0", "٣", "0x1", "1e-320"]
)
WKT = st.sampled_from(
    ["POINT", "POINT(", "POINT(1 2", "POINT(1 2 3)", "POINT Z(1 2 3)", "POINT M(1 2 3)", "POINT(nan 1)",
     "POINT(1e400 1)", "POINT EMPTY", "POLYGON EMPTY", "POLYGON((0 0,0 0,0 0,0 0))", "POLYGON((0 0,1 1,0 0))",
     "POLYGON((0 0,9 0,9 9,0 9,0 0),(20 20,21 20,21 21,20 20))", "SRID=4326;POINT(1 2)", "MULTIPOLYGON(())",
     "GEOMETRYCOLLECTION(POINT(1 2))", "CIRCULARSTRING(0 0,1 1,2 0)", "point(1 2)", "POINT(1 2)\x00",
     "POLYGON((" + ",".join("0 0" for _ in range(2000)) + "))"]
)  # fmt: skip
TIME = st.sampled_from(
    ["/", "..", "../..", "//", "2016", "2016-10-05", "T", "2016-10-05T00:00:00Z/", "/..", "2016-W40-3T00Z",
     "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "2016-10-05T00:00:00.1234567Z",
     "2016-10-05T24:00:00Z", "20161005T000000Z", "2016-10-05T00:00:00+99:00"]
)  # fmt: skip
VALUE = st.one_of(
    st.text(max_size=20),
    NUMBER,
    st.lists(NUMBER, min_size=3, max_size=7).map(",".join),
    WKT,
    TIME,
    st.tuples(TIME, TIME).map("/".join),
    st.sampled_from(
        ["km", "json", "GeoJSON", "CSV", "water_level_m", "water_level_m_flag", "a,b,,c", "CRS84"]
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def odd_places(ogc: Ogc) -> int:
    """Gauges at every kind of place, even such as only an older version could have stored."""
    for place in PLACES:
        thing, _, _ = await ogc.gauge(point(0, 0), [1.0])
        await ogc.owner.execute(
            "UPDATE location SET location = $2::text::jsonb WHERE id IN"
            " (SELECT location_id FROM thing_location WHERE thing_id = $1)", thing, _json(place),
        )  # fmt: skip
    return len(PLACES)


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


async def test_places_that_are_no_geometry_leave_the_others_to_be_found(ogc: Ogc, odd_places: int) -> None:
    page = await ogc.json("/ogc/features/collections/things/items", limit=100)
    assert page["numberMatched"] == odd_places
    found = await ogc.json("/ogc/features/collections/things/items", bbox="129,35,130,36")
    assert [one["geometry"] for one in found["features"]] == PLACES[:2]
    located = await ogc.json("/ogc/edr/collections/observations/locations")
    assert len(located["features"]) >= 6
    for collection in ("/ogc/features/collections", "/ogc/edr/collections", "/catalogue"):
        assert (await ogc.get(collection)).status_code == 200


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(PATHS),
    asked=st.lists(st.tuples(st.sampled_from(NAMES), VALUE), max_size=4),
    form=st.sampled_from(["json", "GeoJSON", "CSV", None]),
)
async def test_no_query_brings_the_service_down(
    ogc: Ogc, odd_places: int, path: str, asked: list[tuple[str, str]], form: str | None
) -> None:
    try:
        answer = await ogc.get(path, params=[*asked, *([("f", form)] if form else [])])
    except UnicodeEncodeError:
        return  # a lone surrogate never leaves the client
    assert answer.status_code in (200, 400, 404), (answer.url, answer.text)
    if answer.status_code >= 400:
        problem = answer.json()
        assert problem["where"], problem
        assert problem["mend"], problem


@pytest.mark.parametrize("path", ["/ogc/edr/collections/observations/area", "/catalogue/x"])
async def test_a_query_longer_than_its_bound_is_refused(ogc: Ogc, odd_places: int, path: str) -> None:
    answer = await ogc.get(path, params={"coords": "POLYGON((" + "0 0," * 6000 + "0 0))"})
    assert answer.status_code == 400
