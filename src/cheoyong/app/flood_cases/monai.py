# SPDX-License-Identifier: Apache-2.0
"""Monai valley: the tsunami of Okushiri (1993) in a tank at 1:400, with three gauges behind the island.

Benchmark 2 of the third international workshop on long-wave runup models (Catalina 2004; tank of CRIEPI,
Abiko), in the folder layout of ``validation_tests/experimental_data/okushiri``. The measured wave is held as
the stage of the first column of cells; the other walls reflect. Manning 0.01 (perspex).
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from cheoyong.app.flood_cases.result import Place, Result, read_bytes
from cheoyong.hazards.inundation.forcing import Course, Forcings, Stage
from cheoyong.hazards.inundation.run import Choices, Method, State, run, still_water
from cheoyong.hazards.inundation.terrain import Terrain

DEFAULT_METHOD: Method = "shallow_water_muscl"
CELL_M, WIDTH_M, LENGTH_M = 0.014, 3.402, 5.488
UNTIL_S, STEP_S = 22.5, 0.05
ROUGHNESS = 0.01
GAUGES = {"ch5": (4.521, 1.196), "ch7": (4.521, 1.696), "ch9": (4.521, 2.196)}


def monai(folder: Path, method: Method) -> Result:
    """Root mean square error of each gauge over 22.5 s, as computed beside a measured 0, cm."""
    terrain = _tank(read_bytes(folder / "Benchmark_2_Bathymetry.zip"))
    wave = _table(read_bytes(folder / "Benchmark_2_input.txt"))
    measured = _table(read_bytes(folder / "output_ch5-7-9.txt"))
    rows, _ = terrain.shape
    held = Stage(tuple((row, 0) for row in range(rows)), Course(tuple(wave[:, 0]), tuple(wave[:, 1])))
    state, steps = still_water(terrain, 0.0), 0
    still = np.maximum(state.depth_m, 0.0)
    times = np.arange(STEP_S, UNTIL_S + STEP_S / 2, STEP_S)
    levels = np.zeros((len(times), len(GAUGES)))
    for index, at_s in enumerate(times):
        end = run(
            terrain, state, Forcings(stages=(held,)), float(at_s), Choices(method=method, watch_steps=1000)
        )
        state, steps = end.state, steps + end.steps
        levels[index] = _levels_cm(state, still)
    places = []
    for column, name in enumerate(GAUGES):
        known = np.interp(times, measured[:, 0], measured[:, 1 + column])
        error = levels[:, column] - (known - measured[0, 1 + column])
        places.append(Place(name, 0.0, float(np.sqrt((error**2).mean()))))
    return Result("monai", method, "root mean square error of the level, cm", tuple(places), steps=steps)


def _levels_cm(state: State, still: Any) -> list[float]:
    cells = [(int(y / CELL_M), int(x / CELL_M)) for x, y in GAUGES.values()]
    return [100.0 * float(state.depth_m[cell] - still[cell]) for cell in cells]


def _tank(archive: bytes) -> Terrain:
    """The tank on square cells; its file has elevation at 0.014 m nodes, x fastest or slowest."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        name = next(name for name in opened.namelist() if name.endswith((".xya", ".txt")))
        points = _table(opened.read(name))
    x, y = np.unique(points[:, 0]), np.unique(points[:, 1])
    nodes = np.empty((len(y), len(x)))
    nodes[np.searchsorted(y, points[:, 1]), np.searchsorted(x, points[:, 0])] = points[:, 2]
    at = RegularGridInterpolator((y, x), nodes)
    middles_y = (np.arange(round(WIDTH_M / CELL_M)) + 0.5) * CELL_M
    middles_x = (np.arange(round(LENGTH_M / CELL_M)) + 0.5) * CELL_M
    return Terrain(at(tuple(np.meshgrid(middles_y, middles_x, indexing="ij"))), CELL_M, ROUGHNESS)


def _table(text: bytes) -> Any:
    """The numbers of a text file, lines of words left out."""
    rows = []
    for line in text.decode("ascii").replace(",", " ").splitlines():
        try:
            rows.append([float(part) for part in line.split()])
        except ValueError:
            continue
    return np.array([row for row in rows if row])
