# SPDX-License-Identifier: Apache-2.0
"""The feature that an observation names is there and one's own, whatever door the observation comes by."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import FEATURE, a_sensor, a_tree, create, get, stream_of
from test_batch import post_json

TIME = "2016-10-05T03:00:00Z"


async def _stream(client: httpx.AsyncClient) -> int:
    thing = await create(client, "Things", a_tree("of a feature", observations=0))
    return int((await stream_of(client, thing))["@iot.id"])


async def _count(client: httpx.AsyncClient, stream: int) -> int:
    return int((await client.get(f"Datastreams({stream})/Observations/$count")).text)


def _of(feature: int, result: float = 1) -> dict[str, Any]:
    return {"phenomenonTime": TIME, "result": result, "FeatureOfInterest": {"@iot.id": feature}}


async def test_an_observation_names_a_feature_that_is_there(client: httpx.AsyncClient) -> None:
    stream, feature = await _stream(client), await create(client, "FeaturesOfInterest", FEATURE)
    path = f"Datastreams({stream})/Observations"
    response = await client.post(path, json=_of(feature))
    assert response.status_code == 201
    assert (await get(client, f"{response.headers['location']}/FeatureOfInterest"))["@iot.id"] == feature
    for absent in (0, -999_999_999, 999_999_999, 2**62, -(2**62)):
        refused = await client.post(path, json=_of(absent, 2))
        assert (refused.status_code, refused.json()["where"]) == (404, "FeatureOfInterest")
        assert f"FeaturesOfInterest({absent})" in refused.json()["detail"]
    assert await _count(client, stream) == 1


async def test_S09_anothers_feature_is_refused_in_the_words_for_one_that_is_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """By every door of the face: alone, as rows, in a batch, in a group, nested in a Datastream."""
    theirs, stream = await create(stranger, "FeaturesOfInterest", FEATURE), await _stream(client)
    path = f"Datastreams({stream})/Observations"
    components = ["phenomenonTime", "result", "FeatureOfInterest/id"]

    async def answers(feature: int) -> list[tuple[int, str]]:
        rows = [[TIME, 1, feature], [TIME, 2, feature]]
        array = {"Datastream": {"@iot.id": stream}, "components": components, "dataArray": rows}
        alone = await client.post(path, json=_of(feature))
        many = await client.post("CreateObservations", json=[array])
        [lone] = await post_json(client, {"method": "post", "url": path, "body": _of(feature)})
        group = [
            {"method": "post", "url": "Sensors", "body": a_sensor(), "atomicityGroup": "g"},
            {"method": "post", "url": path, "body": _of(feature), "atomicityGroup": "g"},
        ]
        _, grouped = await post_json(client, *group)
        tree = a_tree("nested", observations=1)
        tree["Datastreams"][0]["Observations"][0]["FeatureOfInterest"] = {"@iot.id": feature}
        nested = await client.post("Things", json=tree)
        parts = [(part["status"], str(part["body"]["detail"])) for part in (lone, grouped)]
        whole = [(r.status_code, str(r.json()["detail"])) for r in (alone, many, nested)]
        return [(status, detail.replace(str(feature), "N")) for status, detail in parts + whole]

    absent = await answers(999_999_999)
    assert {status for status, _ in absent} == {404}
    assert await answers(theirs) == absent
    assert await _count(client, stream) == 0


async def test_a_row_with_a_wrong_feature_is_told_and_the_others_are_stored(
    client: httpx.AsyncClient,
) -> None:
    streams = [await _stream(client), await _stream(client)]
    feature = await create(client, "FeaturesOfInterest", FEATURE)
    components = ["phenomenonTime", "result", "FeatureOfInterest/id"]
    rows = [[TIME, 1, feature], ["x", 2, feature], [TIME, 3, 999_999_999], [TIME, 4, None]]
    arrays = [
        {"Datastream": {"@iot.id": stream}, "components": components, "dataArray": rows} for stream in streams
    ]
    response = await client.post("CreateObservations", json=arrays)
    assert response.status_code == 201
    answers = response.json()
    for place, start in ((0, 0), (1, 4)):
        first, bad_time, bad_feature, last = answers[start : start + 4]
        assert bad_time.startswith(f"error: [{place}].dataArray[1].phenomenonTime")
        assert bad_feature.startswith(f"error: [{place}].dataArray[2].FeatureOfInterest/id: there is no")
        assert [(await get(client, link))["result"] for link in (first, last)] == [1, 4]
        assert (await get(client, f"{first}/FeatureOfInterest"))["@iot.id"] == feature
        assert (await get(client, f"{last}/FeatureOfInterest"))["@iot.id"] < 0
        assert await _count(client, streams[place]) == 2


async def test_naming_the_place_of_its_own_thing_is_to_say_nothing(
    client: httpx.AsyncClient, service: Any
) -> None:
    """As a client does that reads an observation and sends it again."""
    stream, other = await _stream(client), await _stream(client)
    path = f"Datastreams({stream})/Observations"
    plain = await client.post(path, json={"phenomenonTime": TIME, "result": 1})
    place = (await get(client, f"{plain.headers['location']}/FeatureOfInterest"))["@iot.id"]
    assert place < 0
    again = await client.post(path, json=_of(place))
    assert again.headers["location"] == plain.headers["location"]
    timed = await client.post(path, json={**_of(place), "resultTime": TIME})
    assert timed.headers["location"] != plain.headers["location"]
    stored = await service.owner.fetch("SELECT feature_id FROM observation WHERE datastream_id = $1", stream)
    assert [row["feature_id"] for row in stored] == [None, None]
    elsewhere = await client.post(f"Datastreams({other})/Observations", json=_of(place))
    assert elsewhere.status_code == 404


async def test_a_feature_of_a_group_may_be_named_in_it(client: httpx.AsyncClient) -> None:
    path = f"Datastreams({await _stream(client)})/Observations"
    observation = {"result": 3, "FeatureOfInterest": {"@iot.id": "$f"}}
    answers = await post_json(
        client,
        {"id": "f", "method": "post", "url": "FeaturesOfInterest", "body": FEATURE, "atomicityGroup": "g"},
        {"method": "post", "url": path, "body": observation, "atomicityGroup": "g"},
    )
    assert [answer["status"] for answer in answers] == [201, 201], answers
    shown = await get(client, f"{answers[1]['location']}/FeatureOfInterest")
    assert shown["@iot.selfLink"] == answers[0]["location"]


async def test_a_deleted_feature_takes_its_observations_and_is_named_no_more(
    client: httpx.AsyncClient,
) -> None:
    stream, feature = await _stream(client), await create(client, "FeaturesOfInterest", FEATURE)
    path = f"Datastreams({stream})/Observations"
    gone = (await client.post(path, json=_of(feature, 1))).headers["location"]
    kept = (await client.post(path, json={"phenomenonTime": TIME, "result": 2})).headers["location"]
    assert (await client.delete(f"FeaturesOfInterest({feature})")).status_code == 200
    assert (await client.get(gone)).status_code == 404
    assert (await get(client, kept))["result"] == 2
    assert (await client.post(path, json=_of(feature, 3))).status_code == 404
    assert await _count(client, stream) == 1


@pytest.mark.parametrize("by", ["alone", "as rows"])
async def test_a_feature_deleted_by_another_process_takes_nothing_even_while_it_is_remembered(
    client: httpx.AsyncClient, service: Any, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement that stores looks for the feature; what is remembered may be a second old."""
    stream, feature = await _stream(client), await create(client, "FeaturesOfInterest", FEATURE)
    path = f"Datastreams({stream})/Observations"
    assert (await client.post(path, json=_of(feature, 1))).status_code == 201
    monkeypatch.setattr("cheoyong.flow.directory.REFRESH_S", 3600.0)
    await service.owner.execute("DELETE FROM feature WHERE id = $1", feature)
    if by == "alone":
        response = await client.post(path, json=_of(feature, 2))
    else:
        array = {
            "Datastream": {"@iot.id": stream},
            "components": ["result", "FeatureOfInterest/id"],
            "dataArray": [[2, feature]],
        }
        response = await client.post("CreateObservations", json=[array])
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert await _count(client, stream) == 1
