# SPDX-License-Identifier: Apache-2.0
"""How much of each town comes under water, and how many live there: quantiles over the river's forecast.

Residents are taken to be spread evenly over their town, except beside the river from levee to levee, where
nobody lives. That is an assumption for want of addresses: where people live away from the river it counts too
many, and too few where they live beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

from cheoyong.domain.city import CityPack, Town
from cheoyong.hazards.inundation.streets.chance import Chance
from cheoyong.hazards.inundation.streets.danger import danger
from cheoyong.hazards.inundation.streets.ground import Ground
from cheoyong.hazards.inundation.streets.library import Library

REACHED_M = 0.3
"""Depth from which ground counts as flooded: H1 of the danger table, safe for people and cars, ends there."""
REACHED_SHARE = 0.01
"""A town counts as flooded from this share of its area on: judgement; one wet cell is no flooded town."""
QUANTILES = (0.05, 0.5, 0.95)
NAMES = ("p05", "p50", "p95")

Three = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FloodedTown:
    """One town: share of its area outside the levees, 0 to 1, and people, as quantiles; ``hazard`` 0 to 6.

    ``hazard`` is the worst class that at least ``REACHED_SHARE`` of the town is in at the median stage.
    ``probability``: that at least that share of it is flooded.
    """

    code: str
    name: Mapping[str, str]
    area_share: Three
    residents: Three
    over_65: Three
    under_7: Three
    hazard: int
    probability: float


@dataclass(frozen=True)
class Streets:
    """A library and the towns on its ground; build once, ask often.

    ``riverside_m``: within this of the middle of the river nobody lives, m.
    """

    library: Library
    city: CityPack
    riverside_m: float = 0.0

    @cached_property
    def cells(self) -> Mapping[str, Any]:
        """Flat indices of the cells whose middle lies in each town that has any on this ground."""
        x, y = self.library.ground.centres_m()
        found = {}
        for code, outline in self._outlines.items():
            west, south, east, north = outline.bounds
            columns = np.flatnonzero((x >= west) & (x <= east))
            rows = np.flatnonzero((y >= south) & (y <= north))
            if not len(rows) or not len(columns):
                continue
            shapely.prepare(outline)
            across, up = np.meshgrid(columns, rows)
            inside = shapely.contains_xy(outline, x[across], y[up])
            if inside.any():
                found[code] = (up * len(x) + across)[inside]
        return found

    @cached_property
    def reached(self) -> Mapping[str, Any]:
        """Stages at which each town's cells come under ``REACHED_M``, rising; without those that never do.

        So the share of a town at a stage is counted, and is that of the map of the same stage.
        """
        stage = self.library.reached_at_m(REACHED_M).ravel()
        found = {code: np.sort(stage[cells]) for code, cells in self.cells.items()}
        return {code: stages[np.isfinite(stages)] for code, stages in found.items()}

    def flooded(self, chance: Chance) -> list[FloodedTown]:
        """Towns that may be flooded (p95 above nothing), the most residents at the median first."""
        stages = chance.at_m(QUANTILES)
        median = float(stages[1])
        classes = danger(self.library.depth_at_m(median), self.library.speed_at_m_s(median)).ravel()
        towns = [
            self._town(self.city.towns[code], stages, chance, classes[self.cells[code]])
            for code in self.reached
            if self._share(code, stages[2]) > 0.0
        ]
        return sorted(towns, key=lambda one: (-one.residents["p50"], -one.residents["p95"], one.code))

    def _town(self, town: Town, stages: Any, chance: Chance, classes: Any) -> FloodedTown:
        at = [self._share(town.code, stage) for stage in stages]
        return FloodedTown(
            town.code,
            town.name,
            _three(at),
            _three([share * town.people for share in at]),
            _three([share * town.over_65 for share in at]),
            _three([share * town.under_7 for share in at]),
            self._hazard(classes, self._size(town.code)),
            float(chance.reaching(self._flooded_from_m(town.code))),
        )

    def _size(self, code: str) -> float:
        """The area of a town outside the levees in cells; the ground may hold only a part of it."""
        return float(self._outlines[code].area) / self.library.ground.terrain.cell_m**2

    def _share(self, code: str, stage_m: float) -> float:
        reached = int(np.searchsorted(self.reached[code], stage_m, side="right"))
        return min(reached / self._size(code), 1.0)

    def _flooded_from_m(self, code: str) -> float:
        """The stage from which at least ``REACHED_SHARE`` of a town is flooded; inf: none of the library."""
        reached, needed = self.reached[code], ceil(REACHED_SHARE * self._size(code))
        return float(reached[needed - 1]) if len(reached) >= needed else float(np.inf)

    def _hazard(self, classes: Any, size: float) -> int:
        """The worst class that at least ``REACHED_SHARE`` of a town of ``size`` cells is in."""
        worst = (number for number in range(6, 0, -1) if (classes >= number).sum() >= REACHED_SHARE * size)
        return next(worst, 0)

    @cached_property
    def _outlines(self) -> Mapping[str, Any]:
        """Towns in metres, without what lies beside the river from levee to levee."""
        to_metres = Transformer.from_crs("EPSG:4326", self.city.metric_crs, always_xy=True)
        riverside = shapely.LineString(self.library.ground.reach.line_m).buffer(self.riverside_m)
        found = {}
        for code, town in self.city.towns.items():
            degrees = shapely.union_all([shapely.Polygon(ring) for ring in town.rings])
            metres = shapely.transform(degrees, to_metres.transform, interleaved=False)
            found[code] = metres.difference(riverside) if self.riverside_m else metres
        return {code: outline for code, outline in found.items() if outline.area > 0.0}


def total(towns: Sequence[FloodedTown]) -> dict[str, Three]:
    """Heads of all towns; quantiles add up because one river drives all towns.

    >>> total([])["residents"]
    {'p05': 0, 'p50': 0, 'p95': 0}
    """
    return {
        kind: {name: sum(getattr(town, kind)[name] for town in towns) for name in NAMES}
        for kind in ("residents", "over_65", "under_7")
    }


def corners_of(ground: Ground, metric_crs: str) -> list[tuple[float, float]]:
    """Outer corners of the ground, (longitude, latitude): north-west, north-east, south-east, south-west."""
    rows, columns = ground.terrain.shape
    west, south = ground.west_m, ground.south_m
    east, north = west + columns * ground.terrain.cell_m, south + rows * ground.terrain.cell_m
    to_degrees = Transformer.from_crs(metric_crs, "EPSG:4326", always_xy=True)
    return [
        to_degrees.transform(x, y) for x, y in ((west, north), (east, north), (east, south), (west, south))
    ]


def cell_at(ground: Ground, metric_crs: str, longitude: float, latitude: float) -> tuple[int, int] | None:
    """Row and column of the cell at a place; None outside the ground."""
    x, y = Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True).transform(longitude, latitude)
    if not (np.isfinite(x) and np.isfinite(y)):
        return None
    column = int((x - ground.west_m) // ground.terrain.cell_m)
    row = int((y - ground.south_m) // ground.terrain.cell_m)
    rows, columns = ground.terrain.shape
    return (row, column) if 0 <= row < rows and 0 <= column < columns else None


def _three(values: Sequence[float]) -> Three:
    return dict(zip(NAMES, values, strict=True))
