# SPDX-License-Identifier: Apache-2.0
"""An elevation model is read as it lies, or refused with the command that mends it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine, from_origin

from cheoyong.domain.errors import ConfigurationError
from cheoyong.links.elevation import source
from cheoyong.links.elevation.source import read_elevation

CRS = "EPSG:5187"
WEST, NORTH, CELL = 228_000.0, 560_000.0, 5.0
HEIGHTS = np.arange(24, dtype=np.float32).reshape(4, 6)  # row 0 is the northernmost, as in every GeoTIFF
ALL = (WEST, NORTH - 20.0, WEST + 30.0, NORTH)


def write(path: Path, heights: Any = HEIGHTS, **other: Any) -> Path:
    bands = heights if heights.ndim == 3 else heights[None]
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "dtype": bands.dtype,
        "crs": CRS,
        "transform": from_origin(WEST, NORTH, CELL, CELL),
        "nodata": -9999.0,
    } | other
    with rasterio.open(path, "w", **profile) as file:
        file.write(bands)
    return path


def test_rows_run_from_south_to_north_and_the_place_is_that_of_the_south_west_corner(tmp_path: Path) -> None:
    found = read_elevation(write(tmp_path / "dem.tif"), CRS, ALL)
    assert found.bed_m.tolist() == HEIGHTS[::-1].tolist()
    assert (found.cell_m, found.west_m, found.south_m) == (5.0, WEST, NORTH - 20.0)


def test_only_the_cells_that_touch_the_box_are_read(tmp_path: Path) -> None:
    box = (WEST + 6.0, NORTH - 9.0, WEST + 14.0, NORTH - 6.0)
    found = read_elevation(write(tmp_path / "dem.tif"), CRS, box)
    assert found.bed_m.tolist() == [[7.0, 8.0]]
    assert (found.west_m, found.south_m) == (WEST + 5.0, NORTH - 10.0)


def test_no_data_is_no_ground(tmp_path: Path) -> None:
    heights = HEIGHTS.copy()
    heights[0, 0] = -9999.0
    found = read_elevation(write(tmp_path / "dem.tif", heights), CRS, ALL)
    assert np.isnan(found.bed_m[3, 0])
    assert np.isfinite(found.bed_m).sum() == 23


def test_whole_centimetres_with_a_scale_are_metres(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", (HEIGHTS * 100).astype(np.int16))
    with rasterio.open(path, "r+") as file:
        file.scales = (0.01,)
    np.testing.assert_allclose(read_elevation(path, CRS, ALL).bed_m, HEIGHTS[::-1])


def test_a_projection_spelt_out_with_a_height_datum_is_still_the_citys(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", crs="EPSG:5187+5193")
    assert read_elevation(path, CRS, ALL).cell_m == 5.0


@pytest.mark.parametrize(
    ("other", "says", "mend"),
    [
        ({"crs": "EPSG:5179"}, "is in EPSG:5179, the city's projection is EPSG:5187", "rio warp dem.tif"),
        ({"crs": "EPSG:4326"}, "is in EPSG:4326", "--dst-crs EPSG:5187"),
        ({"crs": None}, "names no projection", "rio edit-info --crs"),
        ({"transform": Affine(4, 3, WEST, 3, -4, NORTH)}, "is turned", "rio warp dem.tif"),
        ({"transform": Affine(5, 0, WEST, 0, 5, NORTH)}, "is turned", "rio warp dem.tif"),
        ({"transform": from_origin(WEST, NORTH, 5.0, 10.0)}, "has oblong cells, 5 × 10 m", "--res METRES"),
        ({"transform": from_origin(0.0, 0.0, 5.0, 5.0)}, "does not cover the river's reach", "sheets"),
        ({"heights": np.stack([HEIGHTS] * 3)}, "has 3 bands", "one band"),
        ({"heights": np.full((4, 6), -9999.0)}, "knows no height around the river", "sheets"),
        (
            {"heights": np.full((4, 6), -32768.0), "nodata": None},
            "has a height of -32768 m, and names no nodata value",
            "rio edit-info --nodata -32768 dem.tif",
        ),
    ],
)
def test_what_would_have_to_be_guessed_is_refused_with_its_mend(
    tmp_path: Path, other: dict[str, Any], says: str, mend: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_elevation(write(tmp_path / "dem.tif", **other), CRS, ALL)
    assert says in caught.value.detail
    assert mend in caught.value.mend
    assert caught.value.where == str(tmp_path / "dem.tif")


def test_too_many_cells_are_refused_with_a_cell_size_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "CELLS_MAX", 6)
    with pytest.raises(ConfigurationError, match="24 cells around the river, at most 6") as caught:
        read_elevation(write(tmp_path / "dem.tif"), CRS, ALL)
    assert "--res 10 " in caught.value.mend


@pytest.mark.parametrize("content", [b"", b"II*\0", b"time,stage_m\n"])
def test_a_file_that_is_no_geotiff_is_an_error_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dem.tif"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be read as GeoTIFF"):
        read_elevation(path, CRS, ALL)


def test_a_file_cut_short_is_an_error_not_a_lake(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", np.ones((400, 600), np.float32))
    path.write_bytes(path.read_bytes()[:-200_000])
    with pytest.raises(ConfigurationError, match="cannot be read as GeoTIFF"):
        read_elevation(path, CRS, (WEST, NORTH - 2000.0, WEST + 3000.0, NORTH))


def test_an_absent_file_says_what_can_be_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        read_elevation(tmp_path / "none.tif", CRS, ALL)
    assert "illustrative" in caught.value.mend


def test_without_rasterio_the_error_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "dem.tif")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(ConfigurationError) as caught:
        read_elevation(path, CRS, ALL)
    assert caught.value.mend == "pip install 'cheoyong[terrain]'"
