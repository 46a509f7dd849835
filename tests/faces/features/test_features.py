# SPDX-License-Identifier: Apache-2.0
"""OGC API - Features: collections, items, boxes, times, pages, wrong requests, two organisations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import shapely

from cheoyong.domain.instant import MINUTE_US, format_instant
from cheoyong.records import places
from ogc_world import START_US, Ogc, ogc_fixture, point  # noqa: F401

ROOT = "http://city.example/ogc/features"
LINE = {"type": "LineString", "coordinates": [[129.20, 35.50], [129.30, 35.60]]}
AREA = {"type": "Polygon", "coordinates": [[[129.1, 35.4], [129.2, 35.4], [129.2, 35.5], [129.1, 35.4]]]}
PLACES = {
    "bridge": point(129.30, 35.55),
    "high": point(129.31, 35.56, 40.0),
    "line": LINE,
    "area": {"type": "Feature", "geometry": AREA, "properties": {}},
    "east of fiji": point(-179.5, -17.0),
    "west of fiji": point(179.5, -17.0),
    "nowhere": None,
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gauges(ogc: Ogc) -> dict[str, tuple[int, int, str]]:
    """Seven gauges of organisation 1, three of them with values, and one of organisation 2."""
    made = {
        name: await ogc.gauge(place, [1.0, 2.0, float(n)] if n < 3 else (), series=f"s{n}_m")
        for n, (name, place) in enumerate(PLACES.items())
    }
    await ogc.gauge(point(129.30, 35.55), [9.0], organisation=2)
    return made


@pytest.fixture(autouse=True)
def _there(gauges: Any) -> None:
    """Every test finds the gauges in place."""


async def names(ogc: Ogc, collection: str = "things", **asked: Any) -> set[str]:
    page = await ogc.json(f"/ogc/features/collections/{collection}/items", **{"limit": 100, **asked})
    return {feature["properties"]["name"] for feature in page["features"]}


def links(body: Any) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in body["links"]}


async def test_the_landing_page_leads_to_everything(ogc: Ogc) -> None:
    page = await ogc.json("/ogc/features/")
    found = links(page)
    assert found["self"] == f"{ROOT}/"
    assert set(found) == {"self", "service-desc", "service-doc", "conformance", "data"}
    for href in found.values():
        assert (await ogc.get(href)).status_code == 200
    assert (await ogc.get("/ogc/features")).json() == page


async def test_each_collection_says_id_extent_crs_and_items(ogc: Ogc) -> None:
    listed = (await ogc.json("/ogc/features/collections"))["collections"]
    assert [one["id"] for one in listed] == ["things", "datastreams", "features-of-interest"]
    crs84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    for one in listed:
        assert await ogc.json(f"/ogc/features/collections/{one['id']}") == one
        assert (one["itemType"], one["crs"]) == ("feature", [crs84])
        page = await ogc.json(links(one)["items"])
        assert page["type"] == "FeatureCollection"
    things, streams, features = listed
    assert things["extent"] == {"spatial": {"bbox": [[-179.5, -17.0, 179.5, 35.6]], "crs": crs84}}
    first, last = format_instant(START_US), format_instant(START_US + 2 * MINUTE_US)
    assert streams["extent"]["temporal"]["interval"] == [[first, last]]
    assert "extent" not in features, "there is none, so none is said"


async def test_the_geometry_of_a_thing_is_that_of_its_first_location_as_stored(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]]
) -> None:
    expected = {**PLACES, "area": AREA}
    for name, (thing, stream, title) in gauges.items():
        item = await ogc.json(f"/ogc/features/collections/things/items/{thing}")
        assert item["geometry"] == expected[name]
        assert item["properties"]["name"] == title
        assert item["properties"]["properties/owner"] == "tests"
        of_stream = await ogc.json(f"/ogc/features/collections/datastreams/items/{stream}")
        assert of_stream["geometry"] == expected[name]


async def test_a_datastream_carries_its_latest_value_with_time_unit_and_quality(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]]
) -> None:
    thing, stream, name = gauges["line"]
    said = (await ogc.json(f"/ogc/features/collections/datastreams/items/{stream}"))["properties"]
    assert said == {
        "name": name, "description": "one value at a time", "series": "s2_m", "properties/series": "s2_m",
        "thing": name, "thingId": thing, "sensor": f"{name} radar",
        "observedProperty": "water level", "observedPropertyDefinition": "urn:level",
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
        "unit": "m", "unitName": "m", "unitDefinition": "https://ucum.org",
        "latestResult": 2.0, "latestTime": "2016-10-05T00:02:00Z",
        "latestFlag": 2, "latestQuality": "not_evaluated",
    }  # fmt: skip
    empty = await ogc.json(f"/ogc/features/collections/datastreams/items/{gauges['nowhere'][1]}")
    assert {empty["properties"][key] for key in said if key.startswith("latest")} == {None}


async def test_a_flag_of_the_checks_is_shown_with_the_latest_value(ogc: Ogc) -> None:
    _, stream, _ = await ogc.gauge(None, [1.0, 99.0])
    await ogc.owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests) SELECT id, 1, $1, 4, 1"
        " FROM observation WHERE datastream_id = $1 AND result = 99", stream,
    )  # fmt: skip
    said = (await ogc.json(f"/ogc/features/collections/datastreams/items/{stream}"))["properties"]
    assert (said["latestResult"], said["latestFlag"], said["latestQuality"]) == (99.0, 4, "fail")


@pytest.mark.parametrize(
    "box",
    [
        (129.29, 35.54, 129.31, 35.56), (129.0, 35.0, 130.0, 36.0), (129.24, 35.56, 129.26, 35.57),
        (129.12, 35.41, 129.121, 35.411), (129.18, 35.41, 129.19, 35.415), (-180, -90, 180, 90),
        (0, 0, 1, 1), (129.30, 35.55, 129.30, 35.55),
    ],
)  # fmt: skip
async def test_a_bbox_finds_what_shapely_finds(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]], box: tuple[float, ...]
) -> None:
    outline = shapely.box(*box)
    expected = {
        gauges[name][2]
        for name, place in {**PLACES, "area": AREA}.items()
        if place is not None and shapely.geometry.shape(place).intersects(outline)
    }
    text = ",".join(map(str, box))
    for collection in ("things", "datastreams"):
        assert await names(ogc, collection, bbox=text) == expected


async def test_a_bbox_may_cross_the_antimeridian(ogc: Ogc, gauges: dict[str, tuple[int, int, str]]) -> None:
    both = {gauges["east of fiji"][2], gauges["west of fiji"][2]}
    assert await names(ogc, bbox="179,-18,-179,-16") == both
    assert await names(ogc, bbox="-180,-18,-179,-16") == {gauges["east of fiji"][2]}


async def test_heights_of_a_bbox_count_where_a_place_has_one(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]]
) -> None:
    low, high = gauges["bridge"][2], gauges["high"][2]
    assert await names(ogc, bbox="129.29,35.54,0,129.32,35.57,50") == {low, high}
    assert await names(ogc, bbox="129.29,35.54,0,129.32,35.57,39") == {low}


@pytest.mark.parametrize(
    ("datetime", "count"),
    [
        ("2016-10-05T00:01:00Z", 3), ("2016-10-05T09:01:00+09:00", 3), ("2016-10-05T00:01:30Z", 0),
        ("2016-10-05T00:02:00Z/..", 3), ("../2016-10-04T23:59:59Z", 0), ("../2016-10-05T00:00:00Z", 3),
        ("/2016-10-05T00:00:00Z", 3), ("2016-10-05T00:02:01Z/2017-01-01T00:00:00Z", 0),
    ],
)  # fmt: skip
async def test_datetime_finds_datastreams_observed_then_with_open_ends(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]], datetime: str, count: int
) -> None:
    series = {f"s{n}_m" for n in range(len(PLACES))}
    page = await ogc.json("/ogc/features/collections/datastreams/items", datetime=datetime, limit=100)
    found = [one for one in page["features"] if one["properties"]["series"] in series]
    assert len(found) == count


async def test_things_have_no_time_so_datetime_leaves_none_out(ogc: Ogc) -> None:
    assert await names(ogc, datetime="1990-01-01T00:00:00Z") == await names(ogc)


async def test_features_are_found_by_the_exact_text_of_their_properties(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]]
) -> None:
    assert await names(ogc, name=gauges["line"][2]) == {gauges["line"][2]}
    assert await names(ogc, "datastreams", series="s1_m") == {gauges["high"][2]}
    assert await names(ogc, "datastreams", thing=gauges["line"][2], unit="m") == {gauges["line"][2]}
    assert await names(ogc, "datastreams", observedProperty="rain") == set()
    assert await names(ogc, name="' OR true --") == set()


async def test_pages_show_each_item_once_and_the_last_has_no_next(ogc: Ogc) -> None:
    address, seen, pages = "/ogc/features/collections/things/items?limit=2&f=json", [], 0
    while address:
        answer = await ogc.get(address)
        page = answer.json()
        assert answer.headers["content-type"] == "application/geo+json"
        assert page["timeStamp"] == "2016-10-05T12:00:00Z"
        assert page["numberReturned"] == len(page["features"]) <= 2
        matched = page["numberMatched"]
        found = {link["rel"]: link for link in page["links"]}
        assert {link["type"] for link in found.values()} <= {"application/geo+json", "application/json"}
        assert links(page)["collection"] == f"{ROOT}/collections/things"
        assert (await ogc.get(found["self"]["href"])).json()["features"] == page["features"]
        seen += [feature["id"] for feature in page["features"]]
        address, pages = found.get("next", {}).get("href", ""), pages + 1
    assert len(seen) == len(set(seen)) == matched
    assert pages == -(-matched // 2)
    assert seen == sorted(seen)


async def test_the_limit_is_10_when_not_given_and_10_000_at_most(ogc: Ogc) -> None:
    for _ in range(6):
        await ogc.gauge(None)
    page = await ogc.json("/ogc/features/collections/things/items")
    assert page["numberReturned"] == 10 < page["numberMatched"]
    assert (await ogc.json("/ogc/features/collections/things/items", limit=99_999))["numberReturned"] > 10


async def test_one_item_has_its_links(ogc: Ogc, gauges: dict[str, tuple[int, int, str]]) -> None:
    thing = gauges["bridge"][0]
    here = f"{ROOT}/collections/things/items/{thing}"
    answer = await ogc.get(here)
    item = answer.json()
    assert (item["type"], item["id"]) == ("Feature", thing)
    assert answer.headers["content-type"] == "application/geo+json"
    assert links(item) == {
        "self": here,
        "collection": f"{ROOT}/collections/things",
        "alternate": f"http://city.example/v1.1/Things({thing})",
    }
    for absent in ("999999999", "x", "99999999999999999999999", "-1"):
        assert (await ogc.get(f"{ROOT}/collections/things/items/{absent}")).status_code == 404


async def test_features_of_interest_are_shown_where_they_are(ogc: Ogc) -> None:
    body = {"name": "pool", "description": "below the weir", "encodingType": "application/geo+json",
            "feature": point(129.29, 35.54)}  # fmt: skip
    await ogc.post("FeaturesOfInterest", body)
    page = await ogc.json("/ogc/features/collections/features-of-interest/items", bbox="129,35,130,36")
    assert [one["geometry"] for one in page["features"]] == [point(129.29, 35.54)]


async def test_what_the_client_has_already_is_not_sent_again(ogc: Ogc) -> None:
    address = "/ogc/features/collections/datastreams/items"
    first = await ogc.get(address)
    again = await ogc.get(address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await ogc.gauge(point(129.2, 35.5))
    changed = await ogc.get(f"{address}?limit=100", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"


async def test_head_is_answered_and_other_methods_are_405_by_name(ogc: Ogc) -> None:
    async with ogc.client() as client:
        for path in ("/ogc/features/", "/ogc/features/collections/things/items"):
            head, got = await client.head(path), await client.get(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["etag"] == got.headers["etag"]
            refused = await client.post(path)
            assert (refused.status_code, set(refused.headers["allow"].split(", "))) == (
                405, {"GET", "HEAD", "OPTIONS"},
            )  # fmt: skip


# What is answered to wrong requests, word for word: status, code, field, rule, mend.
WRONG = json.loads((Path(__file__).parent / "refusals.json").read_text(encoding="utf-8"))


def told(problem: dict[str, Any]) -> str:
    return "{status} {code} {where}: {detail} ({mend})".format(**problem)


@pytest.mark.parametrize("query", WRONG)
async def test_R9_each_wrong_parameter_is_400_with_field_rule_and_mend(ogc: Ogc, query: str) -> None:
    answer = await ogc.get(f"/ogc/features/collections/things/items?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert told(answer.json()) == WRONG[query]


@pytest.mark.parametrize(
    "path", ["", "conformance", "api", "collections", "collections/things", "collections/things/items/1"]
)
async def test_R9_no_page_takes_a_parameter_it_does_not_know(ogc: Ogc, path: str) -> None:
    problem = (await ogc.get(f"/ogc/features/{path}?colour=red")).json()
    assert (problem["status"], problem["where"], problem["mend"]) == (400, "colour", "use f")


async def test_a_collection_that_is_not_there_is_404_and_says_which_are(ogc: Ogc) -> None:
    for path in ("collections/rivers", "collections/rivers/items", "collections/rivers/items/1"):
        answer = await ogc.get(f"/ogc/features/{path}")
        assert answer.status_code == 404
        assert "things, datastreams" in answer.json()["mend"]


async def test_S08_another_organisations_features_are_nowhere(
    ogc: Ogc, gauges: dict[str, tuple[int, int, str]]
) -> None:
    mine = {name for _, _, name in gauges.values()}
    for collection in ("things", "datastreams"):
        here = f"/ogc/features/collections/{collection}"
        page = await ogc.json(f"{here}/items", organisation=2)
        assert page["numberMatched"] == 1
        assert not {one["properties"]["name"] for one in page["features"]} & mine
        assert (await ogc.json(f"{here}/items", organisation=2, bbox="-180,-90,180,90"))["numberMatched"] == 1
        asked = await ogc.json(f"{here}/items", organisation=2, name=gauges["bridge"][2])
        assert asked["numberMatched"] == 0
        box = (await ogc.json(here, organisation=2))["extent"]["spatial"]["bbox"]
        assert box == [[129.3, 35.55, 129.3, 35.55]]
    thing, stream, _ = gauges["bridge"]
    for path in (f"things/items/{thing}", f"datastreams/items/{stream}"):
        assert (await ogc.get(f"/ogc/features/collections/{path}", organisation=2)).status_code == 404


async def test_beyond_the_bound_of_places_a_box_is_413_and_the_extent_is_everywhere(
    ogc: Ogc, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, bound in (("PLACES_MAX", 2), ("CHARACTERS_MAX", 100)):
        with monkeypatch.context() as patched:
            patched.setattr(places, name, bound)
            answer = await ogc.get("/ogc/features/collections/things/items?bbox=129,35,130,36")
            assert (answer.status_code, answer.json()["mend"]) == (413, "ask by property as well")
            extent = (await ogc.json("/ogc/features/collections/things"))["extent"]
        assert extent["spatial"]["bbox"] == [[-180.0, -90.0, 180.0, 90.0]]
