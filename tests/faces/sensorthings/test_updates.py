# SPDX-License-Identifier: Apache-2.0
"""Which MQTT topics an entity is told of at; wildcards as MQTT 3.1.1, section 4.7 has them."""

from __future__ import annotations

import pytest

from cheoyong.faces.sensorthings.updates import PATHS_MAX, TOPICS_MAX, Wanted, entity_said, said, set_topics

OBSERVATION = {"@iot.id": 5, "result": 1.5, "Datastream@iot.navigationLink": "x/Datastream"}


@pytest.mark.parametrize(
    ("subscribed", "topic", "heard"),
    [
        ("v1//1.>", "v1//1.Things", True),
        ("v1//1.>", "v1//1.Datastreams(7).Observations", True),
        ("v1//1.>", "v1//1", False),
        ("v1//1.*", "v1//1.Things(3)", True),
        ("v1//1.*", "v1//1.Things(3).name", False),
        ("v1//1.*.Observations", "v1//1.Datastreams(7).Observations", True),
        ("v1//1.*.Observations", "v1//1.Observations", False),
        ("v1//1.Datastreams(7).Observations", "v1//1.Datastreams(77).Observations", False),
        ("out.CITY.v1//1.>", "v1//1.Things", False),
    ],
)
def test_a_topic_is_heard_by_name_and_by_wildcards_of_whole_levels(
    subscribed: str, topic: str, heard: bool
) -> None:
    assert Wanted.of([subscribed]).hears(topic) is heard


def test_only_select_may_follow_a_topic_and_anything_else_is_told_nothing() -> None:
    base = "v1//1.Observations"
    asked = [f"{base}?{query}" for query in ("$select=id,Datastream", "$top=1", "$select=result&$top=1", "")]
    assert list(said(Wanted.of(asked), [base], OBSERVATION)) == [
        (asked[0], {"@iot.id": 5, "Datastream@iot.navigationLink": "x/Datastream"})
    ]


def test_an_observation_of_a_multi_datastream_is_told_at_that_kind_of_stream() -> None:
    topics = set_topics("Observations", 8, multi=True)
    assert topics == ["v1//1.Observations", "v1//1.MultiDatastreams(8).Observations"]
    assert Wanted.of(topics[1:]).streams == {8}


def test_a_property_that_an_entity_has_not_is_told_as_null() -> None:
    own = "v1//1.Things(3)"
    wanted = Wanted.of([f"{own}.properties", f"{own}.nothing"])
    assert list(entity_said(wanted, own, "Things", {"name": "a"})) == [
        (f"{own}.properties", {"properties": None})
    ]


def test_F11_what_is_told_apart_is_bounded() -> None:
    wanted = Wanted.of(f"v1//1.Things({number}).Datastreams" for number in range(TOPICS_MAX + 5))
    assert (len(wanted.plain), len(wanted.paths)) == (TOPICS_MAX, PATHS_MAX)
