# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest
from sensorthings_bodies import (
    MEASUREMENT,
    a_datastream,
    a_location,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    a_tree,
    create,
    get,
    owners_of,
)

ROOT = "http://city.example/v1.1"

# OGC 18-088, clause 8.2: the properties of each entity type, less those worked out from observations.
PROPERTIES = {
    "Things": {"name", "description", "properties"},
    "Locations": {"name", "description", "encodingType", "location", "properties"},
    "HistoricalLocations": {"time"},
    "Sensors": {"name", "description", "encodingType", "metadata", "properties"},
    "ObservedProperties": {"name", "definition", "description", "properties"},
    "Datastreams": {
        "name", "description", "unitOfMeasurement", "observationType", "observedArea", "properties",
        "phenomenonTime",  # and resultTime, where an observation has one
    },
    "MultiDatastreams": {
        "name", "description", "unitOfMeasurements", "observationType", "multiObservationDataTypes",
        "observedArea", "properties", "phenomenonTime",
    },
    "Observations": {
        "phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters",
    },
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature", "properties"},
}  # fmt: skip
LINKS = {
    "Things": {"Locations", "HistoricalLocations", "Datastreams", "MultiDatastreams"},
    "Locations": {"Things", "HistoricalLocations"},
    "HistoricalLocations": {"Thing", "Locations"},
    "Sensors": {"Datastreams", "MultiDatastreams"},
    "ObservedProperties": {"Datastreams", "MultiDatastreams"},
    "Datastreams": {"Thing", "Sensor", "ObservedProperty", "Observations"},
    "MultiDatastreams": {"Thing", "Sensor", "ObservedProperties", "Observations"},
    "Observations": {"Datastream", "FeatureOfInterest"},
    "FeaturesOfInterest": {"Observations"},
}


async def _one_of_each(client: httpx.AsyncClient) -> dict[str, Any]:
    """One entity of each type, all linked with each other."""
    tree = a_tree("one of each", observations=1)
    tree["Datastreams"][0]["Observations"][0].update(
        validTime="2016-10-05T03:00:00Z/2016-10-05T04:00:00Z", parameters={"height_m": 2}
    )
    thing = await create(client, "Things", tree)
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]
    sensor, observed = await owners_of(client, stream["@iot.id"])
    multi = a_multi_datastream(
        Thing={"@iot.id": thing}, Sensor={"@iot.id": sensor},
        ObservedProperties=[{"@iot.id": observed}, a_property()],
    )  # fmt: skip
    multi_id = await create(client, "MultiDatastreams", multi)
    await client.post(f"MultiDatastreams({multi_id})/Observations", json={"result": [1, 2]})
    observation = (await get(client, f"Datastreams({stream['@iot.id']})/Observations"))["value"][0]
    return {
        "Things": await get(client, f"Things({thing})"),
        "Locations": (await get(client, f"Things({thing})/Locations"))["value"][0],
        "HistoricalLocations": (await get(client, f"Things({thing})/HistoricalLocations"))["value"][0],
        "Sensors": await get(client, f"Datastreams({stream['@iot.id']})/Sensor"),
        "ObservedProperties": await get(client, f"Datastreams({stream['@iot.id']})/ObservedProperty"),
        "Datastreams": stream,
        "MultiDatastreams": await get(client, f"MultiDatastreams({multi_id})"),
        "Observations": observation,
        "FeaturesOfInterest": await get(client, f"Observations({observation['@iot.id']})/FeatureOfInterest"),
    }


async def test_every_entity_type_shows_its_properties_of_the_standard(client: httpx.AsyncClient) -> None:
    for set_name, shown in (await _one_of_each(client)).items():
        assert {name for name in shown if "@iot." not in name} == PROPERTIES[set_name]


async def test_every_entity_shows_id_and_self_link_and_navigation_links(client: httpx.AsyncClient) -> None:
    for set_name, shown in (await _one_of_each(client)).items():
        assert shown["@iot.selfLink"] == f"{ROOT}/{set_name}({shown['@iot.id']})"
        links = {
            name.removesuffix("@iot.navigationLink") for name in shown if name.endswith("navigationLink")
        }
        assert links == LINKS[set_name]
        assert await get(client, shown["@iot.selfLink"]) == shown


async def test_every_navigation_link_of_every_entity_leads_somewhere(client: httpx.AsyncClient) -> None:
    entities = await _one_of_each(client)
    ids = {name: shown["@iot.id"] for name, shown in entities.items()}
    one = {"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties",
           "Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"}  # fmt: skip
    for set_name, shown in entities.items():
        for link in LINKS[set_name]:
            found = await get(client, shown[f"{link}@iot.navigationLink"])
            if link in one:
                assert found["@iot.id"] == ids[one[link]]
            elif (set_name, link) == ("MultiDatastreams", "Observations"):
                assert [item["result"] for item in found["value"]] == [[1, 2]]
            else:
                assert ids[link] in [item["@iot.id"] for item in found["value"]]


async def test_an_observation_of_an_interval_shows_both_ends(client: httpx.AsyncClient) -> None:
    tree = a_tree(observations=0)
    span = "2016-10-05T03:00:00Z/2016-10-05T03:10:00.500Z"
    tree["Datastreams"][0]["Observations"] = [
        {"phenomenonTime": span, "result": 1, "resultTime": "2016-10-05T12:11:00+09:00"}
    ]
    thing = await create(client, "Things", tree)
    shown = await get(client, f"Things({thing})/Datastreams?$expand=Observations")
    observation = shown["value"][0]["Observations"][0]
    assert observation["phenomenonTime"] == span
    assert observation["resultTime"] == "2016-10-05T03:11:00Z"


async def test_an_observation_without_a_feature_is_of_the_place_of_its_thing_and_nothing_is_written(
    service: Any, client: httpx.AsyncClient
) -> None:
    before = await service.owner.fetchval("SELECT count(*) FROM feature")
    thing = await create(client, "Things", a_tree("placed", observations=2))
    place = (await get(client, f"Things({thing})/Locations"))["value"][0]
    observations = (await get(client, f"Things({thing})/Datastreams?$expand=Observations/FeatureOfInterest"))[
        "value"
    ]
    feature = observations[0]["Observations"][0]["FeatureOfInterest"]
    assert feature["feature"] == place["location"]
    assert feature["name"] == place["name"]
    assert await get(client, f"FeaturesOfInterest({feature['@iot.id']})") == feature
    back = await get(client, f"FeaturesOfInterest({feature['@iot.id']})/Observations")
    assert len(back["value"]) == 2
    assert await service.owner.fetchval("SELECT count(*) FROM feature") == before


async def test_the_quality_of_an_observation_is_what_the_checks_have_said(
    service: Any, client: httpx.AsyncClient
) -> None:
    tree = a_tree("judged", observations=3)
    tree["Datastreams"][0]["properties"] = {"series": "judged_m"}
    tree["Datastreams"][0]["Observations"][2]["resultQuality"] = "good, says the sensor"
    thing = await create(client, "Things", tree)
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]

    async def flags() -> list[Any]:
        shown = await get(client, f"Datastreams({stream})/Observations")
        return [item["resultQuality"] for item in shown["value"]]

    assert [flag["name"] for flag in await flags()] == ["not_evaluated"] * 3
    ids = [item["@iot.id"] for item in (await get(client, f"Datastreams({stream})/Observations"))["value"]]
    batch = await service.owner.fetchval("SELECT max(number) FROM batch")
    await service.owner.execute(
        "INSERT INTO quality (observation_id, batch, datastream_id, flag, tests)"
        " VALUES ($1, $2, $3, 3, 1), ($1, $4, $3, 4, 1)",
        ids[1], batch, stream, batch + 1,
    )  # fmt: skip
    await service.owner.execute("INSERT INTO bookmark VALUES ('pipeline', '1', $1, now(), '')", batch)
    try:
        assert await flags() == [
            {"flag": 1, "name": "pass"},
            {"flag": 4, "name": "fail", "tests": ["gross_range"]},
            {"flag": 1, "name": "pass", "reported": "good, says the sensor"},
        ]
        bad = await get(client, f"Datastreams({stream})/Observations?$filter=resultQuality/flag ge 3")
        assert [item["@iot.id"] for item in bad["value"]] == [ids[1]]
    finally:
        await service.owner.execute("DELETE FROM bookmark")


async def test_results_that_are_not_numbers_come_back_as_they_were(client: httpx.AsyncClient) -> None:
    kind = MEASUREMENT.replace("OM_Measurement", "OM_Observation")
    results: list[Any] = ["wet", True, {"a": [1]}, [1, 2], 5, 2.5]
    stream = a_datastream(
        observationType=kind, Sensor=a_sensor(), ObservedProperty=a_property(),
        Observations=[
            {"phenomenonTime": f"2016-10-05T03:0{i}:00Z", "result": r} for i, r in enumerate(results)
        ],
    )  # fmt: skip
    thing = await create(client, "Things", a_thing("odd", Datastreams=[stream]))
    row_id = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    shown = await get(client, f"Datastreams({row_id})/Observations")
    assert [item["result"] for item in shown["value"]] == results
    for text, wanted in (("result eq 'wet'", ["wet"]), ("result eq true", [True]), ("result gt 2.5", [5])):
        found = await get(client, f"Datastreams({row_id})/Observations?$filter={text}")
        assert [item["result"] for item in found["value"]] == wanted


async def test_a_path_leads_over_several_hops(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("hops", observations=2))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    first = (await get(client, f"Things({thing})/Datastreams({stream})/Observations"))["value"][0]
    assert first["result"] == 0
    assert (await get(client, f"Observations({first['@iot.id']})/Datastream/Thing"))["name"] == "hops"
    places = await get(client, f"Observations({first['@iot.id']})/Datastream/Thing/Locations")
    assert places["value"][0]["name"] == "bridge"


async def test_a_path_through_a_wrong_owner_is_not_found(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("owner"))
    other = await create(client, "Things", a_tree("other"))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    for path in (
        f"Things({other})/Datastreams({stream})", f"Things({other})/Datastreams({stream})/Observations",
        "Things(999999999)/Datastreams", "Things(999999999)", "Things(99999999999999999999)", "Things(x)",
        "Nothings", "Things(1)/Nothings", "Things/Datastreams", f"Datastreams({stream})/Thing({thing})",
        f"Things({thing})/colour", "Things/name",
    ):  # fmt: skip
        response = await client.get(path)
        assert response.status_code == 404, path
        assert response.json()["code"] == "not_found"


async def test_a_property_and_its_raw_value_have_addresses(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing("울산 태화교"))
    assert await get(client, f"Things({thing})/name") == {"name": "울산 태화교"}
    raw = await client.get(f"Things({thing})/name/$value")
    assert (raw.text, raw.headers["content-type"]) == ("울산 태화교", "text/plain; charset=utf-8")
    raw = await client.get(f"Things({thing})/properties/$value")
    assert raw.json() == {"floor": 3}
    nameless = await create(client, "Things", a_thing(""))
    raw = await client.get(f"Things({nameless})/name/$value")
    assert (raw.text, raw.headers["content-type"]) == ("", "text/plain; charset=utf-8")


async def test_ref_lists_links_only(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("refs"))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    found = await get(client, f"Things({thing})/Datastreams/$ref")
    assert found == {"value": [{"@iot.selfLink": f"{ROOT}/Datastreams({stream})"}]}


async def test_expand_goes_several_levels_with_options_inside(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("levels", observations=5))
    shown = await get(
        client,
        f"Things({thing})?$select=name&$expand=Datastreams($select=name;$expand=Observations($top=2;$count=true;"
        "$orderby=phenomenonTime desc;$select=result;$filter=result lt 1),Thing($select=id),Sensor)",
    )
    stream = shown["Datastreams"][0]
    assert set(shown) == {"name", "Datastreams"}
    assert stream["Observations"] == [{"result": 0.75}, {"result": 0.5}]
    assert stream["Observations@iot.count"] == 4
    assert stream["Thing"] == {"@iot.id": thing}
    assert stream["Sensor"]["name"] == "radar"
    following = await get(client, stream["Observations@iot.nextLink"])
    assert following["value"] == [{"result": 0.25}, {"result": 0}]
    assert following["@iot.count"] == 4
    assert "@iot.nextLink" not in following


async def test_expand_asks_once_for_each_level(
    service: Any, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = await create(client, "Locations", a_location("crowded"))
    for number in range(6):
        tree = a_tree(f"many {number}")
        tree["Locations"] = []
        await create(client, f"Locations({location})/Things", tree)
    asked = []
    fetch = asyncpg.Connection.fetch

    async def counting(self: Any, query: str, *args: Any, **more: Any) -> Any:
        asked.append(query)
        return await fetch(self, query, *args, **more)

    monkeypatch.setattr(asyncpg.Connection, "fetch", counting)
    shown = await get(client, f"Locations({location})/Things?$expand=Datastreams/Observations,Locations")
    assert len(shown["value"]) == 6
    assert all(len(thing["Datastreams"][0]["Observations"]) == 3 for thing in shown["value"])
    assert len(asked) == 4  # things, datastreams, observations, locations


async def test_select_shows_only_what_is_named(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("select"))
    assert await get(client, f"Things({thing})?$select=name,id") == {"@iot.id": thing, "name": "select"}
    links = await get(client, f"Things({thing})?$select=Datastreams")
    assert links == {"Datastreams@iot.navigationLink": f"{ROOT}/Things({thing})/Datastreams"}


async def _numbered(client: httpx.AsyncClient, prefix: str, count: int) -> int:
    location = await create(client, "Locations", a_location(prefix))
    for number in range(count):
        await create(
            client, f"Locations({location})/Things", a_thing(f"{prefix} {number}", properties={"n": number})
        )
    return location


async def test_options_are_applied_filter_before_count_before_paging(client: httpx.AsyncClient) -> None:
    location = await _numbered(client, "ordered", 6)
    shown = await get(
        client,
        f"Locations({location})/Things?$top=2&$skip=1&$orderby=name desc&$count=true"
        "&$filter=properties/n ge 2&$select=name",
    )
    assert shown["@iot.count"] == 4
    assert [thing["name"] for thing in shown["value"]] == ["ordered 4", "ordered 3"]


async def test_pages_linked_by_next_link_show_each_entity_once_and_end(client: httpx.AsyncClient) -> None:
    location = await _numbered(client, "paged", 7)
    address: str | None = (
        f"Locations({location})/Things?$top=3&$filter=name ne 'a %26 b' and properties/n ge 0"
    )
    seen, pages = [], 0
    while address:
        shown = await get(client, address)
        seen += [thing["@iot.id"] for thing in shown["value"]]
        address = shown.get("@iot.nextLink")
        pages += 1
    assert pages == 3
    assert len(set(seen)) == len(seen) == 7
    assert seen == sorted(seen)


async def test_a_full_last_page_has_no_next_link(client: httpx.AsyncClient) -> None:
    location = await _numbered(client, "full", 4)
    assert "@iot.nextLink" not in await get(client, f"Locations({location})/Things?$top=2&$skip=2")
    assert "@iot.nextLink" in await get(client, f"Locations({location})/Things?$top=2&$skip=1")
    assert await get(client, f"Locations({location})/Things?$top=0&$count=true") == {
        "@iot.count": 4,
        "value": [],
    }


async def test_top_is_bounded_by_the_server(client: httpx.AsyncClient) -> None:
    location = await _numbered(client, "top", 2)
    assert len((await get(client, f"Locations({location})/Things?$top=2147483647"))["value"]) == 2
    tree = a_tree("long", observations=0)
    tree["Datastreams"][0]["Observations"] = [
        {"phenomenonTime": f"2016-10-0{1 + n // 1440}T{n // 60 % 24:02d}:{n % 60:02d}:00Z", "result": n}
        for n in range(110)
    ]
    thing = await create(client, "Things", tree)
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    shown = await get(client, f"Datastreams({stream})/Observations")
    assert len(shown["value"]) == 100
    assert len((await get(client, shown["@iot.nextLink"]))["value"]) == 10


async def test_orderby_sorts_both_ways_with_null_first_ascending_and_last_descending(
    client: httpx.AsyncClient,
) -> None:
    location = await create(client, "Locations", a_location("sorted"))
    for name, properties in (("b", {"n": 2}), ("a", {}), ("c", {"n": 1})):
        await create(client, f"Locations({location})/Things", a_thing(name, properties=properties))

    async def names(order: str) -> list[str]:
        shown = await get(client, f"Locations({location})/Things?$orderby={order}")
        return [thing["name"] for thing in shown["value"]]

    assert await names("name") == ["a", "b", "c"]
    assert await names("name desc") == await names("name DESC") == ["c", "b", "a"]
    assert await names("properties/n") == ["a", "c", "b"]
    assert await names("properties/n desc,id asc") == ["b", "c", "a"]


async def test_count_has_an_address_of_its_own(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    thing = await create(client, "Things", a_tree("counted", observations=4))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    path = f"Datastreams({stream})/Observations/$count"
    response = await client.get(path)
    assert (response.text, response.headers["content-type"]) == ("4", "text/plain; charset=utf-8")
    assert (await client.get(f"{path}?$filter=result gt 0.25&$top=1")).text == "2"
    assert (await stranger.get(path)).status_code == 404
    assert (await client.get(f"Things({thing})/$count")).status_code == 404


async def test_observations_are_written_and_read_as_data_arrays(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("arrays", observations=0))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    rows = [[f"2016-10-05T03:0{minute}:00Z", minute / 2] for minute in range(3)]
    body = [
        {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    ]
    created = await client.post("CreateObservations", json=body)
    assert (created.status_code, len(created.json())) == (201, 3)
    path = f"Datastreams({stream})/Observations?$resultFormat=dataArray"
    shown = await get(client, f"{path}&$select=id,result,phenomenonTime&$top=2&$count=true")
    assert shown["@iot.count"] == 3
    ids = [int(link.rpartition("(")[2][:-1]) for link in created.json()]
    assert shown["value"] == [
        {
            "Datastream@iot.navigationLink": f"{ROOT}/Datastreams({stream})",
            "components": ["id", "phenomenonTime", "result"],
            "dataArray@iot.count": 2,
            "dataArray": [[row_id, *row] for row_id, row in zip(ids[:2], rows[:2], strict=True)],
        }
    ]
    more = await get(client, shown["@iot.nextLink"])
    assert [row[2] for row in more["value"][0]["dataArray"]] == [1]
    whole = (await get(client, path))["value"][0]
    assert whole["components"][:3] == ["id", "phenomenonTime", "resultTime"]
    assert {len(row) for row in whole["dataArray"]} == {len(whole["components"])}


async def test_a_page_of_several_datastreams_is_an_array_of_each(client: httpx.AsyncClient) -> None:
    tree = a_tree("several", observations=2)
    tree["Datastreams"] += a_tree("other", observations=1)["Datastreams"]
    thing = await create(client, "Things", tree)
    query = f"Observations?$filter=Datastream/Thing/id eq {thing}&$resultFormat=dataArray&$orderby=id"
    assert [len(item["dataArray"]) for item in (await get(client, query))["value"]] == [2, 1]


async def test_orderby_sorts_by_properties_of_related_entities(client: httpx.AsyncClient) -> None:
    location = await create(client, "Locations", a_location("sorted by others"))
    for name, streams in (("none", ()), ("ac", ("a", "c")), ("b", ("b",))):
        thing = a_thing(name, Datastreams=[])
        for stream in streams:
            sensor, observed = a_sensor() | {"name": stream}, a_property()
            thing["Datastreams"].append(a_datastream(name=stream, Sensor=sensor, ObservedProperty=observed))
        await create(client, f"Locations({location})/Things", thing)

    async def names(path: str, order: str) -> list[str]:
        shown = await get(client, f"{path}?$orderby={order}")
        return [item["name"] for item in shown["value"]]

    things = f"Locations({location})/Things"
    for path in ("Datastreams/name", "Datastreams/Sensor/name"):
        assert await names(things, path) == ["none", "ac", "b"]  # the smallest of each
        assert await names(things, f"{path} desc") == ["ac", "b", "none"]  # the largest of each
    await names("Datastreams", "Thing/name,Sensor/properties/maker desc")
    streams = await get(client, "Datastreams?$filter=Thing/Locations/name eq 'sorted by others'"
                        "&$orderby=Thing/name desc,Sensor/name desc")  # fmt: skip
    assert [item["name"] for item in streams["value"]] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("query", "status", "where"),
    [
        ("$top=-1", 400, "$top"),
        ("$top=x", 400, "$top"),
        ("$top=1&$top=2", 400, "$top"),
        ("$skip=1.5", 400, "$skip"),
        ("$count=yes", 400, "$count"),
        ("$orderby=id,colour", 400, "$orderby, character 4"),
        ("$orderby=name up", 400, "$orderby, character 1"),
        ("$select=id, colour", 400, "$select, character 5"),
        ("$expand=Locations,Sensors", 400, "$expand, character 11"),
        ("$expand=Datastreams($top=1", 400, "$expand, character 12"),
        ("$expand=Datastreams)", 400, "$expand, character 12"),
        ("$expand=Datastreams/Sensor,Datastreams/Nothing", 400, "$expand, character 32"),
        ("$expand=Datastreams($top=1;$expand=Thing,Nothing)", 400, "$expand, character 34"),
        ("$expand=Datastreams($top=1;$filter=nme eq 1)", 400, "$filter, character 1"),
        ("$expand=Locations x", 400, "$expand, character 10"),
        ("$orderby=id,concat(name,'a", 400, "$orderby, character 16"),
        ("$filter=", 400, "$filter, character 1"),
        ("$filter=name eq", 400, "$filter, character 8"),
        ("$filter=name eq 5", 400, "$filter, character 9"),
        ("$filter=colour eq 5", 400, "$filter, character 1"),
        ("$filter=name eq 'a' or", 400, "$filter, character 15"),
        ("$filter=(name eq 'a'", 400, "$filter, character 13"),
        ("$filter=nme(name) eq 'a'", 400, "$filter, character 1"),
        ("$filter=id eq 1 &$filter=id eq 2", 400, "$filter"),
        ("$filter=" + "(" * 5000, 400, "$filter, character 42"),
        ("$filter=startswith(name)", 400, "$filter, character 1"),
        ("$filter=startswith(name,5)", 400, "$filter, character 17"),
        ("$filter=length(name)", 400, "$filter, character 1"),
        ("$filter=id add 'a' eq 2", 400, "$filter, character 8"),
        ("$filter=id eq 1e308 mul 10", 400, "$filter"),
        ("$filter=(id eq 1) eq true", 501, "$filter, character 5"),
        ("$filter=Datastreams eq 'a'", 400, "$filter, character 1"),
        ("$filter=Datastreams/colour eq 'a'", 400, "$filter, character 1"),
        ("$filter=Datastreams/any(d:d/id eq 1)", 400, "$filter, character 18"),
        ("$filter=st_within(name,geography'POINT(1 1)')", 400, "$filter, character 11"),
        ("$filter=date(now()) eq duration'P1D'", 400, "$filter, character 16"),
        ("$filter=id eq duration'1D'", 400, "$filter, character 7"),
        ("$filter=id eq 25:00:00", 400, "$filter, character 7"),
        ("$orderby=Datastreams", 400, "$orderby, character 1"),
        ("$orderby=length(name)", 501, "$orderby, character 1"),
        ("$resultFormat=dataArray", 400, "$resultFormat"),
        ("$resultFormat=XML", 501, "$resultFormat"),
        ("$expand=Datastreams/Observations($resultFormat=dataArray)", 501, "$expand, character 13"),
        ("$colour=red", 501, "$colour"),
        ("%ff=1", 400, "query"),
    ],
)
async def test_what_is_not_served_is_501_and_what_is_wrong_is_400(
    client: httpx.AsyncClient, query: str, status: int, where: str
) -> None:
    response = await client.get(f"Things?{query}")
    assert (response.status_code, response.json()["where"]) == (status, where)


async def test_a_percent_encoded_dollar_is_a_dollar_and_other_options_are_let_pass(
    client: httpx.AsyncClient,
) -> None:
    shown = await get(client, "Things?%24top=1&cache=7")
    assert len(shown["value"]) <= 1
    assert (await client.get("Things?%24top=x")).status_code == 400


async def test_methods_that_are_not_allowed_or_not_served_yet_say_so(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_thing())
    for method, path, status, allow in (
        ("POST", f"Things({thing})", 405, "GET, HEAD, PATCH, PUT, DELETE"),
        ("POST", "", 405, "GET, HEAD"),
        ("OPTIONS", "Things", 405, "GET, HEAD, POST"),
        ("GET", "CreateObservations", 405, "POST"),
        ("DELETE", "", 405, "GET, HEAD"),
        ("PATCH", "Things", 405, "GET, HEAD, POST"),
        ("DELETE", "CreateObservations", 405, "POST"),
        ("PUT", f"Things({thing})/name", 405, "GET, HEAD"),
        ("DELETE", "Nothings(1)", 404, None),
    ):
        response = await client.request(method, path)
        assert (response.status_code, response.headers.get("allow")) == (status, allow), (method, path)


async def test_head_answers_like_get_without_the_body(client: httpx.AsyncClient) -> None:
    response = await client.head("Things?$top=1")
    assert (response.status_code, response.content) == (200, b"")


async def test_S08_nothing_of_another_organisation_is_seen_by_any_path(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    own = await create(stranger, "Things", a_thing("stranger's"))
    entities = await _one_of_each(client)
    for set_name, shown in entities.items():
        for link in ("", *(f"/{name}" for name in LINKS[set_name])):
            path = shown["@iot.selfLink"] + link
            response = await stranger.get(path)
            assert response.status_code == 404, path
            absent = await stranger.get(f"{set_name}(999999999){link}")
            assert response.json() == absent.json()
        listed = await get(stranger, f"{set_name}?$top=10000&$count=true")
        assert shown["@iot.id"] not in [item["@iot.id"] for item in listed["value"]]
        assert listed["@iot.count"] == len(listed["value"])
        filtered = await get(stranger, f"{set_name}?$filter=id eq {shown['@iot.id']}&$count=true")
        assert (filtered["@iot.count"], filtered["value"]) == (0, [])
    stream = entities["Datastreams"]["@iot.id"]
    for query in (
        f"Things?$filter=Datastreams/id eq {stream}",
        f"Observations?$filter=Datastream/id eq {stream}",
        f"Sensors?$filter=Datastreams/Observations/id eq {entities['Observations']['@iot.id']}",
        "Datastreams?$filter=Thing/name eq 'one of each'",
    ):
        assert (await get(client, query))["value"] != []
        assert (await get(stranger, query))["value"] == []
    things = await get(stranger, "Things?$expand=Locations,Datastreams/Observations&$top=10000")
    assert own in [thing["@iot.id"] for thing in things["value"]]


async def test_S07_reading_needs_the_permission(service: Any) -> None:
    async with service.client(1, "key_device") as device:
        assert (await device.get("Things")).status_code == 200


async def test_observations_posted_at_the_hot_path_are_read_back(client: httpx.AsyncClient) -> None:
    thing = await create(client, "Things", a_tree("hot", observations=0))
    stream = (await get(client, f"Things({thing})/Datastreams"))["value"][0]["@iot.id"]
    posted = await client.post(
        f"Datastreams({stream})/Observations", json={"phenomenonTime": "2016-10-05T03:00:00Z", "result": 5.64}
    )
    assert posted.status_code == 201
    shown = await get(client, posted.headers["location"])
    assert (shown["phenomenonTime"], shown["result"], shown["resultTime"]) == (
        "2016-10-05T03:00:00Z",
        5.64,
        None,
    )
