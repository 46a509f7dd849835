# SPDX-License-Identifier: Apache-2.0
"""How dangerous water is by depth and speed: the six classes H1 to H6.

Smith, Davey and Cox (2014), "Flood hazard", UNSW Water Research Laboratory technical report 2014/07, as taken
up by Australian Disaster Resilience Guideline 7-3 (AIDR 2017), table of limits: H1 generally safe; H2 unsafe
for small vehicles; H3 unsafe for vehicles, children and the elderly; H4 unsafe for vehicles and people; H5
and buildings may be damaged; H6 and all buildings may fail.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LIMITS = ((0.3, 0.3, 2.0), (0.6, 0.5, 2.0), (0.6, 1.2, 2.0), (1.0, 2.0, 2.0), (4.0, 4.0, 4.0))
"""Of H1 to H5: greatest depth × speed m²/s, depth m, speed m/s; beyond the last is H6."""


def danger(depth_m: Any, speed_m_s: Any) -> Any:
    """Class 1 to 6 of each cell, 0 where it is dry; uint8, shape of the arguments.

    >>> danger(np.array([0.0, 0.2, 0.4, 1.0, 1.5, 3.0, 5.0]), np.zeros(7)).tolist()
    [0, 1, 2, 3, 4, 5, 6]
    >>> danger(np.array([0.2, 0.2]), np.array([1.9, 2.1])).tolist()
    [2, 5]
    """
    depth, speed = np.asarray(depth_m), np.asarray(speed_m_s)
    found = np.full(depth.shape, len(LIMITS) + 1, np.uint8)
    for number, (product, deepest, fastest) in reversed(tuple(enumerate(LIMITS, 1))):
        found[(depth * speed <= product) & (depth <= deepest) & (speed <= fastest)] = number
    found[~(depth > 0.0)] = 0
    return found
