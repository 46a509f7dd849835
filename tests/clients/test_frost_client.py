# SPDX-License-Identifier: Apache-2.0
"""frost-sta-client (Fraunhofer IOSB) against a running server, the key sent as a Basic password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import frost_sta_client as fsc
import pytest
import requests
from geojson import Point
from running_city import City

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
START = datetime(2016, 10, 5, tzinfo=UTC)

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def service(city: City) -> fsc.SensorThingsService:
    return fsc.SensorThingsService(city.root, auth_handler=fsc.AuthHandler("any", city.key))


def gauge(name: str) -> fsc.Thing:
    """A Thing with its place and one Datastream, as their manual builds one."""
    stream = fsc.Datastream(
        name=name, description="stage", observation_type=OM,
        unit_of_measurement=fsc.UnitOfMeasurement(name="metre", symbol="m", definition="urn:m"),
        sensor=fsc.Sensor(name=name, description="radar", encoding_type="text/plain", metadata="-"),
        observed_property=fsc.ObservedProperty(name=name, definition="urn:stage", description="water level"),
    )  # fmt: skip
    place = fsc.Location(
        name="bridge", description="on it", encoding_type="application/geo+json",
        location=Point((129.3, 35.55)),
    )  # fmt: skip
    return fsc.Thing(
        name=name, description="river gauge", properties={"floor": 3}, locations=[place], datastreams=[stream]
    )


@pytest.fixture
def stream(service: fsc.SensorThingsService, request: pytest.FixtureRequest) -> fsc.Datastream:
    """The Datastream of a new gauge, read back from the server."""
    made = gauge(f"frost {request.node.name}")
    service.create(made)
    return made.get_datastreams().query().list().get(0)


def observe(service: fsc.SensorThingsService, stream: fsc.Datastream, count: int) -> None:
    """Values 0, 1, 2 … one a minute, as a data array."""
    parts = fsc.DataArrayValue()
    parts.datastream = stream
    parts.components = {parts.Property.PHENOMENON_TIME, parts.Property.RESULT}
    for minute in range(count):
        at = START + timedelta(minutes=minute)
        parts.add_observation(fsc.Observation(phenomenon_time=at, result=minute, datastream=stream))
    document = fsc.DataArrayDocument()
    document.add_data_array_value(parts)
    assert len(service.observations().create(document)) == count


def test_frost_client_creates_a_tree_and_reads_it_back(service: fsc.SensorThingsService) -> None:
    made = gauge("frost tree")
    service.create(made)
    found = service.things().find(made.id)
    assert (found.name, found.description, found.properties) == ("frost tree", "river gauge", {"floor": 3})
    place = found.get_locations().query().list().get(0)
    assert place.location["coordinates"] == [129.3, 35.55]


def test_frost_client_posts_an_observation_with_the_whole_datastream_inside(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    observation = fsc.Observation(result=1.25, phenomenon_time=START.isoformat(), datastream=stream)
    assert len(observation.__getstate__()["Datastream"]) > 3, "the client inlines all it knows of it"
    service.create(observation)
    found = service.observations().find(observation.id)
    assert (found.result, found.phenomenon_time) == (1.25, "2016-10-05T00:00:00Z")


def test_frost_client_expands_filters_orders_and_selects(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    observe(service, stream, 5)
    listed = (
        service.datastreams().query().filter(f"id eq {stream.id}")
        .expand("Thing($expand=Locations),Observations($orderby=phenomenonTime desc;$top=2)").count().list()
    )  # fmt: skip
    assert listed.count == 1
    only = listed.get(0)
    assert only.thing.locations.get(0).name == "bridge"
    assert [row.result for row in only.observations.entities] == [4, 3]
    chosen = stream.get_observations().query().filter(
        "result ge 1 and phenomenonTime lt 2016-10-05T00:03:00Z"
    ).orderby("result", "DESC").select("result").list()  # fmt: skip
    assert [row.result for row in chosen] == [2, 1]


def test_frost_client_follows_pages_and_sees_each_observation_once(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    observe(service, stream, 25)
    listed = stream.get_observations().query().orderby("phenomenonTime", "ASC").top(10).count().list()
    assert listed.count == 25
    assert [row.result for row in listed] == list(range(25))


def test_frost_client_takes_all_at_once_with_the_largest_top(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    observe(service, stream, 120)
    listed = stream.get_observations().query().top(2_147_483_647).list()
    assert (len(listed.entities), listed.next_link) == (120, None)


def test_frost_client_patches_puts_and_deletes(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    service.datastreams().patch(stream, [{"op": "replace", "path": "/description", "value": "patched"}])
    assert service.datastreams().find(stream.id).description == "patched"
    whole = service.datastreams().find(stream.id)
    whole.description = "put"
    service.update(whole)  # sends its own id and everything it read
    assert service.datastreams().find(stream.id).description == "put"
    service.delete(whole)
    with pytest.raises(requests.HTTPError, match="404"):
        service.datastreams().find(stream.id)


def test_frost_client_puts_an_observation_it_has_read(
    service: fsc.SensorThingsService, stream: fsc.Datastream
) -> None:
    observe(service, stream, 1)
    row = stream.get_observations().query().expand("Datastream").list().get(0)
    row.result = 7.5
    service.update(row)  # sends the expanded Datastream back, whole
    assert service.observations().find(row.id).result == 7.5


def test_frost_client_with_a_wrong_key_is_told_so(city: City) -> None:
    stranger = fsc.SensorThingsService(city.root, auth_handler=fsc.AuthHandler("any", "wrong"))
    with pytest.raises(requests.HTTPError, match="401"):
        stranger.things().query().list()
