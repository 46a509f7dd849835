# SPDX-License-Identifier: Apache-2.0
"""Rain of the last three days as columns: what has fallen and has not reached a gauge yet.

The mean of those rain gauges that speak, by age (the last hour, the two before it, …), and the same times
how wet the ground is, W / (W + 50 mm) with W the rain of three days: wet ground passes on more, up to all of
it (antecedent precipitation: Linsley, Kohler and Paulhus 1982, Hydrology for Engineers; the share that runs
off: the form of the SCS curve number, National Engineering Handbook 630, chapter 10).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s, Series
from cheoyong.hazards.river.sampling import HOUR_US, known_at

AGES_H = (1, 3, 6, 12, 24)
WET_H = 72
WET_MM = 50.0  # half of it runs off then; from 50 and 100 by the years 2017 and 2018 of the Han and Nakdong
_SPOKEN_H_MIN = 48  # of the last 72 h by at least one gauge; fewer say nothing of how wet the ground is


def rain_columns(
    recent: Mapping[str, Series], names: tuple[str, ...], issued_us: Int64s
) -> dict[str, Float64s]:
    """Columns (issues,) by name: mm by age, and mm times wetness; NaN where too little is known.

    ``recent`` holds mm of the hour that ends at each instant. A gauge that is silent for an hour takes no
    part in the mean of that hour; hours that no gauge speaks of count as dry.
    """
    empty = Series(np.empty(0, np.int64), np.empty(0))
    hours_us = issued_us[:, None] - np.arange(WET_H) * HOUR_US
    # Younger than an hour: no hour's rain is counted twice.
    of_each = np.stack([known_at(recent.get(name, empty), hours_us, HOUR_US - 1) for name in names])
    spoken = np.isfinite(of_each)
    mean = np.where(spoken, of_each, 0.0).sum(0) / np.maximum(spoken.sum(0), 1)
    some = np.logical_or.reduce(spoken)  # (issues, hours)
    known = (some.sum(1) >= _SPOKEN_H_MIN) & some[:, :2].any(1)
    mean = np.where(known[:, None], np.maximum(mean, 0.0), np.nan)
    fallen = mean.sum(1)
    wet = fallen / (fallen + WET_MM)
    columns, newer = {}, 0
    for age in AGES_H:
        of_age = mean[:, newer:age].sum(1)
        columns[f"rain_{age}h"] = of_age
        columns[f"rain_{age}h_on_wet"] = of_age * wet
        newer = age
    return columns
