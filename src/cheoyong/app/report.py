# SPDX-License-Identifier: Apache-2.0
"""What a replay showed: when the forecast was confident, what was published, what was stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from cheoyong.app.replay import Driver
from cheoyong.app.session_client import SessionClient
from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import MINUTE_US, SECOND_US, format_instant
from cheoyong.faces.cap.read import cap_problems
from cheoyong.links.scenario.parse import OfficialEvent, Scenario

CONFIDENT = 0.5  # P(level reached within the bound) from which the forecast is called confident
LEAD_BOUND_S = 3 * 3600


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a replay; instants as ISO 8601 in the city's time, None for what did not happen."""

    scenario: str
    series: str
    level: str
    forecast_crossed_at: str | None
    probability: float | None
    expected_crossing_at: str | None
    observed_crossing_at: str | None
    official_advisory_at: str
    lead_minutes: float | None
    peak_observed: float
    published: tuple[str, ...]
    cap_valid: bool
    observations_sent: int
    observations_stored: int
    facts: int

    def as_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        return asdict(self)


async def report(url: str, who: SessionClient, driver: Driver, city: CityPack, scenario: Scenario) -> Report:
    """Ask the installation what it knows, over the same routes the console uses."""
    official = next(event for event in scenario.official.events if event.series and event.level)
    confident = await _first_confident(who, official, scenario)
    published, valid = await _published(url, who)
    zone = ZoneInfo(city.time_zone)
    limit = city.level(official.series, official.level).limit
    series = scenario.measurements[official.series]
    above = [int(t) for t, v in zip(series.time_us, series.value, strict=True) if v >= limit]
    at_us = confident["recorded_us"] if confident else None
    state = await who.get("/api/state")
    return Report(
        scenario=scenario.id,
        series=official.series,
        level=official.level,
        forecast_crossed_at=format_instant(at_us, zone) if at_us else None,
        probability=confident["probability"] if confident else None,
        expected_crossing_at=format_instant(confident["expected_us"], zone) if confident else None,
        observed_crossing_at=format_instant(above[0], zone) if above else None,
        official_advisory_at=format_instant(official.at_us, zone),
        lead_minutes=(official.at_us - at_us) / MINUTE_US if at_us else None,
        peak_observed=scenario.official.peak.value,
        published=published,
        cap_valid=valid,
        observations_sent=driver.sent.observations,
        observations_stored=await _stored(who, driver, scenario),
        facts=state["seq"],
    )


async def _first_confident(
    who: SessionClient, official: OfficialEvent, scenario: Scenario
) -> dict[str, Any] | None:
    """The first forecast with P(level within three hours) of at least a half."""
    path = f"/api/gauges/{official.series}/forecasts?from_us={scenario.start_us}&to_us={scenario.end_us}"
    for forecast in await who.get(path):
        for crossing in forecast["crossings"]:
            if crossing["level"] != official.level:
                continue
            pairs = zip(crossing["lead_s"], crossing["probability"], strict=True)
            sure = [(lead, p) for lead, p in pairs if lead <= LEAD_BOUND_S and p >= CONFIDENT]
            if sure:
                expected_us = forecast["issued_us"] + sure[0][0] * SECOND_US
                return {**forecast, "probability": sure[-1][1], "expected_us": expected_us}
    return None


async def _published(url: str, who: SessionClient) -> tuple[tuple[str, ...], bool]:
    """Addresses of what was published, and whether every document is valid CAP 1.2."""
    addresses, valid = [], True
    async with httpx.AsyncClient(base_url=url, trust_env=False) as public:
        for alert in (await who.get("/api/state"))["alerts"]:
            if alert["sent_us"] is None:
                continue
            address = f"/cap/alerts/{alert['identifier']}.xml"
            document = await public.get(address)
            valid = valid and document.status_code == 200 and not cap_problems(document.content)
            addresses.append(url + address)
    return tuple(addresses), valid and bool(addresses)


async def _stored(who: SessionClient, driver: Driver, scenario: Scenario) -> int:
    """How many observations of the scenario's span are on record, counted series by series."""
    total = 0
    for series in driver.sent.datastreams:
        path = f"/api/gauges/{series}/observations?from_us={scenario.start_us}&to_us={scenario.end_us}"
        total += len((await who.get(path))["time_us"])
    return total
