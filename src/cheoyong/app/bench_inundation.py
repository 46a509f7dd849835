# SPDX-License-Identifier: Apache-2.0
"""Bench of the inundation solvers: cells a second beside the memory bandwidth measured in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from cheoyong.hazards.inundation.compiled import compiled, prange
from cheoyong.hazards.inundation.grid import grid_of
from cheoyong.hazards.inundation.solvers import LocalInertial, ShallowWater, Stepper, Tiles
from cheoyong.hazards.inundation.terrain import Terrain
from cheoyong.hazards.inundation.tiles import tile_shape

_BYTES_INERTIAL, _BYTES_SHALLOW = 28, 40
"""Least traffic of a cell and step, float32: arrays read and written once (uniform roughness)."""


def bench_inundation(cells: int, seconds: float) -> dict[str, Any]:
    """``cells``² all wet, float32; best of short rounds over ``seconds`` for each figure."""
    inertial = _mcell_per_s(cells, seconds, "local_inertial")
    shallow = _mcell_per_s(cells, seconds, "shallow_water")
    muscl = _mcell_per_s(cells, seconds, "shallow_water_muscl")
    triad = _triad_gb_per_s(seconds)
    return {
        "inertial_mcell_per_s": round(inertial, 1),
        "shallow_water_mcell_per_s": round(shallow, 1),
        "shallow_water_muscl_mcell_per_s": round(muscl, 1),
        "triad_gb_per_s": round(triad, 2),
        "inertial_share_of_triad": round(inertial * _BYTES_INERTIAL / triad / 1e3, 3),
        "shallow_water_share_of_triad": round(shallow * _BYTES_SHALLOW / triad / 1e3, 3),
        "cells": cells * cells,
        "threads": numba.get_num_threads(),
    }


def _mcell_per_s(cells: int, seconds: float, method: str) -> float:
    """Million cell updates a second of whole steps, time step included."""
    solver = _solver(cells, method)
    return cells * cells / _best_s(lambda: solver.step(60.0), seconds) / 1e6


def _solver(cells: int, method: str) -> Stepper:
    """About two metres of uneven water over an uneven bed, 10 m cells."""
    rng = np.random.default_rng(1)
    bed = rng.uniform(0.0, 0.5, (cells, cells))
    grid = grid_of(Terrain(bed, 10.0), np.dtype(np.float32))
    tiles = Tiles(grid, active_only=True, over_m=1e-4, always=np.zeros(tile_shape(cells, cells), dtype=bool))
    solver: Stepper
    if method == "local_inertial":
        solver = LocalInertial(grid, tiles, cfl=0.7, theta=0.8, dry_m=1e-4)
    else:
        second = method == "shallow_water_muscl"
        solver = ShallowWater(grid, tiles, cfl=0.25, dry_m=1e-4, second_order=second)
    solver.depth[...] = grid.padded(2.0 - bed + rng.uniform(0.0, 0.1, bed.shape))
    return solver


def _best_s(work: Callable[[], object], seconds: float) -> float:
    """Seconds of one call: best mean of rounds of ten, after one call that compiles."""
    work()
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until or best == float("inf"):
        start = time.perf_counter()
        for _ in range(10):
            work()
        best = min(best, (time.perf_counter() - start) / 10)
    return best


@compiled(parallel=True)
def _triad(a: Any, b: Any, c: Any, factor: Any) -> None:
    for i in prange(a.size):
        a[i] = b[i] + factor * c[i]


def _triad_gb_per_s(seconds: float) -> float:
    """McCalpin's STREAM triad, a = b + s c, float32, far larger than any cache; 12 bytes an element."""
    n = 1 << 25
    a, b, c = np.zeros(n, np.float32), np.ones(n, np.float32), np.ones(n, np.float32)
    return 12 * n / _best_s(lambda: _triad(a, b, c, np.float32(3.0)), seconds) / 1e9
