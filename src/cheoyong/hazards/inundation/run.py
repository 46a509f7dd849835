# SPDX-License-Identifier: Apache-2.0
"""Run a flood over a window of time: state and forcings in; depths, maxima, arrival, balance out.

Pure: no clock, no file. The same input gives the same output bit for bit, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput
from cheoyong.hazards.inundation.compiled import threads_for
from cheoyong.hazards.inundation.forcing import Forcings, check_forcings
from cheoyong.hazards.inundation.grid import Grid, grid_of
from cheoyong.hazards.inundation.solvers import LocalInertial, ShallowWater, Stepper, Tiles
from cheoyong.hazards.inundation.sources import Sources
from cheoyong.hazards.inundation.terrain import Terrain
from cheoyong.hazards.inundation.tiles import BAND_ROWS, PAD_COLUMNS, TILE_COLUMNS, tile_shape
from cheoyong.hazards.inundation.watch import remember

Method = Literal["local_inertial", "shallow_water", "shallow_water_muscl"]
_CFL: dict[Method, float] = {"local_inertial": 0.7, "shallow_water": 0.45, "shallow_water_muscl": 0.25}


@dataclass(frozen=True, slots=True)
class Choices:
    """How to compute. ``theta`` 0.7 to 1 (local inertial only): 1 = Bates 2010, less damps more.

    ``dry_m``: depth below which water does not move, m. ``cfl`` None = 0.7, 0.45 or 0.25 by method.
    ``wet_m``: depth that counts as arrival, m. ``step_s_max``: longest time step, s.
    ``watch_steps``: maxima and arrival are taken every so many. ``active_tiles_only`` changes speed only.
    """

    method: Method = "local_inertial"
    precision: Literal["float32", "float64"] = "float32"
    theta: float = 0.8
    cfl: float | None = None
    dry_m: float = 1e-4
    wet_m: float = 0.05
    step_s_max: float = 60.0
    steps_max: int = 10_000_000
    watch_steps: int = 4
    active_tiles_only: bool = True

    def __post_init__(self) -> None:
        """Refuse what would not be stable."""
        limits = {
            "theta": (0.7, 1.0),
            "dry_m": (1e-9, 0.1),
            "wet_m": (1e-6, 10.0),
            "step_s_max": (1e-6, 3600.0),
        }
        limits |= {"steps_max": (1, 10_000_000), "watch_steps": (1, 1000)}
        if self.cfl is not None:
            limits["cfl"] = (0.01, 1.0)
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ImpossibleValue(f"must be {low:g} to {high:g}", where=name)


@dataclass(frozen=True, slots=True)
class State:
    """Water at ``at_s`` s, arrays (rows, columns). A tiny negative depth is water owed, see local_inertial.

    ``flow_x_m2_s``, ``flow_y_m2_s``: unit discharge through each cell's low face (local inertial) or in it
    (shallow water); a state goes on only with the kind of method it came from.
    """

    depth_m: Any
    flow_x_m2_s: Any
    flow_y_m2_s: Any
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gives. ``depth_max_m``, ``arrival_s`` (rows, columns; NaN = never) since the run began.

    ``brought_m3``: all that forcings brought less what left. ``balance_m3``: water now less water before less
    ``brought_m3``: the error of the computation. ``complete`` False: it was cancelled at ``state.at_s``.
    """

    state: State
    depth_max_m: Any
    arrival_s: Any
    steps: int
    brought_m3: float
    balance_m3: float
    complete: bool


def still_water(terrain: Terrain, stage_m: float | None = None) -> State:
    """A state at rest: dry, or filled everywhere to ``stage_m`` on the terrain's datum.

    >>> still_water(Terrain([[0.0, 3.0]], 10.0), 2.0).depth_m.tolist()
    [[2.0, 0.0]]
    """
    zero = np.zeros(terrain.shape)
    if stage_m is None:
        return State(zero, zero, zero)
    bed = np.where(terrain.walls, np.inf, terrain.bed_m)
    return State(np.maximum(stage_m - bed, 0.0), zero, zero)


def run(
    terrain: Terrain,
    state: State,
    forcings: Forcings,
    until_s: float,
    choices: Choices | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Compute from ``state.at_s`` to ``until_s``; ``cancelled`` is asked before every step.

    Raises InvalidInput or ImpossibleValue when the parts do not fit or a bound is passed.

    >>> basin = Terrain(np.zeros((4, 4)), cell_m=10.0)
    >>> end = run(basin, still_water(basin, 1.0), Forcings(), until_s=60.0)
    >>> float(end.depth_max_m.max()), end.balance_m3, end.complete
    (1.0, 0.0, True)
    """
    choices = choices or Choices()
    check_forcings(forcings, terrain)
    _check_state(state, terrain, until_s)
    grid = grid_of(terrain, np.dtype(choices.precision))
    sources = Sources(forcings, grid, state.at_s)
    solver = _solver(grid, choices, _source_tiles(grid, sources))
    for name, values in (
        ("depth", state.depth_m),
        ("flow_x", state.flow_x_m2_s),
        ("flow_y", state.flow_y_m2_s),
    ):
        getattr(solver, name)[...] = grid.padded(np.where(terrain.walls, 0.0, values))
    with threads_for(grid.rows * grid.columns):
        return _march(grid, solver, sources, state.at_s, until_s, choices, cancelled)


def _march(
    grid: Grid, solver: Stepper, sources: Sources, at_s: float, until_s: float, choices: Choices,
    cancelled: Callable[[], bool],
) -> Outcome:  # fmt: skip
    """Step, force, remember, until the end, a cancellation or the bound of steps."""
    greatest, arrival, dtype = grid.blank(), np.full_like(grid.z, np.nan), grid.z.dtype
    before = _volume(grid, solver)
    all_tasks, from_s, steps = solver.tasks, at_s, 0
    remember(greatest, arrival, solver.depth, all_tasks, dtype.type(at_s), dtype.type(choices.wet_m))
    while at_s < until_s and not cancelled():
        if steps >= choices.steps_max:
            raise InvalidInput(
                f"more than {steps} steps", where="until_s", mend="a shorter window or larger cells"
            )
        dt = solver.step(min(choices.step_s_max, until_s - at_s))
        now = until_s if until_s - at_s - dt < 1e-9 * max(1.0, until_s - from_s) else at_s + dt
        sources.apply(solver, at_s, now, last=now >= until_s)
        at_s, steps = now, steps + 1
        if steps % choices.watch_steps == 0 or at_s >= until_s:
            remember(
                greatest, arrival, solver.depth, solver.tasks, dtype.type(at_s), dtype.type(choices.wet_m)
            )
    inside = grid.inside
    water = State(
        solver.depth[inside].copy(), solver.flow_x[inside].copy(), solver.flow_y[inside].copy(), at_s
    )
    if not np.all(np.isfinite(water.depth_m)):
        raise ImpossibleValue("the computation left the real numbers", where="depth_m", mend="a lower cfl")
    balance = _volume(grid, solver) - before - sources.volume_m3
    return Outcome(
        water,
        greatest[inside].copy(),
        arrival[inside].copy(),
        steps,
        sources.volume_m3,
        balance,
        at_s >= until_s,
    )


def _solver(grid: Grid, choices: Choices, always: Any) -> Stepper:
    cfl = _CFL[choices.method] if choices.cfl is None else choices.cfl
    inertial = choices.method == "local_inertial"
    over_m = choices.dry_m if inertial else 0.0
    tiles = Tiles(grid, active_only=choices.active_tiles_only, over_m=over_m, always=always)
    if inertial:
        return LocalInertial(grid, tiles, cfl=cfl, theta=choices.theta, dry_m=choices.dry_m)
    second = choices.method == "shallow_water_muscl"
    return ShallowWater(grid, tiles, cfl=cfl, dry_m=choices.dry_m, second_order=second)


def _source_tiles(grid: Grid, sources: Sources) -> Any:
    """Tiles that a point or edge forcing may wet at any moment."""
    marked = np.zeros(tile_shape(grid.rows, grid.columns), dtype=bool)
    rows, columns = sources.cells()
    marked[(rows - 1) // BAND_ROWS, (columns - PAD_COLUMNS) // TILE_COLUMNS] = True
    return marked


def _volume(grid: Grid, solver: Stepper) -> float:
    """Water on the grid, m³, summed in float64 row by row."""
    return float(solver.depth.sum(axis=1, dtype=np.float64).sum()) * grid.cell_m**2


def _check_state(state: State, terrain: Terrain, until_s: float) -> None:
    for name in ("depth_m", "flow_x_m2_s", "flow_y_m2_s"):
        values = np.asarray(getattr(state, name))
        if values.shape != terrain.shape:
            raise InvalidInput(f"shape {values.shape}, terrain has {terrain.shape}", where=name)
        if not np.all(np.isfinite(values) | terrain.walls):
            raise ImpossibleValue("must be finite where the terrain is no wall", where=name)
    if not (np.isfinite(state.at_s) and np.isfinite(until_s) and until_s >= state.at_s):
        raise InvalidInput("must be finite and not before the state", where="until_s")
