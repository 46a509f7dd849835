# SPDX-License-Identifier: Apache-2.0
"""Screening, the one entry: a batch of observations in; quality verdicts and alarm steps out.

Deterministic and without a clock: what it knows is in the state, the batch and the gauges. How the
same arrivals are cut into batches changes neither the final flags nor the final alarms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cheoyong.detect.alarm import Teller, Tracks, follow_levels
from cheoyong.detect.late import Merge, Point, merge, stretch_of
from cheoyong.detect.qartod import alone, among_neighbours
from cheoyong.detect.rules import Gauges, Rules, compile_rules
from cheoyong.detect.silence import Clock, Silence
from cheoyong.detect.window import Stretch, Windows, appended
from cheoyong.domain.fact import Fact
from cheoyong.domain.observation import Float64s, Int64s, ObservationBatch, Series, UInt8s, UInt16s, Verdicts
from cheoyong.domain.quality import Flag, Test

_OUTSIDE_TIME = np.uint16(Test.FUTURE | Test.ANCIENT)
LATE_REASON = "late data"
QUALITY_REASON = "found bad by what followed"


@dataclass(slots=True)
class Counts:
    """What was left out of detection, in observations, and jumps of the recording clock."""

    unknown: int = 0
    late: int = 0
    duplicate: int = 0
    future: int = 0
    ancient: int = 0
    not_a_number: int = 0


@dataclass(slots=True)
class State:
    """All that screening remembers; bounded by the number of judged datastreams.

    Row ``i`` of every part belongs to ``datastreams[i]``. ``screen`` uses the state up: go on with
    the one it gives back, and keep ``snapshot.dump(state)`` to return to an earlier one.
    """

    datastreams: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    windows: Windows = field(default_factory=Windows)
    tracks: Tracks = field(default_factory=Tracks)
    silence: Silence = field(default_factory=Silence)
    clock: Clock = field(default_factory=Clock)
    counts: Counts = field(default_factory=Counts)
    _known: _Known | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from the gauges alone, kept from batch to batch; not part of a snapshot."""

    gauges: Gauges
    size: int
    rules: Rules
    sorted_ids: Int64s
    sorted_rows: Int64s


@dataclass(frozen=True, slots=True)
class _Arrivals:
    """Judged observations in columns, grouped by row and in order of arrival within a row."""

    row: Int64s
    time_us: Int64s
    value: Float64s
    id: Int64s
    flag: UInt8s
    tests: UInt16s

    def take(self, which: Int64s) -> _Arrivals:
        return _Arrivals(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def screen(state: State, batch: ObservationBatch, gauges: Gauges) -> tuple[State, Verdicts, tuple[Fact, ...]]:
    """Judge one batch; an empty one is a tick.

    ``gauges`` maps datastream id to (organisation id, gauge); it may grow between calls; to change a
    gauge give another mapping object. Verdicts may revise earlier ones: an observation found good
    after all comes back with an explicit PASS. Datastreams without a gauge are not judged.

    Raises ConfigurationError for rules that cannot be kept.

    >>> from cheoyong.domain.city import Gauge, QualityRules
    >>> rules = QualityRules(fail_range=(-2.0, 14.0))
    >>> gauge = Gauge("taehwa_stage_m", "taehwa", {}, "river_stage", "m", 129.3, 35.5, "", rules)
    >>> batch = ObservationBatch(1, 60_000_000, np.array([1, 2]), np.array([7, 7]),
    ...     np.array([0, 30_000_000]), np.array([1.2, 99.0]))
    >>> state, verdicts, facts = screen(State(), batch, {7: (1, gauge)})
    >>> verdicts.observation_id.tolist(), verdicts.flag.tolist(), facts
    ([2], [4], ())
    """
    passed_us = state.clock.tell(batch.recorded_us)
    known = _learn(state, gauges, batch.recorded_us)
    teller = Teller(state.datastreams, gauges, state.tracks, batch.recorded_us)
    excused = state.tracks.faulty | ~known.rules.active
    fallen = state.silence.pass_time(passed_us, known.rules.silence_us, excused, idle=not len(batch))
    facts = [teller.silence(int(row), "raised", int(state.silence.heard_us[row])) for row in fallen]
    verdicts: list[tuple[Int64s, UInt8s, UInt16s]] = []
    arrivals = _judged_alone(state, batch, known, verdicts)
    if len(arrivals.row):
        in_order, merges = _sorted_out(state, arrivals, known.rules)
        facts += _heard(state, teller, in_order, merges)
        if len(in_order.row):
            stretch = _appended(state.windows, in_order)
            facts += _judge(state, teller, known.rules, stretch, QUALITY_REASON, verdicts)
        changed = [merged for merged in merges if merged.touched]
        if changed:
            facts += _judge(state, teller, known.rules, stretch_of(changed), LATE_REASON, verdicts)
        verdicts += [_columns(merged.verdicts) for merged in merges]
    return state, _unique(verdicts), tuple(facts)


def usable(state: State, datastream_id: int) -> Series:
    """The recent values of a datastream in its gauge's unit, oldest first; empty when it is not judged.

    SUSPECT values stay in: the extreme that matters most is often suspect at first. FAIL is out:
    impossible, stuck or a lone spike. Values without a verdict from neighbours (after a gap) stay in.
    """
    row = np.flatnonzero(state.datastreams == datastream_id)
    if not len(row):
        return Series(np.empty(0, np.int64), np.empty(0, np.float64))
    points = state.windows.points(int(row[0]))
    points = points[state.windows.flag[points] != Flag.FAIL]
    return Series(state.windows.time_us[points], state.windows.value[points])


def every(state: State, datastream_id: int) -> Series:
    """The recent numbers of a datastream, oldest first, also those flagged FAIL that can be values at all."""
    row = np.flatnonzero(state.datastreams == datastream_id)
    points = state.windows.points(int(row[0])) if len(row) else np.empty(0, np.int64)
    points = points[np.isfinite(state.windows.value[points])]
    return Series(state.windows.time_us[points], state.windows.value[points])


def fresh(state: State, datastream_id: int, ids: Int64s) -> tuple[tuple[int, int], ...]:
    """Observations (id, time_us) among ``ids`` that follow all others of their datastream, oldest first."""
    row = np.flatnonzero(state.datastreams == datastream_id)
    points = state.windows.points(int(row[0])) if len(row) else np.empty(0, np.int64)
    old = np.flatnonzero(~np.isin(state.windows.id[points], ids))
    points = points[old[-1] + 1 :] if len(old) else points
    return tuple(zip(state.windows.id[points].tolist(), state.windows.time_us[points].tolist(), strict=True))


def _learn(state: State, gauges: Gauges, recorded_us: int) -> _Known:
    known = state._known
    if known and known.gauges is gauges and known.size == len(gauges):
        return known
    fresh = np.setdiff1d(np.fromiter(gauges, np.int64, len(gauges)), state.datastreams)
    state.datastreams = np.concatenate((state.datastreams, fresh))
    rows = len(state.datastreams)
    state.windows.grow(rows)
    state.tracks.grow(rows)
    state.silence.grow(rows, recorded_us)
    order = np.argsort(state.datastreams)
    rules = compile_rules(state.datastreams.tolist(), gauges)
    state._known = known = _Known(gauges, len(gauges), rules, state.datastreams[order], order)
    return known


def _judged_alone(
    state: State, batch: ObservationBatch, known: _Known, verdicts: list[tuple[Int64s, UInt8s, UInt16s]]
) -> _Arrivals:
    """The observations of known datastreams, those of an incredible time already left out."""
    rules, clock, counts = known.rules, state.clock, state.counts
    place = np.minimum(
        np.searchsorted(known.sorted_ids, batch.datastream_id), max(len(known.sorted_ids) - 1, 0)
    )
    if len(known.sorted_ids):
        row = known.sorted_rows[place]
        known_row = (known.sorted_ids[place] == batch.datastream_id) & rules.active[row]
    else:
        row, known_row = place, np.zeros(len(batch), np.bool_)
    counts.unknown += int(len(batch) - np.count_nonzero(known_row))
    picked = np.flatnonzero(known_row)
    picked = picked[np.argsort(row[picked], kind="stable")]
    row, time_us = row[picked], batch.phenomenon_us[picked]
    with np.errstate(over="ignore", invalid="ignore"):
        value = batch.result[picked] * rules.scale[row]
    value[~np.isfinite(value)] = np.nan
    latest_us, earliest_us = clock.latest_us + rules.future_us[row], clock.earliest_us - rules.ancient_us[row]
    flag, tests = alone(rules, row, time_us, value, latest_us, earliest_us)
    counts.future += int(np.count_nonzero(tests & Test.FUTURE))
    counts.ancient += int(np.count_nonzero(tests & Test.ANCIENT))
    counts.not_a_number += int(np.count_nonzero(tests & Test.NOT_A_NUMBER))
    value = np.where(flag == Flag.FAIL, np.nan, value)
    arrivals = _Arrivals(row, time_us, value, batch.id[picked], flag, tests)
    astray = (tests & _OUTSIDE_TIME) != 0
    if astray.any():
        out = np.flatnonzero(astray)
        verdicts.append((arrivals.id[out], flag[out], tests[out]))
        return arrivals.take(np.flatnonzero(~astray))
    return arrivals


def _sorted_out(state: State, arrivals: _Arrivals, rules: Rules) -> tuple[_Arrivals, list[Merge]]:
    """Rows whose arrivals all follow in order, and the merged windows of the others."""
    row, time_us = arrivals.row, arrivals.time_us
    first = np.ones(len(row), np.bool_)
    first[1:] = row[1:] != row[:-1]
    before_us = np.roll(time_us, 1)
    before_us[first] = state.windows.newest_us(row[first])
    latest_us = state.clock.latest_us + rules.future_us
    group = np.cumsum(first) - 1
    unruly = np.zeros(int(group[-1]) + 1, np.bool_)
    unruly[group[time_us <= before_us]] = True
    if not unruly.any():
        return arrivals, []
    bounds = np.append(np.flatnonzero(first), len(row))
    merges = []
    for chosen in np.flatnonzero(unruly):
        part = slice(bounds[chosen], bounds[chosen + 1])
        columns = (
            getattr(arrivals, name)[part].tolist() for name in ("time_us", "value", "id", "flag", "tests")
        )
        here = int(row[bounds[chosen]])
        merges.append(merge(state.windows, here, map(Point, *columns), int(latest_us[here])))
    state.counts.late += sum(merged.late for merged in merges)
    state.counts.duplicate += sum(merged.duplicate for merged in merges)
    return arrivals.take(np.flatnonzero(~unruly[group])), merges


def _heard(state: State, teller: Teller, in_order: _Arrivals, merges: Iterable[Merge]) -> list[Fact]:
    """Note who brought something usable, and end the silences that it ends."""
    number = np.flatnonzero(~np.isnan(in_order.value))
    row, where = np.unique(in_order.row[number], return_index=True)
    late = [(merged.row, merged.usable_id) for merged in merges if merged.usable_id is not None]
    row = np.concatenate((row, np.array([pair[0] for pair in late], np.int64)))
    ids = np.concatenate((in_order.id[number][where], np.array([pair[1] for pair in late], np.int64)))
    heard_us = state.silence.heard_us[row]
    ended = np.flatnonzero(state.silence.hear(row, teller.recorded_us))
    return [teller.silence(int(row[i]), "cleared", int(heard_us[i]), (int(ids[i]),)) for i in ended]


def _appended(windows: Windows, arrivals: _Arrivals) -> Stretch:
    row, start = np.unique(arrivals.row, return_index=True)
    offset = np.append(start, len(arrivals.row)).astype(np.int64)
    columns = (arrivals.time_us, arrivals.value, arrivals.id, arrivals.flag, arrivals.tests)
    return appended(windows, row, offset, *columns)


def _judge(
    state: State,
    teller: Teller,
    rules: Rules,
    stretch: Stretch,
    reason: str,
    verdicts: list[tuple[Int64s, UInt8s, UInt16s]],
) -> list[Fact]:
    among_neighbours(state.windows, rules, stretch)
    state.windows.write(stretch)
    told = np.flatnonzero((stretch.flag != stretch.was_flag) | (stretch.tests != stretch.was_tests))
    verdicts.append((stretch.id[told], stretch.flag[told], stretch.tests[told]))
    return follow_levels(teller, state.windows, rules, stretch, reason)


def _columns(rows: list[tuple[int, int, int]]) -> tuple[Int64s, UInt8s, UInt16s]:
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1].astype(np.uint8), table[:, 2].astype(np.uint16)


def _unique(parts: list[tuple[Int64s, UInt8s, UInt16s]]) -> Verdicts:
    """One row an observation, by id; of several the last given holds."""
    if not parts:
        return Verdicts()
    ids, flag, tests = (np.concatenate(column) for column in zip(*parts, strict=True))
    ids, where = np.unique(ids[::-1], return_index=True)
    return Verdicts(ids, flag[::-1][where], tests[::-1][where])
