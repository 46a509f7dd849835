# SPDX-License-Identifier: Apache-2.0
"""istsos4-client (IST SUPSI) against a running server; it has no way to sign in by key, so netrc has it.

What istSOS adds to the standard is not served: its /Login, /BulkObservations, Networks, Users, Policies.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests
from istsos4_client import (
    Client,
    Datastream,
    FeatureOfInterest,
    Location,
    Network,
    Observation,
    ObservedProperty,
    Sensor,
    Thing,
    UnitOfMeasurement,
)
from running_city import City

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
START = datetime(2016, 10, 5, tzinfo=UTC)

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("netrc")]


@pytest.fixture
def client(city: City) -> Client:
    return Client(city.root, max_retries=0)


def gauge(client: Client, name: str) -> Datastream:
    """A Datastream with a new Thing, its Location, Sensor and ObservedProperty in one deep insert."""
    place = Location(
        name="bridge", description="on it", location={"type": "Point", "coordinates": [129.3, 35.55]}
    )
    return client.post(
        Datastream(
            name=name, description="stage", observation_type=OM,
            unit_of_measurement=UnitOfMeasurement(name="metre", symbol="m", definition="urn:m"),
            thing=Thing(name=name, description="gauge", locations=[place]),
            sensor=Sensor(name=name, description="radar", encoding_type="text/plain", metadata="-"),
            observed_property=ObservedProperty(name=name, description="level", definition="urn:stage"),
        )
    )  # fmt: skip


def observe(client: Client, stream: Datastream, count: int) -> list[int]:
    made = [
        client.post(
            Observation(result=minute, phenomenon_time=START + timedelta(minutes=minute), datastream=stream)
        )
        for minute in range(count)
    ]
    return [row.iot_id for row in made if row.iot_id is not None]


def test_istsos_client_creates_a_tree_and_reads_it_expanded(client: Client) -> None:
    stream = gauge(client, "istsos tree")
    assert stream.iot_id is not None
    found = client.get(Datastream, stream.iot_id, expand="Thing($expand=Locations),Sensor,ObservedProperty")
    assert isinstance(found.thing, Thing)
    assert found.thing.locations is not None
    assert (found.name, found.thing.locations[0].name) == ("istsos tree", "bridge")  # type: ignore[union-attr]


def test_istsos_client_filters_orders_and_pages_through_observations(client: Client) -> None:
    stream = gauge(client, "istsos pages")
    observe(client, stream, 12)
    mine = f"Datastream/id eq {stream.iot_id}"
    rows = client.list(Observation, filter=mine, orderby="phenomenonTime desc", top=5)
    assert [row.result for row in rows] == list(range(11, -1, -1))
    rows = client.list(Observation, filter=f"{mine} and result gt 8", expand="Datastream")
    assert sorted(row.result for row in rows) == [9, 10, 11]
    assert {row.datastream.iot_id for row in rows} == {stream.iot_id}


def test_istsos_client_finds_by_a_time_in_quotes(client: Client) -> None:
    stream = gauge(client, "istsos quotes")
    observe(client, stream, 3)
    mine = f"Datastream/id eq {stream.iot_id}"
    rows = client.list(Observation, filter=f"{mine} and phenomenonTime eq '2016-10-05T00:01:00Z'")
    assert [row.result for row in rows] == [1]


def test_istsos_client_changes_and_deletes(client: Client) -> None:
    stream = gauge(client, "istsos changes")
    (row_id,) = observe(client, stream, 1)
    client.patch(Observation(iot_id=row_id, result=9.5), commit_message="a correction")
    assert client.get(Observation, row_id).result == 9.5
    client.delete(Observation, row_id)
    with pytest.raises(requests.HTTPError, match="404"):
        client.get(Observation, row_id)


def test_istsos_client_gives_a_feature_with_an_observation(client: Client) -> None:
    stream = gauge(client, "istsos feature")
    pier = client.post(
        FeatureOfInterest(
            name="pier", description="the second", encoding_type="application/geo+json",
            feature={"type": "Point", "coordinates": [129.31, 35.56]},
        )
    )  # fmt: skip
    row = client.post(
        Observation(result=1.0, phenomenon_time=START, datastream=stream, feature_of_interest=pier)
    )
    assert row.iot_id is not None
    found = client.get(Observation, row.iot_id, expand="FeatureOfInterest").feature_of_interest
    assert isinstance(found, FeatureOfInterest)
    assert found.name == "pier"


def test_istsos_extensions_that_are_not_served_are_refused_by_a_clear_answer(
    client: Client, city: City
) -> None:
    stream = gauge(client, "istsos bulk")
    row = Observation(result=1.0, phenomenon_time=START, datastream=stream)
    with pytest.raises(requests.HTTPError, match=r"40[45]"):
        client.bulk_observations([row])
    with pytest.raises(requests.HTTPError, match="404"):
        client.list(Network)
    with pytest.raises(requests.HTTPError, match=r"40[145]"):
        Client(city.root, "any", city.key, max_retries=0).list(Thing)
