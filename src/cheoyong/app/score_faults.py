# SPDX-License-Identifier: Apache-2.0
"""Score the diagnosis of sensors: a real storm through the pipeline with its gauges spoilt one by one.

The measurements are real (hourly record of the city pack); the faults are put in by us and say so. What
neighbours expect and how far a gauge may stray is learnt from the time before the scored span only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cheoyong.detect.screen import State as ScreenState
from cheoyong.detect.witness import learn_all
from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import AlarmStep, Fact, Forecast
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.instant import DAY_US, HOUR_US
from cheoyong.domain.level import Status
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import step
from cheoyong.flow.state import PipelineState, Setup

KINDS = ("cut", "frozen", "drifted", "stepped", "saturated")
DRIFT_PER_H, STEP = 0.05, 0.5  # metres
RIGHT = {
    "cut": {"silence"},
    "frozen": {"fault:stuck"},
    "drifted": {"fault:drift"},
    "stepped": {"fault:step"},
    "saturated": {"fault:saturated"},
}  # the classes that name what was done


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


def replay(setup: Setup, history: Mapping[str, Series], from_us: int, until_us: int) -> list[Fact]:
    """The facts of a span of hourly measurements, one batch an hour, ticks included."""
    names = sorted(set(history) & set(setup.city.gauges))
    gauges = {
        number: (setup.organisation_id, setup.city.gauges[name]) for number, name in enumerate(names, 1)
    }
    columns = [
        (np.full(len(one.time_us), number), one.time_us, one.value / setup.city.gauges[name].scale)
        for number, name in enumerate(names, 1)
        for one in [history[name]]
    ]
    stream, time_us, value = (np.concatenate(part) for part in zip(*columns, strict=True))
    order = np.argsort(time_us, kind="stable")
    stream, time_us, value = stream[order], time_us[order], value[order]
    state = PipelineState(ScreenState())
    facts: list[Fact] = []
    for number, at_us in enumerate(range(from_us, until_us, HOUR_US), 1):
        a, b = np.searchsorted(time_us, (at_us, at_us + HOUR_US))
        ids = np.arange(a + 1, b + 1, dtype=np.int64)
        now_us = at_us + 60_000_000
        batch = ObservationBatch(number, now_us, ids, stream[a:b].astype(np.int64), time_us[a:b], value[a:b])
        outcome = step(setup, state, batch, gauges, {})
        state = outcome.state
        facts += outcome.facts
    return facts


def score_storm(
    city: CityPack,
    history: Mapping[str, Series],
    models: tuple[HazardModel, ...],
    storm_us: tuple[int, int],
    *,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Each gauge × each fault put in at the storm's first hour; and the storm as it was."""
    from_us, until_us = storm_us
    start_us = from_us - 12 * DAY_US
    early = {name: one.until(start_us - 1) for name, one in history.items()}
    setup = Setup(1, city, models, Status.EXERCISE, relations=learn_all(city, early))
    sound = replay(setup, history, start_us, until_us)
    rows = []
    for series in setup.relations:
        inside = history[series].until(until_us)
        first = int(np.searchsorted(inside.time_us, from_us))
        ceiling = float(inside.value[first] + 0.3 * (inside.value[first:].max() - inside.value[first]))
        for kind in KINDS:
            spoilt = {**history, series: spoil(history[series], kind, from_us, ceiling)}
            rows.append(_row(series, kind, replay(setup, spoilt, start_us, until_us), sound, from_us))
            advance()
    return {
        "gauges_judged": sorted(setup.relations),
        "cases": len(rows),
        "named_at_all": sum(row["seen_as"] != "" for row in rows),
        "named_right": sum(row["right"] for row in rows),
        "false_hazard_alarms_of_faulty_gauges": sum(row["false_level_alarms"] for row in rows),
        "fault_alarms_of_the_sound_storm": dict(_faults(sound, start_us)),
        "rows": rows,
    }


def score_quiet(city: CityPack, history: Mapping[str, Series], from_us: int, until_us: int) -> dict[str, Any]:
    """Fault alarms a gauge-month over a record as it is: nothing is put in, real faults count as false."""
    early = {name: one.until(from_us - 1) for name, one in history.items()}
    setup = Setup(1, city, (), Status.EXERCISE, relations=learn_all(city, early))
    told = Counter(
        (fact.body.series, fact.body.rule)
        for fact in replay(setup, history, from_us, until_us)
        if isinstance(fact.body, AlarmStep) and fact.body.step == "raised" and ":" in fact.body.rule
    )
    months = len(setup.relations) * (until_us - from_us) / (30.44 * DAY_US)
    return {
        "gauge_months": round(months, 1),
        "fault_alarms_per_gauge_month": round(sum(told.values()) / months, 3) if months else None,
        "by_gauge_and_class": {f"{series} {rule}": count for (series, rule), count in sorted(told.items())},
    }


def _row(series: str, kind: str, facts: list[Fact], sound: list[Fact], from_us: int) -> dict[str, Any]:
    seen = [
        (fact.recorded_us, fact.body.rule)
        for fact in facts
        if isinstance(fact.body, AlarmStep)
        and fact.body.series == series
        and fact.body.cause in ("fault", "silence")
        and fact.body.step == "raised"
        and fact.recorded_us >= from_us
    ]
    right = [at_us for at_us, rule in seen if rule in RIGHT[kind]]
    true = _levels(sound, series, from_us)
    outlooks = [f for f in facts if isinstance(f.body, Forecast) and f.recorded_us >= from_us]
    without = [f for f in outlooks if isinstance(f.body, Forecast) and series in f.body.missing]
    return {
        "series": series,
        "fault": kind,
        "seen_as": seen[0][1] if seen else "",
        "after_h": round((seen[0][0] - from_us) / HOUR_US, 1) if seen else None,
        "right": bool(right),
        "right_after_h": round((right[0] - from_us) / HOUR_US, 1) if right else None,
        "false_level_alarms": len(_levels(facts, series, from_us) - true),
        "forecasts": len(outlooks),
        "forecasts_naming_it_missing": len(without),
    }


def _levels(facts: list[Fact], series: str, from_us: int) -> set[str]:
    return {
        fact.body.rule
        for fact in facts
        if isinstance(fact.body, AlarmStep)
        and (fact.body.series, fact.body.cause, fact.body.step) == (series, "level", "raised")
        and fact.recorded_us >= from_us
    }


def _faults(facts: list[Fact], from_us: int) -> Counter[str]:
    return Counter(
        f"{fact.body.series} {fact.body.rule}"
        for fact in facts
        if isinstance(fact.body, AlarmStep)
        and fact.body.cause == "fault"
        and fact.body.step == "raised"
        and fact.recorded_us >= from_us
    )
