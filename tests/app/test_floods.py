# SPDX-License-Identifier: Apache-2.0
"""The library of floods from nothing to whole, on a small ground, by the real process; what can go wrong."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cheoyong.app.floods import Floods
from cheoyong.app.folder import DataFolder
from cheoyong.app.settings import Settings
from cheoyong.domain.errors import Conflict
from cheoyong.links.city_pack import city_folder, load_city

SMALL = {"cell_m": 150.0, "margin_m": 500.0, "bank_width_m": 150.0, "stages_m": [3.0, 7.5, 8.5]}
CITY = load_city("ulsan")


@dataclass
class World:
    """A data folder, a city of coarse cells, and what the consoles were told."""

    root: Path
    city: Path
    told: list[dict[str, Any]] = field(default_factory=list)

    def floods(self, terrain: str = "illustrative") -> Floods:
        settings = Settings({"terrain": terrain, "city": str(self.city)})
        return Floods(DataFolder(self.root), settings, CITY, lambda kind, body: self.told.append(body))

    def files(self) -> list[Path]:
        return sorted((self.root / "floods").glob("*/*.npz"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    city = tmp_path / "city"
    shutil.copytree(city_folder("ulsan"), city, ignore=shutil.ignore_patterns("history", "scenarios"))
    path = city / "terrain.toml"
    text = path.read_text("utf-8")
    for key, value in SMALL.items():
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.M)
    path.write_text(text, "utf-8")
    (tmp_path / "data").mkdir()
    return World(tmp_path / "data", city)


async def until(floods: Floods, true: Callable[[], bool]) -> None:
    """Until the library is as wanted; five minutes at most."""
    async with asyncio.timeout(300):
        while not true():
            await asyncio.sleep(0.05)


async def test_a_library_is_computed_told_read_and_mended(world: World) -> None:
    floods = world.floods()
    await floods.open()
    assert (floods.standing().state, floods.standing().total) == ("stopped", 3)
    assert await floods.streets() is None
    floods.begin()
    floods.begin()  # twice is once
    await until(floods, lambda: floods.standing().state == "ready")
    assert [one["done"] for one in world.told if one["state"] == "computing"] == [0, 1, 2, 3]
    held = await floods.streets()
    assert held is not None
    name, streets = held
    assert streets.library.stages_m.tolist() == SMALL["stages_m"]
    low, high = (float((streets.library.depth_at_m(stage) > 0).sum()) for stage in (3.0, 8.5))
    assert 0.0 <= low < high
    assert await floods.streets() is held  # read once

    again = world.floods()
    world.files()[1].write_bytes(b"spoilt")
    await again.open()
    partly = await again.streets()
    assert partly is not None
    assert partly[0] != name
    assert (again.standing().state, again.standing().done) == ("stopped", 2)
    again.begin()
    await until(again, lambda: again.standing().state == "ready")
    mended = await again.streets()
    assert mended is not None
    assert mended[0] == name
    assert (mended[1].library.depth_m == streets.library.depth_m).all()


async def test_it_waits_until_others_are_ready_and_ends_with_the_installation(world: World) -> None:
    floods, ready = world.floods(), asyncio.Event()
    waiting = asyncio.create_task(floods.open_and_compute(ready.is_set))
    await until(floods, lambda: floods.standing().total == 3)
    assert floods.standing().state == "stopped"
    ready.set()
    await waiting
    assert floods.standing().state == "computing"
    await floods.close()
    assert world.files() == []


async def test_a_process_that_fails_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    floods = world.floods()
    await floods.open()
    floods.begin()
    await until(floods, lambda: floods.standing().state == "failed")
    assert floods.standing().reason == "the process ended with 1"


async def test_off_is_off(world: World) -> None:
    floods = world.floods("off")
    await floods.open()
    assert (floods.standing().state, floods.standing().reason) == ("off", "terrain is off")
    with pytest.raises(Conflict, match="terrain is off"):
        floods.begin()
