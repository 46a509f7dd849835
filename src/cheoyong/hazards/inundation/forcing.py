# SPDX-License-Identifier: Apache-2.0
"""What drives a flood: rain, water let in at points, a prescribed stage (tide, river), open edges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput
from cheoyong.hazards.inundation.terrain import Terrain


@dataclass(frozen=True, slots=True)
class Course:
    """A quantity over time: straight lines between (``at_s``, ``value``), held constant before and after.

    ``at_s`` seconds from the start of the run, rising. Raises InvalidInput or ImpossibleValue.

    >>> rising = Course((0.0, 10.0), (1.0, 3.0))
    >>> rising.at(5.0), rising.at(99.0), rising.integral(0.0, 20.0)
    (2.0, 3.0, 50.0)
    """

    at_s: tuple[float, ...]
    value: tuple[float, ...]

    def __post_init__(self) -> None:
        """Times rise, values are finite."""
        if not self.at_s or len(self.at_s) != len(self.value):
            raise InvalidInput("as many times as values, at least one", where="course")
        if not np.all(np.isfinite(self.at_s + self.value)):
            raise ImpossibleValue("must be finite", where="course")
        if np.any(np.diff(self.at_s) <= 0):
            raise InvalidInput("times must rise", where="course")

    def at(self, time_s: float) -> float:
        """Value at ``time_s``."""
        return float(np.interp(time_s, self.at_s, self.value))

    def integral(self, from_s: float, to_s: float) -> float:
        """Value × seconds between the two times, exact for straight lines."""
        knots = [from_s, *(t for t in self.at_s if from_s < t < to_s), to_s]
        return float(np.trapezoid([self.at(t) for t in knots], knots))


def steady(value: float) -> Course:
    """The same value always.

    >>> steady(2.5).at(1e6)
    2.5
    """
    return Course((0.0,), (value,))


@dataclass(frozen=True, slots=True)
class Inflow:
    """Discharge let in, m³/s (negative: taken out while there is water), shared by cells (row, column)."""

    cells: tuple[tuple[int, int], ...]
    discharge_m3_s: Course


@dataclass(frozen=True, slots=True)
class Stage:
    """Water level held at the cells (row, column), m on the terrain's datum: sea, or a river from outside.

    ``above_m``: for each cell how much higher its level is, m (a river slopes); empty = the same for all.
    """

    cells: tuple[tuple[int, int], ...]
    stage_m: Course
    above_m: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """Cells (row, column) at an edge where water leaves at normal depth on ``slope``, through one face each.

    ``slope`` m/m; Manning's law, q = h^(5/3) √slope / n, at most what the cell holds.
    """

    cells: tuple[tuple[int, int], ...]
    slope: float = 0.01


@dataclass(frozen=True, slots=True)
class Forcings:
    """All that drives one run. ``rain_m_s``: rain less losses, metres of water per second on every open cell.

    ``rain_share`` (rows, columns): factor for each cell, 0 to 10; None = 1 everywhere.
    """

    rain_m_s: Course | None = None
    rain_share: Any = None
    inflows: tuple[Inflow, ...] = ()
    stages: tuple[Stage, ...] = ()
    opens: tuple[Open, ...] = field(default=())


def check_forcings(forcings: Forcings, terrain: Terrain) -> None:
    """Raise InvalidInput or ImpossibleValue when a forcing does not fit the terrain.

    >>> check_forcings(Forcings(inflows=(Inflow(((0, 5),), steady(1.0)),)), Terrain([[0.0, 0.0]], 10.0))
    Traceback (most recent call last):
    ...
    cheoyong.domain.errors.InvalidInput: inflows: cell (0, 5) is outside the terrain or a wall
    """
    walls = terrain.walls
    for where in ("inflows", "stages", "opens"):
        for forcing in getattr(forcings, where):
            if not forcing.cells:
                raise InvalidInput("names no cell", where=where)
            for row, column in forcing.cells:
                inside = 0 <= row < walls.shape[0] and 0 <= column < walls.shape[1]
                if not inside or walls[row, column]:
                    raise InvalidInput(
                        f"cell ({row}, {column}) is outside the terrain or a wall", where=where
                    )
    for stage in forcings.stages:
        if stage.above_m and len(stage.above_m) != len(set(stage.cells)):
            raise InvalidInput("one height for each cell, each cell once", where="stages.above_m")
    for edge in forcings.opens:
        if not 0.0 < edge.slope <= 1.0:
            raise ImpossibleValue("slope above 0, at most 1", where="opens")
    _check_rain(forcings, terrain)


def _check_rain(forcings: Forcings, terrain: Terrain) -> None:
    if forcings.rain_m_s is not None and not all(0.0 <= rate <= 1e-3 for rate in forcings.rain_m_s.value):
        raise ImpossibleValue("rain 0 to 0.001 m/s (3,600 mm/h)", where="rain_m_s")
    if forcings.rain_share is not None:
        share = np.asarray(forcings.rain_share, dtype=np.float64)
        if share.shape != terrain.shape or not np.all((share >= 0.0) & (share <= 10.0)):
            raise ImpossibleValue("one factor from 0 to 10 for each cell", where="rain_share")
