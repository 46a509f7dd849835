# SPDX-License-Identifier: Apache-2.0
"""Floods computed beforehand, one for each of some stages, and everything between them by straight lines.

More river never means less water in a street: depth is made monotone in the stage. So the stage at which a
cell comes under a depth is one number, and a forecast's distribution of stage gives probabilities of depth
exactly, without an ensemble of floods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cheoyong.domain.errors import InvalidInput
from cheoyong.hazards.inundation.streets.ground import Ground

WET_M = 0.05
"""Depth from which ground counts as under water, m."""


@dataclass(frozen=True, slots=True)
class Flood:
    """What stands under water at ``stage_m``; arrays (rows, columns), float32.

    ``depth_m``: at the end of the time that the stage is held, m, so that a wave which runs through an empty
    street and back is not taken for its depth. ``speed_m_s``: the greatest flow past each metre of width that
    was seen on the way there, m²/s, over that depth; so depth × speed is a product that occurred.
    """

    stage_m: float
    depth_m: Any
    speed_m_s: Any


@dataclass(frozen=True)
class Library:
    """``stages_m`` (n,) rising; ``depth_m``, ``speed_m_s`` (n, rows, columns) never falling with the stage.

    Cells where the river itself is held are no streets: they hold 0.
    """

    ground: Ground
    stages_m: Any
    depth_m: Any
    speed_m_s: Any

    @classmethod
    def of(cls, ground: Ground, floods: Sequence[Flood]) -> Library:
        """From at least two floods on the same ground, in any order."""
        if len(floods) < 2:
            raise InvalidInput("two floods at least make a library", where="floods")
        ordered = sorted(floods, key=lambda one: one.stage_m)
        stages = np.array([one.stage_m for one in ordered])
        if np.any(np.diff(stages) <= 0.0):
            raise InvalidInput("two floods of the same stage", where="floods")
        depth = np.maximum.accumulate(np.stack([one.depth_m for one in ordered]))
        speed = np.maximum.accumulate(np.stack([one.speed_m_s for one in ordered]))
        rows, columns = zip(*ground.river, strict=True)
        for field in (depth, speed):
            field[:, rows, columns] = 0.0
        depth[depth < WET_M] = 0.0
        speed[depth == 0.0] = 0.0
        return cls(ground, stages, depth, speed)

    def depth_at_m(self, stage_m: float) -> Any:
        """Greatest depth (rows, columns), m, when the gauge reaches ``stage_m``; at most the top flood's."""
        return self._at(self.depth_m, stage_m)

    def speed_at_m_s(self, stage_m: float) -> Any:
        """Speed (rows, columns), m/s, likewise."""
        return self._at(self.speed_m_s, stage_m)

    def reached_at_m(self, depth_m: float) -> Any:
        """The stage at which each cell comes under ``depth_m`` (rows, columns); inf: at none of the library.

        A cell that is under it at the lowest stage already has that stage.
        """
        if depth_m not in self._reached:
            self._reached[depth_m] = self._reached_at_m(depth_m)
        return self._reached[depth_m]

    @cached_property
    def _reached(self) -> dict[float, Any]:
        return {}

    def _at(self, field: Any, stage_m: float) -> Any:
        at = float(np.interp(stage_m, self.stages_m, np.arange(len(self.stages_m))))
        low = min(int(at), len(self.stages_m) - 2)
        share = np.float32(at - low)
        if stage_m < self.stages_m[0]:
            return np.zeros_like(field[0])
        return field[low] + share * (field[low + 1] - field[low])

    def _reached_at_m(self, depth_m: float) -> Any:
        lower = (self.depth_m < depth_m).sum(axis=0)  # how many floods leave the cell above it
        last = len(self.stages_m) - 1
        high = np.minimum(lower, last)[None]
        low = np.maximum(high - 1, 0)
        d_low = np.take_along_axis(self.depth_m, low, 0)[0].astype(np.float64)
        d_high = np.take_along_axis(self.depth_m, high, 0)[0].astype(np.float64)
        rise = np.where(d_high > d_low, d_high - d_low, 1.0)
        share = np.clip((depth_m - d_low) / rise, 0.0, 1.0)
        stage = self.stages_m[low[0]] + share * (self.stages_m[high[0]] - self.stages_m[low[0]])
        stage = np.where(lower == 0, self.stages_m[0], stage)
        return np.where(lower > last, np.inf, stage)
