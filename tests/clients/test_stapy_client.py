# SPDX-License-Identifier: Apache-2.0
"""stapy against a running server, the key as its password; its data arrays send none, so netrc has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from running_city import City
from stapy import Delete, Entity, Patch, Post, Query, set_credentials, set_sta_url
from stapy.common.config import config
from stapy.sta.query import Expand

OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
METRE = {"name": "metre", "symbol": "m", "definition": "urn:m"}
BRIDGE = {"type": "Point", "coordinates": [129.3, 35.55]}

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("signed_in")]


@pytest.fixture
def signed_in(city: City, netrc: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)  # it keeps its settings in a file where it stands
    set_sta_url(city.root)
    set_credentials("any", city.key)
    yield
    for name in ("STA_URL", "STA_USR", "STA_PWD"):
        config.remove(name)


def gauge(name: str) -> int:
    """Id of a new Datastream with all it needs, each posted by itself.

    Not by their `full_datastream`: it sends a Sensor without the metadata that the standard demands.
    """
    place = Post.location(name, "on the bridge", "application/geo+json", BRIDGE)
    thing = Post.thing(name, "river gauge", location_id=place)
    sensor = Post.sensor(name, "radar", "text/plain", metadata="-")
    stage = Post.observed_property(name, "water level", "urn:stage")
    made: int = Post.datastream(name, "stage", METRE, OM, thing, stage, sensor)
    assert made > 0
    return made


def minutes(count: int) -> list[str]:
    return [f"2016-10-05T00:{minute:02}:00Z" for minute in range(count)]


def test_stapy_creates_entities_and_reads_them_expanded() -> None:
    stream = gauge("stapy tree")
    expand = Expand(Entity.Thing).expand(Expand(Entity.Location).get_expand()).get_expand()
    query = Query(Entity.Datastream).entity_id(stream).expand(expand)
    name, unit, thing = query.select("name", "unitOfMeasurement.symbol", "Thing").get_data_sets()
    assert (name, unit) == ("stapy tree", "m")
    assert thing["Locations"][0]["location"] == BRIDGE


def test_stapy_posts_one_observation_and_a_data_array() -> None:
    stream = gauge("stapy sends")
    assert Post.observation("2016-10-04T12:00:00Z", 0.5, datastream_id=stream) > 0
    Post.observations([1.0, 2.0], minutes(2), stream)
    results = (
        Query(Entity.Datastream).entity_id(stream).sub_entity(Entity.Observation)
        .order("phenomenonTime").select("result").get_data_sets()
    )  # fmt: skip
    assert results == [0.5, 1.0, 2.0]


def test_stapy_filters_orders_and_follows_pages() -> None:
    stream = gauge("stapy pages")
    Post.observations(list(range(25)), minutes(25), stream)

    def asked() -> Query:
        return Query(Entity.Datastream).entity_id(stream).sub_entity(Entity.Observation)

    paged = asked().order("result", asc=False).limit(10).select("result").get_data_sets()
    assert paged == list(range(24, -1, -1))
    few = asked().filter("result gt 3 and result le 6").order("result").select("result").get_data_sets()
    assert few == [4, 5, 6]
    skipped = asked().order("result").limit(10).offset(20).select("result").get_data_sets()
    assert skipped == [20, 21, 22, 23, 24]


def test_stapy_orders_inside_an_expand_with_its_own_spelling_of_the_option() -> None:
    stream = gauge("stapy expand")
    Post.observations([1.0, 2.0, 3.0], minutes(3), stream)
    newest = Expand(Entity.Observation).order("phenomenonTime", asc=False).limit(2).get_expand()
    assert "$orderBy=" in newest
    rows = Query(Entity.Datastream).entity_id(stream).expand(newest).select("Observations").get_data_sets()
    assert [row["result"] for row in rows] == [3.0, 2.0]


def test_stapy_patches_and_deletes() -> None:
    stream = gauge("stapy changes")
    assert Patch.datastream(stream, description="patched") == stream
    one = Query(Entity.Datastream).entity_id(stream).select("description")
    assert one.get_data_sets() == "patched"
    other_place = Post.location("quay", "beside", "application/geo+json", BRIDGE)
    expanded = Query(Entity.Datastream).entity_id(stream).expand("Thing").select("Thing").get_data_sets()
    thing = expanded["@iot.id"]
    assert Patch.thing(thing, location_id=other_place) == thing
    place = Query(Entity.Thing).entity_id(thing).sub_entity(Entity.Location).select("name").get_data_sets()
    assert place == "quay"
    Delete.query("Datastreams?$filter=name eq 'stapy changes'")
    left = Query(Entity.Thing).entity_id(thing).expand("Datastreams").select("Datastreams").get_data_sets()
    assert left == []
