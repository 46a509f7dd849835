# SPDX-License-Identifier: Apache-2.0
"""Routes of the flood layer: how far it is, maps, a place, towns; begin and stop the computing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from litestar import Response, delete, get, post
from litestar.params import Parameter

from cheoyong.assess.flooded_places import Underpass, runs_in
from cheoyong.assess.flooded_towns import NAMES, QUANTILES, REACHED_M, Streets, cell_at, corners_of, total
from cheoyong.domain.access import Permission
from cheoyong.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import SECOND_US, format_instant, parse_instant
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.console.asking import AnyRequest, desk_of
from cheoyong.faces.console.flood_desk import FloodDesk
from cheoyong.faces.console.flood_pixels import SCALES, png_of
from cheoyong.hazards.inundation.streets.chance import Chance, highest_until
from cheoyong.hazards.inundation.streets.danger import danger
from cheoyong.records.connection import as_organisation
from cheoyong.records.flood_drivers import forecast_known, shown_at

LIMITS_M = (0.1, 0.3, 0.5, 1.0)
ILLUSTRATIVE = {"ko": "예시 지형", "en": "illustrative terrain"}
NEAR_PERIODS = 2  # as old as this, what the gauge showed still stands for the time of issue

Lead = Annotated[int, Parameter(ge=0, le=604_800)]
AsOf = Annotated[str | None, Parameter(max_length=64)]
Kind = Literal["depth", "probability", "hazard"]


@dataclass(frozen=True, slots=True)
class Driver:
    """What a map is made of: library, forecast and what the gauge showed when it was issued."""

    library_id: str
    streets: Streets
    forecast_id: UUID
    forecast: Forecast
    now_m: float | None

    @property
    def leads_s(self) -> list[int]:
        """Leads there is something to say of: 0 when the gauge showed something, then the forecast's."""
        return [0, *self.forecast.lead_s] if self.now_m is not None else list(self.forecast.lead_s)

    def chance(self, lead_s: int) -> Chance:
        """The highest stage up to a lead; NotFound for a lead that is none."""
        if lead_s not in self.leads_s:
            raise NotFound("there is no such lead", where="lead_s", mend="see leads_s of GET /api/flood")
        return highest_until(self.forecast, lead_s, self.now_m)


@get("/api/flood", opt=needs("read"))
async def flood(request: AnyRequest, as_of: AsOf = None) -> dict[str, Any]:
    """How far the library is, the ground it stands on, and the forecast known at ``as_of``."""
    floods = _floods(request)
    held, driver = await floods.streets(), await _driver(request, as_of)
    standing = floods.standing()
    series = held[1].library.ground.reach.series if held else ""
    gauge = desk_of(request).city.gauges.get(series)
    return {
        **asdict(standing),
        "terrain": _terrain(floods, held[1] if held else None),
        "gauge": {"series": series, "name": gauge.name if gauge else {}},
        "corners": corners_of(held[1].library.ground, held[1].city.metric_crs) if held else [],
        "issued": format_instant(driver.forecast.issued_us) if driver else None,
        "leads_s": driver.leads_s if driver else [],
        "limits_m": LIMITS_M,
        "stages_m": held[1].library.stages_m.tolist() if held else [],
        "library_id": held[0] if held else None,
        "forecast_id": driver.forecast_id if driver else None,
        "beyond_library_s": _beyond(driver) if driver else [],
        "scales": {
            kind: [{"from": least, "color": colour} for least, colour in scale]
            for kind, scale in SCALES.items()
        },
        "may_compute": _may_compute(request),
    }


@get("/api/flood/map.png", opt=needs("read"), media_type="image/png")
async def flood_map(
    request: AnyRequest,
    lead_s: Lead,
    kind: Kind = "depth",
    limit_m: float = REACHED_M,
    as_of: AsOf = None,
    version: Annotated[str | None, Parameter(max_length=200)] = None,
) -> Response[bytes]:
    """A map of one lead, one pixel a cell, north up, RGBA.

    ``version`` as ``library_id.forecast_id`` names the content: such an answer may be kept for good.
    """
    if limit_m not in LIMITS_M:
        raise InvalidInput("there is no such limit", where="limit_m", mend=f"one of {list(LIMITS_M)}")
    driver = await _needed(request, as_of)
    chance = driver.chance(lead_s)
    content = f"{driver.library_id}.{driver.forecast_id}"
    tag = f'"{content}.{driver.now_m}.{lead_s}.{kind}.{limit_m}"'
    kept = "private, max-age=604800, immutable" if version == content else "private, no-cache"
    headers = {"etag": tag, "cache-control": kept, "vary": "cookie, authorization"}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type="image/png")
    body = await asyncio.to_thread(_picture, driver.streets, chance, kind, limit_m)
    return Response(body, headers=headers, media_type="image/png")


@get("/api/flood/at", opt=needs("read"))
async def flood_at(
    request: AnyRequest,
    lon: Annotated[float, Parameter(ge=-180, le=180)],
    lat: Annotated[float, Parameter(ge=-90, le=90)],
    as_of: AsOf = None,
) -> dict[str, Any]:
    """Depth, probabilities and danger at a place, for every lead."""
    driver = await _needed(request, as_of)
    library = driver.streets.library
    cell = cell_at(library.ground, driver.streets.city.metric_crs, lon, lat)
    if cell is None:
        raise NotFound("this place lies outside the ground", where="lon, lat", mend="see corners")
    ground_m = float(library.ground.terrain.bed_m[cell])
    return {
        "ground_m": round(ground_m, 2) if np.isfinite(ground_m) else None,
        "river": cell in set(library.ground.river),
        "illustrative": library.ground.illustrative,
        "leads": [_lead_at(driver, lead_s, cell) for lead_s in driver.leads_s],
    }


@get("/api/flood/towns", opt=needs("read"))
async def flood_towns(request: AnyRequest, lead_s: Lead, as_of: AsOf = None) -> dict[str, Any]:
    """Towns that may come under water up to a lead, and how many live there."""
    driver = await _needed(request, as_of)
    chance = driver.chance(lead_s)
    towns = await asyncio.to_thread(driver.streets.flooded, chance)
    rows: list[dict[str, Any]] = [{**asdict(town), "hazard": _class(town.hazard)} for town in towns]
    for row in rows:
        row["probability"] = round(row["probability"], 3)
        row["area_share"] = {name: round(value, 4) for name, value in row["area_share"].items()}
        for heads in ("residents", "over_65", "under_7"):
            row[heads] = _whole(row[heads])
    return {
        "towns": rows,
        "total": {kind: _whole(heads) for kind, heads in total(towns).items()},
        "underpasses": [_underpass(driver, chance, one) for one in _floods(request).underpasses],
        "reached_m": REACHED_M,
        "assumption": "residents are spread evenly over their town outside the levees",
        "illustrative": driver.streets.library.ground.illustrative,
    }


@post("/api/flood/run", opt=needs(Permission.COMPUTE_FLOODS), status_code=202)
async def begin(request: AnyRequest) -> dict[str, str]:
    """Compute what is missing of the library."""
    floods = _ours(request)
    floods.begin()
    return {"state": floods.standing().state}


@delete("/api/flood/run", opt=needs(Permission.COMPUTE_FLOODS), status_code=202)
async def end(request: AnyRequest) -> dict[str, str]:
    """Stop computing within two seconds; what is finished stays."""
    floods = _ours(request)
    await floods.end()
    return {"state": floods.standing().state}


ROUTES = (flood, flood_map, flood_at, flood_towns, begin, end)


def _floods(request: AnyRequest) -> FloodDesk:
    return desk_of(request).floods


def _may_compute(request: AnyRequest) -> bool:
    who = principal_of(request)
    return who.can(Permission.COMPUTE_FLOODS) and who.organisation_id == desk_of(request).organisation_id


def _ours(request: AnyRequest) -> FloodDesk:
    """The computing serves everybody here, so only the installation's own organisation has hands on it."""
    if not _may_compute(request):
        raise Forbidden("the floods of this installation are another organisation's", where="organisation")
    return _floods(request)


async def _driver(request: AnyRequest, as_of: str | None) -> Driver | None:
    desk = desk_of(request)
    as_of_us = desk.facts_us() if as_of is None else parse_instant(as_of, where="as_of")
    held = await desk.floods.streets()
    if held is None:
        return None
    library_id, streets = held
    series = streets.library.ground.reach.series
    async with as_organisation(desk.pool, principal_of(request).organisation_id) as connection:
        known = await forecast_known(connection, series, as_of_us)
        if known is None:
            return None
        near_us = int(NEAR_PERIODS * desk.city.gauges[series].quality.period_s * SECOND_US)
        now_m = await shown_at(connection, series, known[1].issued_us, near_us)
    return Driver(library_id, streets, *known, now_m)


async def _needed(request: AnyRequest, as_of: str | None) -> Driver:
    driver = await _driver(request, as_of)
    if driver is None:
        standing = _floods(request).standing()
        why = standing.reason or f"the library is {standing.state}, or no forecast is known"
        raise Conflict(f"there is no flood map: {why}", where="flood", mend="see GET /api/flood")
    return driver


def _picture(streets: Streets, chance: Chance, kind: Kind, limit_m: float) -> bytes:
    library = streets.library
    if kind == "probability":
        return png_of(chance.reaching(library.reached_at_m(limit_m)), SCALES[kind])
    median = float(chance.at_m(0.5))
    depth = library.depth_at_m(median)
    return png_of(danger(depth, library.speed_at_m_s(median)) if kind == "hazard" else depth, SCALES[kind])


def _lead_at(driver: Driver, lead_s: int, cell: tuple[int, int]) -> dict[str, Any]:
    library, chance = driver.streets.library, driver.chance(lead_s)
    stages = chance.at_m(QUANTILES)
    depth = [_between(library.stages_m, library.depth_m[:, *cell], stage) for stage in stages]
    speed = _between(library.stages_m, library.speed_m_s[:, *cell], stages[1])
    number = int(danger(np.array(depth[1]), np.array(speed)))
    return {
        "lead_s": lead_s,
        "depth_m": {name: round(value, 2) for name, value in zip(NAMES, depth, strict=True)},
        "probability": {
            str(limit): round(float(chance.reaching(library.reached_at_m(limit)[cell])), 3)
            for limit in LIMITS_M
        },
        "hazard": _class(number),
    }


def _underpass(driver: Driver, chance: Chance, one: Underpass) -> dict[str, Any]:
    probability = runs_in(driver.streets, chance, one)
    return {**asdict(one), "probability": None if probability is None else round(probability, 3)}


def _between(stages_m: Sequence[float], values: Sequence[float], stage_m: float) -> float:
    return float(np.interp(stage_m, stages_m, values, left=0.0))


def _beyond(driver: Driver) -> list[int]:
    """Leads at which the upper quantile of the river is higher than the highest flood of the library."""
    top = float(driver.streets.library.stages_m[-1])
    return [lead for lead in driver.leads_s if float(driver.chance(lead).at_m(QUANTILES[2])) > top]


def _terrain(floods: FloodDesk, streets: Streets | None) -> dict[str, Any] | None:
    if streets is None:
        return None
    ground = streets.library.ground
    rows, columns = ground.terrain.shape
    return {
        "name": floods.terrain_name,
        "illustrative": ground.illustrative,
        "label": ILLUSTRATIVE if ground.illustrative else None,
        "source": floods.terrain_source,
        "cell_m": ground.terrain.cell_m,
        "width_cells": columns,
        "height_cells": rows,
    }


def _class(number: int) -> str | None:
    return f"H{number}" if number else None


def _whole(heads: Any) -> dict[str, int]:
    return {name: round(value) for name, value in heads.items()}
