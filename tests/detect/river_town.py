# SPDX-License-Identifier: Apache-2.0
"""A small made-up river town for the screening tests: gauges, arrivals, and what finally holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cheoyong.detect.screen import State, screen
from cheoyong.domain.city import Gauge, Level, QualityRules
from cheoyong.domain.fact import AlarmStep, Fact
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import ObservationBatch
from cheoyong.domain.quality import Flag, Test

OWNER = 4
ADVISORY = Level("advisory", {}, 4.5, CrisisLevel.CAUTION, Priority.HIGH, "made up", False, 0.2)
WARNING = Level(
    "warning", {}, 5.5, CrisisLevel.ALERT, Priority.HIGH, "made up", False, 0.2, on_delay_s=3600.0
)
STAGE_RULES = QualityRules(
    fail_range=(-2.0, 14.0),
    suspect_range=(-1.0, 10.0),
    rate_suspect_per_s=2.0 / 3600,
    rate_fail_per_s=4.0 / 3600,
    spike_suspect=1.5,
    spike_fail=3.0,
    flat_tolerance=0.005,
    flat_suspect_count=4,
    flat_fail_count=6,
)
STAGE = Gauge(
    "stage_m", "weir", {}, "river_stage", "m", 129.0, 35.5, "made up", STAGE_RULES, (ADVISORY, WARNING)
)


def gauge(
    rules: QualityRules | None = None, levels: tuple[Level, ...] = (), series: str = "stage_m"
) -> Gauge:
    """A stage gauge with these rules (default: none but the expected period) and levels."""
    return replace(STAGE, quality=rules or QualityRules(), levels=levels, series=series)


@dataclass
class Town:
    """Feeds a screening state and keeps what finally holds: verdicts by observation, alarms by id."""

    gauges: dict[int, tuple[int, Gauge]]
    state: State = field(default_factory=State)
    facts: list[Fact] = field(default_factory=list)
    verdicts: dict[int, tuple[int, int]] = field(default_factory=dict)
    rows_told: int = 0
    now_us: int = 0

    def send(self, rows: Iterable[Sequence[float]], recorded_us: int | None = None) -> list[AlarmStep]:
        """One batch of (observation id, datastream id, time_us, value); gives its alarm steps."""
        self.now_us = self.now_us if recorded_us is None else recorded_us
        self.state, verdicts, facts = screen(self.state, batch_of(rows, self.now_us), self.gauges)
        for identity, flag, tests in zip(
            verdicts.observation_id.tolist(), verdicts.flag.tolist(), verdicts.tests.tolist(), strict=True
        ):
            self.verdicts[identity] = (flag, tests)
        self.rows_told += len(verdicts.flag)
        self.facts += facts
        return [fact.body for fact in facts if isinstance(fact.body, AlarmStep)]

    def tick(self, recorded_us: int) -> list[AlarmStep]:
        """Nothing measured, but time went on."""
        return self.send([], recorded_us)

    def flag(self, identity: int) -> Flag:
        """The verdict that holds on an observation."""
        return Flag(self.verdicts.get(identity, (Flag.PASS, 0))[0])

    def tests(self, identity: int) -> Test:
        """The tests that spoke against it."""
        return Test(self.verdicts.get(identity, (Flag.PASS, 0))[1])

    def bad(self) -> dict[int, tuple[int, int]]:
        """All verdicts that are not PASS in the end."""
        return {key: verdict for key, verdict in self.verdicts.items() if verdict[0] != Flag.PASS}

    def alarms(self) -> dict[object, tuple[object, ...]]:
        """Every alarm that was not withdrawn: cause, rule, since, raised at, cleared at (None: stands)."""
        final: dict[object, tuple[object, ...]] = {}
        for fact in self.facts:
            body = fact.body
            assert isinstance(body, AlarmStep)
            if body.step == "withdrawn":
                del final[body.alarm_id]
            elif body.step == "raised":
                final[body.alarm_id] = (body.cause, body.rule, body.since_us, fact.about_us, body.value, None)
            else:
                final[body.alarm_id] = (*final[body.alarm_id][:5], fact.about_us)
        return final

    def told(self) -> list[tuple[str, str, str]]:
        """Cause, rule and step of every fact so far."""
        return [(fact.body.cause, fact.body.rule, fact.body.step) for fact in self.facts]  # type: ignore[union-attr]


def batch_of(rows: Iterable[Sequence[float]], recorded_us: int) -> ObservationBatch:
    """A batch from rows of (observation id, datastream id, time_us, value)."""
    table = list(rows)
    ids, datastreams, times, values = zip(*table, strict=True) if table else ((), (), (), ())
    whole = (np.array(column, np.int64) for column in (ids, datastreams, times))
    return ObservationBatch(0, recorded_us, *whole, np.array(values, np.float64))


def town(*gauges: Gauge) -> Town:
    """A town whose datastreams 1, 2, … measure these gauges."""
    return Town({number: (OWNER, one) for number, one in enumerate(gauges, start=1)})


def hourly(
    values: Iterable[float], datastream: int = 1, start_us: int = 0, first_id: int = 1
) -> list[tuple[float, ...]]:
    """Rows of hourly values, ids counting on."""
    return [(first_id + i, datastream, start_us + i * HOUR_US, value) for i, value in enumerate(values)]
