# SPDX-License-Identifier: Apache-2.0
"""Requests as clients in the field send them, byte for byte, against a running server."""

from __future__ import annotations

from typing import Any

import pytest
from running_city import City
from serving import data_array, register, send

MINUTE_US = 60_000_000
START_US = 1_475_625_600_000_000  # 2016-10-05T00:00:00Z

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def stream(city: City) -> int:
    """A Datastream with values 0 … 4, one a minute."""
    _, made = register(city.http, "quirks")
    rows = [(START_US + n * MINUTE_US, float(n)) for n in range(5)]
    assert send(city.http, data_array(made, rows)).status_code == 201
    return made


def results(city: City, address: str) -> list[Any]:
    answer = city.http.get(f"/v1.1/{address}")
    assert answer.status_code == 200, answer.text
    return [row["result"] for row in answer.json()["value"]]


@pytest.mark.parametrize(
    "query",
    [
        "%24orderby=phenomenonTime%20desc&%24top=2",  # the dollar percent-encoded, as form encoders do
        "$orderby=phenomenonTime+desc&$top=2",  # a plus for the space
        "$orderby=phenomenonTime%20DESC&$top=2",  # as frost-sta-client writes it
        "$orderBy=phenomenonTime%20desc&$top=2",  # as stapy writes it
        "$orderby=phenomenonTime%20desc&$top=2&",  # an ampersand too many
    ],
)
def test_options_are_understood_however_they_are_spelt(city: City, stream: int, query: str) -> None:
    assert results(city, f"Datastreams({stream})/Observations?{query}") == [4.0, 3.0]


@pytest.mark.parametrize(
    "address",
    ["Datastreams({0})/Observations/", "Datastreams(id={0})/Observations",
     "Datastreams%28{0}%29/Observations", "/Datastreams({0})/Observations",
     "Datastreams('{0}')/Observations"],
)  # fmt: skip
def test_addresses_are_understood_however_they_are_spelt(city: City, stream: int, address: str) -> None:
    assert results(city, address.format(stream)) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_service_root_is_found_with_a_slash_at_its_end(city: City) -> None:
    assert city.http.get("/v1.1/").json() == city.http.get("/v1.1").json()


def test_the_largest_top_of_a_32_bit_client_is_understood(city: City, stream: int) -> None:
    assert len(results(city, f"Datastreams({stream})/Observations?$top=2147483647")) == 5


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [("gt", "lt", [2.0]), ("ge", "le", [1.0, 2.0, 3.0])],
)
def test_grafana_asks_for_the_times_of_its_panel(
    city: City, stream: int, below: str, above: str, expected: list[float]
) -> None:
    window = (
        f"phenomenonTime%20{below}%202016-10-05T00:01:00.000Z"
        f"%20and%20phenomenonTime%20{above}%202016-10-05T00:03:00.000Z"
    )
    for dollar in ("$", "%24"):
        address = f"Datastreams({stream})/Observations?{dollar}filter={window}"
        assert results(city, address) == expected
        assert results(city, f"{address}&{dollar}select=phenomenonTime,result&{dollar}top=10000") == expected


def test_a_time_in_quotes_is_a_time(city: City, stream: int) -> None:
    address = f"Datastreams({stream})/Observations?$filter=phenomenonTime%20lt%20'2016-10-05T00:01:00Z'"
    assert results(city, address) == [0.0]
    refused = city.http.get(f"/v1.1/{address.replace('2016', 'year')}")
    assert refused.status_code == 400, refused.text


def test_grafana_asks_where_a_thing_was(city: City) -> None:
    place = {"name": "quay", "description": "q", "encodingType": "application/vnd.geo+json",
             "location": {"type": "Point", "coordinates": [129.3, 35.5]}}  # fmt: skip
    made = city.http.post("/v1.1/Things", json={"name": "moves", "description": "m", "Locations": [place]})
    thing = made.json()["@iot.id"]
    window = "time%20gt%202016-01-01T00:00:00.000Z%20and%20time%20lt%202100-01-01T00:00:00.000Z"
    asked = city.http.get(f"/v1.1/Things({thing})/HistoricalLocations?$filter={window}&$expand=Locations")
    assert [row["Locations"][0]["name"] for row in asked.json()["value"]] == ["quay"]
    where = asked.json()["value"][0]["Locations"][0]["@iot.id"]
    asked = city.http.get(f"/v1.1/Locations({where})/HistoricalLocations?$filter={window}&$expand=Thing")
    assert [row["Thing"]["name"] for row in asked.json()["value"]] == ["moves"]


def test_a_patch_may_repeat_the_id_and_the_links_it_was_read_with(city: City) -> None:
    thing, _ = register(city.http, "patched")
    whole = city.http.get(f"/v1.1/Things({thing})").json()
    whole["description"] = "changed"
    assert city.http.patch(f"/v1.1/Things({thing})", json=whole).status_code == 200
    assert city.http.get(f"/v1.1/Things({thing})/description/$value").text == "changed"


def test_an_observation_may_carry_its_whole_datastream(city: City, stream: int) -> None:
    whole = city.http.get(f"/v1.1/Datastreams({stream})?$expand=Thing,Sensor,ObservedProperty").json()
    body = {"result": 9.0, "phenomenonTime": "2016-10-06T00:00:00Z", "Datastream": whole}
    for address in (
        "/v1.1/Observations",
        "/v1.1/Observations/",
        f"/v1.1/Datastreams({stream})/Observations/",
    ):
        body["phenomenonTime"] = f"2016-10-06T00:00:{len(address):02}Z"
        assert city.http.post(address, json=body).status_code == 201, address


@pytest.mark.parametrize("address", ["Things/", "/Things"])
def test_an_entity_may_be_posted_to_its_set_with_a_slash_too_many(city: City, address: str) -> None:
    made = city.http.post(f"/v1.1/{address}", json={"name": "slash", "description": "s"})
    assert made.status_code == 201, made.text
