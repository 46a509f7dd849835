# SPDX-License-Identifier: Apache-2.0
"""The ground that the setting asks for, from the packaged city and from a file that somebody brings."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

from cheoyong.app.ground import ground_of, ordered
from cheoyong.domain.errors import ConfigurationError
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.city_pack.terrain import load_terrain

CITY = load_city("ulsan")


def dem(path: Path, crs: str = CITY.metric_crs) -> Path:
    """A plain at 7 m around the whole reach of the packaged city, cells of 100 m."""
    facts = load_terrain("ulsan", CITY)
    assert facts is not None
    x, y = (np.array(side) for side in zip(*facts.reach.line_m, strict=True))
    west, north = x.min() - 2000.0, y.max() + 2000.0
    shape = (int((north - y.min() + 2000.0) / 100), int((x.max() + 2000.0 - west) / 100))
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=shape[0], width=shape[1], dtype="float32", crs=crs,
        transform=from_origin(west, north, 100.0, 100.0), nodata=-9999.0,
    ) as file:  # fmt: skip
        file.write(np.full(shape, 7.0, np.float32), 1)
    return path


def test_the_packaged_ground_calls_itself_illustrative_and_has_a_river() -> None:
    facts, ground = ground_of("illustrative", "ulsan", CITY)
    assert ground.illustrative
    assert len(ground.river) > 500
    assert facts.reach.series in CITY.gauges


def test_a_geotiff_that_somebody_brings_is_the_ground_and_is_not_called_illustrative(tmp_path: Path) -> None:
    facts, ground = ground_of(str(dem(tmp_path / "dem.tif")), "ulsan", CITY)
    assert not ground.illustrative
    assert ground.terrain.cell_m == 100.0
    known = ground.terrain.bed_m[~ground.terrain.walls]
    assert set(known.tolist()) == {7.0}
    x, y = facts.reach.gauge_m
    assert ground.west_m < x < ground.west_m + ground.terrain.shape[1] * 100.0
    assert ground.south_m < y < ground.south_m + ground.terrain.shape[0] * 100.0
    assert len(ground.river) > 50


def test_a_geotiff_in_another_projection_says_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ground_of(str(dem(tmp_path / "dem.tif", "EPSG:5179")), "ulsan", CITY)
    assert "--dst-crs EPSG:5187" in caught.value.mend


def test_a_city_without_a_stated_reach_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    shutil.copytree(city_folder("ulsan"), folder, ignore=shutil.ignore_patterns("terrain.toml", "history"))
    with pytest.raises(ConfigurationError, match=r"no terrain\.toml"):
        ground_of("illustrative", str(folder), CITY)


@given(st.lists(st.floats(0.0, 9.0), min_size=2, max_size=60, unique=True).map(sorted))
def test_every_stage_is_computed_once_and_the_ends_first(stages: list[float]) -> None:
    order = ordered(stages)
    assert sorted(order) == stages
    assert order[:2] == [stages[0], stages[-1]]
