# SPDX-License-Identifier: Apache-2.0
"""The solvers as steppers: each knows its own stable time step and which tiles hold water."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from cheoyong.hazards.inundation import local_inertial, muscl, shallow_water
from cheoyong.hazards.inundation.dither import shares
from cheoyong.hazards.inundation.grid import Grid
from cheoyong.hazards.inundation.tiles import STEPS_BETWEEN_LOOKS, tasks_of, tile_shape, wet_tiles

_GRAVITY = 9.80665


class Stepper(Protocol):
    """What a run needs of a solver. Arrays are padded; ``depth`` may be changed between steps."""

    depth: Any
    flow_x: Any
    flow_y: Any

    @property
    def tasks(self) -> Any:
        """Active (band, first column, end column)."""
        ...

    def step(self, at_most_s: float) -> float:
        """Advance by a stable time step, not above ``at_most_s``; the seconds advanced."""
        ...

    def touched(self, deepest_m: float) -> None:
        """Forcings changed depths; the greatest of those is ``deepest_m``."""
        ...

    def rained(self, added: Any) -> None:
        """``added`` (padded, m) came on all cells."""
        ...


class Tiles:
    """Looks now and then at which tiles hold water, and keeps the list of tasks."""

    def __init__(self, grid: Grid, *, active_only: bool, over_m: float, always: Any) -> None:
        self._grid, self._active_only, self._over_m, self._always = grid, active_only, over_m, always
        self._before = np.ones(tile_shape(grid.rows, grid.columns), dtype=bool)
        self._steps = 0
        self.tasks = tasks_of(self._before, grid.columns)

    def look(self, depth: Any) -> None:
        """Look at the depths at least every STEPS_BETWEEN_LOOKS calls.

        A tile stays for one look after it dried: its flows are then exactly zero when it leaves.
        """
        self._steps -= 1
        if not self._active_only or self._steps > 0:
            return
        wet = wet_tiles(depth, self._grid.rows, self._grid.columns, self._over_m) | self._always
        self.tasks = tasks_of(wet | self._before, self._grid.columns)
        self._before, self._steps = wet, STEPS_BETWEEN_LOOKS

    def look_again(self) -> None:
        """Water came from above: the next step looks first."""
        self._steps = 0


class LocalInertial:
    """de Almeida et al. (2012): Δt = ``cfl`` Δx / √(g h_max), ``theta`` = 1 is Bates et al. (2010).

    In two dimensions the scheme is stable below √(θ/2); ``cfl`` is held to 0.95 of that.
    """

    def __init__(self, grid: Grid, tiles: Tiles, *, cfl: float, theta: float, dry_m: float) -> None:
        self._grid, self._tiles = grid, tiles
        self._cfl, self._theta, self._dry_m = min(cfl, 0.95 * math.sqrt(theta / 2.0)), theta, dry_m
        self.depth, self.flow_x, self.flow_y = grid.blank(), grid.blank(), grid.blank()
        bands = tile_shape(grid.rows, grid.columns)[0]
        self._edges = np.zeros((2, bands + 1, grid.z.shape[1]), grid.z.dtype)
        self._share, self._number = shares(grid.z.shape[1], grid.z.dtype), 0
        self._deepest_m = -1.0

    @property
    def tasks(self) -> Any:
        """Active (band, first column, end column)."""
        return self._tiles.tasks

    def step(self, at_most_s: float) -> float:
        """One step; see :class:`Stepper`."""
        grid, dtype = self._grid, self.depth.dtype
        if self._deepest_m < 0.0:
            self._deepest_m = float(self.depth.max())
        self._tiles.look(self.depth)
        wave = math.sqrt(_GRAVITY * max(self._deepest_m, self._dry_m))
        dt = min(at_most_s, self._cfl * grid.cell_m / wave)
        deepest = np.zeros(len(self.tasks), dtype)
        local_inertial.step(
            self.depth, self.flow_x, self.flow_y, grid.z, grid.r, self.tasks, self._edges[0], self._edges[1],
            deepest, local_inertial.constants(dt, grid.cell_m, self._theta, self._dry_m, dtype),
            dtype.type(dt / grid.cell_m), self._share, self._number,
        )  # fmt: skip
        self._number += 1
        self._deepest_m = float(deepest.max(initial=0.0))
        return dt

    def touched(self, deepest_m: float) -> None:
        """A forcing may have made a cell deeper than the solver left any."""
        self._deepest_m = max(self._deepest_m, deepest_m)

    def rained(self, added: Any) -> None:
        """Rain changes nothing but depths here."""
        self._deepest_m = -1.0
        self._tiles.look_again()


class ShallowWater:
    """Finite volumes: Δt = ``cfl`` Δx / max(|u| + c, |v| + c); ``second_order`` for MUSCL and Heun."""

    def __init__(self, grid: Grid, tiles: Tiles, *, cfl: float, dry_m: float, second_order: bool) -> None:
        self._grid, self._tiles, self._cfl, self._second = grid, tiles, cfl, second_order
        self.depth, self.flow_x, self.flow_y = grid.blank(), grid.blank(), grid.blank()
        self._other = (grid.blank(), grid.blank(), grid.blank())
        self._third = (grid.blank(), grid.blank(), grid.blank()) if second_order else None
        self._k = shallow_water.constants(dry_m, grid.z.dtype)
        self._share, self._number = shares(grid.z.shape[1], grid.z.dtype), 0
        self._fastest_m_s = -1.0

    @property
    def tasks(self) -> Any:
        """Active (band, first column, end column)."""
        return self._tiles.tasks

    def step(self, at_most_s: float) -> float:
        """One step by the speed last seen; if that was too slow, once more with the speed just seen."""
        self._tiles.look(self.depth)
        if self._fastest_m_s < 0.0:
            self._fastest_m_s = self._stage(self._now(), self._other, 0.0)
        dt = min(at_most_s, self._stable_s())
        while True:
            self._fastest_m_s = self._stage(self._now(), self._other, dt)
            if dt <= 1.1 * self._stable_s():
                break
            dt = self._stable_s()
        if self._third is not None:
            self._number += 1
            self._stage(self._other, self._third, dt)
            self._number += 1
            muscl.average(
                *self._other, *self._now(), *self._third, self.tasks, self._share, self._number, self._k[7]
            )
        self._number += 1
        before = self._now()
        self.depth, self.flow_x, self.flow_y = self._other
        self._other = before
        return dt

    def touched(self, deepest_m: float) -> None:
        """A step that turns out too long is done again, so nothing is to do."""

    def rained(self, added: Any) -> None:
        """Tiles at rest are not computed: both copies of their depth must have the rain."""
        np.add(self._other[0], added, out=self._other[0])
        if self._third is not None:
            np.add(self._third[0], added, out=self._third[0])
        self._tiles.look_again()

    def _now(self) -> tuple[Any, Any, Any]:
        return self.depth, self.flow_x, self.flow_y

    def _stable_s(self) -> float:
        return self._cfl * self._grid.cell_m / max(self._fastest_m_s, 1e-6)

    def _stage(self, before: tuple[Any, Any, Any], after: tuple[Any, Any, Any], dt: float) -> float:
        """One Euler step into ``after``; the greatest wave speed of ``before``, m/s."""
        grid, dtype = self._grid, self.depth.dtype
        fastest = np.zeros(len(self.tasks), dtype)
        kernel: Any = muscl.stage if self._second else shallow_water.stage
        kernel(
            *after, *before, grid.z, grid.r, self.tasks, fastest, self._k,
            dtype.type(dt / grid.cell_m), dtype.type(dt), self._share, self._number,
        )  # fmt: skip
        return float(fastest.max(initial=0.0))
