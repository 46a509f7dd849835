# SPDX-License-Identifier: Apache-2.0
"""OGC API - EDR: the collection, five queries, three formats, wrong requests, bounds, two organisations."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import shapely
from covjson_pydantic.coverage import CoverageCollection
from edr_pydantic.capabilities import ConformanceModel, LandingPageModel
from edr_pydantic.collections import Collection, Collections
from pyproj import Geod

from cheoyong.domain.instant import parse_instant
from cheoyong.faces.edr import routes
from cheoyong.records import series
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.archives import archive_month
from cheoyong.records.connection import prepare_codecs
from ogc_world import Ogc, ogc_fixture, point  # noqa: F401

HERE = "/ogc/edr/collections/observations"
BRIDGE, WEIR, HILL = (129.300, 35.550), (129.310, 35.550), (129.400, 35.700)
LAKE = {"type": "Polygon", "coordinates": [[[129.0, 35.0], [129.1, 35.0], [129.1, 35.1], [129.0, 35.0]]]}
Gauges = dict[str, tuple[int, int, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gauges(ogc: Ogc) -> Gauges:
    """Stages in m at a bridge, a weir and a lake, rain in mm and a stage in cm on a hill; one elsewhere."""
    made = {
        "bridge": await ogc.gauge(point(*BRIDGE), [1.0, 1.5, 2.0]),
        "weir": await ogc.gauge(point(*WEIR), [3.0, 3.5]),
        "lake": await ogc.gauge(LAKE, [7.0]),
        "rain": await ogc.gauge(point(*HILL), [0.5, 0.0], observed="rain", definition="urn:rain", unit="mm"),
        "cm": await ogc.gauge(point(*HILL), [250.0], unit="cm"),
        "nowhere": await ogc.gauge(None, [9.0]),
        "words": await ogc.gauge(point(*HILL), (), kind="TruthObservation"),
    }
    await ogc.gauge(point(*BRIDGE), [66.0], organisation=2)
    return made


@pytest.fixture(autouse=True)
def _there(gauges: Gauges) -> None:
    """Every test finds the gauges in place."""


async def data(ogc: Ogc, query: str, **asked: Any) -> CoverageCollection:
    """The answer of a query, held against the CoverageJSON models of KNMI (covjson-pydantic)."""
    answer = await ogc.get(f"{HERE}/{query}", params={name.replace("_", "-"): v for name, v in asked.items()})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/prs.coverage+json"
    return CoverageCollection.model_validate_json(answer.content)


def values(found: CoverageCollection) -> dict[str, list[Any]]:
    """The values of each range by its parameter and place, as ``name@longitude``."""
    return {
        f"{name}@{coverage.domain.axes.x.values[0]:g}": numbers.values  # type: ignore[union-attr]
        for coverage in found.coverages
        for name, numbers in coverage.ranges.items()
        if not name.endswith("_flag")
    }


async def refused(ogc: Ogc, address: str, status: int = 400) -> dict[str, Any]:
    answer = await ogc.get(address)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_landing_page_leads_to_everything(ogc: Ogc) -> None:
    page = LandingPageModel.model_validate_json((await ogc.get("/ogc/edr/")).content)
    assert {link.rel for link in page.links} == {"self", "service-desc", "service-doc", "conformance", "data"}
    for link in page.links:
        assert (await ogc.get(link.href)).status_code == 200
    ConformanceModel.model_validate_json((await ogc.get("/ogc/edr/conformance")).content)


async def test_the_collection_is_what_the_models_of_another_hand_expect(ogc: Ogc) -> None:
    listed = Collections.model_validate_json((await ogc.get("/ogc/edr/collections")).content)
    assert [one.id for one in listed.collections] == ["observations"]
    one = Collection.model_validate_json((await ogc.get(HERE)).content)
    assert one == listed.collections[0]
    assert one.extent.spatial.bbox == [[129.0, 35.0, 129.4, 35.7]]
    assert one.extent.temporal is not None
    assert one.extent.temporal.values == ["2016-10-05T00:00:00Z/2016-10-05T00:02:00Z"]
    assert one.output_formats == ["CoverageJSON", "GeoJSON", "CSV"]
    assert one.keywords == ["rain", "water level"]


async def test_parameters_say_unit_and_observed_property(ogc: Ogc) -> None:
    said = (await ogc.json(HERE))["parameter_names"]
    names = ["water_level_m", "rain_mm", "water_level_cm"]
    assert list(said) == [name + end for name in names for end in ("", "_flag")]
    assert said["rain_mm"] == {
        "type": "Parameter", "id": "rain_mm", "data-type": "float", "description": "rain",
        "unit": {"label": "mm", "symbol": {"value": "mm", "type": "http://www.opengis.net/def/uom/UCUM/"}},
        "observedProperty": {"label": "rain", "id": "urn:rain"},
    }  # fmt: skip
    flags = said["rain_mm_flag"]
    assert "unit" not in flags
    assert [one["label"] for one in flags["observedProperty"]["categories"]] == [
        "pass", "not evaluated", "suspect", "fail", "missing",
    ]  # fmt: skip


async def test_every_link_of_the_collection_leads_somewhere(ogc: Ogc) -> None:
    one = await ogc.json(HERE)
    for link in one["links"]:
        assert (await ogc.get(link["href"])).status_code == 200
    examples = {
        "position": "coords=POINT(129.3 35.55)", "area": "coords=POLYGON((129 35,130 35,130 36,129 35))",
        "radius": "coords=POINT(129.3 35.55)&within=5&within-units=km", "cube": "bbox=129,35,130,36",
        "locations": "",
    }  # fmt: skip
    assert set(one["data_queries"]) == set(examples)
    for name, query in one["data_queries"].items():
        link, said = query["link"], query["link"]["variables"]
        assert (said["query_type"], link["rel"]) == (name, "data")
        assert said["default_output_format"] in said["output_formats"] == one["output_formats"]
        assert [crs["crs"] for crs in said["crs_details"]] == one["crs"]
        assert (await ogc.get(f"{link['href']}?{examples[name]}")).status_code == 200
    units = one["data_queries"]["radius"]["link"]["variables"]["within_units"]
    for unit in units:
        assert (await data(ogc, "radius", coords="POINT(129.3 35.55)", within=1, within_units=unit)).coverages


async def test_locations_say_where_there_is_what_since_when(ogc: Ogc, gauges: Gauges) -> None:
    answer = await ogc.get(f"{HERE}/locations")
    assert answer.headers["content-type"] == "application/geo+json"
    found = {feature["properties"]["name"]: feature for feature in answer.json()["features"]}
    assert set(found) == {gauges[name][2] for name in ("bridge", "weir", "lake", "rain", "cm")}
    bridge = found[gauges["bridge"][2]]
    assert bridge["geometry"] == point(*BRIDGE)
    assert bridge["id"] == str(gauges["bridge"][0])
    assert bridge["properties"]["parameter-name"] == ["water_level_m", "water_level_m_flag"]
    assert bridge["properties"]["datetime"] == "2016-10-05T00:00:00Z/2016-10-05T00:02:00Z"
    assert (await ogc.get(bridge["properties"]["edrqueryendpoint"])).status_code == 200
    assert found[gauges["lake"][2]]["geometry"]["type"] == "Polygon"

    async def asked(**by: str) -> set[str]:
        page = await ogc.json(f"{HERE}/locations", **by)
        return {feature["properties"]["name"] for feature in page["features"]}

    assert await asked(bbox="129.29,35.5,129.305,35.6") == {gauges["bridge"][2]}
    assert await asked(**{"parameter-name": "rain_mm"}) == {gauges["rain"][2]}
    assert await asked(datetime="2016-10-05T00:01:30Z/..") == {gauges["bridge"][2]}


async def test_a_location_gives_all_that_was_measured_there(ogc: Ogc, gauges: Gauges) -> None:
    thing, stream, _ = gauges["bridge"]
    found = await data(ogc, f"locations/{thing}")
    [coverage] = found.coverages
    assert coverage.id == f"http://city.example/v1.1/Datastreams({stream})"
    assert values(found) == {"water_level_m@129.3": [1.0, 1.5, 2.0]}
    assert coverage.ranges["water_level_m_flag"].values == [2, 2, 2]  # type: ignore[union-attr]
    assert [at.isoformat() for at in coverage.domain.axes.t.values] == [  # type: ignore[union-attr]
        f"2016-10-05T00:0{minute}:00+00:00" for minute in range(3)
    ]
    for absent in ("999999999", "x", str(gauges["nowhere"][0]), str(gauges["words"][0])):
        assert (await refused(ogc, f"{HERE}/locations/{absent}", 404))["mend"]


async def test_coverages_are_what_the_models_of_another_hand_expect(ogc: Ogc, gauges: Gauges) -> None:
    found = await data(ogc, "cube", bbox="-180,-90,180,90")
    assert len(found.coverages) == 5
    assert found.parameters is not None
    used = {name for coverage in found.coverages for name in coverage.ranges}
    assert used == set(found.parameters.root)
    referencing = [one.coordinates for one in found.referencing or []]
    assert referencing == [["x", "y"], ["t"]]
    for coverage in found.coverages:
        length = len(coverage.domain.axes.t.values)  # type: ignore[union-attr]
        assert all(one.shape == [length] for one in coverage.ranges.values())  # type: ignore[union-attr]


async def test_flags_of_the_checks_stand_beside_the_values(ogc: Ogc) -> None:
    thing, stream, _ = await ogc.gauge(point(10, 50), [1.0, 99.0], observed="flagged", series="flagged_m")
    await ogc.owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests) SELECT id, b, $1, f, 1"
        " FROM observation, (VALUES (1, 4), (2, 3)) v (b, f) WHERE datastream_id = $1 AND result = 99",
        stream,
    )  # the newest batch wins
    found = await data(ogc, f"locations/{thing}", parameter_name="flagged_m_flag")
    assert list(found.coverages[0].ranges) == ["flagged_m_flag"]
    assert found.coverages[0].ranges["flagged_m_flag"].values == [2, 3]  # type: ignore[union-attr]
    await ogc.owner.execute(
        "INSERT INTO bookmark (stage, xid, batch, state)"
        " SELECT 'pipeline', max(xid), max(number), '' FROM batch"
    )  # now all has been checked: what was not spoken against passes, where there are rules
    found = await data(ogc, f"locations/{thing}", parameter_name="flagged_m_flag")
    assert found.coverages[0].ranges["flagged_m_flag"].values == [1, 3]  # type: ignore[union-attr]
    without_rules = await data(
        ogc, "cube", bbox="129.3,35.5,129.301,35.6", parameter_name="water_level_m_flag"
    )
    assert without_rules.coverages[0].ranges["water_level_m_flag"].values == [2, 2, 2]  # type: ignore[union-attr]
    await ogc.owner.execute("DELETE FROM bookmark")
    await ogc.owner.execute("DELETE FROM thing WHERE id = $1", thing)


async def test_of_a_time_that_was_sent_twice_the_value_recorded_last_is_given(ogc: Ogc) -> None:
    thing, stream, _ = await ogc.gauge(point(10, 50), [1.0, 2.0], observed="corrected")
    await ogc.observe(stream, [1.1])
    found = await data(ogc, f"locations/{thing}", parameter_name="corrected_m")
    assert values(found) == {"corrected_m@10": [1.1, 2.0]}
    await ogc.owner.execute("DELETE FROM thing WHERE id = $1", thing)


@pytest.mark.parametrize(
    ("datetime", "expected"),
    [
        ("2016-10-05T00:01:00Z", [1.5]), ("2016-10-05T00:01Z", [1.5]),
        ("2016-10-05T00:01:00Z/..", [1.5, 2.0]), ("../2016-10-05T00:01:00Z", [1.0, 1.5]),
        ("2016-10-05T00:00:30Z/2016-10-05T00:01:30Z", [1.5]), ("../..", [1.0, 1.5, 2.0]),
        ("2017-01-01T00:00:00Z/..", None),
    ],
)  # fmt: skip
async def test_datetime_has_both_its_ends_and_open_ones(
    ogc: Ogc, gauges: Gauges, datetime: str, expected: list[float] | None
) -> None:
    found = await data(
        ogc, f"locations/{gauges['bridge'][0]}", datetime=datetime, parameter_name="water_level_m"
    )
    assert values(found) == ({"water_level_m@129.3": expected} if expected else {})


async def test_a_position_is_answered_by_the_nearest_gauge_within_reach(ogc: Ogc) -> None:
    near = await data(ogc, "position", coords="POINT(129.304 35.55)")
    assert values(near) == {"water_level_m@129.3": [1.0, 1.5, 2.0]}
    assert values(await data(ogc, "position", coords="POINT(129.306 35.55)")) == {
        "water_level_m@129.31": [3.0, 3.5]
    }
    both = await data(ogc, "position", coords="POINT(129.4 35.7)")
    assert values(both) == {"rain_mm@129.4": [0.5, 0.0], "water_level_cm@129.4": [250.0]}
    inside = await data(ogc, "position", coords="POINT(129.08 35.05)")
    assert list(values(inside).values()) == [[7.0]], "within an area there is no distance"
    problem = await refused(ogc, f"{HERE}/position?coords=POINT(129.32 35.55)&parameter-name=rain_mm", 404)
    distance_m = Geod(ellps="WGS84").inv(129.32, 35.55, *HILL)[2]
    assert problem["detail"] == f"nothing is measured within 1,000 m; the nearest is {distance_m:,.0f} m away"


async def test_a_radius_is_geodesic(ogc: Ogc) -> None:
    """The distance from bridge to weir by pyproj, a metre more and a metre less."""
    distance_m = Geod(ellps="WGS84").inv(*BRIDGE, *WEIR)[2]
    for more_m, count in ((1.0, 2), (-1.0, 1)):
        for unit, metres in (("m", 1.0), ("km", 1000.0), ("mi", 1609.344), ("nmi", 1852.0)):
            within = (distance_m + more_m) / metres
            found = await data(ogc, "radius", coords="POINT(129.3 35.55)", within=within, within_units=unit)
            assert len(found.coverages) == count


@pytest.mark.parametrize(
    "outline",
    [
        "POLYGON((129.2 35.5,129.305 35.5,129.305 35.6,129.2 35.6,129.2 35.5))",
        "POLYGON((129.05 35.01,129.06 35.01,129.06 35.02,129.05 35.01))",
        "MULTIPOLYGON(((129.2 35.5,129.35 35.5,129.35 35.6,129.2 35.5)),((129.3 35.6,129.5 35.6,129.5 35.8,"
        "129.3 35.6)))",
        "POLYGON((0 0,1 0,1 1,0 0))",
    ],
)
async def test_an_area_finds_what_shapely_finds(ogc: Ogc, outline: str) -> None:
    shapes = {1.0: shapely.Point(BRIDGE), 3.0: shapely.Point(WEIR), 7.0: shapely.geometry.shape(LAKE),
              0.5: shapely.Point(HILL), 250.0: shapely.Point(HILL)}  # fmt: skip
    expected = {first for first, shape in shapes.items() if shape.intersects(shapely.from_wkt(outline))}
    found = await data(ogc, "area", coords=outline)
    assert {numbers[0] for numbers in values(found).values()} == expected


async def test_a_cube_finds_what_stands_in_the_box(ogc: Ogc) -> None:
    found = await data(ogc, "cube", bbox="129.29,35.54,129.305,35.56")
    assert values(found) == {"water_level_m@129.3": [1.0, 1.5, 2.0]}


async def test_parameters_are_chosen_by_name(ogc: Ogc) -> None:
    found = await data(ogc, "cube", bbox="-180,-90,180,90", parameter_name="rain_mm,water_level_cm")
    assert set(values(found)) == {"rain_mm@129.4", "water_level_cm@129.4"}
    assert {name for coverage in found.coverages for name in coverage.ranges} == {"rain_mm", "water_level_cm"}


async def test_values_as_geojson_stand_where_they_were_measured(ogc: Ogc, gauges: Gauges) -> None:
    answer = await ogc.get(f"{HERE}/position?coords=POINT(129.4 35.7)&f=GeoJSON&parameter-name=rain_mm")
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    thing, _, name = gauges["rain"]
    assert body["numberReturned"] == 2
    assert body["features"][0] == {
        "type": "Feature",
        "geometry": point(*HILL),
        "properties": {
            "label": name, "datetime": "2016-10-05T00:00:00Z", "parameter-name": ["rain_mm"],
            "parameter": "rain_mm", "value": 0.5, "unit": "mm", "flag": 2, "location": str(thing),
            "edrqueryendpoint": f"http://city.example{HERE}/locations/{thing}",
        },
    }  # fmt: skip


async def test_values_as_csv_carry_unit_and_flag_in_every_line(ogc: Ogc, gauges: Gauges) -> None:
    answer = await ogc.get(f"{HERE}/cube?bbox=129.3,35.5,129.35,35.6&f=CSV")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) == 5
    thing, _, name = gauges["weir"]
    assert lines[3] == {
        "location": str(thing), "name": name, "longitude": "129.31", "latitude": "35.55",
        "time": "2016-10-05T00:00:00Z", "parameter": "water_level_m", "value": "3.0", "unit": "m",
        "flag": "2",
    }  # fmt: skip


async def test_the_format_is_taken_from_f_and_else_from_accept(ogc: Ogc) -> None:
    address = f"{HERE}/cube?bbox=129.3,35.5,129.35,35.6"
    for f, accept, expected in (
        ("", "*/*", "application/prs.coverage+json"), ("", "text/csv", "text/csv"),
        ("", "text/html, application/geo+json;q=0.8", "application/geo+json"),
        ("&f=coveragejson", "text/csv", "application/prs.coverage+json"),
        ("&f=application/geo%2Bjson", "*/*", "application/geo+json"),
    ):  # fmt: skip
        answer = await ogc.get(address + f, headers={"accept": accept})
        assert answer.headers["content-type"].partition(";")[0] == expected


async def test_S26_a_name_that_a_spreadsheet_would_work_out_is_made_a_text(ogc: Ogc) -> None:
    thing, _, _ = await ogc.gauge(point(10, 50), [1.0], observed="formula")
    await ogc.owner.execute("UPDATE thing SET name = '=cmd|'' /C calc''!A0' WHERE id = $1", thing)
    answer = await ogc.get(f"{HERE}/locations/{thing}?f=CSV")
    assert next(csv.DictReader(io.StringIO(answer.text)))["name"] == "'=cmd|' /C calc'!A0"
    await ogc.owner.execute("DELETE FROM thing WHERE id = $1", thing)


async def test_more_values_than_the_bound_are_413_and_say_how_to_ask_less(
    ogc: Ogc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "VALUES_MAX", 8)
    address = f"{HERE}/cube?bbox=-180,-90,180,90"
    problem = await refused(ogc, address, 413)
    assert (problem["where"], problem["detail"]) == ("datetime", "more than 8 values are asked for")
    assert "shorter datetime" in problem["mend"]
    assert (await ogc.get(f"{address}&datetime=2016-10-05T00:00:00Z")).status_code == 200
    monkeypatch.setattr(routes, "VALUES_MAX", 9)
    assert (await ogc.get(address)).status_code == 200


async def test_what_the_client_has_already_is_not_sent_again(ogc: Ogc, gauges: Gauges) -> None:
    for address in (f"{HERE}/locations/{gauges['weir'][0]}", f"{HERE}/locations/{gauges['weir'][0]}?f=CSV"):
        first = await ogc.get(address)
        again = await ogc.get(address, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    async with ogc.client() as client:
        assert (await client.head(f"{HERE}/locations")).status_code == 200
        assert (await client.post(f"{HERE}/cube")).status_code == 405


# What is answered to wrong requests, word for word: status, code, field, rule, mend.
WRONG = json.loads((Path(__file__).parent / "refusals.json").read_text(encoding="utf-8"))


def told(problem: dict[str, Any]) -> str:
    return "{status} {code} {where}: {detail} ({mend})".format(**problem)


@pytest.mark.parametrize("query", WRONG)
async def test_R9_each_wrong_parameter_says_field_rule_and_mend(ogc: Ogc, query: str) -> None:
    problem = await refused(ogc, f"{HERE}/{query}")
    assert told(problem) == WRONG[query]


async def test_what_is_not_there_is_404_and_says_what_is(ogc: Ogc) -> None:
    assert (await refused(ogc, "/ogc/edr/collections/rain", 404))["mend"] == "use observations"
    assert (await refused(ogc, f"{HERE}/trajectory?coords=LINESTRING(1 2,3 4)", 404))["mend"] == (
        "use position, radius, area, cube, locations"
    )


async def test_S08_another_organisations_values_are_nowhere(ogc: Ogc, gauges: Gauges) -> None:
    theirs = await ogc.get(f"{HERE}/cube?bbox=-180,-90,180,90&f=CSV", organisation=2)
    assert [line["value"] for line in csv.DictReader(io.StringIO(theirs.text))] == ["66.0"]
    assert list((await ogc.json(HERE, organisation=2))["parameter_names"]) == [
        "water_level_m", "water_level_m_flag",
    ]  # fmt: skip
    for thing, _, _ in gauges.values():
        assert (await ogc.get(f"{HERE}/locations/{thing}", organisation=2)).status_code == 404
    mine = await ogc.get(f"{HERE}/cube?bbox=-180,-90,180,90&f=CSV")
    assert "66.0" not in mine.text


async def test_an_organisation_without_gauges_has_an_empty_collection(ogc: Ogc) -> None:
    await ogc.owner.execute("INSERT INTO organisation (id, name, created_at) OVERRIDING SYSTEM VALUE"
                            " VALUES (77, 'empty', now())")  # fmt: skip
    one = Collection.model_validate_json((await ogc.get(HERE, organisation=77)).content)
    assert one.extent.spatial.bbox == [[-180.0, -90.0, 180.0, 90.0]]
    assert one.extent.temporal is None
    for query in ("cube?bbox=1,2,3,4", "area?coords=POLYGON((0 0,1 0,1 1,0 0))", "locations",
                  "radius?coords=POINT(1 2)&within=3&within-units=km"):  # fmt: skip
        assert (await ogc.get(f"{HERE}/{query}", organisation=77)).status_code == 200
    problem = (await ogc.get(f"{HERE}/position?coords=POINT(1 2)", organisation=77)).json()
    assert problem["detail"] == "nothing is measured within 1,000 m"


async def test_distances_are_right_over_the_antimeridian_and_far_north(ogc: Ogc) -> None:
    places = [(179.99, 10.0), (-179.99, 10.0), (20.0, 89.0)]
    made = [await ogc.gauge(point(*at), [float(n)], observed="far") for n, at in enumerate(places)]
    geod = Geod(ellps="WGS84")
    for longitude, latitude in [*places, (180.0, 10.0), (-179.0, 11.0), (-160.0, 89.0)]:
        distances_m = np.array([geod.inv(longitude, latitude, *at)[2] for at in places])
        for reach_m in (distances_m.min() + 1, float(np.median(distances_m)) + 1):
            found = await data(
                ogc, "radius", coords=f"POINT({longitude} {latitude})", within=reach_m, within_units="m",
                parameter_name="far_m",
            )  # fmt: skip
            assert len(found.coverages) == int((distances_m <= reach_m).sum())
    await ogc.owner.execute("DELETE FROM thing WHERE id = ANY($1)", [thing for thing, _, _ in made])


async def test_values_in_archives_are_given_as_before_they_went_there(
    ogc: Ogc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    january_us, march_us = (parse_instant(f"2015-0{month}-01T00:00:00Z") for month in (1, 3))
    thing, stream, _ = await ogc.gauge(point(10, 50), observed="old", series="old_m")
    _, other, _ = await ogc.gauge(point(10, 50), observed="old")
    for at_us in (january_us, march_us):
        await ogc.observe(stream, [1.0, 2.0, 3.0], from_us=at_us)
        await ogc.observe(other, [4.0], from_us=at_us)
    await ogc.owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)"
        " SELECT id, 1, $1, 4, 1 FROM observation WHERE datastream_id = $1 AND result = 2", stream,
    )  # fmt: skip
    asked = [f"{HERE}/locations/{thing}?f=CSV", f"{HERE}/cube?bbox=9,49,11,51&f=CSV",
             f"{HERE}/locations/{thing}?datetime=../2015-01-01T00:01:00Z"]  # fmt: skip
    before = [(await ogc.get(address)).text for address in asked]
    extents = [
        HERE,
        f"{HERE}/locations?datetime=2015-01-01T00:00:00Z",
        "/ogc/features/collections/datastreams",
    ]
    reaching = [(await ogc.get(address)).text for address in extents]
    assert all("2015-01-01T00:00:00Z" in text for text in reaching)
    assert [text.count("2015-01") for text in before] == [3, 4, 2]
    await prepare_codecs(ogc.owner)
    await archive_month(ogc.owner, tmp_path, january_us, grace_s=0)
    assert [(await ogc.get(address)).text for address in asked] != before
    assert [(await ogc.get(address)).text for address in extents] == reaching
    monkeypatch.setitem(ogc.litestar.state._state, "shelf", Shelf(tmp_path, known_for_s=0))
    assert [(await ogc.get(address)).text for address in asked] == before
    assert (await ogc.get(asked[0], organisation=2)).status_code == 404
    await ogc.owner.execute("DELETE FROM thing WHERE id = $1", thing)


async def test_more_datastreams_than_the_bound_are_413_and_say_where_to_go(
    ogc: Ogc, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, bound in (("STREAMS_MAX", 4), ("CHARACTERS_MAX", 100)):
        with monkeypatch.context() as patched:
            patched.setattr(series, name, bound)
            problem = await refused(ogc, HERE, 413)
        assert (problem["where"], problem["mend"]) == ("datastreams", "ask SensorThings (/v1.1) for them")
