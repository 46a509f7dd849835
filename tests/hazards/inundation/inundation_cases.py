# SPDX-License-Identifier: Apache-2.0
"""Floods with a known answer, and the answers in closed form."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

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


def stoker_depth_m(x: Any, at_s: float, left_m: float, right_m: float) -> Any:
    """Stoker (1957): dam break on still water; a rarefaction, a plateau between, a shock running ahead."""
    root = np.sqrt
    before = float(root(GRAVITY * left_m))

    def surplus_m_s(plateau_m: float) -> float:
        """Speed behind the shock less speed behind the rarefaction, of a plateau this deep."""
        shock = (plateau_m - right_m) * root(GRAVITY / 2.0 * (1.0 / plateau_m + 1.0 / right_m))
        return float(shock - 2.0 * (before - root(GRAVITY * plateau_m)))

    plateau_m = brentq(surplus_m_s, right_m, left_m, xtol=1e-12)
    behind = float(root(GRAVITY * plateau_m))
    speed = 2.0 * (before - behind)
    front = speed * plateau_m / (plateau_m - right_m)
    fan = (2.0 * before - x / at_s) ** 2 / (9.0 * GRAVITY)
    parts = [x < -before * at_s, x < (speed - behind) * at_s, x < front * at_s]
    return np.select(parts, [np.full_like(x, left_m), fan, np.full_like(x, plateau_m)], right_m)


class SteadyFlow(NamedTuple):
    """A kilometre of channel whose bed makes a stated depth (m, of x) the steady flow (m²/s)."""

    depth_m: Callable[[Any], Any]
    flow_m2_s: float
    roughness: float


_CRITICAL_M = (4.0 / GRAVITY) ** (1.0 / 3.0)
STEADY = {
    "subcritical": SteadyFlow(
        lambda x: _CRITICAL_M * (1.0 + 0.5 * np.exp(-16.0 * (x / 1000.0 - 0.5) ** 2)), 2.0, 0.033
    ),
    "supercritical": SteadyFlow(
        lambda x: _CRITICAL_M * (1.0 - 0.2 * np.exp(-36.0 * (x / 1000.0 - 0.5) ** 2)), 2.5, 0.04
    ),
    "transcritical": SteadyFlow(
        lambda x: np.where(
            x <= 500.0,
            _CRITICAL_M * (1.0 - np.tanh(3.0 * (x / 1000.0 - 0.5)) / 3.0),
            _CRITICAL_M * (1.0 - np.tanh(6.0 * (x / 1000.0 - 0.5)) / 6.0),
        ),
        2.0,
        0.0218,
    ),
}


def steady_flow_error(name: str, method: Any, cells: int, run_up_m: float = 0.0) -> float:
    """L1 of depth after two hours against MacDonald et al. (1997): choose the depth, and integrate the bed.

    The profiles are those that Delestre et al. (2013) tell of. ``run_up_m``: so much plain channel before it,
    in which water that is let in at rest comes to speed.
    """
    depth, flow, n = STEADY[name]
    cell_m = 1000.0 / cells
    x = np.linspace(0.0, 1000.0, 40 * cells + 1)
    h = depth(x)
    friction = n**2 * flow**2 / h ** (10.0 / 3.0)
    slope = (flow**2 / (GRAVITY * h**3) - 1.0) * np.gradient(h, x) - friction
    fall = np.concatenate([[0.0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(x))])
    at = (np.arange(cells) + 0.5) * cell_m
    before = int(run_up_m / cell_m)
    inside = np.interp(at, x, fall - fall.min())
    bed = np.concatenate([inside[0] - slope[0] * cell_m * np.arange(before, 0, -1), inside])[None, :]
    still = np.zeros_like(bed)
    drives = Forcings(
        inflows=(Inflow(((0, 0),), steady(flow * cell_m)),),
        opens=(Open(((0, bed.shape[1] - 1),), float(friction[-1])),),
    )
    choices = Choices(method=method, precision="float64", dry_m=1e-6)
    end = run(Terrain(bed, cell_m, n), State(still + 0.1, still, still), drives, 7200.0, choices)
    found, expected = end.state.depth_m[0, before:], depth(at)
    return float(np.abs(found - expected).sum() / expected.sum())


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


def spreading_on_a_plain(method: Any, hours: float = 1.0) -> Outcome:
    """A breach lets 20 m³/s onto a dry plain of 1 × 0.5 km, 5 m cells, float32: a slow rise everywhere.

    The setting of test 4 of the Environment Agency's SC120002 at half the size, not its hydrograph.
    """
    terrain = Terrain(np.zeros((200, 100)), 5.0, 0.05)
    breach = tuple((row, 0) for row in range(98, 102))
    flow = Course((0.0, 900.0), (0.0, 20.0))
    drives = Forcings(inflows=(Inflow(breach, flow),))
    return run(terrain, still_water(terrain), drives, hours * 3600.0, Choices(method=method))


def sixteen_hollows(method: Any) -> tuple[Any, Any, Any]:
    """Two days after 81,000 m³ came in at a corner: level in each hollow, its sill, greatest level; float32.

    In the manner of test 2 of SC120002 (4 × 4 hollows half a metre deep on a slope, 2 × 2 km, n = 0.03); the
    agency's own ground and hydrograph are not here.
    """
    n, cell_m = 100, 20.0
    centre = (np.arange(n) + 0.5) * cell_m
    x, y = np.meshgrid(centre, centre)
    hollow = 0.5 * np.sin(np.pi * x / 500.0) ** 2 * np.sin(np.pi * y / 500.0) ** 2
    bed = 2.0 - x / 3000.0 - y / 1500.0 - hollow
    corner = tuple((row, 0) for row in range(5))
    flow = Course((0.0, 600.0, 3600.0, 5100.0), (0.0, 20.0, 20.0, 0.0))
    drives = Forcings(inflows=(Inflow(corner, flow),))
    terrain = Terrain(bed, cell_m, 0.03)
    end = run(terrain, still_water(terrain), drives, 48 * 3600.0, Choices(method=method))
    assert abs(end.balance_m3) <= 1e-6 * end.brought_m3
    middle = np.ix_(np.arange(4) * 25 + 12, np.arange(4) * 25 + 12)
    level, greatest = end.state.depth_m + bed, end.depth_max_m + bed
    return level[middle], _filled(bed)[middle], greatest[middle]


def _filled(bed: Any) -> Any:
    """Level to which each cell fills before water leaves it for the lowest cell (Barnes et al. 2014)."""
    level = np.full(bed.shape, np.inf)
    lowest = np.unravel_index(int(np.argmin(bed)), bed.shape)
    level[lowest] = bed[lowest]
    waiting = [(float(bed[lowest]), lowest)]
    while waiting:
        here, (row, column) = heapq.heappop(waiting)
        for at in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = 0 <= at[0] < bed.shape[0] and 0 <= at[1] < bed.shape[1]
            if inside and np.isinf(level[at]):
                level[at] = max(here, float(bed[at]))
                heapq.heappush(waiting, (float(level[at]), at))
    return level
