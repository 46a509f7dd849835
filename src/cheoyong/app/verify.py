# SPDX-License-Identifier: Apache-2.0
"""Verify a city's forecasts on its packaged record: train before a date, forecast every hour after it, judge.

The forecasts are those that the live worker would have made of the same values, and they are judged by the
same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.fact import Forecast
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.instant import HOUR_US, SECOND_US
from cheoyong.domain.observation import Series
from cheoyong.hazards.river import River
from cheoyong.learn.judged import judged


def verify(
    city: CityPack,
    history: Mapping[str, Series],
    hazard: River,
    cut_us: int,
    until_us: int,
    series: str | None = None,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Scores of the forecasts issued on every hour of [``cut_us``, ``until_us``) by a model trained before.

    Windows that the pack keeps out of training stay out. Raises InvalidInput when nothing is left to judge.
    """
    tables = city.hazards.get(hazard.card.id, {})
    chosen = series or next(iter(tables), "")
    if chosen not in tables:
        raise InvalidInput(
            f"is not forecast by {hazard.card.id}", where=chosen, mend=f"one of {sorted(tables)}"
        )
    only = replace(city, hazards={hazard.card.id: {chosen: tables[chosen]}})
    model = hazard.train(only, {name: one.until(cut_us - 1) for name, one in history.items()})[0]
    own = history[chosen]
    last_us = min(until_us, int(own.time_us[-1]) + 1)
    forecasts = _hindcast(model, history, cut_us, last_us, advance)
    if not forecasts:
        raise InvalidInput("nothing was forecast in this span", where="span", mend="see the packaged record")
    gauge = city.gauges[chosen]
    return {
        "series": chosen,
        "model": model.id,
        "from_us": forecasts[0].issued_us,
        "to_us": forecasts[-1].issued_us,
        "forecasts": len(forecasts),
        **judged(forecasts, own.between(cut_us - HOUR_US, last_us), own.until(cut_us - 1), gauge.levels),
    }


def _hindcast(
    model: HazardModel, history: Mapping[str, Series], cut_us: int, until_us: int, advance: Callable[[], None]
) -> list[Forecast]:
    inputs = {name: one for name, one in history.items() if name in model.inputs}
    window_us = model.window_s * SECOND_US
    found = []
    for issued_us in range(-(-cut_us // HOUR_US) * HOUR_US, until_us, HOUR_US):
        advance()
        recent = {name: one.between(issued_us - window_us, issued_us + 1) for name, one in inputs.items()}
        forecast = model.forecast(recent, issued_us)
        if forecast is not None:
            found.append(forecast)
    return found
