# SPDX-License-Identifier: Apache-2.0
"""Merewether (Newcastle, Australia), flash flood of June 2007: streets with houses, five levels.

Data of the Water Research Laboratory (UNSW) for Australian Rainfall and Runoff project 15, in the folder
layout of Geoscience Australia's ``validation_tests/case_studies/merewether``. Houses are walls. A steady 19.7
m³/s comes in within 15 m of (382300, 6354290); Manning 0.04, road 0.02; all as in that project. Water leaves
at the outer edges at normal depth on a slope of 2 % (ours).
"""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from cheoyong.app.flood_cases.result import Place, Result, read_bytes
from cheoyong.hazards.inundation.forcing import Forcings, Inflow, Open, steady
from cheoyong.hazards.inundation.run import Choices, Method, run, still_water
from cheoyong.hazards.inundation.terrain import Terrain

DEFAULT_METHOD: Method = "shallow_water"
INFLOW_M3_S, INFLOW_AT_M, INFLOW_WITHIN_M = 19.7, (382300.0, 6354290.0), 15.0
ROUGHNESS, ROAD_ROUGHNESS, EDGE_SLOPE = 0.04, 0.02, 0.02
UNTIL_S = 1000.0
_GIVEN = "stage (ARR Report Final)"


def merewether(folder: Path, method: Method) -> Result:
    """Water level at the five places after 1,000 s of steady flow; a dry place shows its ground."""
    bed, cell_m, west_m, south_m = _ground(read_bytes(folder / "topography1.zip"))
    rows, columns = bed.shape
    x, y = np.meshgrid(
        west_m + (np.arange(columns) + 0.5) * cell_m, south_m + (np.arange(rows) + 0.5) * cell_m
    )
    houses = [_polygon(path) for path in sorted((folder / "houses").glob("house*.csv"))]
    built = shapely.contains_xy(shapely.union_all(houses), x, y)
    road = shapely.contains_xy(_polygon(folder / "Road" / "RoadPolygon.csv"), x, y)
    rough = np.where(road, ROAD_ROUGHNESS, ROUGHNESS)
    terrain = Terrain(np.where(built, np.nan, bed), cell_m, rough)
    near = np.hypot(x - INFLOW_AT_M[0], y - INFLOW_AT_M[1]) <= INFLOW_WITHIN_M
    forcings = Forcings(
        inflows=(Inflow(_cells(near & ~terrain.walls), steady(INFLOW_M3_S)),),
        opens=(Open(_cells(_edge(terrain)), EDGE_SLOPE),),
    )
    end = run(terrain, still_water(terrain), forcings, UNTIL_S, Choices(method=method))
    level = np.maximum(end.state.depth_m, 0.0) + terrain.bed_m
    places = []
    for row in _observed(folder / "Observations" / "ObservationPoints.csv"):
        at = int((float(row["y"]) - south_m) / cell_m), int((float(row["x"]) - west_m) / cell_m)
        wet = bool(end.state.depth_m[at] > 0.05)
        places.append(Place(row["ID"].strip(), float(row[_GIVEN]), float(level[at]), wet))
    return Result("merewether", method, "water level, m", tuple(places), steps=end.steps)


def _ground(archive: bytes) -> tuple[Any, float, float, float]:
    """Elevation (rows from south to north), cell size, west and south edge, all m."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        lines = opened.read("topography1.asc").decode("ascii").splitlines()
    head = {key: float(value) for key, value in (line.split() for line in lines[:6])}
    bed = np.array([[float(part) for part in line.split()] for line in lines[6:] if line.strip()])
    bed[bed == head["NODATA_value"]] = np.nan
    return bed[::-1], head["cellsize"], head["xllcorner"], head["yllcorner"]


def _polygon(path: Path) -> shapely.Polygon:
    points = [tuple(map(float, line.split(","))) for line in read_bytes(path).decode("ascii").split()]
    return shapely.make_valid(shapely.Polygon(points))


def _observed(path: Path) -> list[dict[str, str]]:
    text = read_bytes(path).decode("ascii").splitlines()
    return list(csv.DictReader(text, skipinitialspace=True))


def _edge(terrain: Terrain) -> Any:
    """Open cells at the edge of the grid or beside ground that is not known there."""
    open_cells = ~terrain.walls
    edge = np.zeros_like(open_cells)
    edge[[0, 1, -2, -1], :] = edge[:, [0, 1, -2, -1]] = True
    return edge & open_cells


def _cells(mask: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(row), int(column)) for row, column in np.argwhere(mask))
