# SPDX-License-Identifier: Apache-2.0
"""DIAGNOSE: gauges at odds with their neighbours become fault alarms, and their levels raise nothing.

Judged as values arrive, each gauge at its newest value: late data changes what is judged next, not what was
told. A level alarm that a faulty gauge would have raised is kept back; it is raised should the gauge turn out
to be right while the level still stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from cheoyong.detect.diagnosis import Diagnosis, diagnose, well
from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import usable
from cheoyong.detect.witness import opinion
from cheoyong.domain.fact import AlarmStep, Fact, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import ObservationBatch, Verdicts
from cheoyong.domain.quality import Flag, Test
from cheoyong.flow.state import PipelineState, Setup, fact_of, known


def diagnosed(
    setup: Setup,
    state: PipelineState,
    batch: ObservationBatch,
    gauges: Gauges,
    verdicts: Verdicts,
    alarms: tuple[Fact, ...],
) -> tuple[PipelineState, Verdicts, tuple[Fact, ...]]:
    """The state, verdicts and alarms after asking the neighbours; as they were where there are none."""
    if not setup.relations:
        return state, verdicts, alarms
    datastream_of = {gauge.series: key for key, (_, gauge) in gauges.items()}
    told: list[Fact] = []
    suspect: list[int] = []
    faults = dict(state.faults)
    for series, relation in setup.relations.items():
        key = datastream_of.get(series)
        here = np.flatnonzero(batch.datastream_id == key) if key is not None else np.empty(0, np.int64)
        if key is None or not len(here):
            continue
        recent = {
            name: usable(state.screen, datastream_of[name])
            for name in relation.reads
            if name in datastream_of
        }
        newest = here[np.argmax(batch.phenomenon_us[here])]
        at_us = int(batch.phenomenon_us[newest])
        if len(recent[series].time_us) and at_us < recent[series].time_us[-1]:
            continue
        said = opinion(relation, recent, at_us)
        found = diagnose(said, gauges[key][1].quality.flat_tolerance, gauges[key][1].unit)
        standing = faults.get(series)
        before = standing.alarm if standing else None
        if found and (before is None or before.rule == "fault:disagreement" != f"fault:{found.kind}"):
            if before:
                told.append(_step(setup, gauges, key, batch, at_us, before, "cleared"))
            told.append(_raised(setup, gauges, key, batch, at_us, found))
            faults[series] = known(told[-1])
        elif before and not found and well(said):
            told.append(_step(setup, gauges, key, batch, at_us, before, "cleared"))
            del faults[series]
        if series in faults:
            suspect.append(int(batch.id[newest]))
    state = replace(state, faults=faults)
    state, alarms = _kept_back(setup, state, alarms, batch.recorded_us)
    return state, _suspected(verdicts, suspect), (*told, *alarms)


def _kept_back(
    setup: Setup, state: PipelineState, alarms: tuple[Fact, ...], recorded_us: int
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """Alarms without those of the levels of faulty gauges; and those kept back of gauges found right."""
    held = dict(state.held)
    through = []
    for fact in alarms:
        body = fact.body
        if not isinstance(body, AlarmStep) or body.cause not in ("level", "threshold"):
            through.append(fact)
            continue
        key = (body.series, body.rule)
        if body.step == "raised" and body.series in state.faults:
            held[key] = known(fact)
        elif key in held:
            del held[key]  # it ended, or was withdrawn, before anybody was told
        else:
            through.append(fact)
    for key in [key for key in held if key[0] not in state.faults]:
        kept = fact_of(setup, held.pop(key))
        through.append(
            make_fact(
                kept.body,
                key=f"{key[0]}:{key[1]}:{kept.id}:believed",
                organisation_id=setup.organisation_id,
                about_us=kept.about_us,
                recorded_us=recorded_us,
            )
        )
    return replace(state, held=held), tuple(through)


def _raised(
    setup: Setup, gauges: Gauges, key: int, batch: ObservationBatch, at_us: int, found: Diagnosis
) -> Fact:
    gauge = gauges[key][1]
    rule = f"fault:{found.kind}"
    body = AlarmStep(
        alarm_id=fact_id(at_us, "alarm-episode", f"{setup.organisation_id}:{gauge.series}:{rule}"),
        cause="fault",
        step="raised",
        series=gauge.series,
        rule=rule,
        priority=str(Priority.MEDIUM if gauge.levels else Priority.LOW),
        crisis_level=int(CrisisLevel.CALM),
        since_us=at_us,
        reason=found.reason,
    )
    return _step(setup, gauges, key, batch, at_us, body, "raised")


def _step(
    setup: Setup, gauges: Gauges, key: int, batch: ObservationBatch, at_us: int, body: AlarmStep, step: str
) -> Fact:
    here = (batch.datastream_id == key) & (batch.phenomenon_us == at_us)
    return make_fact(
        replace(body, step=step),
        key=f"{key}:{body.alarm_id}:{step}",
        organisation_id=gauges[key][0],
        about_us=at_us,
        recorded_us=batch.recorded_us,
        observation_ids=tuple(batch.id[here].tolist()),
    )


def _suspected(verdicts: Verdicts, ids: Iterable[int]) -> Verdicts:
    """The verdicts with these observations at least SUSPECT, by the word of their neighbours."""
    table = {
        int(one): (int(flag), int(tests))
        for one, flag, tests in zip(verdicts.observation_id, verdicts.flag, verdicts.tests, strict=True)
    }
    for one in ids:
        flag, tests = table.get(one, (int(Flag.PASS), 0))
        table[one] = (max(flag, int(Flag.SUSPECT)), tests | int(Test.NEIGHBOURS))
    if len(table) == len(verdicts.observation_id) and not list(ids):
        return verdicts
    rows = np.array([(one, *table[one]) for one in sorted(table)], np.int64).reshape(-1, 3)
    return Verdicts(rows[:, 0], rows[:, 1].astype(np.uint8), rows[:, 2].astype(np.uint16))
