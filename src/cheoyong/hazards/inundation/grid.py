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
    _made: int = 0

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where the terrain lies in a padded array."""
        return slice(1, self.rows + 1), slice(PAD_COLUMNS, PAD_COLUMNS + self.columns)

    def blank(self) -> Any:
        """A padded array of zeros."""
        self._made += 1
        return _zeros(self.z.shape, self.z.dtype, self._made)

    def padded(self, values: Any) -> Any:
        """A padded array that holds ``values`` (rows, columns)."""
        array = self.blank()
        array[self.inside] = values
        return array

    def cells(self, cells: tuple[tuple[int, int], ...]) -> tuple[Any, Any]:
        """Padded indices of cells, each once."""
        unique = np.array(list(dict.fromkeys(cells)), dtype=np.int64)
        return unique[:, 0] + 1, unique[:, 1] + PAD_COLUMNS


_LINE_BYTES = 64
_LINES_APART = 5


def _row_length(columns: int, itemsize: int) -> int:
    """Columns of a row that is an odd number of cache lines long, so that rows below each other share none.

    >>> _row_length(1032, 4)
    1040
    """
    lines = -(-columns * itemsize // _LINE_BYTES)
    return (lines | 1) * _LINE_BYTES // itemsize


def _zeros(shape: tuple[int, int], dtype: Any, number: int) -> Any:
    """Zeros that begin at a cache line, each ``number`` at another one of a page.

    Arrays that begin at the same place of a page push each other out of the nearest cache, which has few
    places for each such address; a kernel reads a dozen rows at once.
    """
    room = np.zeros(shape[0] * shape[1] * dtype.itemsize + 4096, np.uint8)
    start = -room.ctypes.data % _LINE_BYTES + number % 12 * _LINES_APART * _LINE_BYTES
    return room[start : start + shape[0] * shape[1] * dtype.itemsize].view(dtype).reshape(shape)


def grid_of(terrain: Terrain, dtype: Any) -> Grid:
    """The terrain as solvers want it. Uniform roughness takes one row, which then stays in the nearest cache.

    >>> grid = grid_of(Terrain(np.zeros((3, 5)), 10.0), "float32")
    >>> grid.z.shape, grid.r.shape, float(grid.z[0, 0])
    ((5, 48), (1, 48), 20000.0)
    """
    rows, columns = terrain.shape
    shape = (rows + 2, _row_length(columns + 2 * PAD_COLUMNS, np.dtype(dtype).itemsize))
    z = _zeros(shape, np.dtype(dtype), 0)
    z[...] = WALL_M
    z[1 : rows + 1, PAD_COLUMNS : PAD_COLUMNS + columns] = np.where(
        terrain.walls, WALL_M, terrain.bed_m - terrain.datum_m
    )
    if np.ptp(terrain.roughness) == 0.0:
        r = np.full((1, shape[1]), _GRAVITY * float(np.max(terrain.roughness)) ** 2, dtype=dtype)
    else:
        r = np.zeros(shape, dtype=dtype)
        r[1 : rows + 1, PAD_COLUMNS : PAD_COLUMNS + columns] = _GRAVITY * terrain.roughness**2
    return Grid(z, r, rows, columns, terrain.cell_m, terrain.datum_m)
