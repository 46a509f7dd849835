# SPDX-License-Identifier: Apache-2.0
"""``$resultFormat=CSV`` and ``GeoJSON``, as FROST-Server's two extensions describe them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from sensorthings_bodies import (
    FEATURE,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
)
from shapely.geometry import shape

from cheoyong.faces.sensorthings.as_csv import guarded
from cheoyong.faces.sensorthings.entities import ENTITIES


async def _table(client: httpx.AsyncClient, path: str) -> list[dict[str, str]]:
    """The rows of a CSV answer, read by the standard library's own reader."""
    response = await client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))


async def _features(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    response = await client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/geo+json"
    collection: dict[str, Any] = response.json()
    assert collection["type"] == "FeatureCollection"
    for feature in collection["features"]:
        assert feature["type"] == "Feature"
        if feature["geometry"] is not None:
            assert shape(feature["geometry"]).is_valid  # shapely reads it too
    return collection


async def _a_stream(client: httpx.AsyncClient, name: str, observations: int = 3) -> tuple[int, int]:
    thing = await create(client, "Things", a_tree(name, observations=observations))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    return thing, stream


async def test_observations_as_a_table_with_their_datastream(client: httpx.AsyncClient) -> None:
    _, stream = await _a_stream(client, "table")
    path = f"Datastreams({stream})/Observations?$select=result,phenomenonTime"
    response = await client.get(f"{path}&$expand=Datastream($select=id,name)&$resultFormat=CSV")
    assert response.text == (
        "phenomenonTime,result,Datastream/id,Datastream/name\r\n"
        f"2016-10-05T03:00:00Z,0,{stream},stage at the bridge\r\n"
        f"2016-10-05T03:01:00Z,0.25,{stream},stage at the bridge\r\n"
        f"2016-10-05T03:02:00Z,0.5,{stream},stage at the bridge\r\n"
    )
    assert response.headers["content-disposition"] == 'attachment; filename="Observations.csv"'
    # FROST-Server takes the option without the dollar and in any case.
    assert (await client.get(f"{path}&resultFormat=csv")).text.startswith("phenomenonTime,result\r\n")


async def test_every_entity_set_is_a_table_and_features_with_the_values_of_its_json(
    client: httpx.AsyncClient,
) -> None:
    await _a_stream(client, "all sets")
    await create(client, "FeaturesOfInterest", FEATURE)
    inside = {"Thing": a_thing(), "Sensor": a_sensor(), "ObservedProperties": [a_property(), a_property()]}
    await create(client, "MultiDatastreams", a_multi_datastream(**inside))
    for set_name in ENTITIES:
        plain = (await get(client, f"{set_name}?$top=5"))["value"]
        rows = await _table(client, f"{set_name}?$top=5&$resultFormat=CSV")
        features = (await _features(client, f"{set_name}?$top=5&$resultFormat=GeoJSON"))["features"]
        assert len(plain) == len(rows) == len(features) > 0
        for shown, row, feature in zip(plain, rows, features, strict=True):
            assert row["id"] == str(shown["@iot.id"]) == str(feature["id"])
            for name, value in shown.items():
                if isinstance(value, str) and "@iot." not in name:
                    assert row[name] == guarded(value)
                    assert feature["properties"][name] == value
            assert not [name for name in (*row, *feature["properties"]) if "@iot." in name]


async def test_objects_with_known_members_have_columns_and_others_are_json(client: httpx.AsyncClient) -> None:
    thing, stream = await _a_stream(client, "objects")
    [row] = await _table(client, f"Datastreams({stream})?$resultFormat=CSV")
    assert [row[f"unitOfMeasurement/{name}"] for name in ("name", "symbol", "definition")] == [
        "metre",
        "m",
        "",
    ]
    assert json.loads(row["properties"]) == {"zero_m": -0.5}
    assert json.loads(row["observedArea"])["type"] == "Point"
    [one] = await _table(client, f"Datastreams({stream})/Observations?$top=1&$resultFormat=CSV")
    assert (one["resultQuality/flag"], one["resultQuality/name"], one["parameters"]) == (
        "2",
        "not_evaluated",
        "",
    )
    [deep] = await _table(
        client,
        f"Things({thing})?$select=id&$resultFormat=CSV"
        "&$expand=Datastreams($top=1;$select=name;$expand=Sensor($select=name)),HistoricalLocations($top=1)",
    )
    assert (deep["id"], deep["Datastreams/name"], deep["Datastreams/Sensor/name"]) == (
        str(thing), "stage at the bridge", "radar",
    )  # fmt: skip
    assert deep["HistoricalLocations/time"]


async def test_S26_a_text_that_a_spreadsheet_would_work_out_is_guarded(client: httpx.AsyncClient) -> None:
    evil = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\uff1d1", 'a,"b"\r\nc']
    ids = [await create(client, "Things", a_thing(name)) for name in evil]
    condition = " or ".join(f"id eq {row_id}" for row_id in ids)
    rows = await _table(client, f"Things?$filter={condition}&$orderby=id&$resultFormat=CSV")
    assert [row["name"] for row in rows] == [f"'{name}" for name in evil[:-1]] + [evil[-1]]


async def test_a_negative_number_stays_a_number(client: httpx.AsyncClient) -> None:
    _, stream = await _a_stream(client, "cold", observations=0)
    answer = await client.post(
        f"Datastreams({stream})/Observations", json={"phenomenonTime": "2016-10-05T03:00:00Z", "result": -5.5}
    )
    assert answer.status_code == 201
    [row] = await _table(client, f"Datastreams({stream})/Observations?$resultFormat=CSV&$select=result")
    assert row == {"result": "-5.5"}


@pytest.mark.parametrize("form", ["CSV", "GeoJSON"])
async def test_pages_lead_on_to_the_next_in_the_same_format(client: httpx.AsyncClient, form: str) -> None:
    _, stream = await _a_stream(client, f"pages of {form}", observations=5)
    url, seen, pages = f"Datastreams({stream})/Observations?$top=2&$count=true&$resultFormat={form}", [], 0
    while url:
        response = await client.get(url)
        assert (response.status_code, response.headers["x-total-count"]) == (200, "5")
        if form == "CSV":
            seen += [row["result"] for row in csv.DictReader(io.StringIO(response.text, newline=""))]
        else:
            page = response.json()
            assert page["numberMatched"] == 5
            seen += [str(feature["properties"]["result"]) for feature in page["features"]]
            assert [link["href"] for link in page.get("links", [])] == [
                link["url"] for link in response.links.values()
            ]
        url = response.links.get("next", {}).get("url", "")
        pages += 1
    assert (seen, pages) == (["0", "0.25", "0.5", "0.75", "1"], 3)


async def test_a_feature_has_the_first_geometry_of_its_entity_or_what_is_expanded(
    client: httpx.AsyncClient,
) -> None:
    thing, stream = await _a_stream(client, "somewhere")
    [feature] = (
        await _features(client, f"Things({thing})?$expand=Locations,Datastreams&$resultFormat=GeoJSON")
    )["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [129.3, 35.55]}
    properties = feature["properties"]
    assert properties["properties/floor"] == 3
    assert properties["Locations/0/name"] == "bridge"
    assert properties["Locations/0/properties/side"] == "left"
    assert properties["Datastreams/0/unitOfMeasurement/symbol"] == "m"
    assert "Locations/0/location" not in properties
    [bare] = (await _features(client, f"Things({thing})?$resultFormat=GeoJSON"))["features"]
    assert bare["geometry"] is None
    [read] = (await _features(client, f"Datastreams({stream})/Observations?$top=1&$resultFormat=GeoJSON"))[
        "features"
    ]
    assert (read["properties"]["result"], read["properties"]["resultQuality/flag"]) == (0, 2)


async def test_a_geometry_is_found_in_a_feature_and_not_in_what_is_no_geojson(
    client: httpx.AsyncClient,
) -> None:
    point = {"type": "Point", "coordinates": [129.31, 35.54]}
    inside = await create(
        client,
        "Locations",
        {**a_location(), "location": {"type": "Feature", "properties": {}, "geometry": point}},
    )
    text = await create(
        client, "Locations", {**a_location(), "encodingType": "text/plain", "location": "Ulsan"}
    )
    path = f"Locations?$filter=id eq {inside} or id eq {text}&$orderby=id&$resultFormat=GeoJSON"
    one, other = (await _features(client, path))["features"]
    assert (one["geometry"], other["geometry"]) == (point, None)
    assert other["properties"]["location"] == "Ulsan"


@pytest.mark.parametrize(
    ("path", "status", "where"),
    [
        ("Things?$resultFormat=XML", 501, "$resultFormat"),
        ("Things?$resultFormat=CSV&$expand=Datastreams", 400, "$expand"),
        ("Things?$resultFormat=CSV&resultFormat=GeoJSON", 400, "$resultFormat"),
        ("Things/$count?$resultFormat=CSV", 400, "$resultFormat"),
        ("Things/$ref?$resultFormat=GeoJSON", 400, "$resultFormat"),
        ("Things?$expand=Datastreams($resultFormat=CSV)", 501, "$expand, character 1"),
    ],
)
async def test_a_format_that_is_not_served_or_does_not_fit_is_refused(
    client: httpx.AsyncClient, path: str, status: int, where: str
) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["where"]) == (status, where), response.text


async def test_S08_a_table_shows_nothing_of_another_organisation(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing, _ = await _a_stream(client, "kept apart")
    for form in ("CSV", "GeoJSON"):
        assert (await stranger.get(f"Things({thing})?$resultFormat={form}")).status_code == 404
        listed = (await stranger.get(f"Things?$top=10000&$resultFormat={form}")).text
        assert "kept apart" not in listed
