# SPDX-License-Identifier: Apache-2.0
"""Arrays with a wall around them, in the precision of the run; state goes in and out without the wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.hazards.inundation.terrain import Terrain
from cheoyong.hazards.inundation.tiles import PAD_COLUMNS

WALL_M = 20_000.0
"""Bed of a wall above the datum, m: no stage on earth reaches it, and float32 still holds it."""
_GRAVITY = 9.80665


@dataclass(slots=True)
class Grid:
    """Padded bed ``z`` (m above ``datum_m``) and friction ``r`` = g n²; ``inside``: the terrain itself."""

    z: Any
    r: Any
    rows: int
    columns: int
    cell_m: float
    datum_m: float

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where the terrain lies in a padded array."""
        return slice(1, self.rows + 1), slice(PAD_COLUMNS, PAD_COLUMNS + self.columns)

    def blank(self) -> Any:
        """A padded array of zeros."""
        return np.zeros(self.z.shape, self.z.dtype)

    def padded(self, values: Any) -> Any:
        """A padded array that holds ``values`` (rows, columns)."""
        array = self.blank()
        array[self.inside] = values
        return array

    def cells(self, cells: tuple[tuple[int, int], ...]) -> tuple[Any, Any]:
        """Padded indices of cells, each once."""
        unique = np.array(list(dict.fromkeys(cells)), dtype=np.int64)
        return unique[:, 0] + 1, unique[:, 1] + PAD_COLUMNS


def grid_of(terrain: Terrain, dtype: Any) -> Grid:
    """The terrain as solvers want it. Uniform roughness takes one row, which then stays in the nearest cache.

    >>> grid = grid_of(Terrain(np.zeros((3, 5)), 10.0), "float32")
    >>> grid.z.shape, grid.r.shape, float(grid.z[0, 0])
    ((5, 37), (1, 37), 20000.0)
    """
    rows, columns = terrain.shape
    shape = (rows + 2, columns + 2 * PAD_COLUMNS)
    z = np.full(shape, WALL_M, dtype=dtype)
    z[1 : rows + 1, PAD_COLUMNS : PAD_COLUMNS + columns] = np.where(
        terrain.walls, WALL_M, terrain.bed_m - terrain.datum_m
    )
    if np.ptp(terrain.roughness) == 0.0:
        r = np.full((1, shape[1]), _GRAVITY * float(np.max(terrain.roughness)) ** 2, dtype=dtype)
    else:
        r = np.zeros(shape, dtype=dtype)
        r[1 : rows + 1, PAD_COLUMNS : PAD_COLUMNS + columns] = _GRAVITY * terrain.roughness**2
    return Grid(z, r, rows, columns, terrain.cell_m, terrain.datum_m)
