# SPDX-License-Identifier: Apache-2.0
"""The ground water runs over: bed elevation, cell size, roughness; whatever is unknown is a closed wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.errors import ImpossibleValue, InvalidInput, TooLarge

CELLS_MAX = 100_000_000
CELL_M_RANGE = (0.001, 10_000.0)
ROUGHNESS_RANGE = (0.0, 1.0)
BED_M_RANGE = (-12_000.0, 9_000.0)
DEFAULT_ROUGHNESS = 0.03
"""Manning's n of clean straight earth channels and short grass, s/m^(1/3): Chow (1959), table 5-6."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """Ground on square cells. Row 0 is the lowest y, column 0 the lowest x.

    ``bed_m`` (rows, columns): elevation of the bed, m, any datum. NaN or ±inf is a **closed wall**: no water
    enters, rain on it is not counted. The outer edge is a wall too, except at cells that forcings open.
    ``cell_m``: side of a cell, m. ``roughness``: Manning's n, s/m^(1/3), one number or a map; NaN in the map
    becomes the default 0.03. Raises InvalidInput or ImpossibleValue for shapes or values that no ground has.

    >>> ground = Terrain(np.array([[0.0, 1.0, np.nan]]), cell_m=10.0)
    >>> ground.walls.tolist(), ground.shape
    ([[False, False, True]], (1, 3))
    """

    bed_m: Any
    cell_m: float
    roughness: Any = DEFAULT_ROUGHNESS

    def __post_init__(self) -> None:
        """Check once, so that a solver never has to."""
        bed = np.array(self.bed_m, dtype=np.float64)
        if bed.ndim != 2 or bed.size == 0:
            raise InvalidInput("terrain is rows × columns, at least one cell", where="bed_m")
        if bed.size > CELLS_MAX:
            raise TooLarge(f"{bed.size} cells, at most {CELLS_MAX}", where="bed_m", mend="coarser cells")
        _within(bed[np.isfinite(bed)], BED_M_RANGE, "bed_m")
        _within(np.array([self.cell_m], dtype=np.float64), CELL_M_RANGE, "cell_m")
        rough = np.array(self.roughness, dtype=np.float64)
        if rough.ndim and rough.shape != bed.shape:
            raise InvalidInput(f"shape {rough.shape}, terrain has {bed.shape}", where="roughness")
        rough = np.where(np.isnan(rough), DEFAULT_ROUGHNESS, rough)
        _within(rough, ROUGHNESS_RANGE, "roughness")
        for name, value in (("bed_m", bed), ("roughness", rough)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bed_m.shape[0], self.bed_m.shape[1]

    @property
    def walls(self) -> Any:
        """Where no water can be: the elevation is not a number."""
        return ~np.isfinite(self.bed_m)

    @property
    def datum_m(self) -> float:
        """Elevation subtracted inside solvers, so that float32 keeps millimetres on a high plain, m."""
        open_bed = self.bed_m[np.isfinite(self.bed_m)]
        return float(np.floor(open_bed.min())) if open_bed.size else 0.0


def _within(values: Any, bounds: tuple[float, float], where: str) -> None:
    """Raise ImpossibleValue when any value is NaN or outside ``bounds``."""
    if not np.all((values >= bounds[0]) & (values <= bounds[1])):
        raise ImpossibleValue(f"must be within {bounds[0]:g} and {bounds[1]:g}", where=where)
