# SPDX-License-Identifier: Apache-2.0
"""Reads the part of a GeoTIFF elevation model that is asked for; refuses what it would have to guess about.

Reading needs the extra ``terrain`` (rasterio). A file in another projection, turned, or with oblong cells is
not resampled behind anybody's back: the error gives the command that does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, floor, isclose
from pathlib import Path
from typing import Any

import numpy as np

from cheoyong.domain.errors import ConfigurationError

CELLS_MAX = 1_000_000
"""Of the part that is read: 1000 × 1000. A library of floods on more takes hours, and gigabytes."""
_GROUND_M = (-500.0, 9000.0)  # the shore of the Dead Sea lies at -430 m, the summit of Everest at 8,849 m

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Elevation:
    """Ground in metres, rows from **south to north**; NaN where the file knows nothing.

    ``west_m``, ``south_m``: outer edges of the first column and row in the projection asked for.
    """

    bed_m: Any
    cell_m: float
    west_m: float
    south_m: float


def read_elevation(path: Path, crs: str, box_m: Box) -> Elevation:
    """The cells of ``path`` that touch ``box_m`` (west, south, east, north), metres in projection ``crs``.

    Raises ConfigurationError, with its mend, when rasterio is not installed, and for a file that is absent,
    no GeoTIFF, of several bands, in another projection, turned or oblong, outside the box, too large, empty,
    or without a nodata value though it holds impossible heights.
    """
    with _opened(path) as file:
        _check_shape(file, path, crs)
        window, west_m, south_m = _window(file, path, box_m)
        band = file.read(1, window=window, masked=True).astype(np.float64)
        bed = np.ma.filled(band, np.nan) * file.scales[0] + file.offsets[0]
    _check_heights(bed, path, file.nodata)
    return Elevation(bed[::-1].copy(), float(file.transform.a), west_m, south_m)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import rasterio
        from rasterio.errors import RasterioError
    except ImportError:
        raise _wrong(path, "reading it needs rasterio", "pip install 'cheoyong[terrain]'") from None
    if not path.is_file():
        raise _wrong(path, "there is no such file", "give the path of a GeoTIFF, or 'illustrative' or 'off'")
    try:
        # Named, because other formats of GDAL may point to further files and addresses.
        with rasterio.open(path, driver="GTiff") as file:
            yield file
    except RasterioError as error:
        raise _wrong(path, f"cannot be read as GeoTIFF: {error}", "compare it with its original") from None


def _check_shape(file: Any, path: Path, crs: str) -> None:
    warp = f"rio warp {path.name} mended.tif --dst-crs {crs} --res METRES --resampling average"
    if file.count != 1:
        raise _wrong(path, f"has {file.count} bands", "give a file of one band, ground in metres")
    if file.crs is None:
        raise _wrong(path, "names no projection", f"rio edit-info --crs EPSG:CODE {path.name}")
    if not _same(file.crs.to_wkt(), crs):
        raise _wrong(path, f"is in {_name(file.crs)}, the city's projection is {crs}", warp)
    step = file.transform
    if step.b or step.d or step.a <= 0 or step.e >= 0:
        raise _wrong(path, "is turned: its columns do not run east and its rows south", warp)
    if not isclose(step.a, -step.e, rel_tol=1e-6):
        raise _wrong(path, f"has oblong cells, {step.a:g} × {-step.e:g} m", warp)


def _same(wkt: str, crs: str) -> bool:
    from pyproj import CRS

    found = CRS.from_wkt(wkt)
    flat = (
        found.sub_crs_list[0] if found.is_compound else found
    )  # the height's own datum is a matter of facts
    return flat.to_2d().equals(CRS(crs), ignore_axis_order=True)


def _name(crs: Any) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else "a projection without EPSG code"


def _window(file: Any, path: Path, box_m: Box) -> tuple[Any, float, float]:
    """The cells that touch the box, cut at the file's edges, with the place of their south-west corner."""
    from rasterio.windows import Window

    cell, left, top = file.transform.a, file.transform.c, file.transform.f
    first = max(0, floor((box_m[0] - left) / cell)), max(0, floor((top - box_m[3]) / cell))
    last = min(file.width, ceil((box_m[2] - left) / cell)), min(file.height, ceil((top - box_m[1]) / cell))
    columns, rows = last[0] - first[0], last[1] - first[1]
    if columns <= 0 or rows <= 0:
        raise _wrong(
            path, "does not cover the river's reach", "bring the sheets around the river of the city pack"
        )
    if rows * columns > CELLS_MAX:
        larger = ceil(cell * (rows * columns / CELLS_MAX) ** 0.5)
        raise _wrong(
            path,
            f"has {rows * columns} cells around the river, at most {CELLS_MAX}",
            f"rio warp {path.name} coarser.tif --res {larger} --resampling average",
        )
    return Window(*first, columns, rows), left + first[0] * cell, top - last[1] * cell


def _check_heights(bed: Any, path: Path, nodata: float | None) -> None:
    known = bed[np.isfinite(bed)]
    if not known.size:
        raise _wrong(
            path, "knows no height around the river", "bring the sheets around the river of the city pack"
        )
    low, high = float(known.min()), float(known.max())
    if low < _GROUND_M[0] or high > _GROUND_M[1]:
        odd = low if low < _GROUND_M[0] else high
        named = "names no nodata value" if nodata is None else f"its nodata value is {nodata:g}"
        mend = f"if it stands for no data: rio edit-info --nodata {odd:g} {path.name}; heights are in metres"
        raise _wrong(path, f"has a height of {odd:g} m, and {named}", mend)


def _wrong(path: Path, detail: str, mend: str) -> ConfigurationError:
    return ConfigurationError(detail, where=str(path), mend=mend)
