# SPDX-License-Identifier: Apache-2.0
"""Leave-one-storm-out: every storm of the record scored by a model that has seen all the others."""

from __future__ import annotations

from collections.abc import Mapping

from cheoyong.app.river_events import storm_peaks
from cheoyong.app.score import HIGH_STAGE_M, RiverScore, pick_target, score_history
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.observation import Series

AROUND_US = 60 * HOUR_US  # two and a half days either way: longer than the gauges remember a storm


def score_storms(
    pack: CityPack,
    history: Mapping[str, Series],
    cut_us: int,
    leads_h: tuple[int, ...],
    series: str | None = None,
    above_m: float = HIGH_STAGE_M,
) -> tuple[RiverScore, ...]:
    """One score for each storm above ``above_m`` before ``cut_us``, in time order, with its levels.

    Each model is trained on what lies before ``cut_us`` without the five days around its storm, and
    scored on those alone. High water is above ``above_m`` (m). InvalidInput when there is no storm.
    """
    target = pick_target(pack, series)
    own = history.get(target.series)
    if own is None:
        raise InvalidInput("is in none of the files", where=target.series)
    first_us = int(own.time_us[0]) if len(own.time_us) else cut_us
    peaks = storm_peaks(own, first_us + AROUND_US, cut_us - AROUND_US, above_m)
    if not peaks:
        raise InvalidInput(f"never stands above {above_m:g} m", where=target.series, mend="lower --high")
    return tuple(
        score_history(
            pack,
            history,
            cut_us,
            leads_h,
            target.series,
            leave_out_us=(peak_us - AROUND_US, peak_us + AROUND_US),
            events=True,
            high_m=above_m,
        )
        for peak_us in peaks
    )
