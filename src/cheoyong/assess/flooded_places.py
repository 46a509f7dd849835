# SPDX-License-Identifier: Apache-2.0
"""Underpasses that a city states, and how likely water runs into each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cheoyong.assess.flooded_towns import Streets, cell_at
from cheoyong.hazards.inundation.streets.chance import Chance
from cheoyong.hazards.inundation.streets.library import WET_M


@dataclass(frozen=True, slots=True)
class Underpass:
    """An underpass as a fact: ``ground_m`` is the level at which water runs in, m on the ground's datum."""

    name: Mapping[str, str]
    longitude: float
    latitude: float
    ground_m: float
    source: str


def runs_in(streets: Streets, chance: Chance, underpass: Underpass) -> float | None:
    """Probability that water beside the underpass stands as high as its entrance; None outside the ground.

    Between two floods of the library the level rises in a straight line, as depth does everywhere. Ground
    that is higher than the entrance must be under water itself before any runs in. Where the river itself is
    held no depth is known: None.
    """
    ground, crs = streets.library.ground, streets.city.metric_crs
    cell = cell_at(ground, crs, underpass.longitude, underpass.latitude)
    if cell is None or ground.terrain.walls[cell] or cell in ground.river:
        return None
    needed_m = max(underpass.ground_m - float(ground.terrain.bed_m[cell]), WET_M)
    depth = streets.library.depth_m[:, cell[0], cell[1]]
    over = np.flatnonzero(depth >= needed_m)
    if not len(over):
        return 0.0
    first, stages = int(over[0]), streets.library.stages_m
    stage = (
        stages[0]
        if first == 0
        else np.interp(needed_m, depth[first - 1 : first + 1], stages[first - 1 : first + 1])
    )
    return float(chance.reaching(stage))
