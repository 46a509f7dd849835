# SPDX-License-Identifier: Apache-2.0
"""A datastream deleted by another process takes nothing from that moment on, whoever still knows it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sensorthings_bodies import a_tree, create, stream_of

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("count", [1, 300], ids=["a statement", "a COPY"])
async def test_an_observation_of_a_datastream_deleted_elsewhere_is_refused_at_once_and_not_stored(
    service: Any, client: httpx.AsyncClient, count: int
) -> None:
    thing = await create(client, "Things", a_tree(observations=1))
    stream = (await stream_of(client, thing))["@iot.id"]
    times = [f"2016-10-05T05:{second // 60:02}:{second % 60:02}Z" for second in range(count + 1)]
    path = f"Datastreams({stream})/Observations"
    first = await client.post(path, json={"phenomenonTime": times[count], "result": 1})
    assert first.status_code == 201, "the directory knows it now"
    before = await service.owner.fetchval("SELECT count(*) FROM observation WHERE datastream_id = $1", stream)
    await service.owner.execute("DELETE FROM datastream WHERE id = $1", stream)
    entry = {
        "Datastream": {"@iot.id": stream},
        "components": ["phenomenonTime", "result"],
        "dataArray": [[time, 1] for time in times[:count]],
    }
    answers = [
        await client.post("CreateObservations", json=[entry]),
        await client.post(path, json={"phenomenonTime": times[0], "result": 1}),
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    after = await service.owner.fetchval("SELECT count(*) FROM observation WHERE datastream_id = $1", stream)
    assert (before, after) == (2, 2)
