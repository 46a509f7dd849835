# SPDX-License-Identifier: Apache-2.0
"""Forcings put into effect between two steps; every litre that really entered or left is counted in float64.

Float32 would round a steady small amount the same way each time. Rain is therefore given in whole multiples
of 2^-20 m (a thousandth of a millimetre), which float32 adds without error up to 16 m of depth; what a
point inflow still owes after rounding is carried to the next step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.hazards.inundation.forcing import Forcings, Inflow, Open, Stage
from cheoyong.hazards.inundation.grid import Grid
from cheoyong.hazards.inundation.solvers import Stepper

RAIN_QUANTUM_M = 2.0**-20
RAIN_AT_LEAST_M = 1e-4
_GRAVITY = 9.80665


class Sources:
    """The forcings of one run on its grid; ``volume_m3`` is what they brought in so far, less what left."""

    def __init__(self, forcings: Forcings, grid: Grid, from_s: float) -> None:
        self._grid, self._forcings = grid, forcings
        self.volume_m3 = 0.0
        self._owed_m3 = [0.0] * len(forcings.inflows)
        points: list[Inflow | Stage | Open] = [*forcings.inflows, *forcings.stages, *forcings.opens]
        self._cells = {id(point): grid.cells(point.cells) for point in points}
        share = np.ones((grid.rows, grid.columns)) if forcings.rain_share is None else forcings.rain_share
        open_ground = grid.z[grid.inside] < 0.5 * float(grid.z[0, 0])
        self._share = np.where(open_ground, share, 0.0)
        self._share_max = float(self._share.max())
        self._rained_m = self._rain_until(from_s)

    def cells(self) -> tuple[Any, Any]:
        """Padded indices of all cells that any point or edge forcing touches."""
        found = list(self._cells.values()) or [(np.empty(0, np.int64), np.empty(0, np.int64))]
        return np.concatenate([c[0] for c in found]), np.concatenate([c[1] for c in found])

    def apply(self, solver: Stepper, from_s: float, to_s: float, *, last: bool) -> None:
        """What comes and goes between the two times; ``last`` gives out rain that was still gathered."""
        deepest = 0.0
        for index, inflow in enumerate(self._forcings.inflows):
            deepest = max(deepest, self._inflow(solver, inflow, index, from_s, to_s))
        for stage in self._forcings.stages:
            deepest = max(deepest, self._stage(solver, stage, to_s))
        for edge in self._forcings.opens:
            self._open(solver, edge, to_s - from_s)
        if deepest > 0.0:
            solver.touched(deepest)
        self._rain(solver, to_s, last=last)

    def _put(self, solver: Stepper, at: tuple[Any, Any], depth: Any) -> float:
        """Set depths; the volume that really came, m³."""
        before = solver.depth[at].astype(np.float64)
        solver.depth[at] = depth
        came = float((solver.depth[at].astype(np.float64) - before).sum()) * self._grid.cell_m**2
        self.volume_m3 += came
        return came

    def _inflow(self, solver: Stepper, inflow: Inflow, index: int, from_s: float, to_s: float) -> float:
        at = self._cells[id(inflow)]
        owed = self._owed_m3[index] + inflow.discharge_m3_s.integral(from_s, to_s)
        before = solver.depth[at].astype(np.float64)
        wanted = before + owed / (len(at[0]) * self._grid.cell_m**2)
        came = self._put(solver, at, np.maximum(wanted, np.minimum(before, 0.0)))
        # What could not be taken out of a dry cell is not owed; what rounding held back is.
        self._owed_m3[index] = owed - came if np.all(wanted >= 0.0) else 0.0
        return float(solver.depth[at].max())

    def _stage(self, solver: Stepper, stage: Stage, to_s: float) -> float:
        at = self._cells[id(stage)]
        level = stage.stage_m.at(to_s) - self._grid.datum_m + np.array(stage.above_m or 0.0)
        self._put(solver, at, np.maximum(level - self._grid.z[at].astype(np.float64), 0.0))
        return float(solver.depth[at].max())

    def _open(self, solver: Stepper, edge: Open, seconds: float) -> None:
        at = self._cells[id(edge)]
        depth = np.maximum(solver.depth[at].astype(np.float64), 0.0)
        rough = self._grid.r[at if self._grid.r.shape[0] > 1 else (np.zeros_like(at[1]), at[1])]
        manning = np.sqrt(np.maximum(rough.astype(np.float64), 1e-6) / _GRAVITY)
        discharge = depth ** (5.0 / 3.0) * np.sqrt(edge.slope) / manning
        left = np.maximum(depth - discharge * seconds / self._grid.cell_m, 0.0)
        self._put(solver, at, np.where(depth > 0.0, left, solver.depth[at]))

    def _rain_until(self, at_s: float) -> float:
        rain = self._forcings.rain_m_s
        return 0.0 if rain is None else rain.integral(min(at_s, 0.0), at_s)

    def _rain(self, solver: Stepper, to_s: float, *, last: bool) -> None:
        if self._forcings.rain_m_s is None:
            return
        until = self._rain_until(to_s)
        due = (until - self._rained_m) * self._share_max
        if due < RAIN_AT_LEAST_M and not (last and due > 0.0):
            return
        # Differences of whole numbers of quanta since the start: no remainder is ever lost.
        quanta = np.floor(self._share * (until / RAIN_QUANTUM_M)) - np.floor(
            self._share * (self._rained_m / RAIN_QUANTUM_M)
        )
        added = self._grid.padded(quanta * RAIN_QUANTUM_M)
        self._rained_m = until
        solver.depth += added
        self.volume_m3 += float(quanta.sum()) * RAIN_QUANTUM_M * self._grid.cell_m**2
        solver.rained(added)
