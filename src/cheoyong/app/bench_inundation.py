# SPDX-License-Identifier: Apache-2.0
"""Bench of the inundation solvers: cells a second beside the memory bandwidth measured in the same run."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numba
import numpy as np

from cheoyong.hazards.inundation.compiled import compiled, prange
from cheoyong.hazards.inundation.forcing import Forcings, Inflow, Open, steady
from cheoyong.hazards.inundation.grid import grid_of
from cheoyong.hazards.inundation.run import State, run
from cheoyong.hazards.inundation.solvers import LocalInertial, ShallowWater, Stepper, Tiles
from cheoyong.hazards.inundation.terrain import Terrain
from cheoyong.hazards.inundation.tiles import tile_shape

_BYTES_INERTIAL, _BYTES_SHALLOW = 28, 40
"""Least traffic of a cell and step, float32: arrays read and written once (uniform roughness)."""


_SIX_HOURS_S = 21_600.0
_WET_SHARE = 0.2


def bench_inundation(cells: int, seconds: float, members: int = 0) -> dict[str, Any]:
    """``cells``² all wet, float32; best of short rounds over ``seconds`` for each figure.

    With ``members`` also whole floods of six hours on 10 × 10 km of which a fifth is wet: one at 10 m, and
    that many at 20 m, one to a core.
    """
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
        **(_floods(members) if members else {}),
    }


def _floods(members: int) -> dict[str, Any]:
    _flood_s(100, 100.0)  # compiles
    one_s = _flood_s(1000, 10.0)
    start = time.perf_counter()
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(
        cores, multiprocessing.get_context("spawn"), initializer=numba.set_num_threads, initargs=(1,)
    ) as pool:
        each = list(pool.map(_flood_s, [500] * members, [20.0] * members))
    return {
        "ten_km_six_hours_s": round(one_s, 2),
        "members": members,
        "members_s": round(time.perf_counter() - start, 1),
        "member_s": round(min(each), 2),
    }


def _flood_s(cells: int, cell_m: float) -> float:
    """Seconds for six hours of local-inertial flow down a channel a fifth as wide as the square, 2 m deep."""
    x = np.abs(np.arange(cells) - cells / 2) / cells
    fall = np.linspace(5.0, 0.0, cells)[:, None]
    bed = np.where(x < _WET_SHARE / 2, 0.0, 10.0)[None, :] + fall
    terrain = Terrain(bed, cell_m)
    middle = np.flatnonzero(x < _WET_SHARE / 2)
    forcings = Forcings(
        inflows=(Inflow(tuple((0, int(c)) for c in middle), steady(0.5 * cell_m * len(middle))),),
        opens=(Open(tuple((cells - 1, int(c)) for c in middle), 5.0 / (cells * cell_m)),),
    )
    zero = np.zeros(bed.shape)
    depth = np.where(x < _WET_SHARE / 2, 2.0, 0.0)[None, :] + zero
    start = time.perf_counter()
    run(terrain, State(depth, zero, zero), forcings, _SIX_HOURS_S)
    return time.perf_counter() - start


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
