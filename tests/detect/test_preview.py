# SPDX-License-Identifier: Apache-2.0
"""M3: what a threshold would have alarmed is what the pipeline alarms when it has that threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.detect.preview import episodes, outline
from cheoyong.detect.screen import State, screen
from cheoyong.domain.city import Gauge, Level, QualityRules
from cheoyong.domain.fact import AlarmStep
from cheoyong.domain.instant import DAY_US, HOUR_US, MINUTE_US
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import ObservationBatch

ROOM = Gauge(
    "datastream/7", "7", {}, "air temperature", "°C", 0.0, 0.0, "", QualityRules(period_s=60, silence_s=3e9)
)
LIMIT = Level("t1.1", {}, 30.0, CrisisLevel.CALM, Priority.HIGH, "", True, hysteresis=1.0, cause="threshold")


def told(values: list[float], level: Level) -> list[tuple[str, int]]:
    """The steps the pipeline's screening tells of one value a minute, a batch each."""
    gauges = {7: (1, replace(ROOM, levels=(level,)))}
    state, steps = State(), []
    for i, value in enumerate(values):
        at_us = DAY_US + i * MINUTE_US
        batch = ObservationBatch(i, at_us, np.array([i]), np.array([7]), np.array([at_us]), np.array([value]))
        state, _, facts = screen(state, batch, gauges)
        steps += [(f.body.step, f.about_us) for f in facts if isinstance(f.body, AlarmStep)]
        assert all(f.body.cause == "threshold" for f in facts if isinstance(f.body, AlarmStep))
    return steps


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([27.5, 28.9, 29.0, 29.9, 30.0, 31.0, 40.0]), max_size=40),
    st.booleans(),
    st.sampled_from([0.0, 60.0, 150.0]),
)
def test_M3_the_preview_tells_what_the_pipeline_tells(
    values: list[float], below: bool, delay_s: float
) -> None:
    level = replace(LIMIT, below=below, on_delay_s=delay_s)
    time_us = DAY_US + np.arange(len(values), dtype=np.int64) * MINUTE_US
    previewed = episodes(time_us, np.array(values, np.float64), np.ones(len(values), np.int64), level)
    steps = [("raised", e.raised_us) for e in previewed]
    steps += [("cleared", e.ended_us) for e in previewed if e.ended_us is not None]
    assert sorted(steps, key=lambda s: s[1]) == told(values, level)


def test_M3_three_hot_afternoons_of_thirty_would_have_alarmed_three_times() -> None:
    hours = np.arange(30 * 24)
    value = 22 + 5 * np.sin((hours % 24 - 9) * np.pi / 12)  # warmest, 27 degrees, at 15 h
    for day, peak in ((4, 33.0), (11, 31.5), (25, 35.0)):
        value[day * 24 + 15] = peak
    found = episodes(hours.astype(np.int64) * HOUR_US, value, np.ones(len(hours), np.int64), LIMIT)
    assert [(e.onset_us // DAY_US, e.peak, e.peak_us) for e in found] == [
        (4, 33.0, (4 * 24 + 15) * HOUR_US),
        (11, 31.5, (11 * 24 + 15) * HOUR_US),
        (25, 35.0, (25 * 24 + 15) * HOUR_US),
    ]
    assert [e.ended_us - e.onset_us for e in found if e.ended_us] == [HOUR_US] * 3


def test_M3_a_value_the_checks_found_bad_raises_nothing_and_is_no_peak() -> None:
    time_us = np.arange(4, dtype=np.int64) * MINUTE_US
    value, flag = np.array([30.5, 999.0, 31.0, 20.0]), np.array([1, 4, 1, 1])
    (found,) = episodes(time_us, value, flag, LIMIT)
    assert (found.onset_us, found.peak) == (0, 31.0)
    assert outline(time_us, value, flag, 100).high == [30.5, 31.0, 20.0]


def test_M3_a_low_limit_alarms_from_below_and_its_worst_value_is_the_lowest() -> None:
    value = np.array([5.0, 0.4, -2.0, 1.5, 3.0])
    (found,) = episodes(
        np.arange(5, dtype=np.int64) * MINUTE_US, value, np.ones(5, np.int64),
        replace(LIMIT, limit=1.0, below=True),
    )  # fmt: skip
    assert (found.onset_us, found.ended_us, found.peak) == (MINUTE_US, 4 * MINUTE_US, -2.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.integers(1, 50))
def test_M3_the_outline_keeps_the_extremes_in_so_many_places(values: list[float], places: int) -> None:
    time_us = np.cumsum(np.arange(len(values)) % 7 + 1).astype(np.int64)
    drawn = outline(time_us, np.array(values), np.ones(len(values), np.int64), places)
    assert len(drawn.time_us) <= places
    assert (min(drawn.low), max(drawn.high)) == (min(values), max(values))
