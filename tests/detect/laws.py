# SPDX-License-Identifier: Apache-2.0
"""The laws that every detector keeps; each law takes the gauge that switches one detector on.

``DETECTORS`` is found from the rules themselves: one gauge for every rule of ``QualityRules`` that
is off by default, one for every kind of level, and one with all of them.
"""

from __future__ import annotations

import math
import random
from dataclasses import fields

import numpy as np
from river_town import ADVISORY, STAGE, STAGE_RULES, WARNING, Town, batch_of, gauge, town

from cheoyong.detect.screen import State, screen
from cheoyong.detect.snapshot import POINT_BYTES, dump, dump_head, dump_stream, load
from cheoyong.detect.window import POINTS
from cheoyong.domain.city import Gauge, QualityRules
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.quality import Flag, Test

Row = tuple[float, ...]

# ``top`` is a fact of the instrument that its neighbours are judged with, no rule of its own.
RULES = [field.name for field in fields(QualityRules) if field.default is None and field.name != "top"]
DETECTORS: dict[str, Gauge] = {
    **{name: gauge(QualityRules(**{name: getattr(STAGE_RULES, name)})) for name in RULES},
    "level": gauge(levels=(ADVISORY,)),
    "level with on-delay": gauge(levels=(WARNING,)),
    "silence, fault, gap and time": gauge(),
    "all": STAGE,
}


def storm(seed: int, hours: int = 60) -> list[Row]:
    """A flood with noise, a spike, a stuck spell, broken values and a gap; ids count on, hour by hour."""
    draw = random.Random(seed)
    rows = []
    for hour in range(hours):
        value = 1.0 + 5.0 * math.exp(-(((hour - hours / 2) / 8) ** 2)) + draw.gauss(0, 0.15)
        value = 2.0 if hours // 6 < hour < hours // 6 + 8 else round(value, 2)
        value = draw.choice([math.nan, 12.0, 99.0]) if draw.random() < 0.1 else value
        if not hours // 2 + 10 < hour < hours // 2 + 14:
            rows.append((hour, 1, hour * HOUR_US, value))
    return rows


def lived(one: Gauge, rows: list[Row], step: int = 1) -> Town:
    """The rows sent ``step`` at a time as they fall due, with a tick after each batch."""
    place = town(one)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        place.send(part, recorded_us=int(part[-1][2]))
        place.tick(int(part[-1][2]) + HOUR_US // 2)
    return place


def law_nothing_comes_of_nothing(one: Gauge) -> None:
    place = town(one)
    for _ in range(5):
        place.tick(HOUR_US)
    assert place.facts == [] and place.verdicts == {}


def law_what_is_no_number_fails_and_crosses_no_level(one: Gauge) -> None:
    place = lived(one, [(hour, 1, hour * HOUR_US, math.nan) for hour in range(30)])
    assert place.bad() == dict.fromkeys(range(30), (Flag.FAIL, Test.NOT_A_NUMBER))
    assert [alarm[0] for alarm in place.alarms().values()] == ["fault"]


def law_a_calm_constant_series_alarms_only_where_flat_lines_fail(one: Gauge) -> None:
    place = lived(one, [(hour, 1, hour * HOUR_US, 1.0) for hour in range(30)])
    flat = one.quality.flat_suspect_count or one.quality.flat_fail_count
    assert bool(place.bad()) is bool(flat)
    assert [alarm[0] for alarm in place.alarms().values()] == ["fault"] * bool(one.quality.flat_fail_count)


def law_a_series_with_gaps_ends_the_same_however_it_is_cut(one: Gauge) -> None:
    rows = storm(seed=1)
    at_once, in_parts = town(one), town(one)
    at_once.send(rows, recorded_us=int(rows[-1][2]))
    for row in rows:
        in_parts.send([row], recorded_us=int(rows[-1][2]))
    assert at_once.bad() == in_parts.bad() and at_once.alarms() == in_parts.alarms()


def law_reordered_within_the_bound_it_ends_as_sorted(one: Gauge) -> None:
    for seed in range(5):
        rows = storm(seed)
        draw = random.Random(seed)
        mixed = sorted(rows, key=lambda row: row[2] + draw.random() * 20 * HOUR_US)
        by_time, by_arrival = town(one), town(one)
        by_time.send(rows, recorded_us=int(rows[-1][2]))
        for row in mixed:
            by_arrival.send([row], recorded_us=int(rows[-1][2]))
        assert by_time.bad() == by_arrival.bad() and by_time.alarms() == by_arrival.alarms()


def law_after_a_dump_and_a_load_the_future_is_the_same_bit_for_bit(one: Gauge) -> None:
    rows = storm(seed=2)
    for cut in (1, 20, 35, 45):
        before = lived(one, rows[:cut])
        kept = dump(before.state)
        twin = Town(before.gauges, load(kept))
        assert dump(twin.state) == kept
        told = len(before.facts)
        before.verdicts.clear()
        for place in (before, twin):
            place.send([rows[cut - 1], *rows[:cut:-1], rows[cut]], recorded_us=int(rows[-1][2]))
            place.tick(int(rows[-1][2]) + 3 * HOUR_US)
        assert before.facts[told:] == twin.facts and before.verdicts == twin.verdicts
        assert dump(before.state) == dump(twin.state)


def law_parts_kept_of_what_came_are_the_whole_bit_for_bit(one: Gauge) -> None:
    draw, gauges, state, kept = random.Random(4), dict.fromkeys(range(1, 6), (1, one)), State(), {}
    rows = [(5 * row[0] + i, 1 + i, *row[2:]) for i in range(5) for row in storm(seed=i)]
    rows.sort(key=lambda row: row[2] + draw.random() * 20 * HOUR_US)
    while rows:
        some, rows = rows[: (size := draw.randrange(8))], rows[size:]  # none: a tick
        now_us = max((int(row[2]) for row in some), default=0) + HOUR_US
        state, _, _ = screen(state, batch_of(some, now_us), gauges)
        places = {int(number): row for row, number in enumerate(state.datastreams)}
        kept |= {row[1]: dump_stream(state, places[row[1]]) for row in some}
        assert dump(load(dump_head(state), kept)) == dump(state)
    assert len(kept) == 5


def law_memory_is_bounded(one: Gauge) -> None:
    state, size = State(), []
    values = np.tile([4.3, 4.9, 5.7, math.nan, 5.2, 99.0, 4.1], 300)
    for start in range(0, len(values), 100):
        rows = [(i, 1, i * HOUR_US, float(values[i])) for i in range(start, start + 100)]
        state, _, _ = screen(state, batch_of(rows, (start + 100) * HOUR_US), {1: (1, one)})
        size.append(len(dump(state)))
    assert max(size[10:]) <= POINT_BYTES * POINTS + POINTS * 60 * (1 + len(one.levels)) + 400
    assert max(size[10:]) <= 1.05 * max(size[3:10])


def law_the_same_input_gives_the_same_output_bit_for_bit(one: Gauge) -> None:
    rows = storm(seed=3)
    first, second = lived(one, rows, step=4), lived(one, rows, step=4)
    assert first.facts == second.facts and first.verdicts == second.verdicts
    assert dump(first.state) == dump(second.state)
