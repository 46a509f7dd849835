# SPDX-License-Identifier: Apache-2.0
"""Active tiles: which parts of the grid hold water or may be reached by it soon; the rest costs nothing.

A tile is ``BAND_ROWS`` × ``TILE_COLUMNS`` cells. Water moves by at most one cell a step, so a ring of one
tile around every wet tile is enough for as many steps as a tile is high; the next look comes well before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import maximum_filter

BAND_ROWS = 32
TILE_COLUMNS = 32
PAD_COLUMNS = 16
"""Columns before the first cell: one wall, the rest so that rows begin where vector registers like it."""
STEPS_BETWEEN_LOOKS = 16


def tile_shape(rows: int, columns: int) -> tuple[int, int]:
    """Number of tiles down and across.

    >>> tile_shape(1000, 1000)
    (32, 32)
    """
    return -(-rows // BAND_ROWS), -(-columns // TILE_COLUMNS)


def wet_tiles(h_m: Any, rows: int, columns: int, over_m: float) -> Any:
    """Whether any depth in a tile exceeds ``over_m``; ``h_m`` is the padded array."""
    down, across = tile_shape(rows, columns)
    wet = h_m[1 : rows + 1, PAD_COLUMNS : PAD_COLUMNS + columns] > over_m
    by_row = np.logical_or.reduceat(wet, np.arange(across) * TILE_COLUMNS, axis=1)
    return np.logical_or.reduceat(by_row, np.arange(down) * BAND_ROWS, axis=0)


def tasks_of(tiles: Any, columns: int) -> Any:
    """Runs of marked tiles and their neighbours as rows (band, first column, end column), padded columns.

    >>> tasks_of(np.array([[True, False, False, False]]), 250).tolist()
    [[0, 16, 80]]
    """
    active = maximum_filter(tiles, size=3, mode="constant", cval=False)
    tasks = []
    for band in range(active.shape[0]):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], active[band].astype(np.int8), [0]))))
        for start, end in zip(edges[::2] * TILE_COLUMNS, edges[1::2] * TILE_COLUMNS, strict=True):
            tasks.append((band, PAD_COLUMNS + int(start), PAD_COLUMNS + min(int(end), columns)))
    return np.array(tasks, dtype=np.int64).reshape(-1, 3)
