# SPDX-License-Identifier: Apache-2.0
"""Observations of several values at once through the whole running program."""

import asyncio
import json

import aiomqtt
import pytest
from serving import data_array, register, send, thing, wait_until

from cheoyong.domain.instant import DAY_US, HOUR_US, format_instant
from conftest import Live

pytestmark = pytest.mark.engines
START_US = 1_475_625_600_000_000  # 2016-10-05T00:00:00Z
NUMBER = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"


def register_wind(live: Live) -> int:
    """The id of a new MultiDatastream of two parts."""
    unit = {"name": "one", "symbol": "1", "definition": None}
    observed = {"description": "d", "definition": "http://vocab.example/wind"}
    multi = {
        "name": "wind", "description": "d", "multiObservationDataTypes": [NUMBER] * 2,
        "unitOfMeasurements": [unit] * 2,
        "Sensor": {"name": "s", "description": "d", "encodingType": "text/plain", "metadata": "-"},
        "ObservedProperties": [{"name": name, **observed} for name in ("speed", "direction")],
    }  # fmt: skip
    mast = {key: value for key, value in thing("mast").items() if key != "Datastreams"}
    answer = live.device.post("/v1.1/Things", json={**mast, "MultiDatastreams": [multi]})
    assert answer.status_code == 201, answer.text
    found = live.device.get(f"/v1.1/Things({answer.json()['@iot.id']})/MultiDatastreams").json()
    return int(found["value"][0]["@iot.id"])


async def test_arrays_come_in_over_mqtt_and_the_worker_reads_on_past_them(live: Live) -> None:
    multi = register_wind(live)
    bodies = [
        {"phenomenonTime": format_instant(START_US + hour * HOUR_US), "result": result}
        for hour, result in enumerate(([3.5, 270], [1, 2, 3], [3.5, None]))
    ]
    async with aiomqtt.Client("127.0.0.1", live.serving.mqtt_port, username="x", password=live.key) as client:
        # As the other kind it is granted to nobody: acknowledged and dropped.
        wrong = json.dumps({**bodies[0], "result": [9, 9]})
        await client.publish(f"v1.1/Datastreams({multi})/Observations", wrong, qos=1)
        for body in bodies:
            await client.publish(f"v1.1/MultiDatastreams({multi})/Observations", json.dumps(body), qos=1)

    def seen() -> list[dict[str, object]] | None:
        rows = live.device.get(f"/v1.1/MultiDatastreams({multi})/Observations").json()["value"]
        return rows if len(rows) >= 2 else None

    rows = await asyncio.to_thread(wait_until, seen, "two observations")
    assert [row["result"] for row in rows] == [[3.5, 270], [3.5, None]]
    _, stream = register(live.device, "beside the mast", series="several_values_stage_m")
    assert send(live.device, data_array(stream, [(START_US + DAY_US, 1.0)])).status_code == 201
    await asyncio.to_thread(live.serving.caught_up)
    [row] = live.device.get(f"/v1.1/MultiDatastreams({multi})/Observations?$top=1").json()["value"]
    assert row["resultQuality"] == {"flag": 2, "name": "not_evaluated"}
