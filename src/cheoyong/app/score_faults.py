# SPDX-License-Identifier: Apache-2.0
"""Score the diagnosis of sensors: a real storm through the whole pipeline with its gauges spoilt one by one.

The measurements are real (hourly record of the city pack); the faults are put in by us and say so. Models and
relations are learnt from the time before the scored span only. All cases share what came before the fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cheoyong.detect.screen import State as ScreenState
from cheoyong.detect.witness import learn_all
from cheoyong.domain.city import CityPack, Gauge
from cheoyong.domain.fact import AlarmStep, Fact, Forecast, IncidentStep
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.domain.level import Status
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import step
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.flow.state_bytes import from_bytes, to_bytes

KINDS = ("cut", "frozen", "drifted", "stepped", "saturated")
DRIFT_PER_H, STEP = 0.05, 0.5  # metres
CEILING = 0.3  # of the storm's rise: where a saturated instrument parks
WARM_UP_DAYS = 12
RIGHT = {
    "cut": "silence",
    "frozen": "fault:stuck",
    "drifted": "fault:drift",
    "stepped": "fault:step",
    "saturated": "fault:saturated",
}  # the class that names what was done
_MINUTE_US = 60_000_000


def spoil(series: Series, kind: str, from_us: int, ceiling: float) -> Series:
    """A series with a fault from ``from_us`` on; ``ceiling``: where a saturated instrument parks.

    >>> spoil(Series(np.array([0, 3_600_000_000]), np.array([1.0, 2.0])), "stepped", 1, 9.0).value.tolist()
    [1.0, 2.5]
    """
    after = series.time_us >= from_us
    value = series.value.copy()
    if kind == "cut":
        return Series(series.time_us[~after], value[~after])
    if kind == "frozen" and after.any():
        value[after] = value[int(np.argmax(after))]
    elif kind == "drifted":
        value[after] += (series.time_us[after] - from_us) / HOUR_US * DRIFT_PER_H
    elif kind == "stepped":
        value[after] += STEP
    elif kind == "saturated":
        value[after] = np.minimum(value[after], ceiling)
    return Series(series.time_us, value)


@dataclass(frozen=True, slots=True)
class Record:
    """Hourly measurements of a city in columns, in order of time, and which gauge each datastream is."""

    gauges: Mapping[int, tuple[int, Gauge]]
    stream: np.ndarray[tuple[int], np.dtype[np.int64]]
    time_us: np.ndarray[tuple[int], np.dtype[np.int64]]
    value: np.ndarray[tuple[int], np.dtype[np.float64]]

    @classmethod
    def of(cls, city: CityPack, history: Mapping[str, Series], span_us: tuple[int, int]) -> Record:
        """The record of all gauges of a city within a span (start included, end not)."""
        names = sorted(set(history) & set(city.gauges))
        columns = []
        for number, name in enumerate(names, 1):
            a, b = np.searchsorted(history[name].time_us, span_us)
            time_us, value = history[name].time_us[a:b], history[name].value[a:b] / city.gauges[name].scale
            columns.append((np.full(b - a, number), time_us, value))
        stream, time_us, value = (np.concatenate(part) for part in zip(*columns, strict=True))
        order = np.argsort(time_us, kind="stable")
        gauges = {number: (1, city.gauges[name]) for number, name in enumerate(names, 1)}
        return cls(gauges, stream[order], time_us[order], value[order])

    def batches(self, from_us: int, until_us: int) -> Iterator[ObservationBatch]:
        """One batch an hour, recorded a minute after the hour; empty ones are ticks."""
        for at_us in range(from_us, until_us, HOUR_US):
            a, b = np.searchsorted(self.time_us, (at_us, at_us + HOUR_US))
            ids = at_us // HOUR_US * 1000 + np.arange(b - a)
            columns = (ids, self.stream[a:b], self.time_us[a:b], self.value[a:b])
            yield ObservationBatch(at_us // HOUR_US, at_us + _MINUTE_US, *columns)


def replay(
    setup: Setup, state: PipelineState, record: Record, from_us: int, until_us: int
) -> tuple[PipelineState, list[Fact]]:
    """The state and the facts after a span of hourly batches."""
    facts: list[Fact] = []
    for batch in record.batches(from_us, until_us):
        outcome = step(setup, state, batch, record.gauges, {})
        state = outcome.state
        facts += outcome.facts
    return state, facts


def score_storm(
    city: CityPack,
    history: Mapping[str, Series],
    train: Callable[[CityPack, Mapping[str, Series]], tuple[HazardModel, ...]],
    storm_us: tuple[int, int],
    *,
    series: tuple[str, ...] = (),
    kinds: tuple[str, ...] = KINDS,
    keep_back: bool = False,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Each gauge × each fault put in at the storm's first hour, beside the storm as it was.

    ``series`` judged gauges to spoil (default all); ``keep_back``: the option that is off live.
    """
    from_us, until_us = storm_us
    start_us = from_us - WARM_UP_DAYS * DAY_US
    early = {name: one.until(start_us - 1) for name, one in history.items()}
    relations = learn_all(city, early)
    setup = Setup(1, city, train(city, early), Status.EXERCISE, relations=relations, keep_back=keep_back)
    record = Record.of(city, history, (start_us, until_us))
    quick = replace(setup, models=())  # the models keep nothing: they are not asked before the fault
    state, _ = replay(quick, PipelineState(ScreenState()), record, start_us, from_us)
    before = to_bytes(state)
    _, sound = replay(setup, state, record, from_us, until_us)
    rows = []
    for name in series or tuple(setup.relations):
        inside = history[name].until(until_us)
        first = int(np.searchsorted(inside.time_us, from_us))
        low = float(inside.value[first])
        ceiling = low + CEILING * (float(inside.value[first:].max()) - low)
        for kind in kinds:
            spoilt = {**history, name: spoil(history[name], kind, from_us, ceiling)}
            known = _with_top(city, name, ceiling) if kind == "saturated" else city
            record = Record.of(known, spoilt, (start_us, until_us))
            _, facts = replay(replace(setup, city=known), from_bytes(before), record, from_us, until_us)
            rows.append(_row(name, kind, facts, sound, from_us))
            advance()
    return _summary(setup, rows, sound)


def score_quiet(city: CityPack, history: Mapping[str, Series], from_us: int, until_us: int) -> dict[str, Any]:
    """Fault alarms a gauge-month over a record as it is: nothing is put in, real faults count as false."""
    early = {name: one.until(from_us - 1) for name, one in history.items()}
    setup = Setup(1, city, (), Status.EXERCISE, relations=learn_all(city, early))
    record = Record.of(city, history, (from_us, until_us))
    _, facts = replay(setup, PipelineState(ScreenState()), record, from_us, until_us)
    told = Counter((one.series, one.rule) for _, one in _raised(facts) if one.rule.startswith("fault:"))
    months = len(setup.relations) * (until_us - from_us) / (30.44 * DAY_US)
    return {
        "gauge_months": round(months, 1),
        "fault_alarms_per_gauge_month": round(sum(told.values()) / months, 3) if months else None,
        "by_gauge_and_class": {f"{series} {rule}": count for (series, rule), count in sorted(told.items())},
    }


def _with_top(city: CityPack, series: str, top: float) -> CityPack:
    """The city with the end of an instrument's range written down, as its owner would know it."""
    gauge = city.gauges[series]
    known = replace(gauge, quality=replace(gauge.quality, top=top))
    return replace(city, gauges={**city.gauges, series: known})


def _summary(setup: Setup, rows: list[dict[str, Any]], sound: list[Fact]) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(len(row[name]) if isinstance(row[name], list) else int(row[name]) for row in rows)

    return {
        "gauges_judged": sorted(setup.relations),
        "cases": len(rows),
        "faults_seen": sum(row["seen_as"] != "" for row in rows),
        "faults_named": total("named"),
        "levels_of_the_sound_storm": len(_levels(sound)),
        "levels_lost": total("levels_lost"),
        "levels_false": total("levels_false"),
        "levels_late": total("levels_late"),
        "cases_with_an_incident": sum(row["incident_after_h"] is not None for row in rows),
        "hours_known_faulty": total("hours_known_faulty"),
        "of_them_forecast_without_it": total("hours_forecast_without_it"),
        "sound_gauges_accused": total("others_accused"),
        "fault_alarms_of_the_sound_storm": sorted(
            f"{one.series} {one.rule}" for _, one in _raised(sound) if one.cause == "fault"
        ),
        "rows": rows,
    }


def _row(series: str, kind: str, facts: list[Fact], sound: list[Fact], from_us: int) -> dict[str, Any]:
    def hours(at_us: int) -> float:
        return round((at_us - _MINUTE_US - from_us) / HOUR_US, 1)

    faults = [(at_us, one) for at_us, one in _raised(facts) if one.cause in ("fault", "silence")]
    seen = [(at_us, one.rule) for at_us, one in faults if one.series == series]
    named = [at_us for at_us, rule in seen if rule == RIGHT[kind]]
    true, told = _levels(sound), _levels(facts)
    incidents = [f.recorded_us for f in facts if _step_of(f) == "opened"]
    faulty_us, without_us = _known_faulty(series, facts)
    innocent = {(one.series, one.rule) for _, one in _raised(sound)}
    return {
        "series": series,
        "fault": kind,
        "seen_as": seen[0][1] if seen else "",
        "after_h": hours(seen[0][0]) if seen else None,
        "named": bool(named),
        "named_after_h": hours(named[0]) if named else None,
        "levels_lost": sorted(f"{name} {rule}" for name, rule in true.keys() - told.keys()),
        "levels_false": sorted(f"{name} {rule}" for name, rule in told.keys() - true.keys()),
        "levels_late": sorted(
            f"{key[0]} {key[1]} {(told[key] - true[key]) / HOUR_US:.0f} h"
            for key in true.keys() & told.keys()
            if told[key] > true[key]
        ),
        "incident_after_h": hours(incidents[0]) if incidents else None,
        "hours_known_faulty": len(faulty_us),
        "hours_forecast_without_it": len(faulty_us & without_us),
        "others_accused": sorted(
            f"{one.series} {one.rule}"
            for _, one in faults
            if one.series != series and (one.series, one.rule) not in innocent
        ),
    }


def _raised(facts: list[Fact]) -> Iterator[tuple[int, AlarmStep]]:
    for fact in facts:
        if isinstance(fact.body, AlarmStep) and fact.body.step == "raised":
            yield fact.recorded_us, fact.body


def _step_of(fact: Fact) -> str:
    return fact.body.step if isinstance(fact.body, IncidentStep) else ""


def _levels(facts: list[Fact]) -> dict[tuple[str, str], int]:
    """When each level of each gauge was first alarmed."""
    first: dict[tuple[str, str], int] = {}
    for at_us, one in _raised(facts):
        if one.cause == "level":
            first.setdefault((one.series, one.rule), at_us)
    return first


def _known_faulty(series: str, facts: list[Fact]) -> tuple[set[int], set[int]]:
    """Hours at whose end a gauge is silent or has a named fault; hours whose forecast names it as missing."""
    open_rules: set[str] = set()
    faulty, without = set(), set()
    hours: dict[int, list[Fact]] = {}
    for fact in facts:
        hours.setdefault(fact.recorded_us, []).append(fact)
    for at_us in range(min(hours, default=0), max(hours, default=-1) + 1, HOUR_US):
        for body in (fact.body for fact in hours.get(at_us, ())):
            if isinstance(body, AlarmStep) and body.series == series and body.cause in ("fault", "silence"):
                (open_rules.add if body.step == "raised" else open_rules.discard)(body.rule)
            if isinstance(body, Forecast) and series in body.missing and body.degraded:
                without.add(at_us)
        if open_rules - {"fault:disagreement"}:
            faulty.add(at_us)
    return faulty, without
