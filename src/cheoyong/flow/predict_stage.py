# SPDX-License-Identifier: Apache-2.0
"""PREDICT: a forecast from every model that one of its inputs has news for, and which models are off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import usable
from cheoyong.domain.fact import Fact, Forecast, make_fact
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.diagnose_stage import named_faults
from cheoyong.flow.model_stage import NARROW, ask, heard_models, missing_models
from cheoyong.flow.state import PipelineState, Setup


def predict(
    setup: Setup, state: PipelineState, batch: ObservationBatch, gauges: Gauges
) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """A forecast for each model that one of its inputs has news for; models that went off or came back."""
    changes = missing_models(setup, state.models_off, batch.recorded_us)
    if not len(batch):
        return (), changes
    datastream_of = {gauge.series: key for key, (_, gauge) in gauges.items()}
    fresh = {gauges[key][1].series for key in set(batch.datastream_id.tolist()) if key in gauges}
    broken = named_faults(state.faults)
    made, answers = [], []
    for model in setup.models:
        if fresh.isdisjoint(model.inputs) or model.series not in datastream_of:
            continue
        recent = {
            name: usable(state.screen, datastream_of[name])
            for name in model.inputs
            if name in datastream_of and name not in broken
        }
        gauge = gauges[datastream_of[model.series]][1]
        silence_us = round(gauge.quality.silence_s * SECOND_US)
        issued_us = _issued_us(model.series, recent, silence_us)
        if issued_us is None:
            continue
        known_then = {name: series.until(issued_us) for name, series in recent.items()}
        answer = ask(model, known_then, issued_us, {level.id for level in gauge.levels})
        answers.append(answer)
        forecast = _as_trusted(setup, state, answer.forecast)
        before = state.forecasts.get(model.series)
        if forecast is not None and not (before and before.forecast == forecast):
            made.append(_forecast_fact(setup, forecast, batch, recent, datastream_of))
    return tuple(made), changes + heard_models(setup, state.models_off, answers, batch.recorded_us)


def _as_trusted(setup: Setup, state: PipelineState, forecast: Forecast | None) -> Forecast | None:
    """In shadow while its model's band is known to be too narrow."""
    if forecast is None:
        return None
    off = state.models_off.get((setup.hazard_of.get(forecast.series, ""), forecast.series))
    narrow = off is not None and off.model is not None and off.model.cause == NARROW
    return replace(forecast, maturity="shadow") if narrow else forecast


def _issued_us(target: str, recent: Mapping[str, Series], silence_us: int) -> int | None:
    """Time of the gauge's newest value; of its inputs' while it is faulty or silent: they speak for it."""
    newest_us = {name: int(series.time_us[-1]) for name, series in recent.items() if len(series.time_us)}
    if not newest_us:
        return None
    latest_us = max(newest_us.values())
    own_us = newest_us.get(target)
    return latest_us if own_us is None or latest_us - own_us > silence_us else own_us


def _forecast_fact(
    setup: Setup,
    forecast: Forecast,
    batch: ObservationBatch,
    recent: Mapping[str, Series],
    datastream_of: Mapping[str, int],
) -> Fact:
    """The forecast, caused by the observations of this batch that it read."""
    read = {datastream_of[name] for name in recent}
    ids = [int(i) for i, d in zip(batch.id, batch.datastream_id, strict=True) if int(d) in read]
    return make_fact(
        forecast,
        key=f"{forecast.hazard}:{forecast.series}:{forecast.issued_us}:{forecast.model}",
        organisation_id=setup.organisation_id,
        about_us=forecast.issued_us,
        recorded_us=batch.recorded_us,
        observation_ids=tuple(ids),
    )
