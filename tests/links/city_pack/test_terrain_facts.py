# SPDX-License-Identifier: Apache-2.0
"""The ground of a city pack: stated facts with their sources, or an error with its key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cheoyong.domain.errors import ConfigurationError
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.city_pack.terrain import load_terrain

CITY = load_city("ulsan")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The packaged city without its history, to be spoilt."""
    copy = tmp_path / "town"
    shutil.copytree(city_folder("ulsan"), copy, ignore=shutil.ignore_patterns("history", "scenarios"))
    return copy


def test_every_level_of_the_packaged_ground_says_where_it_comes_from() -> None:
    lines = (city_folder("ulsan") / "terrain.toml").read_text("utf-8").splitlines()
    assert any("illustrative" in line.lower() for line in lines[:3])
    numbers = [line for line in lines if "_m = " in line or "slope = " in line]
    bare = [line for line in numbers if "#" not in line and not line.startswith(("cell_m", "stages_m"))]
    assert bare == []


def test_the_gauge_stands_beside_the_line_and_the_stages_reach_over_the_bank() -> None:
    facts = load_terrain("ulsan", CITY)
    assert facts is not None
    top = float(facts.reach.surface_m(facts.stages_m[-1], facts.reach._gauge_along_m()))
    assert top > facts.valley.bank_m > facts.valley.town_m > facts.valley.bed_m


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('series = "taehwa_stage_m"', 'series = "moon_stage_m"', "moon_stage_m is no gauge of this city"),
        ('river = "taehwa-lower"', 'river = "nile"', "the river layer has no line 'nile'"),
        ("[valley]", "[valley]\ncolour_m = 1.0", "colour_m"),
        ("slope = 0.0002", "slope = 0.5", "slope"),
        ("zero_m = -1.08", "zero_m = nan", "zero_m"),
        ("stages_m = [", "stages_m = [9.0, ", "stages must rise"),
    ],
)
def test_a_wrong_fact_is_named(folder: Path, old: str, new: str, says: str) -> None:
    path = folder / "terrain.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_terrain(folder, CITY)
    assert says in str(caught.value)


UNDERPASS = """
[[underpasses]]
name = { ko = "시험 지하차도", en = "Test underpass" }
longitude = 129.31
latitude = 35.55
ground_m = 2.0
source = "made up for a test"
"""


def test_an_underpass_is_a_fact_with_its_source(folder: Path) -> None:
    path = folder / "terrain.toml"
    path.write_text(path.read_text("utf-8") + UNDERPASS, "utf-8")
    facts = load_terrain(folder, CITY)
    assert facts is not None
    (one,) = facts.underpasses
    assert (one.name["en"], one.ground_m, one.source) == ("Test underpass", 2.0, "made up for a test")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('source = "made up for a test"', "", "source"),
        (', en = "Test underpass"', "", "no text in en"),
        ("longitude = 129.31\nlatitude = 35.55", "longitude = 35.55\nlatitude = 129.31", "swapped"),
    ],
)
def test_an_underpass_that_is_not_stated_whole_is_refused(
    folder: Path, old: str, new: str, says: str
) -> None:
    assert old in UNDERPASS
    path = folder / "terrain.toml"
    path.write_text(path.read_text("utf-8") + UNDERPASS.replace(old, new), "utf-8")
    with pytest.raises(ConfigurationError, match=says):
        load_terrain(folder, CITY)


def test_a_pack_without_the_file_has_no_ground(folder: Path) -> None:
    (folder / "terrain.toml").unlink()
    assert load_terrain(folder, CITY) is None
