# SPDX-License-Identifier: Apache-2.0
"""DIAGNOSE: gauges at odds with their neighbours become fault alarms; level alarms name their witnesses.

No level alarm is delayed or kept back by it (``Setup.keep_back`` is an option that is scored, off live).
Each instant of a gauge is judged once, as it arrives in order of time, so that the same arrivals cut into
other batches tell the same; late data changes what is judged next, not what was told.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cheoyong.detect.diagnosis import UNNAMED, Diagnosis, diagnose, well
from cheoyong.detect.opinion import Relation, opinion, speakers
from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import every, fresh
from cheoyong.domain.city import Gauge
from cheoyong.domain.fact import AlarmStep, Fact, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import ObservationBatch, Series, Verdicts
from cheoyong.domain.quality import Flag, Test
from cheoyong.flow.keep_back import kept_back
from cheoyong.flow.state import Known, PipelineState, Setup, known

_RULE = "fault:"


def standing(one: Known | None) -> AlarmStep | None:
    """The fault alarm, unless it is one just cleared."""
    return one.alarm if one and one.alarm and one.alarm.step == "raised" else None


def named_faults(faults: Mapping[str, Known]) -> frozenset[str]:
    """The series whose fault has a name: no forecast reads them. An unnamed disagreement is still read."""
    return frozenset(series for series, one in faults.items() if standing(one) and _is_named(one))


def diagnosed(
    setup: Setup,
    state: PipelineState,
    batch: ObservationBatch,
    gauges: Gauges,
    verdicts: Verdicts,
    alarms: tuple[Fact, ...],
) -> tuple[PipelineState, Verdicts, tuple[Fact, ...]]:
    """The state, verdicts and alarms after asking the neighbours; as they were where there are none."""
    if not len(batch) or not (setup.relations or state.faults):
        return state, verdicts, alarms
    recent = _Recent(state, {gauge.series: key for key, (_, gauge) in gauges.items()})
    faults = {series: one for series, one in state.faults.items() if series in setup.relations}
    told = [
        _unjudged(setup, before, batch.recorded_us)
        for series, one in state.faults.items()
        if series not in faults and (before := standing(one))
    ]
    suspect: list[int] = []
    for at_us, series, identity in _arrived(setup, state, batch, recent.datastream_of):
        key = recent.datastream_of[series]
        desk = _Desk(gauges[key][0], key, gauges[key][1], batch.recorded_us, at_us, identity)
        relation = setup.relations[series]
        heard = recent.of(relation, but=_not_asked(faults, at_us))
        facts = list(_judged(desk, relation, heard, standing(faults.get(series))))
        if facts:
            faults[series] = known(facts[-1])
            told += facts
        elif series in faults and not standing(faults[series]):
            del faults[series]  # cleared at an earlier instant: nobody has to know any more
        if standing(faults.get(series)):
            suspect.append(identity)
    alarms = tuple(_witnessed(setup, faults, gauges, recent, fact) for fact in alarms)
    state = replace(state, faults=faults)
    if setup.keep_back:
        state, alarms = kept_back(setup, state, alarms, batch.recorded_us)
    return state, _suspected(verdicts, suspect), (*told, *alarms)


def _is_named(one: Known) -> bool:
    return one.alarm is not None and one.alarm.rule != _RULE + UNNAMED


def _not_asked(faults: Mapping[str, Known], at_us: int) -> frozenset[str]:
    """Gauges known as faulty before this instant, whatever was told at it: a faulty gauge is no witness."""
    return frozenset(
        series
        for series, one in faults.items()
        if _is_named(one) and (one.about_us < at_us) == (standing(one) is not None)
    )


def _arrived(
    setup: Setup, state: PipelineState, batch: ObservationBatch, datastream_of: Mapping[str, int]
) -> list[tuple[int, str, int]]:
    """What came in order of time from gauges that are judged: (time_us, series, observation id)."""
    return sorted(
        (at_us, series, identity)
        for series in setup.relations
        if series in datastream_of
        for identity, at_us in fresh(state.screen, datastream_of[series], batch.id)
    )


@dataclass(frozen=True, slots=True)
class _Recent:
    """Every number sent of late, whatever its flag: how it was flagged may hang on who arrived first."""

    state: PipelineState
    datastream_of: Mapping[str, int]
    _held: dict[str, Series] = field(default_factory=dict)

    def of(self, relation: Relation, but: Container[str]) -> dict[str, Series]:
        """What a relation reads, without these neighbours."""
        names = [name for name in relation.reads if name in self.datastream_of]
        for name in names:
            if name not in self._held:
                self._held[name] = every(self.state.screen, self.datastream_of[name])
        return {name: self._held[name] for name in names if name == relation.series or name not in but}


@dataclass(frozen=True, slots=True)
class _Desk:
    """One instant of one gauge, and all it takes to tell something of it."""

    owner: int
    datastream: int
    gauge: Gauge
    recorded_us: int
    at_us: int
    observation_id: int

    def raised(self, found: Diagnosis, since_us: int) -> Fact:
        rule = _RULE + found.kind
        body = AlarmStep(
            alarm_id=fact_id(self.at_us, "alarm-episode", f"{self.owner}:{self.gauge.series}:{rule}"),
            cause="fault",
            step="raised",
            series=self.gauge.series,
            rule=rule,
            priority=str(Priority.MEDIUM if self.gauge.levels else Priority.LOW),
            crisis_level=int(CrisisLevel.CALM),
            since_us=since_us,
            reason=found.reason,
        )
        return self._told(body)

    def cleared(self, before: AlarmStep) -> Fact:
        return self._told(replace(before, step="cleared"))

    def _told(self, body: AlarmStep) -> Fact:
        return make_fact(
            body,
            key=f"{self.datastream}:{body.alarm_id}:{body.step}",
            organisation_id=self.owner,
            about_us=self.at_us,
            recorded_us=self.recorded_us,
            observation_ids=(self.observation_id,),
        )


def _judged(
    desk: _Desk, relation: Relation, recent: Mapping[str, Series], before: AlarmStep | None
) -> Iterator[Fact]:
    """What the neighbours' opinion of one value changes: a fault raised, given its name, or cleared."""
    said = opinion(relation, recent, desk.at_us, before.since_us if before else None)
    rules = desk.gauge.quality
    found = diagnose(said, rules.flat_tolerance, desk.gauge.unit, rules.top)
    if found and (before is None or (before.rule == _RULE + UNNAMED and found.kind != UNNAMED)):
        if before:
            yield desk.cleared(before)
        yield desk.raised(found, desk.at_us - (found.periods - 1) * relation.period_us)
    elif before and not found:
        began = round((desk.at_us - before.since_us) / relation.period_us)
        if well(said, before.rule.removeprefix(_RULE), began, rules.flat_tolerance):
            yield desk.cleared(before)


def _unjudged(setup: Setup, before: AlarmStep, recorded_us: int) -> Fact:
    """The end of a fault nobody judges any more: a history that is gone teaches no relation."""
    return make_fact(
        replace(before, step="withdrawn", reason="its neighbours are no longer asked"),
        key=f"{before.alarm_id}:withdrawn",
        organisation_id=setup.organisation_id,
        about_us=recorded_us,
        recorded_us=recorded_us,
    )


def _witnessed(
    setup: Setup, faults: Mapping[str, Known], gauges: Gauges, recent: _Recent, fact: Fact
) -> Fact:
    """A level alarm with the neighbours that speak for it; any other fact as it is."""
    body = fact.body
    if not isinstance(body, AlarmStep) or body.cause not in ("level", "threshold") or body.step != "raised":
        return fact
    relation, key = setup.relations.get(body.series), recent.datastream_of.get(body.series)
    if relation is None or key is None:
        return fact
    if any(level.id == body.rule and level.below for level in gauges[key][1].levels):
        return fact
    heard = recent.of(relation, but=_not_asked(faults, fact.about_us))
    return replace(fact, body=replace(body, witnesses=speakers(relation, heard, fact.about_us)))


def _suspected(verdicts: Verdicts, ids: Iterable[int]) -> Verdicts:
    """The verdicts with these observations at least SUSPECT, by the word of their neighbours."""
    ids = list(ids)
    if not ids:
        return verdicts
    table = {
        int(one): (int(flag), int(tests))
        for one, flag, tests in zip(verdicts.observation_id, verdicts.flag, verdicts.tests, strict=True)
    }
    for one in ids:
        flag, tests = table.get(one, (int(Flag.PASS), 0))
        table[one] = (max(flag, int(Flag.SUSPECT)), tests | int(Test.NEIGHBOURS))
    rows = np.array([(one, *table[one]) for one in sorted(table)], np.int64).reshape(-1, 3)
    return Verdicts(rows[:, 0], rows[:, 1].astype(np.uint8), rows[:, 2].astype(np.uint16))
