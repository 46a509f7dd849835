# SPDX-License-Identifier: Apache-2.0
"""A made-up river of four gauges for the tests of diagnosis: floods run down it, with noise of a centimetre.

The model says what it was given: what is tested is which inputs reach it.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from cheoyong.detect.screen import State as ScreenState
from cheoyong.detect.witness import learn_all
from cheoyong.domain.city import CityPack, Gauge, Level, QualityRules
from cheoyong.domain.fact import AlarmStep, Fact, Forecast
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.level import CrisisLevel, Priority, Status
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import PipelineState, Setup, step
from cheoyong.flow.state_bytes import from_bytes, to_bytes

NAMES = ("lower_m", "middle_m", "upper_m", "brook_m")
LIMIT = Level("attention", {}, 3.0, CrisisLevel.ATTENTION, Priority.HIGH, "made up", True, 0.2)
HISTORY_H, LIVE_H, FAULT_H = 3000, 200, 150
START_US = 400_000 * HOUR_US


class Listening:
    """A model of the lowest gauge that gives which inputs it was handed."""

    id, series, inputs, window_s = "listening", NAMES[0], NAMES, 3600

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        missing = tuple(n for n in NAMES if n not in recent or not len(recent[n].time_us))
        return Forecast(
            "river", self.id, self.series, issued_us, (3600,), (0.1, 0.9), ((1.0, 2.0),),
            used=tuple(n for n in NAMES if n not in missing), missing=missing, degraded=bool(missing),
        )  # fmt: skip


def gauge(name: str) -> Gauge:
    levels = (LIMIT,) if name == NAMES[0] else ()
    rules = QualityRules(fail_range=(-5.0, 20.0), flat_tolerance=0.005)
    return Gauge(name, name, {}, "river_stage", "m", 129.0, 35.5, "made up", rules, levels)


CITY = CityPack(
    "made-up", {}, "Asia/Seoul", ("en",), "EPSG:5179", (120.0, 30.0, 140.0, 40.0), "s", {},
    {name: gauge(name) for name in NAMES}, {}, (), {"river": {NAMES[0]: {"upstream": list(NAMES[1:])}}},
)  # fmt: skip


def river() -> dict[str, np.ndarray]:
    """Hourly stages; a flood every 300 h, the last one 15 h after the fault is put in."""
    hours = np.arange(HISTORY_H + LIVE_H)
    draw = np.random.default_rng(7)
    stages = {}
    for lag, name in enumerate(reversed(NAMES)):
        since = (hours - lag - (HISTORY_H + FAULT_H + 15)) % 300
        flood = 3.0 * np.where(since < 60, np.minimum(since / 6, np.exp(-(since - 6) / 12)), 0.0)
        slow = 0.05 * np.sin(hours / 40)
        stages[name] = np.round(1.0 + flood + slow + draw.normal(0, 0.01, len(hours)), 3)
    return stages


STAGES = river()
TIMES = START_US + np.arange(HISTORY_H + LIVE_H) * HOUR_US
HISTORY = {name: Series(TIMES[:HISTORY_H], value[:HISTORY_H]) for name, value in STAGES.items()}
SETUP = Setup(1, CITY, (Listening(),), Status.EXERCISE, relations=learn_all(CITY, HISTORY))
GAUGES = {number: (1, CITY.gauges[name]) for number, name in enumerate(NAMES, 1)}


def spoilt(name: str, kind: str) -> dict[str, np.ndarray]:
    stages = {one: value.copy() for one, value in STAGES.items()}
    faulty = stages[name][HISTORY_H + FAULT_H :]
    if kind == "drifting":
        faulty += 0.05 * np.arange(len(faulty))
    elif kind == "frozen":
        faulty[:] = faulty[0]
    elif kind == "stepped":
        faulty += 0.5
    return stages


def batches(stages: Mapping[str, np.ndarray], *, hours: int = 1) -> list[ObservationBatch]:
    """What arrives live, so many hours in a batch."""
    made = []
    for first in range(HISTORY_H, HISTORY_H + LIVE_H, hours):
        place = np.arange(first, first + hours).repeat(len(NAMES))
        stream = np.tile(np.arange(1, len(NAMES) + 1), hours)
        value = np.array([stages[NAMES[s - 1]][p] for s, p in zip(stream, place, strict=True)])
        ids = place * 10 + stream
        made.append(ObservationBatch(first, int(TIMES[place[-1]]) + 1, ids, stream, TIMES[place], value))
    return made


def run(
    given: list[ObservationBatch], setup: Setup = SETUP, *, through_bytes: bool = False
) -> tuple[list[Fact], PipelineState]:
    state, facts = PipelineState(ScreenState()), []
    for batch in given:
        outcome = step(setup, state, batch, GAUGES, {})
        state = from_bytes(to_bytes(outcome.state)) if through_bytes else outcome.state
        facts += outcome.facts
    return facts, state


def alarms(facts: Iterable[Fact], cause: str) -> list[tuple[int, AlarmStep]]:
    return [
        ((fact.about_us - START_US) // HOUR_US - HISTORY_H, fact.body)
        for fact in facts
        if isinstance(fact.body, AlarmStep) and fact.body.cause == cause
    ]
