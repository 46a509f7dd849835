# SPDX-License-Identifier: Apache-2.0
"""Malpasset (France), 2 December 1959: the dam that broke, and the marks its flood left down the valley.

Bed elevation: the open mesh of the case (EDF, CADAM project), put on square cells. Places and levels: marks
that the police found on both banks (P1-P17) and gauges of the physical model at 1:400 (S6-S14), as tabled by
Hervouet (2007), "Hydrodynamics of Free Surface Flows", and Goutal (1999), proceedings of the 4th CADAM
meeting. Reservoir at 100 m, valley dry, sea at 0 m, Manning 1/30, all as in that project.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

from cheoyong.app.flood_cases.result import Place, Result, read_bytes
from cheoyong.domain.errors import InvalidInput
from cheoyong.hazards.inundation.forcing import Forcings
from cheoyong.hazards.inundation.run import Choices, Method, State, run
from cheoyong.hazards.inundation.terrain import Terrain

DEFAULT_METHOD: Method = "shallow_water"
FILE = "malpasset_26000_merged.tsh.gz"
CELL_M, UNTIL_S, ROUGHNESS = 20.0, 4000.0, 1.0 / 30.0
RESERVOIR_M, SEA_M = 100.0, 0.0
DAM_M = ((4701.18, 4143.41), (4655.50, 4392.10))
POLICE = (
    (4913.11, 4244.01, 79.15), (5159.75, 4369.62, 87.20), (5790.63, 4177.76, 54.90),
    (5886.54, 4503.97, 64.70), (6763.05, 3429.60, 51.10), (6929.97, 3591.87, 43.75),
    (7326.02, 2948.78, 44.35), (7441.01, 3232.12, 38.60), (8735.94, 3264.61, 31.90),
    (8628.60, 3604.62, 40.75), (9761.13, 3480.36, 24.15), (9800.00, 2414.79, 24.90),
    (10957.20, 2651.94, 17.25), (11156.99, 3800.72, 20.70), (11689.05, 2592.36, 18.60),
    (11626.05, 3406.80, 17.25), (12333.72, 2269.74, 14.00),
)  # fmt: skip
MODEL = (
    (4947.46, 4289.71, 84.20), (5717.30, 4407.61, 49.10), (6775.14, 3869.23, 54.00),
    (7128.20, 3162.00, 40.20), (8585.30, 3443.08, 34.90), (9674.97, 3085.89, 27.40),
    (10939.15, 3044.78, 21.50), (11724.37, 2810.41, 16.10), (12723.70, 2485.08, 12.90),
)  # fmt: skip


def malpasset(folder: Path, method: Method) -> Result:
    """Highest level at the marks (P) and the model's gauges (S), m; a dry place shows its ground."""
    terrain, x, y = _valley(read_bytes(folder / FILE))
    wet = np.where(_behind_the_dam(x, y), RESERVOIR_M, SEA_M) - terrain.bed_m
    zero = np.zeros(terrain.shape)
    state = State(np.where(terrain.walls, 0.0, np.maximum(wet, 0.0)), zero, zero)
    end = run(terrain, state, Forcings(), UNTIL_S, Choices(method=method))
    named = [(f"P{n}", *mark) for n, mark in enumerate(POLICE, 1)]
    named += [(f"S{n}", *gauge) for n, gauge in enumerate(MODEL, 6)]
    west, south = x[0, 0] - CELL_M / 2, y[0, 0] - CELL_M / 2
    places = []
    for name, at_x, at_y, measured in named:
        at = int((at_y - south) / CELL_M), int((at_x - west) / CELL_M)
        depth = float(max(end.depth_max_m[at], 0.0))
        places.append(Place(name, measured, float(terrain.bed_m[at]) + depth, depth > 0.05))
    return Result("malpasset", method, "highest water level, m", tuple(places), steps=end.steps)


def _behind_the_dam(x: Any, y: Any) -> Any:
    """Left of the dam's line, looking along it from its first point to its second."""
    (x0, y0), (x1, y1) = DAM_M
    return (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0.0


def _valley(packed: bytes) -> tuple[Terrain, Any, Any]:
    """The mesh on square cells (walls outside it), and the middles of the cells, m."""
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    count = int(lines[0].split()[0])
    points = np.array([[float(part) for part in line.split()[1:4]] for line in lines[1 : count + 1]])
    at = next((i for i, line in enumerate(lines) if "Triangulation Triangles" in line), None)
    if at is None or points.shape != (count, 3):
        raise InvalidInput("no mesh can be read", where=FILE)
    triangles = np.array(
        [line.split()[1:4] for line in lines[at + 1 : at + 1 + int(lines[at].split()[0])]], int
    )
    west, south = points[:, :2].min(axis=0)
    columns, rows = (np.ceil(np.ptp(points[:, :2], axis=0) / CELL_M)).astype(int)
    x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * CELL_M, south + (np.arange(rows) + 0.5) * CELL_M)
    whole = Delaunay(points[:, :2])
    bed = LinearNDInterpolator(whole, points[:, 2])(x, y)
    return Terrain(np.where(_in_mesh(points, triangles, x, y), bed, np.nan), CELL_M, ROUGHNESS), x, y


def _in_mesh(points: Any, triangles: Any, x: Any, y: Any) -> Any:
    """Whether each cell's middle lies in a triangle of the mesh: its hull is wider than the valley."""
    import shapely

    mesh = shapely.union_all(shapely.polygons(points[:, :2][triangles]))
    shapely.prepare(mesh)
    return shapely.contains_xy(mesh, x, y)
