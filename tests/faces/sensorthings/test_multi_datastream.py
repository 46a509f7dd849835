# SPDX-License-Identifier: Apache-2.0
"""MultiDatastreams (OGC 18-088 §8.3): arrays of results, a part for each observed property."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensorthings_bodies import (
    MEASUREMENT,
    a_datastream,
    a_multi_datastream,
    a_property,
    a_sensor,
    a_thing,
    create,
    get,
    made,
)

NAMES = ["speed", "direction", "gusts"]
TRUTH = MEASUREMENT.replace("Measurement", "TruthObservation")


def a_whole(parts: int = 3, **more: Any) -> dict[str, Any]:
    """A MultiDatastream with an owner, a sensor and observed properties of its own."""
    return a_multi_datastream(
        parts,
        **{
            "Thing": a_thing(),
            "Sensor": a_sensor(),
            "ObservedProperties": [{**a_property(), "name": name} for name in NAMES[:parts]],
            **more,
        },
    )


async def parts_of(client: httpx.AsyncClient, multi: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = (await get(client, f"MultiDatastreams({multi})/ObservedProperties"))[
        "value"
    ]
    return shown


async def test_a_multi_datastream_is_stored_inside_a_thing_with_all_that_hangs_on_it(
    client: httpx.AsyncClient,
) -> None:
    measured = [
        {"phenomenonTime": f"2016-10-05T03:0{minute}:00Z", "result": [minute / 4, 90 * minute, None]}
        for minute in range(3)
    ]
    inside = a_whole(Observations=measured)
    del inside["Thing"]
    thing = await create(client, "Things", a_thing("mast", MultiDatastreams=[inside]))
    query = "MultiDatastreams($expand=Sensor,ObservedProperties,Observations)"
    [multi] = (await get(client, f"Things({thing})?$expand={query}"))["MultiDatastreams"]
    for name in ("unitOfMeasurements", "observationType", "multiObservationDataTypes", "observedArea"):
        assert multi[name] == inside[name]
    assert multi["Sensor"]["name"] == "radar"
    assert [item["name"] for item in multi["ObservedProperties"]] == NAMES
    assert [item["result"] for item in multi["Observations"]] == [
        [0, 0, None],
        [0.25, 90, None],
        [0.5, 180, None],
    ]
    assert (await get(client, f"Things({thing})/Datastreams"))["value"] == []


async def test_a_fault_inside_a_multi_datastream_stores_nothing(
    service: Any, client: httpx.AsyncClient
) -> None:
    before = await service.owner.fetchval("SELECT count(*) FROM thing")
    inside = a_whole(Observations=[{"result": [1, 2]}])
    del inside["Thing"]
    answer = await client.post("Things", json=a_thing(MultiDatastreams=[inside]))
    assert (answer.status_code, answer.json()["where"]) == (422, "MultiDatastreams[0].Observations[0].result")
    assert await service.owner.fetchval("SELECT count(*) FROM thing") == before


async def test_the_observed_properties_keep_the_order_of_the_parts(client: httpx.AsyncClient) -> None:
    ids = [await create(client, "ObservedProperties", {**a_property(), "name": name}) for name in NAMES]
    order = [ids[2], ids[0], ids[1]]
    links = [{"@iot.id": row_id} for row_id in order]
    multi = await create(client, "MultiDatastreams", a_whole(ObservedProperties=links))
    assert [item["@iot.id"] for item in await parts_of(client, multi)] == order
    expanded = await get(client, f"MultiDatastreams({multi})?$expand=ObservedProperties($select=id)")
    assert [item["@iot.id"] for item in expanded["ObservedProperties"]] == order
    pages = f"MultiDatastreams({multi})/ObservedProperties?$top=2"
    first = await get(client, pages)
    second = await get(client, first["@iot.nextLink"])
    assert [item["@iot.id"] for item in first["value"] + second["value"]] == order
    sorted_by_name = await get(client, f"MultiDatastreams({multi})/ObservedProperties?$orderby=name")
    assert [item["name"] for item in sorted_by_name["value"]] == sorted(NAMES)


async def test_every_link_of_a_multi_datastream_leads_there_and_back(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(Observations=[{"result": [1, 2, 3]}]))
    shown = await get(client, f"MultiDatastreams({multi})")
    [observation] = (await get(client, shown["Observations@iot.navigationLink"]))["value"]
    links = {name.partition("@")[0] for name in observation if name.endswith("navigationLink")}
    assert links == {"MultiDatastream", "FeatureOfInterest"}
    assert await get(client, observation["MultiDatastream@iot.navigationLink"]) == shown
    assert (await client.get(f"{observation['@iot.selfLink']}/Datastream")).status_code == 404
    for link in ("Thing", "Sensor"):
        owner = await get(client, shown[f"{link}@iot.navigationLink"])
        assert (await get(client, owner["MultiDatastreams@iot.navigationLink"]))["value"] == [shown]
    for item in await parts_of(client, multi):
        assert (await get(client, item["MultiDatastreams@iot.navigationLink"]))["value"] == [shown]
        assert (await get(client, item["Datastreams@iot.navigationLink"]))["value"] == []


async def test_both_kinds_share_one_sequence_of_ids_and_are_told_apart(client: httpx.AsyncClient) -> None:
    first = await made(client, "Datastreams", a_datastream())
    multi = await create(client, "MultiDatastreams", a_whole())
    last = await made(client, "Datastreams", a_datastream())
    assert first < multi < last
    body = {"result": [1, 2, 3]}
    for path in (f"Datastreams({multi})", f"MultiDatastreams({first})"):
        assert (await client.get(path)).status_code == 404
        assert (await client.patch(path, json={"name": "x"})).status_code == 404
        assert (await client.delete(path)).status_code == 404
        assert (await client.post(f"{path}/Observations", json=body)).status_code == 404
    listed = {item["@iot.id"] for item in (await get(client, "Datastreams?$top=10000"))["value"]}
    multis = {item["@iot.id"] for item in (await get(client, "MultiDatastreams?$top=10000"))["value"]}
    assert (listed >= {first, last}, multi in multis, listed & multis) == (True, True, set())
    wrong = await client.post("Observations", json={**body, "Datastream": {"@iot.id": multi}})
    assert wrong.status_code == 404
    thing = await create(client, "Things", a_thing())
    taken = await client.patch(f"Things({thing})", json={"Datastreams": [{"@iot.id": multi}]})
    assert taken.status_code == 404


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"unitOfMeasurements": a_multi_datastream(2)["unitOfMeasurements"]}, "unitOfMeasurements"),
        ({"multiObservationDataTypes": [MEASUREMENT] * 2}, "ObservedProperties"),
        ({"multiObservationDataTypes": []}, "multiObservationDataTypes"),
        ({"multiObservationDataTypes": MEASUREMENT}, "multiObservationDataTypes"),
        ({"multiObservationDataTypes": [MEASUREMENT, "x", MEASUREMENT]}, "multiObservationDataTypes[1]"),
        ({"unitOfMeasurements": [{"name": "m"}] * 3}, "unitOfMeasurements[0].symbol"),
        ({"unitOfMeasurements": a_datastream()["unitOfMeasurement"]}, "unitOfMeasurements"),
        ({"ObservedProperties": [a_property()]}, "ObservedProperties"),
        ({"ObservedProperties": []}, "ObservedProperties"),
        ({"observationType": MEASUREMENT}, "observationType"),
        ({"Sensor": None}, "Sensor"),
        ({"Thing": None}, "Thing"),
        ({"ObservedProperty": {"@iot.id": 1}}, "ObservedProperty"),
        ({"unitOfMeasurement": {}}, "unitOfMeasurement"),
    ],
)
async def test_types_units_and_properties_are_as_many_as_each_other(
    client: httpx.AsyncClient, change: dict[str, Any], where: str
) -> None:
    answer = await client.post("MultiDatastreams", json=a_whole() | change)
    assert (answer.status_code, answer.json()["where"]) == (400, where), answer.text


async def test_no_part_is_of_the_same_observed_property_as_another(client: httpx.AsyncClient) -> None:
    observed = await create(client, "ObservedProperties", a_property())
    body = a_whole(2, ObservedProperties=[{"@iot.id": observed}] * 2)
    answer = await client.post("MultiDatastreams", json=body)
    assert (answer.status_code, answer.json()["where"]) == (400, "ObservedProperties")


async def test_the_type_of_a_multi_datastream_need_not_be_said(client: httpx.AsyncClient) -> None:
    for said in (None, ""):  # frost-sta-client has the second unless told otherwise, and leaves it out
        multi = await create(client, "MultiDatastreams", a_whole(observationType=said))
        shown = await get(client, f"MultiDatastreams({multi})")
        assert shown["observationType"].endswith("/OM_ComplexObservation")


@pytest.mark.parametrize(
    ("result", "status", "where"),
    [
        ([1, 2], 422, "result"),
        ([1, 2, True, 4], 422, "result"),
        (1, 422, "result"),
        ({"a": 1}, 422, "result"),
        ([], 422, "result"),
        (["1", 2, True], 422, "result[0]"),
        ([True, 2, True], 422, "result[0]"),
        ([1, 2, 3], 422, "result[2]"),
        ([10**400, 2, True], 422, "result[0]"),
        ([None, None, None], 400, "result"),
        (None, 400, "result"),
    ],
)
async def test_a_result_is_an_array_with_a_part_of_the_right_type_for_each_property(
    client: httpx.AsyncClient, result: Any, status: int, where: str
) -> None:
    multi = await create(
        client, "MultiDatastreams", a_whole(multiObservationDataTypes=[MEASUREMENT, MEASUREMENT, TRUTH])
    )
    path = f"MultiDatastreams({multi})/Observations"
    answer = await client.post(path, json={"result": result})
    assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert (await get(client, path))["value"] == []
    assert (await client.post(path, json={"result": [1.5, None, False]})).status_code == 201
    assert [item["result"] for item in (await get(client, path))["value"]] == [[1.5, None, False]]


async def test_a_single_datastream_of_arrays_is_not_taken_for_several_values(
    client: httpx.AsyncClient,
) -> None:
    any_result = MEASUREMENT.replace("Measurement", "Observation")
    stream = await made(client, "Datastreams", a_datastream(observationType=any_result))
    await client.post(f"Datastreams({stream})/Observations", json={"result": [1, 2]})
    [shown] = (await get(client, f"Datastreams({stream})/Observations"))["value"]
    assert shown["result"] == [1, 2]
    assert "Datastream@iot.navigationLink" in shown
    assert "MultiDatastream@iot.navigationLink" not in shown


async def test_observations_of_several_values_come_and_go_as_data_arrays(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    single = await made(client, "Datastreams", a_datastream())
    times = [f"2016-10-05T03:0{minute}:00Z" for minute in range(3)]
    rows = [[time, [place, place * 2.5]] for place, time in enumerate(times)]
    body = [
        {
            "MultiDatastream": {"@iot.id": multi}, "components": ["phenomenonTime", "result"],
            "dataArray": rows,
        },
        {"Datastream": {"@iot.id": single}, "components": ["result"], "dataArray": [[7]]},
    ]  # fmt: skip
    answer = await client.post("CreateObservations", json=body)
    assert (answer.status_code, len(answer.json())) == (201, 4)
    query = "$resultFormat=dataArray&$select=phenomenonTime,result"
    [array] = (await get(client, f"MultiDatastreams({multi})/Observations?{query}"))["value"]
    assert array["MultiDatastream@iot.navigationLink"].endswith(f"/MultiDatastreams({multi})")
    assert (array["components"], array["dataArray"]) == (["phenomenonTime", "result"], rows)
    mixed = await get(
        client, f"Observations?{query}&$filter=MultiDatastream/id eq {multi} or Datastream/id eq {single}"
    )
    assert {next(iter(item)) for item in mixed["value"]} == {
        "MultiDatastream@iot.navigationLink", "Datastream@iot.navigationLink",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ({"Datastream"}, 404),
        ({"Datastream", "MultiDatastream"}, 400),
        (set(), 400),
        ({"MultiDatastream"}, 201),
    ],
)
async def test_a_data_array_names_one_datastream_of_the_right_kind(
    client: httpx.AsyncClient, names: set[str], status: int
) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    entry = {"components": ["result"], "dataArray": [[[1, 2]]]} | {name: {"@iot.id": multi} for name in names}
    answer = await client.post("CreateObservations", json=[entry])
    assert answer.status_code == status, answer.text
    single = await made(client, "Datastreams", a_datastream())
    wrong = {"MultiDatastream": {"@iot.id": single}, "components": ["result"], "dataArray": [[1]]}
    assert (await client.post("CreateObservations", json=[wrong])).status_code == 404


async def test_a_bad_array_among_good_ones_is_told_by_its_place(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    rows = [[[1, 2]], [[1, "2"]], [[3, None]], [[1, 2, 3]]]
    entry = {"MultiDatastream": {"@iot.id": multi}, "components": ["result"], "dataArray": rows}
    answer = await client.post("CreateObservations", json=[entry])
    assert answer.status_code == 201
    said = answer.json()
    assert [text.startswith("error") for text in said] == [False, True, False, True]
    assert "result[1]" in said[1]
    assert "an array of 2" in said[3]
    stored = (await get(client, f"MultiDatastreams({multi})/Observations"))["value"]
    assert [item["result"] for item in stored] == [[1, 2], [3, None]]


async def test_filters_orders_and_selections_reach_multi_datastreams(client: httpx.AsyncClient) -> None:
    whole = a_whole(name="filtered", properties={"height_m": 42}, Observations=[{"result": [1, 2, 3]}])
    multi = await create(client, "MultiDatastreams", whole)
    for query in (
        "MultiDatastreams?$filter=properties/height_m eq 42 and name eq 'filtered'",
        "MultiDatastreams?$filter=name eq 'filtered' and ObservedProperties/name eq 'direction'",
        "MultiDatastreams?$filter=name eq 'filtered'&$orderby=Thing/name,name desc",
    ):
        assert [item["@iot.id"] for item in (await get(client, query))["value"]] == [multi]
    for query in (
        "Things?$filter=MultiDatastreams/name eq 'filtered'",
        "Sensors?$filter=MultiDatastreams/name eq 'filtered'",
        "ObservedProperties?$filter=MultiDatastreams/name eq 'filtered' and name eq 'gusts'",
        "Observations?$filter=MultiDatastream/properties/height_m eq 42",
    ):
        assert len((await get(client, query))["value"]) == 1, query
    shown = await get(client, f"MultiDatastreams({multi})?$select=name,unitOfMeasurements")
    assert set(shown) == {"name", "unitOfMeasurements"}
    counted = await get(client, "MultiDatastreams?$filter=name eq 'filtered'&$count=true&$top=0")
    assert counted["@iot.count"] == 1
    [observation] = (await get(client, f"MultiDatastreams({multi})/Observations?$select=MultiDatastream"))[
        "value"
    ]
    assert set(observation) == {"MultiDatastream@iot.navigationLink"}
    query = "Observations?$filter=MultiDatastream/name eq 'filtered'&$expand=MultiDatastream,Datastream"
    [observation] = (await get(client, query))["value"]
    assert (observation["MultiDatastream"]["@iot.id"], observation["Datastream"]) == (multi, None)


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("MultiDatastream", {"Thing", "Sensor", "ObservedProperty"}),
        ("Thing", {"Sensor", "ObservedProperty"}),
        ("Sensor", {"Thing", "ObservedProperty"}),
        ("ObservedProperty", {"Thing", "Sensor"}),
        ("Observation", {"Thing", "Sensor", "ObservedProperty", "MultiDatastream"}),
    ],
)
async def test_a_multi_datastream_goes_with_each_of_its_owners_and_takes_its_observations(
    client: httpx.AsyncClient, what: str, left: set[str]
) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(Observations=[{"result": [1, 2, 3]}]))
    here = f"MultiDatastreams({multi})"
    links = {
        "MultiDatastream": here,
        "Thing": (await get(client, f"{here}/Thing"))["@iot.selfLink"],
        "Sensor": (await get(client, f"{here}/Sensor"))["@iot.selfLink"],
        "ObservedProperty": (await parts_of(client, multi))[1]["@iot.selfLink"],
        "Observation": (await get(client, f"{here}/Observations"))["value"][0]["@iot.selfLink"],
    }
    assert (await client.delete(links[what])).status_code == 200
    for name, link in links.items():
        assert (await client.get(link)).status_code == (200 if name in left else 404), name


async def test_a_multi_datastream_is_changed_and_keeps_its_constraints(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    here = f"MultiDatastreams({multi})"
    changed = await client.patch(here, json={"name": "renamed", "properties": {"new": 1}})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["properties"]) == ("renamed", {"height_m": 10, "new": 1})
    short = await client.patch(here, json={"multiObservationDataTypes": [MEASUREMENT]})
    assert short.status_code == 400
    fewer = await client.patch(here, json={"ObservedProperties": []})
    assert (fewer.status_code, fewer.json()["where"]) == (400, "ObservedProperties")
    other = await create(client, "ObservedProperties", {**a_property(), "name": "rain"})
    parts = [item["@iot.id"] for item in await parts_of(client, multi)]
    order = [other, *reversed(parts)]
    three = {
        "multiObservationDataTypes": [MEASUREMENT] * 3,
        "unitOfMeasurements": a_multi_datastream(3)["unitOfMeasurements"],
        "ObservedProperties": [{"@iot.id": row_id} for row_id in order],
    }
    assert (await client.patch(here, json=three)).status_code == 200
    assert [item["@iot.id"] for item in await parts_of(client, multi)] == order
    assert (await client.post(f"{here}/Observations", json={"result": [1, 2, 3]})).status_code == 201
    back = {
        "multiObservationDataTypes": [MEASUREMENT],
        "unitOfMeasurements": a_multi_datastream(1)["unitOfMeasurements"],
        "ObservedProperties": [{"@iot.id": other}],
    }
    refused = await client.patch(here, json=back)
    assert (refused.status_code, refused.json()["where"]) == (409, "multiObservationDataTypes")
    put = await client.put(here, json={**a_multi_datastream(3), "name": "put"})
    assert (put.status_code, put.json()["name"]) == (200, "put")
    assert [item["@iot.id"] for item in await parts_of(client, multi)] == order


async def test_of_which_properties_the_parts_were_is_kept(service: Any, client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    before = [item["@iot.id"] for item in await parts_of(client, multi)]
    after = before[::-1]
    links = {"ObservedProperties": [{"@iot.id": row_id} for row_id in after]}
    assert (await client.patch(f"MultiDatastreams({multi})", json=links)).status_code == 200
    assert (await client.delete(f"MultiDatastreams({multi})")).status_code == 200
    kept = await service.owner.fetch(
        "SELECT (was ->> 'observed_property_id')::int AS id FROM registry_past"
        " WHERE noun = 'datastream_part' AND row_id = $1 ORDER BY xid, (was ->> 'place')::int",
        multi,
    )
    assert [row["id"] for row in kept] == before + after


async def test_a_multi_datastream_gets_another_owner_from_either_end(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole())
    thing, sensor = await create(client, "Things", a_thing()), await create(client, "Sensors", a_sensor())
    linked = await client.patch(f"MultiDatastreams({multi})", json={"Sensor": {"@iot.id": sensor}})
    taken = await client.patch(f"Things({thing})", json={"MultiDatastreams": [{"@iot.id": multi}]})
    assert (linked.status_code, taken.status_code) == (200, 200)
    assert (await get(client, f"MultiDatastreams({multi})/Thing"))["@iot.id"] == thing
    assert (await get(client, f"MultiDatastreams({multi})/Sensor"))["@iot.id"] == sensor
    under = a_whole()
    del under["Thing"]
    second = await create(client, f"Things({thing})/MultiDatastreams", under)
    listed = (await get(client, f"Things({thing})/MultiDatastreams"))["value"]
    assert [item["@iot.id"] for item in listed] == [multi, second]
    observed = (await parts_of(client, multi))[0]["@iot.id"]
    answer = await client.patch(
        f"ObservedProperties({observed})", json={"MultiDatastreams": [{"@iot.id": second}]}
    )
    assert (answer.status_code, answer.json()["where"]) == (501, "MultiDatastreams")


async def test_an_observation_can_be_changed_and_moved_between_both_kinds(client: httpx.AsyncClient) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(2))
    single = await made(client, "Datastreams", a_datastream())
    body = {"MultiDatastream": {"@iot.id": multi}, "phenomenonTime": "2016-10-05T03:00:00Z", "result": [1, 2]}
    here = (await client.post("Observations", json=body)).headers["location"]
    assert (await client.patch(here, json={"result": [1]})).status_code == 422
    assert (await client.patch(here, json={"result": [3, 4]})).json()["result"] == [3, 4]
    moved = await client.patch(here, json={"result": 5, "Datastream": {"@iot.id": single}})
    assert (moved.status_code, moved.json()["result"]) == (200, 5)
    assert (await get(client, f"{here}/Datastream"))["@iot.id"] == single
    assert (await client.get(f"{here}/MultiDatastream")).status_code == 404
    both = {"Datastream": {"@iot.id": single}, "MultiDatastream": {"@iot.id": multi}}
    assert (await client.patch(here, json={"result": [1, 2], **both})).status_code == 400
    back = await client.patch(here, json={"result": [1, 2], "MultiDatastream": {"@iot.id": multi}})
    assert "MultiDatastream@iot.navigationLink" in back.json()


async def test_S08_a_multi_datastream_of_another_organisation_does_not_exist(
    service: Any, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    multi = await create(client, "MultiDatastreams", a_whole(Observations=[{"result": [1, 2, 3]}]))
    observed = (await parts_of(client, multi))[0]["@iot.id"]
    here = f"MultiDatastreams({multi})"
    for path in (here, f"{here}/ObservedProperties", f"{here}/Observations", f"{here}/Thing"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(here, json={"name": "x"})).status_code == 404
    assert (await stranger.delete(here)).status_code == 404
    assert (await stranger.post(f"{here}/Observations", json={"result": [1, 2, 3]})).status_code == 404
    assert (await get(stranger, "MultiDatastreams?$count=true"))["@iot.count"] == 0
    linked = await stranger.post(
        "MultiDatastreams", json=a_whole(1, ObservedProperties=[{"@iot.id": observed}])
    )
    assert linked.status_code == 404
    assert await service.owner.fetchval("SELECT count(*) FROM datastream_part WHERE organisation_id = 2") == 0


_MEMBERS = st.sampled_from(
    ("multiObservationDataTypes", "unitOfMeasurements", "ObservedProperties", "observationType", "Thing",
     "Observations", "result", "name", "symbol", "@iot.id", "Datastream", "MultiDatastream", "properties")
)  # fmt: skip
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from((MEASUREMENT, "")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=4),
    max_leaves=12,
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def targets(service: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Where a multi-datastream or its observations are written, with a good body for each."""
    async with service.client(1) as client:
        multi = await create(client, "MultiDatastreams", a_whole(Observations=[{"result": [1, 2, 3]}]))
        [observation] = (await get(client, f"MultiDatastreams({multi})/Observations"))["value"]
    array = {"MultiDatastream": {"@iot.id": multi}, "components": ["result"], "dataArray": [[[1, 2, 3]]]}
    return [
        ("POST", "MultiDatastreams", a_whole()),
        ("PATCH", f"MultiDatastreams({multi})", {}),
        ("PUT", f"MultiDatastreams({multi})", a_multi_datastream(3)),
        ("POST", f"MultiDatastreams({multi})/Observations", {"result": [1, 2, 3]}),
        ("PATCH", observation["@iot.selfLink"], {}),
        ("POST", "CreateObservations", array),
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 5), faults=st.dictionaries(_MEMBERS, _JSON, min_size=1, max_size=2))
async def test_S27_a_malformed_multi_datastream_never_makes_the_server_fail(
    client: httpx.AsyncClient,
    targets: list[tuple[str, str, dict[str, Any]]],
    place: int,
    faults: dict[str, Any],
) -> None:
    method, path, good = targets[place]
    body: Any = {**good, **faults}
    if path == "CreateObservations":
        body = [{**body, "dataArray": [[faults.get("result")], *good["dataArray"]]}]
    answer = await client.request(method, path, content=json.dumps(body))
    assert answer.status_code in (200, 201, 400, 404, 409, 413, 422, 501), answer.text
