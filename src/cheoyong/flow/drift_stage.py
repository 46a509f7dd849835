# SPDX-License-Identifier: Apache-2.0
"""DRIFT: what has been unlike a model's training for thirty days is told of, and when it ends.

Its inputs, and whether its median leans to one side. For who minds the models, not for the desk: no alarm is
raised and no model is silenced by it. Judged once a day, also of an input that sends nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import usable
from cheoyong.domain.fact import Fact, InputDrift, make_fact
from cheoyong.domain.instant import DAY_US
from cheoyong.domain.observation import ObservationBatch
from cheoyong.flow.state import Known, PipelineState, Setup, known
from cheoyong.learn.input_drift import NOTHING, InputRecord, Sign, signs, watched

LEAN_MAX = 0.3
"""Judgement: a fifth or less on one side. In three years of the packaged record it was never above 0.18."""
DAYS_MIN = 20
OVER_BELOW = 0.8
"""Of the limit: below that it is over, so that what lies at the limit is not told of every day."""


def mind_inputs(
    setup: Setup, state: PipelineState, batch: ObservationBatch, gauges: Gauges
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """The state with what came of the models' inputs, and what has become known of them."""
    day = batch.recorded_us // DAY_US
    stream_of = {gauge.series: key for key, (_, gauge) in gauges.items()}
    fresh = set(batch.datastream_id.tolist())
    inputs: dict[str, InputRecord] = {}
    told = list(_of_strangers(setup, state, batch.recorded_us))
    for series, reference in setup.references.items():
        key = stream_of.get(series)
        recent = usable(state.screen, key) if key in fresh and key is not None else NOTHING
        record = watched(state.inputs.get(series), reference, recent, day)
        if day > record.judged:
            for sign in (*signs(record, reference, day), *_leaning(state, series)):
                before = state.drifts.get((series, sign.name))
                told += _verdict(setup, before, series, sign, batch.recorded_us)
            record = record._replace(judged=day)
        inputs[series] = record
    return replace(state, inputs=inputs, drifts=_after(state.drifts, told)), tuple(told)


def _leaning(state: PipelineState, series: str) -> Iterator[Sign]:
    """Of forecasts of this gauge whose time has come: do as many values lie above the median as below?"""
    for (_, target), record in state.records.items():
        if target == series and record.days >= DAYS_MIN:
            yield Sign("lean", record.lean, LEAN_MAX)


def _verdict(setup: Setup, before: Known | None, series: str, sign: Sign, now_us: int) -> Iterator[Fact]:
    if before is None and sign.value > sign.limit:
        yield _fact(setup, series, sign, "drifting", now_us, now_us, None)
    elif before is not None and before.drift is not None and sign.value < OVER_BELOW * sign.limit:
        yield _fact(setup, series, sign, "over", before.drift.since_us, now_us, before)


def _fact(
    setup: Setup, series: str, sign: Sign, step: str, since_us: int, now_us: int, before: Known | None
) -> Fact:
    models = tuple(sorted(_readers(setup, series)))
    body = InputDrift(series, sign.name, step, round(sign.value, 4), round(sign.limit, 4), since_us, models)
    return make_fact(
        body,
        key=f"{series}:{sign.name}:{step}",
        organisation_id=setup.organisation_id,
        about_us=now_us,
        recorded_us=now_us,
        caused_by=(before.id,) if before else (),
    )


def _readers(setup: Setup, series: str) -> Iterator[str]:
    for model in setup.models:
        if series in model.inputs:
            yield f"{setup.hazard_of.get(model.series, '')}:{model.series}"


def _after(drifts: dict[tuple[str, str], Known], told: Iterable[Fact]) -> dict[tuple[str, str], Known]:
    after = dict(drifts)
    for fact in told:
        assert isinstance(fact.body, InputDrift)
        place = fact.body.series, fact.body.sign
        if fact.body.step == "drifting":
            after[place] = known(fact)
        else:
            del after[place]
    return after


def _of_strangers(setup: Setup, state: PipelineState, now_us: int) -> Iterator[Fact]:
    """What no model reads any more is nobody's input."""
    for (series, _), before in state.drifts.items():
        if series not in setup.references and before.drift is not None:
            sign = Sign(before.drift.sign, before.drift.value, before.drift.limit)
            yield _fact(setup, series, sign, "over", before.drift.since_us, now_us, before)
