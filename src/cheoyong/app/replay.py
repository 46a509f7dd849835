# SPDX-License-Identifier: Apache-2.0
"""The driver of a replay: sends a scenario's measurements through the same door as live data.

It registers the gauges, then for each step moves the simulated clock, posts the step's observations as
one CreateObservations request with an API key, and waits until the worker has taken them in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from cheoyong.app.session_client import TIMEOUT_S, SessionClient, _checked, _sent
from cheoyong.domain.city import CityPack, Gauge
from cheoyong.domain.instant import SECOND_US, format_instant
from cheoyong.links.scenario.parse import Scenario, Step, steps

_SLICE_S = 0.25  # how often the clock moves while a step is waited for
_STEPS_MAX = 100_000


@dataclass(slots=True)
class Sent:
    """What the driver has sent so far."""

    observations: int = 0
    steps: int = 0
    at_us: int = 0
    datastreams: dict[str, int] = field(default_factory=dict)


class Driver:
    """Replays one scenario into one installation in exercise mode."""

    def __init__(
        self, url: str, key: str, operator: SessionClient, city: CityPack, scenario: Scenario
    ) -> None:
        self._things = httpx.AsyncClient(
            base_url=url, timeout=TIMEOUT_S, trust_env=False, headers={"authorization": f"Bearer {key}"}
        )
        self._operator = operator
        self._city = city
        self._scenario = scenario
        self.sent = Sent()

    async def close(self) -> None:
        """Close the connections."""
        await self._things.aclose()

    async def begin(self, *, speed: float, hold_for_people: bool) -> None:
        """Announce the scenario, set the clock to its start and register its gauges."""
        scenario = self._scenario
        await self._advance(
            scenario=scenario.id, title=scenario.title, start_us=scenario.start_us, end_us=scenario.end_us,
            speed=speed, hold_for_people=hold_for_people, to_us=scenario.start_us,
        )  # fmt: skip
        for series, measured in scenario.measurements.items():
            if not len(measured.time_us):
                continue  # a gauge that sends nothing in this scenario would only alarm as silent
            self.sent.datastreams[series] = await self._register(self._city.gauges[series])

    async def run(
        self, *, until_us: int | None = None, paced: bool, after_step: Callable[[Step], Any] | None = None
    ) -> AsyncIterator[Step]:
        """Send step after step; ``paced`` keeps to the speed the console asks for after the warm-up."""
        for step in steps(self._scenario, self._city)[:_STEPS_MAX]:
            if until_us is not None and step.at_us > until_us:
                break
            if paced and step.at_us > self._scenario.warm_up_until_us:
                await self._wait_for(step.at_us)
            await self._advance(to_us=step.at_us)
            await self._send(step)
            await self._advance(settle=True)
            self.sent.steps += 1
            self.sent.at_us = step.at_us
            yield step
        await self._advance(end=True)

    async def _wait_for(self, at_us: int) -> None:
        """Let simulated time pass until ``at_us``, at the speed asked for, standing still while paused."""
        loop = asyncio.get_running_loop()
        now_us, last_s = self.sent.at_us, loop.time()
        while now_us < at_us:
            steered = await self._advance(when_running=True, to_us=int(now_us))
            if not steered["go"]:
                last_s = loop.time()
                continue
            if steered["paused"]:  # one step was asked for: go there at once
                return
            await asyncio.sleep(min(_SLICE_S, max(0.01, (at_us - now_us) / SECOND_US / steered["speed"])))
            passed_s, last_s = loop.time() - last_s, loop.time()
            now_us += int(min(passed_s, 2 * _SLICE_S) * steered["speed"] * SECOND_US)

    async def _advance(self, **wish: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._operator.post("/api/replay/advance", wish)
        return answer

    async def _send(self, step: Step) -> None:
        body = [
            {
                "Datastream": {"@iot.id": self.sent.datastreams[series]},
                "components": ["phenomenonTime", "result"],
                "dataArray": [[format_instant(time_us), value]],
            }
            for series, time_us, value in step.rows
        ]
        if body:
            await self._post("/v1.1/CreateObservations", body)
            self.sent.observations += len(body)

    async def _register(self, gauge: Gauge) -> int:
        """The datastream of a gauge, made on the first replay and found again on the next."""
        found = await self._get(
            "/v1.1/Datastreams", {"$filter": f"name eq '{gauge.series}'", "$select": "id"}
        )
        if found["value"]:
            return int(found["value"][0]["@iot.id"])
        await self._post("/v1.1/Things", thing_of(gauge))
        found = await self._get(
            "/v1.1/Datastreams", {"$filter": f"name eq '{gauge.series}'", "$select": "id"}
        )
        return int(found["value"][0]["@iot.id"])

    async def _get(self, path: str, query: dict[str, str]) -> Any:
        return _checked(await _sent(self._things.get(path, params=query))).json()

    async def _post(self, path: str, body: Any) -> Any:
        content = msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        return _checked(await _sent(self._things.post(path, content=content, headers=headers)))


def thing_of(gauge: Gauge) -> dict[str, Any]:
    """A gauge as a SensorThings Thing with its Location, Datastream, Sensor and ObservedProperty."""
    point = {"type": "Point", "coordinates": [gauge.longitude, gauge.latitude]}
    name = gauge.name.get("en", gauge.series)
    return {
        "name": name,
        "description": f"{gauge.name.get('ko', name)} ({gauge.position_source})",
        "properties": {"thing": gauge.thing},
        "Locations": [
            {
                "name": name,
                "description": gauge.position_source,
                "encodingType": "application/geo+json",
                "location": point,
            }
        ],
        "Datastreams": [
            {
                "name": gauge.series,
                "description": f"{name}: {gauge.observed_property}",
                "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                "unitOfMeasurement": {
                    "name": gauge.unit,
                    "symbol": gauge.unit,
                    "definition": "https://ucum.org",
                },
                "properties": {"series": gauge.series},
                "Sensor": {
                    "name": f"{name} sensor",
                    "description": "recorded by the operator of the gauge; make unknown",
                    "encodingType": "text/html",
                    "metadata": "unknown",
                },
                "ObservedProperty": {
                    "name": gauge.observed_property,
                    "definition": f"urn:cheoyong:{gauge.observed_property}",
                    "description": gauge.observed_property,
                },
            }
        ],
    }
