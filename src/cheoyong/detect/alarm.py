# SPDX-License-Identifier: Apache-2.0
"""Alarms of judged datastreams: which episodes stand, and the facts that tell each step of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from cheoyong.detect.level import Change, Run, Sample, changes, live_until_us, refollow, signs
from cheoyong.detect.rules import Gauges, Rules
from cheoyong.detect.window import POINTS, Stretch, Windows
from cheoyong.domain.city import Gauge, Level
from cheoyong.domain.fact import AlarmStep, Fact, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import Int64s
from cheoyong.domain.quality import Flag

NEVER_US, ENDLESS_US = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
FAULT = "fault"
SILENCE = "silence"

_Segment = tuple[list[int], list[int], list[float], list[int]]  # times, ids, values, flags


@dataclass(slots=True)
class Tracks:
    """Episodes by row and rule (``level:<id>`` or ``fault``), as far back as late data can change them.

    ``live_until_us`` is until when a change could touch a row's episodes; ``faulty`` marks rows whose
    fault alarm stands; ``steps`` numbers the steps told per row, so that each has an id of its own.
    """

    runs: dict[int, dict[str, list[Run]]] = field(default_factory=dict)
    live_until_us: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    faulty: np.ndarray[tuple[int], np.dtype[np.bool_]] = field(default_factory=lambda: np.zeros(0, np.bool_))
    steps: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))

    def grow(self, rows: int) -> None:
        """Add datastreams without any episode."""
        more = rows - len(self.steps)
        self.live_until_us = np.concatenate((self.live_until_us, np.full(more, NEVER_US)))
        self.faulty = np.concatenate((self.faulty, np.zeros(more, np.bool_)))
        self.steps = np.concatenate((self.steps, np.zeros(more, np.int64)))

    def settle(self, row: int) -> None:
        """Set ``live_until_us`` and ``faulty`` of a row after its episodes."""
        rules = self.runs.get(row, {})
        until_us = [live_until_us(runs, ENDLESS_US) for runs in rules.values()]
        self.live_until_us[row] = max(until_us, default=NEVER_US)
        fault = rules.get(FAULT)
        self.faulty[row] = bool(fault and fault[-1].raised_us is not None and fault[-1].ended_us is None)


@dataclass(frozen=True, slots=True)
class Teller:
    """Makes the facts of one batch: whose datastream a row is, when the batch was recorded."""

    datastreams: Int64s
    gauges: Gauges
    tracks: Tracks
    recorded_us: int

    def gauge(self, row: int) -> Gauge:
        """The gauge of a row."""
        return self.gauges[int(self.datastreams[row])][1]

    def crossing(self, row: int, level: Level | None, change: Change) -> Fact:
        """A step of a level's alarm, or of the fault alarm when ``level`` is None."""
        run = change.run
        cleared = change.step == "cleared"
        value = run.ended_value if cleared else run.raised_value
        return self._fact(
            row,
            cause=level.cause if level else FAULT,
            rule=level.id if level else FAULT,
            step=change.step,
            since_us=run.onset_us,
            about_us=change.at_us,
            observation_ids=(run.ended_id if cleared else run.raised_id,),
            priority=level.priority if level else self._watch_priority(row),
            crisis_level=level.crisis_level if level else CrisisLevel.CALM,
            value=value if level else None,
            limit=level.limit if level else None,
            reason=change.reason,
        )

    def silence(self, row: int, step: str, heard_us: int, observation_ids: tuple[int, ...] = ()) -> Fact:
        """A step of the silence alarm; it counts since the last usable value was recorded."""
        return self._fact(
            row,
            cause=SILENCE,
            rule=SILENCE,
            step=step,
            since_us=heard_us,
            about_us=self.recorded_us,
            observation_ids=observation_ids,
            priority=self._watch_priority(row),
            crisis_level=CrisisLevel.CALM,
        )

    def _watch_priority(self, row: int) -> Priority:
        """Losing a gauge that guards a level matters more than losing one that does not."""
        return Priority.MEDIUM if self.gauge(row).levels else Priority.LOW

    def _fact(
        self,
        row: int,
        *,
        cause: str,
        rule: str,
        step: str,
        since_us: int,
        about_us: int,
        observation_ids: tuple[int, ...],
        priority: Priority,
        crisis_level: CrisisLevel,
        value: float | None = None,
        limit: float | None = None,
        reason: str = "",
    ) -> Fact:
        datastream = int(self.datastreams[row])
        owner, gauge = self.gauges[datastream]
        alarm_id = fact_id(since_us, "alarm-episode", f"{owner}:{gauge.series}:{cause}:{rule}")
        self.tracks.steps[row] += 1
        body = AlarmStep(
            alarm_id=alarm_id,
            cause=cause,
            step=step,
            series=gauge.series,
            rule=rule,
            priority=str(priority),
            crisis_level=int(crisis_level),
            since_us=since_us,
            value=value,
            limit=limit,
            reason=reason,
        )
        return make_fact(
            body,
            key=f"{datastream}:{alarm_id}:{step}:{self.tracks.steps[row]}",
            organisation_id=owner,
            about_us=about_us,
            recorded_us=self.recorded_us,
            observation_ids=observation_ids,
        )


def follow_levels(
    teller: Teller, windows: Windows, rules: Rules, stretch: Stretch, reason: str
) -> list[Fact]:
    """Judge levels and faults anew over a stretch already written to its windows; the steps to tell.

    Only rows with a value at a level, a FAIL, or an episode that reaches into the stretch are looked
    at one by one. ``reason`` goes with steps that take something back.
    """
    facts: list[Fact] = []
    tracks = teller.tracks
    start_us = _start_us(windows, stretch)
    for segment in _active(tracks, rules, stretch, start_us):
        row = int(stretch.row[segment])
        part = slice(stretch.offset[segment], stretch.offset[segment + 1])
        points = (
            stretch.time_us[part].tolist(),
            stretch.id[part].tolist(),
            stretch.value[part].tolist(),
            stretch.flag[part].tolist(),
        )
        floor_us = windows.oldest_us(row) if windows.count[row] == POINTS else None
        for level, change in _row_changes(teller, row, int(start_us[segment]), points, floor_us, reason):
            facts.append(teller.crossing(row, level, change))
    return facts


def _start_us(windows: Windows, stretch: Stretch) -> Int64s:
    """From when on each segment is new: its first point, or after what is left when it is empty."""
    start_us = windows.newest_us(stretch.row) + 1
    filled = np.diff(stretch.offset) > 0
    start_us[filled] = stretch.time_us[stretch.offset[:-1][filled]]
    return start_us


def _active(tracks: Tracks, rules: Rules, stretch: Stretch, start_us: Int64s) -> list[int]:
    rows = stretch.rows()
    touched = (stretch.value >= rules.lowest_limit[rows]) | (stretch.value <= rules.highest_floor[rows])
    touched |= stretch.flag == Flag.FAIL
    active = tracks.live_until_us[stretch.row] >= start_us
    active[stretch.segment()[touched]] = True
    return [int(segment) for segment in np.flatnonzero(active)]


def _row_changes(
    teller: Teller, row: int, start_us: int, points: _Segment, floor_us: int | None, reason: str
) -> Iterator[tuple[Level | None, Change]]:
    tracks, gauge = teller.tracks, teller.gauge(row)
    held = tracks.runs.pop(row, {})
    kept: dict[str, list[Run]] = {}
    for name, level, delay_us, sign in _watches(gauge, points):
        old = held.get(name, [])
        times, ids, values, _ = points
        samples = map(Sample, times, ids, values, sign)
        new = refollow(old, start_us, samples, delay_us)
        for change in changes(old, new, reason):
            yield level, change
        new = [run for run in new if floor_us is None or run.ended_us is None or run.ended_us >= floor_us]
        if new:
            kept[name] = new
    if kept:
        tracks.runs[row] = kept
    tracks.settle(row)


def _watches(gauge: Gauge, points: _Segment) -> Iterator[tuple[str, Level | None, int, list[int]]]:
    """Name, level, on-delay and sign of each point, for the fault watch and every level of a gauge.

    A fault is a level on the flags: nothing but FAIL for one period after the first, so two in a row.
    """
    _, _, values, flags = points
    bad = [flag == Flag.FAIL for flag in flags]
    yield FAULT, None, round(gauge.quality.period_s * SECOND_US), [1 if fail else -1 for fail in bad]
    good = [not fail for fail in bad]
    for level in gauge.levels:
        sign = signs(values, good, level.limit, level.hysteresis, below=level.below)
        yield f"level:{level.id}", level, round(level.on_delay_s * SECOND_US), sign
