# SPDX-License-Identifier: Apache-2.0
"""Floods with a known answer, and the answers in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.hazards.inundation.forcing import Course, Forcings, Inflow, Open, Stage, steady
from cheoyong.hazards.inundation.run import Choices, Outcome, State, run, still_water
from cheoyong.hazards.inundation.terrain import Terrain

GRAVITY = 9.80665


def dam_break(n: int, method: Any, left_m: float, right_m: float, at_s: float) -> tuple[Any, Outcome]:
    """A wall of water in the middle of a 20 m channel without friction vanishes at 0 s; x and the outcome."""
    cell_m = 20.0 / n
    x = (np.arange(n) + 0.5) * cell_m - 10.0
    depth = np.where(x < 0.0, left_m, right_m) * np.ones((2, 1))
    zero = np.zeros_like(depth)
    choices = Choices(method=method, precision="float64", dry_m=1e-8)
    return x, run(Terrain(zero, cell_m, 0.0), State(depth, zero, zero), Forcings(), at_s, choices)


def ritter_depth_m(x: Any, at_s: float, left_m: float) -> Any:
    """Ritter (1892): dam break on a dry bed, front at 2 √(g h0) t."""
    c = np.sqrt(GRAVITY * left_m)
    inside = (2.0 * c - x / at_s) ** 2 / (9.0 * GRAVITY)
    return np.where(x < -c * at_s, left_m, np.where(x > 2.0 * c * at_s, 0.0, inside))


def thacker_depth_m(n: int) -> tuple[Terrain, Any, Any, float]:
    """Thacker (1981), planar surface in a paraboloid: terrain, depth, flow, period s."""
    a, h0, eta, side = 1.0, 0.1, 0.5, 4.0
    speed = np.sqrt(2.0 * GRAVITY * h0) / a
    axis = (np.arange(n) + 0.5) * side / n - side / 2.0
    x, y = np.meshgrid(axis, axis)
    bed = h0 * ((x**2 + y**2) / a**2 - 1.0)
    depth = np.maximum(eta * h0 / a**2 * (2.0 * x - eta) - bed, 0.0)
    return Terrain(bed, side / n, 0.0), depth, depth * eta * speed, 2.0 * np.pi / speed


def random_lake(precision: Any, method: Any) -> Outcome:
    """A lake with islands and one-cell walls over a rough random bed, two minutes."""
    rng = np.random.default_rng(7)
    bed = rng.uniform(0.0, 3.0, (40, 70))
    bed[10, :30] = np.nan
    bed[rng.random(bed.shape) < 0.02] = np.nan
    terrain = Terrain(bed, 5.0, 0.03)
    choices = Choices(method=method, precision=precision)
    return run(terrain, still_water(terrain, 2.0), Forcings(), 120.0, choices)


def wave_on_plane(cell_m: float, u: float, theta: float) -> float:
    """RMSE over greatest depth: non-breaking wave on a plane (Hunter et al. 2005), ``u`` m/s, n = 0.03."""
    n, until_s, length_m = 0.03, 3600.0, 5000.0 * u
    columns = int(length_m / cell_m)
    at_s = np.linspace(0.0, until_s, 721)
    # The level is held at the centre of the first cell, half a cell from where the wave enters.
    level = (7.0 / 3.0 * n**2 * u**2 * np.maximum(u * at_s - 0.5 * cell_m, 0.0)) ** (3.0 / 7.0)
    stage = Stage(((0, 0),), Course(tuple(at_s.tolist()), tuple(level.tolist())))
    terrain = Terrain(np.zeros((1, columns)), cell_m, n)
    choices = Choices(precision="float64", theta=theta)
    end = run(terrain, still_water(terrain), Forcings(stages=(stage,)), until_s, choices)
    x = (np.arange(columns) + 0.5) * cell_m
    expected = (7.0 / 3.0 * n**2 * u**2 * np.maximum(u * until_s - x, 0.0)) ** (3.0 / 7.0)
    return float(np.sqrt(np.mean((end.state.depth_m[0] - expected) ** 2)) / expected.max())


def storm_on_rough_ground(
    method: Any,
    *,
    tiles: bool = True,
    until_s: float = 400.0,
    rain: bool = True,
    shape: tuple[int, int] = (130, 260),
) -> Outcome:
    """Rain, a point inflow and an open edge on a random slope with walls and a 40 m cliff, float32."""
    rng = np.random.default_rng(11)
    rows, columns = shape = (130, 260)
    bed = np.linspace(20.0, 0.0, columns)[None, :] + rng.uniform(0.0, 0.5, shape)
    bed[:, : columns // 3] += 40.0
    bed[rng.random(shape) < 0.01] = np.nan
    bed[60, 70] = 45.0
    opened = tuple((row, columns - 1) for row in range(rows) if np.isfinite(bed[row, -1]))
    bed[5, 5] = 60.0
    drives = Forcings(
        rain_m_s=Course((0.0, 150.0, 200.0), (2e-5, 2e-5, 0.0)) if rain else None,
        inflows=(Inflow(((5, 5), (60, 70)), steady(8.0)),),
        opens=(Open(opened, 0.02),),
    )
    terrain = Terrain(bed, 10.0, rng.uniform(0.02, 0.1, shape))
    return run(
        terrain, still_water(terrain), drives, until_s, Choices(method=method, active_tiles_only=tiles)
    )
