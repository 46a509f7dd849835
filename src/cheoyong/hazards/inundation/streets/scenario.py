# SPDX-License-Identifier: Apache-2.0
"""One flood of the library: the river risen to a stage and held there, and what is then under water."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cheoyong.hazards.inundation.forcing import Course, Forcings, Stage
from cheoyong.hazards.inundation.run import Choices, State, run, still_water
from cheoyong.hazards.inundation.streets.ground import Ground
from cheoyong.hazards.inundation.streets.library import Flood

RISE_S = 1800.0
HELD_S = 9000.0
"""The river rises for half an hour and is held for 2.5 h: judgement; Chaba stood above 4.4 m for 3 h."""
LOOK_S = 600.0
"""Flow is looked at this often."""
_LOW_STAGE_M = 0.0
_FILM_M = 0.05


def flood(ground: Ground, stage_m: float, cancelled: Callable[[], bool] = lambda: False) -> Flood | None:
    """The flood of one stage by the local-inertial solver; None when it was cancelled. Pure.

    θ = 1, because stages are held. Water that comes over a bank goes on coming as long as the stage is held,
    so depths far behind a bank depend on how long that is.
    """
    state, forcings = still_water(ground.terrain), Forcings(stages=(_rising_river(ground, stage_m),))
    greatest = np.zeros(ground.terrain.shape)
    while state.at_s < RISE_S + HELD_S:
        end = run(ground.terrain, state, forcings, state.at_s + LOOK_S, Choices(theta=1.0), cancelled)
        if not end.complete:
            return None
        state = end.state
        greatest = np.maximum(greatest, flow_m2_s(state))
    depth = np.maximum(state.depth_m, 0.0).astype(np.float32)
    deep = depth > _FILM_M
    speed = np.where(deep, greatest / np.where(deep, depth, 1.0), 0.0)
    return Flood(stage_m, depth, speed.astype(np.float32))


def _rising_river(ground: Ground, stage_m: float) -> Stage:
    """Each cell of the river rises from its level at low water to its level at ``stage_m``, and stays."""
    surface = ground.reach.surface_m(stage_m, ground.river_along_m)
    top = float(surface.max())
    low = top - (stage_m - min(_LOW_STAGE_M, stage_m))
    return Stage(ground.river, Course((0.0, RISE_S), (low, top)), tuple((surface - top).tolist()))


def flow_m2_s(state: State) -> Any:
    """Flow past a metre of width in each cell, m²/s: the mean of its opposite faces.

    >>> two = np.full((1, 2), 0.5)
    >>> flow_m2_s(State(np.ones((1, 2)), two, np.zeros((1, 2)))).tolist()
    [[0.5, 0.25]]
    """
    x, y = np.asarray(state.flow_x_m2_s), np.asarray(state.flow_y_m2_s)
    mean_x = 0.5 * (x + np.pad(x, ((0, 0), (0, 1)))[:, 1:])
    mean_y = 0.5 * (y + np.pad(y, ((0, 1), (0, 0)))[1:, :])
    return np.hypot(mean_x, mean_y)
