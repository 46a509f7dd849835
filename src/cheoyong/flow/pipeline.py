# SPDX-License-Identifier: Apache-2.0
"""The way of a fact: CHECK, DETECT, DIAGNOSE, TRUST, DRIFT, PREDICT, RESPOND, ASSESS, WARN. Read this first.

Pure: one batch of observations and the state before it give the facts it causes and the state after
it. The only clock is ``batch.recorded_us``; a replay is this same function fed with an older day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import screen
from cheoyong.domain.fact import Fact
from cheoyong.domain.observation import ObservationBatch, Verdicts
from cheoyong.flow.diagnose_stage import diagnosed
from cheoyong.flow.drift_stage import mind_inputs
from cheoyong.flow.model_stage import models_off
from cheoyong.flow.predict_stage import predict
from cheoyong.flow.respond_stage import assess, open_alarms, respond
from cheoyong.flow.state import PipelineState, Setup, known, series_of
from cheoyong.flow.trust_stage import judge_bands, with_bands
from cheoyong.flow.warn_stage import warn
from cheoyong.warn.draft import Standing


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch led to."""

    state: PipelineState
    verdicts: Verdicts
    facts: tuple[Fact, ...]


def step(
    setup: Setup,
    state: PipelineState,
    batch: ObservationBatch,
    gauges: Gauges,
    standings: Mapping[UUID, Standing],
) -> Outcome:
    """Take one batch all the way.

    ``gauges`` maps datastream ids to (organisation, gauge); ``standings`` is the newest message of
    each incident, as people have left it.
    """
    # CHECK and DETECT: quality verdicts, alarms of level, silence and fault
    screened, verdicts, alarms = screen(state.screen, batch, gauges)
    # DIAGNOSE: the sensor or the world? faults of gauges, and who else saw what a level alarm tells
    state, verdicts, alarms = diagnosed(
        setup, replace(state, screen=screened), batch, gauges, verdicts, alarms
    )
    state = replace(state, alarms=open_alarms(state.alarms, alarms))
    # TRUST: did the models' bands hold what has come
    records, trust = judge_bands(setup, state, batch, gauges)
    state = replace(state, records=records, models_off=models_off(state.models_off, trust))
    # DRIFT: are the models fed what they were trained on
    state, drifts = mind_inputs(setup, state, batch, gauges)
    # PREDICT: what the hazards' models expect now
    forecasts, models = predict(setup, state, batch, gauges)
    models = trust + models
    state = replace(
        state,
        models_off=models_off(state.models_off, models),
        records=with_bands(state.records, setup, forecasts),
    )
    state = replace(state, forecasts={**state.forecasts, **{series_of(f): known(f) for f in forecasts}})
    # RESPOND: incidents open, escalate, ease, close
    state, steps = respond(setup, state, (*alarms, *forecasts), batch.recorded_us)
    # ASSESS: whom they concern
    impacts = assess(setup, steps)
    # WARN: what should be said; people decide
    drafts = warn(setup, state, steps, forecasts, impacts, standings, batch.recorded_us)
    return Outcome(state, verdicts, (*alarms, *models, *drifts, *forecasts, *steps, *impacts, *drafts))
