# SPDX-License-Identifier: Apache-2.0
"""The flood layer over HTTP: what is said with and without a library and a forecast, and to whom."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
import pytest_asyncio
from desk_world import RIVER, TOWN, Console, FakeDesk
from pyproj import Transformer

from accounts_world import NOW_US, World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.assess.flooded_places import Underpass
from cheoyong.assess.flooded_towns import Streets
from cheoyong.domain.access import Role
from cheoyong.domain.city import CityPack, Town
from cheoyong.domain.fact import Forecast, make_fact
from cheoyong.domain.instant import HOUR_US, format_instant
from cheoyong.faces.console.flood import ROUTES
from cheoyong.faces.console.flood_desk import Standing
from cheoyong.hazards.inundation.streets.ground import Reach, surveyed_ground
from cheoyong.hazards.inundation.streets.library import Flood, Library
from cheoyong.records.connection import FLOW, as_organisation, open_pool
from cheoyong.records.facts import add_facts

pytestmark = [pytest.mark.engines, pytest.mark.asyncio(loop_scope="session")]

ROWS, COLUMNS, CELL_M = 9, 12, 100.0
CRS = TOWN.metric_crs
TO_DEGREES = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
WEST_M, SOUTH_M = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(129.3, 35.5)


def ring(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in cells of the ground as degrees."""
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return tuple(TO_DEGREES.transform(WEST_M + x * CELL_M, SOUTH_M + y * CELL_M) for x, y in corners)


def town(code: str, box: tuple[float, float, float, float], people: int) -> Town:
    return Town(code, {"ko": code, "en": code}, (ring(*box),), people, people // 5, people // 20)


@cache
def city() -> CityPack:
    """North bank 1,200 people, a little further 2,400; the third town lies beyond the ground."""
    towns = [
        town("near", (0, 1, 12, 4), 1200),
        town("far", (0, 4, 12, 9), 2400),
        town("away", (40, 1, 44, 4), 9000),
    ]
    return replace(TOWN, towns={one.code: one for one in towns})


@cache
def streets() -> Streets:
    """The river is row 0; at 5 m a metre of water stands in rows 1 to 3, at 6 m two metres in all rows."""
    line = ((WEST_M, SOUTH_M + 50.0), (WEST_M + COLUMNS * CELL_M, SOUTH_M + 50.0))
    reach = Reach(RIVER.series, line, line[1], -1.0, 0.0, 0.0, 60.0, 2000.0)
    ground = surveyed_ground(reach, np.full((ROWS, COLUMNS), 3.0), CELL_M, WEST_M, SOUTH_M)
    dry = np.zeros((ROWS, COLUMNS), np.float32)
    near = dry.copy()
    near[1:4] = 1.0
    floods = [Flood(4.0, dry, dry), Flood(5.0, near, dry), Flood(6.0, np.full_like(dry, 2.0), dry)]
    return Streets(Library.of(ground, floods), city())


@dataclass
class FakeFloods:
    """A library that is there or not, and counts who would compute."""

    there: bool = True
    asked: list[str] = field(default_factory=list)
    terrain_name: dict[str, str] = field(default_factory=lambda: {"ko": "시험", "en": "Test"})
    terrain_source: str = "made for a test"
    underpasses: tuple[Underpass, ...] = ()
    held: Streets = field(default_factory=lambda: streets())

    def standing(self) -> Standing:
        return Standing("ready", "", 3, 3) if self.there else Standing("off", "terrain is off", 0, 0)

    async def streets(self) -> tuple[str, Streets] | None:
        return ("abc", self.held) if self.there else None

    def begin(self) -> None:
        self.asked.append("begin")

    async def end(self) -> None:
        self.asked.append("end")


@dataclass
class FloodDesk(FakeDesk):
    """A desk with floods."""

    floods: FakeFloods = field(default_factory=FakeFloods)
    organisation_id: int = 0


@pytest_asyncio.fixture(loop_scope="session")
async def console(world: World) -> Console:
    for table in ("observation", "datastream", "thing", "fact"):
        await world.owner(f"DELETE FROM {table}")
    return Console(world, FloodDesk(world.pool, city(), organisation_id=world.ours), ROUTES)


async def forecast(world: World, median_m: float, issued_us: int = NOW_US - HOUR_US) -> UUID:
    """A forecast of the stage for one and two hours: half a metre either way is the 90 % band."""
    value = tuple((m - 0.5, m, m + 0.5) for m in (median_m, median_m + 0.5))
    body = Forecast("river", "m", RIVER.series, issued_us, (3600, 7200), (0.05, 0.5, 0.95), value)
    fact = make_fact(
        body, key=f"test {issued_us}", organisation_id=world.ours, about_us=issued_us, recorded_us=issued_us
    )
    pool = await open_pool(world.database, FLOW)
    async with as_organisation(pool, world.ours) as connection:
        await add_facts(connection, [fact])
    await pool.close()
    return fact.id


def pixels(png: bytes) -> np.ndarray:
    """(rows, columns, 4) of an RGBA PNG without filters, north first: read by hand, not by our writer."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0]
        chunks[kind], at = body, at + 12 + size
    columns, rows, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 6)
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(rows, 1 + 4 * columns)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(rows, columns, 4)


async def told(client: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def degrees(column: float, row: float) -> str:
    longitude, latitude = TO_DEGREES.transform(WEST_M + column * CELL_M, SOUTH_M + row * CELL_M)
    return f"lon={longitude:.7f}&lat={latitude:.7f}"


async def test_without_a_forecast_the_ground_is_shown_and_maps_are_refused(console: Console) -> None:
    async with console.as_(Role.VIEWER) as client:
        flood = await told(client, "/api/flood")
        assert (flood["state"], flood["issued"], flood["forecast_id"], flood["leads_s"]) == (
            "ready", None, None, [],
        )  # fmt: skip
        assert flood["stages_m"] == [4.0, 5.0, 6.0]
        assert flood["terrain"]["width_cells"], flood["terrain"]["height_cells"] == (COLUMNS, ROWS)
        for path in ("map.png?lead_s=3600", f"at?{degrees(1, 1)}", "towns?lead_s=3600"):
            assert "no forecast" in (await told(client, f"/api/flood/{path}", 409))["detail"]


async def test_without_a_ground_it_says_why(console: Console) -> None:
    console.desk.floods.there = False
    async with console.as_(Role.VIEWER) as client:
        flood = await told(client, "/api/flood")
        assert (flood["state"], flood["reason"], flood["terrain"], flood["corners"]) == (
            "off", "terrain is off", None, [],
        )  # fmt: skip
        assert "terrain is off" in (await told(client, "/api/flood/towns?lead_s=0", 409))["detail"]


async def test_corners_go_round_from_the_north_west(console: Console) -> None:
    async with console.as_(Role.VIEWER) as client:
        corners = (await told(client, "/api/flood"))["corners"]
    wanted = ring(0, ROWS, 0, ROWS)[0], *ring(COLUMNS, 0, COLUMNS, ROWS)[2:3], *ring(0, 0, COLUMNS, 0)[1:2]
    assert np.allclose(corners[:3], wanted, atol=1e-9)
    assert np.allclose(corners[3], ring(0, 0, 1, 1)[0], atol=1e-9)


async def test_a_map_is_one_pixel_a_cell_with_the_north_above(console: Console) -> None:
    await forecast(console.world, 5.0)
    async with console.as_(Role.VIEWER) as client:
        answer = await client.get("/api/flood/map.png?lead_s=3600&kind=depth")
        picture = pixels(answer.content)
    assert picture.shape == (ROWS, COLUMNS, 4)
    assert (picture[:, 0, 3] > 0).tolist() == [False] * 5 + [True] * 3 + [False]  # rows 1 to 3 from the south


async def test_probability_is_the_share_of_the_forecast_above_the_stage_that_wets_a_cell(
    console: Console,
) -> None:
    await forecast(console.world, 4.5)
    async with console.as_(Role.VIEWER) as client:
        place = await told(client, f"/api/flood/at?{degrees(5.5, 2.5)}")
    first, second = place["leads"]
    assert (place["ground_m"], place["river"], place["illustrative"]) == (3.0, False, False)
    assert first["depth_m"] == {"p05": 0.0, "p50": 0.5, "p95": 1.0}
    assert first["probability"]["0.5"] == 0.5
    assert first["probability"]["1.0"] == 0.05
    assert second["probability"]["0.5"] == 0.95
    assert second["hazard"] == "H3"  # a metre of still water


async def test_the_observed_stage_is_the_lead_of_nothing_and_the_floor_of_the_rest(console: Console) -> None:
    await forecast(console.world, 4.5)
    stream = await console.stream("bridge", series=RIVER.series)
    await console.measure(stream, [5.0], NOW_US - HOUR_US)
    async with console.as_(Role.VIEWER) as client:
        assert (await told(client, "/api/flood"))["leads_s"] == [0, 3600, 7200]
        now, first, _ = (await told(client, f"/api/flood/at?{degrees(5.5, 2.5)}"))["leads"]
    assert now["depth_m"] == {"p05": 1.0, "p50": 1.0, "p95": 1.0}
    assert first["depth_m"]["p05"] == 1.0


async def test_the_river_itself_and_places_outside_have_no_depth(console: Console) -> None:
    await forecast(console.world, 6.0)
    async with console.as_(Role.VIEWER) as client:
        river = await told(client, f"/api/flood/at?{degrees(5.5, 0.5)}")
        assert river["river"]
        assert river["leads"][0]["depth_m"]["p95"] == 0.0
        await told(client, f"/api/flood/at?{degrees(-0.5, 2.5)}", 404)
        await told(client, "/api/flood/at?lon=129&lat=95", 400)


async def test_towns_are_counted_by_their_ground_under_water_the_most_people_first(console: Console) -> None:
    await forecast(console.world, 5.1)  # 4.6 and 5.6 m at its outer quantiles
    async with console.as_(Role.VIEWER) as client:
        answer = await told(client, "/api/flood/towns?lead_s=3600")
    near, far = answer["towns"]
    assert (near["code"], far["code"]) == ("near", "far")
    # 0.3 m stands beside the river from 4.3 m on, further away from 5.15 m on.
    assert near["residents"] == {"p05": 1200, "p50": 1200, "p95": 1200}
    assert far["residents"] == {"p05": 0, "p50": 0, "p95": 2400}
    assert far["over_65"] == {"p05": 0, "p50": 0, "p95": 480}
    assert near["area_share"]["p50"] == pytest.approx(1.0, abs=1e-3)
    assert answer["total"]["residents"] == {"p05": 1200, "p50": 1200, "p95": 3600}
    assert (near["hazard"], far["hazard"]) == ("H3", "H1")
    assert near["probability"] > 0.99
    assert far["probability"] == pytest.approx(
        0.434, abs=0.01
    )  # 0.05 m above the median: 0.1645 of 0.5 m's z


async def test_water_runs_into_an_underpass_when_it_stands_as_high_as_its_entrance(console: Console) -> None:
    def underpass(column: float, row: float, ground_m: float) -> Underpass:
        place = TO_DEGREES.transform(WEST_M + column * CELL_M, SOUTH_M + row * CELL_M)
        return Underpass({"ko": "굴다리", "en": "underpass"}, *place, ground_m, "made for a test")

    # Beside the river the ground lies at 3 m; a metre of water stands on it at 5 m, none at 4 m.
    console.desk.floods.underpasses = (
        underpass(5.5, 2.5, 3.5),
        underpass(5.5, 2.5, 1.0),
        underpass(5.5, 2.5, 9.0),
        underpass(-3.0, 2.5, 3.0),
        underpass(5.5, 0.5, 3.0),
    )
    await forecast(console.world, 4.5)
    async with console.as_(Role.VIEWER) as client:
        found = (await told(client, "/api/flood/towns?lead_s=3600"))["underpasses"]
    lip, below, above, outside, river = [one["probability"] for one in found]
    assert lip == 0.5
    assert below > 0.9  # the street above it must be under water: 0.05 m, reached at 4.05 m
    assert (above, outside, river) == (0.0, None, None)
    assert found[0]["source"] == "made for a test"


async def test_nobody_is_counted_beside_the_river_between_its_levees(console: Console) -> None:
    await forecast(console.world, 5.1)
    near = streets()
    console.desk.floods.held = Streets(near.library, near.city, riverside_m=400.0)  # all of the near town
    async with console.as_(Role.VIEWER) as client:
        towns = (await told(client, "/api/flood/towns?lead_s=3600"))["towns"]
    assert [one["code"] for one in towns] == ["far"]


async def test_as_of_an_earlier_instant_only_what_was_known_then_counts(console: Console) -> None:
    early = await forecast(console.world, 3.0, NOW_US - 3 * HOUR_US)
    late = await forecast(console.world, 6.0, NOW_US - HOUR_US)
    at = format_instant(NOW_US - 2 * HOUR_US)
    async with console.as_(Role.VIEWER) as client:
        assert (await told(client, "/api/flood"))["forecast_id"] == str(late)
        assert (await told(client, f"/api/flood?as_of={at}"))["forecast_id"] == str(early)
        assert (await told(client, f"/api/flood/towns?lead_s=3600&as_of={at}"))["towns"] == []
        before = format_instant(NOW_US - 9 * HOUR_US)
        assert (await told(client, f"/api/flood?as_of={before}"))["forecast_id"] is None
        await told(client, "/api/flood?as_of=yesterday", 400)


async def test_a_forecast_whose_last_lead_is_over_speaks_of_nothing(console: Console) -> None:
    await forecast(console.world, 6.0, NOW_US - 3 * HOUR_US)
    async with console.as_(Role.VIEWER) as client:
        assert (await told(client, "/api/flood"))["forecast_id"] is None


async def test_another_organisations_forecast_is_not_told(console: Console) -> None:
    await forecast(console.world, 6.0)
    async with console.as_(Role.VIEWER, organisation=console.world.theirs) as client:
        assert (await told(client, "/api/flood"))["forecast_id"] is None
        await told(client, "/api/flood/map.png?lead_s=3600", 409)


async def test_a_map_that_is_known_is_not_sent_again(console: Console) -> None:
    known = await forecast(console.world, 5.0)
    async with console.as_(Role.VIEWER) as client:
        first = await client.get("/api/flood/map.png?lead_s=3600")
        assert first.headers["cache-control"] == "private, no-cache"
        again = await client.get(
            "/api/flood/map.png?lead_s=3600", headers={"if-none-match": first.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
        named = await client.get(f"/api/flood/map.png?lead_s=3600&version=abc.{known}")
        assert "immutable" in named.headers["cache-control"]
        other = await client.get("/api/flood/map.png?lead_s=3600&version=abc.older")
        assert "immutable" not in other.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("map.png?lead_s=60", 404), ("towns?lead_s=60", 404), ("towns?lead_s=-1", 400), ("towns", 400),
        ("map.png?lead_s=3600&kind=colour", 400), ("map.png?lead_s=3600&limit_m=0.7", 400), ("at?lon=1", 400),
        ("map.png?lead_s=3600&limit_m=nan", 400),
    ],
)  # fmt: skip
async def test_what_is_none_is_refused_with_words(console: Console, path: str, status: int) -> None:
    await forecast(console.world, 5.0)
    async with console.as_(Role.VIEWER) as client:
        await told(client, f"/api/flood/{path}", status)


async def test_only_those_at_the_desk_of_this_installation_begin_and_stop_the_computing(
    console: Console,
) -> None:
    async with console.as_(Role.VIEWER) as client:
        assert (await client.post("/api/flood/run")).status_code == 403
        assert not (await told(client, "/api/flood"))["may_compute"]
    async with console.as_(Role.OPERATOR, organisation=console.world.theirs) as client:
        assert (await client.delete("/api/flood/run")).status_code == 403
    assert console.desk.floods.asked == []
    async with console.as_(Role.OPERATOR) as client:
        assert (await told(client, "/api/flood"))["may_compute"]
        assert (await client.post("/api/flood/run")).status_code == 202
        assert (await client.delete("/api/flood/run")).status_code == 202
    assert console.desk.floods.asked == ["begin", "end"]
