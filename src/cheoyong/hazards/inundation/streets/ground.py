# SPDX-License-Identifier: Apache-2.0
"""The ground of one reach of river on a metric grid, and how high the river stands along it for a stage.

Two kinds of ground. **Illustrative**: a valley made from a handful of stated levels along the river's line,
for a city that has no elevation model yet; nothing computed on it says anything of a real street.
**Surveyed**: an elevation model that somebody brought; the river is then held along the same line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cheoyong.domain.errors import ConfigurationError, ImpossibleValue
from cheoyong.hazards.inundation.terrain import CELLS_MAX, Terrain


@dataclass(frozen=True, slots=True)
class Reach:
    """A reach of river as facts. ``line_m``: points (x, y) downstream, m in the city's metric projection.

    ``gauge_m`` (x, y) is where gauge ``series`` stands and ``zero_m`` the zero of its staff on the datum of
    the ground, m. ``slope``: fall of water and valley upstream of the gauge, m/m. ``sea_m``: water level at
    the lower end that the profile runs to, m; ``channel_m``: width in which the river's level is held, m;
    ``margin_m``: how far from the line ground is looked at, m.
    """

    series: str
    line_m: tuple[tuple[float, float], ...]
    gauge_m: tuple[float, float]
    zero_m: float
    slope: float
    sea_m: float
    channel_m: float
    margin_m: float

    def __post_init__(self) -> None:
        """Refuse what no river is."""
        if len(self.line_m) < 2:
            raise ConfigurationError("a river has two points at least", where="terrain.river")
        bounds = {"slope": (0.0, 0.05), "channel_m": (1.0, 5000.0), "margin_m": (10.0, 20_000.0)}
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise ImpossibleValue(f"must be {low:g} to {high:g}", where=f"terrain.{name}")

    def surface_m(self, stage_m: float, along_m: Any) -> Any:
        """Level of the river ``along_m`` m down its line when the gauge shows ``stage_m``, m on the datum.

        Upstream of the gauge it rises by ``slope``; downstream it runs straight to ``sea_m``, never below it.
        """
        at_gauge_m = stage_m + self.zero_m
        gauge_along_m, length_m = self._gauge_along_m(), self._line().length
        left = np.clip((length_m - along_m) / max(length_m - gauge_along_m, 1e-9), 0.0, 1.0)
        below = self.sea_m + max(at_gauge_m - self.sea_m, 0.0) * left
        return np.where(along_m <= gauge_along_m, at_gauge_m + self.slope * (gauge_along_m - along_m), below)

    def _line(self) -> shapely.LineString:
        return shapely.LineString(self.line_m)

    def _gauge_along_m(self) -> float:
        return float(self._line().project(shapely.Point(self.gauge_m)))


@dataclass(frozen=True, slots=True)
class Valley:
    """An illustrative cross-section: levels at the gauge, m on the datum; widths, m, on each side.

    From the middle outwards: channel (``Reach.channel_m`` wide in all, bed at ``bed_m``), terrace (riverside
    park), bank (levee crest), town, which rises by ``town_slope``. All levels rise upstream by the reach's
    slope.
    """

    bed_m: float
    terrace_m: float
    terrace_width_m: float
    bank_m: float
    bank_width_m: float
    town_m: float
    town_slope: float

    def level_m(self, reach: Reach, away_m: Any) -> Any:
        """Elevation ``away_m`` metres from the middle of the river, abreast of the gauge."""
        channel = reach.channel_m / 2
        foot = channel + self.terrace_width_m
        behind = foot + self.bank_width_m
        town = self.town_m + self.town_slope * np.maximum(away_m - behind, 0.0)
        return np.select(
            [away_m <= channel, away_m <= foot, away_m <= behind],
            [self.bed_m, self.terrace_m, self.bank_m],
            town,
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """Terrain with its place: ``west_m``, ``south_m`` are the outer edges; row 0 is the southernmost.

    ``river``: cells (row, column) where the river's level is held; ``river_along_m`` how far down the line
    each lies.
    """

    reach: Reach
    terrain: Terrain
    west_m: float
    south_m: float
    river: tuple[tuple[int, int], ...]
    river_along_m: Any
    illustrative: bool

    def centres_m(self) -> tuple[Any, Any]:
        """Middles of the columns (x) and of the rows (y), m."""
        rows, columns = self.terrain.shape
        cell = self.terrain.cell_m
        return (
            self.west_m + (np.arange(columns) + 0.5) * cell,
            self.south_m + (np.arange(rows) + 0.5) * cell,
        )


def illustrative_ground(reach: Reach, valley: Valley, cell_m: float) -> Ground:
    """The valley along the whole line; beyond ``reach.margin_m`` and beyond both ends there is no ground.

    >>> straight = Reach("x", ((0, 0), (1000, 0)), (500, 0), -1.0, 0.0, 0.0, 40.0, 200.0)
    >>> valley = Valley(-2.0, 1.0, 40.0, 5.0, 20.0, 3.0, 0.01)
    >>> ground = illustrative_ground(straight, valley, 20.0)
    >>> ground.terrain.shape, [float(z) for z in ground.terrain.bed_m[10:15, 25].round(2)]
    ((20, 50), [-2.0, 1.0, 1.0, 5.0, 3.1])
    """
    line = reach._line()
    west, south, east, north = line.bounds
    west, south = west - reach.margin_m, south - reach.margin_m
    shape = _shape(west, south, east + reach.margin_m, north + reach.margin_m, cell_m)
    away, along = _beside(line, west, south, shape, cell_m)
    inside = (away <= reach.margin_m) & (along > 0.0) & (along < line.length)
    bed = valley.level_m(reach, away) + reach.slope * (reach._gauge_along_m() - along)
    if inside.any():
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        cut = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        west, south = west + columns[0] * cell_m, south + rows[0] * cell_m
        bed, away, along, inside = bed[cut], away[cut], along[cut], inside[cut]
    terrain = Terrain(np.where(inside, bed, np.nan), cell_m)
    return _ground(reach, terrain, west, south, away, along, illustrative=True)


def surveyed_ground(reach: Reach, bed_m: Any, cell_m: float, west_m: float, south_m: float) -> Ground:
    """An elevation model (rows from south to north; NaN where it knows nothing) with the river on it.

    Raises ConfigurationError when the line does not cross it.
    """
    bed = np.asarray(bed_m, np.float64)
    away, along = _beside(reach._line(), west_m, south_m, bed.shape, cell_m)
    near = away <= reach.margin_m
    terrain = Terrain(np.where(near, bed, np.nan), cell_m)
    return _ground(reach, terrain, west_m, south_m, away, along, illustrative=False)


def _ground(
    reach: Reach, terrain: Terrain, west: float, south: float, away: Any, along: Any, *, illustrative: bool
) -> Ground:
    # A cell's side is the least width that a river can have here, or a slanting line would break into
    # puddles.
    width = max(reach.channel_m / 2, 0.75 * terrain.cell_m)
    rows, columns = np.nonzero((away <= width) & ~terrain.walls)
    if not len(rows):
        raise ConfigurationError(
            "the river does not cross the ground", where="terrain", mend="compare their projections"
        )
    cells = tuple(zip(rows.tolist(), columns.tolist(), strict=True))
    return Ground(reach, terrain, west, south, cells, along[rows, columns], illustrative)


def _shape(west: float, south: float, east: float, north: float, cell_m: float) -> tuple[int, int]:
    rows, columns = int(np.ceil((north - south) / cell_m)), int(np.ceil((east - west) / cell_m))
    if rows * columns > CELLS_MAX:
        raise ConfigurationError(
            f"{rows * columns} cells, at most {CELLS_MAX}", where="terrain.cell_m", mend="larger cells"
        )
    return rows, columns


def _beside(
    line: shapely.LineString, west: float, south: float, shape: tuple[int, int], cell_m: float
) -> tuple[Any, Any]:
    """How far each cell's middle is from the line, and down the line, both (rows, columns), m."""
    x = west + (np.arange(shape[1]) + 0.5) * cell_m
    y = south + (np.arange(shape[0]) + 0.5) * cell_m
    points = shapely.points(*np.meshgrid(x, y))
    return shapely.distance(points, line), shapely.line_locate_point(line, points)
