# SPDX-License-Identifier: Apache-2.0
"""Explanations: what they say is what the watch decided, and the band holds what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_false_alarm_rate import SERIES

from cheoyong.detect.anomaly.engine import TOLD, screen_batch
from cheoyong.detect.anomaly.explain import SPEAKERS, explain, heard
from cheoyong.detect.anomaly.state import new_streams
from cheoyong.detect.watch import Watch
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.observation import ObservationBatch

HOUR_US = 3_600_000_000


def storm(count=900, seed=3):
    value = np.random.default_rng(seed).normal(size=count)
    value[800:806] += 40.0
    return np.arange(count) * HOUR_US, value


@pytest.mark.parametrize(("name", "at_us", "value"), SERIES, ids=[one[0] for one in SERIES])
def test_O5_explained_alarms_are_the_alarms_of_the_engine_on_real_series(name, at_us, value):
    which = np.zeros(len(value), np.int64)
    p, alarmed = screen_batch(new_streams(1), which, at_us, value, 1.0)
    why = explain(at_us, value, 1.0, int(at_us[0]))
    assert why.alarmed.tolist() == alarmed.tolist()
    np.testing.assert_array_equal(why.p, p)
    told = ~np.isnan(why.limit)
    np.testing.assert_array_equal(why.alarmed[told] & (why.evidence < why.limit)[told], False)


def test_to_be_told_changes_nothing_that_is_decided():
    at_us, value = storm()
    plain, told = new_streams(1), new_streams(1)
    which = np.zeros(len(value), np.int64)
    one = screen_batch(plain, which, at_us, value, 1.0)
    other = screen_batch(told, which, at_us, value, 1.0, np.empty((len(value), len(TOLD))))
    np.testing.assert_array_equal(one, other)
    assert plain.tobytes() == told.tobytes()


rows = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from([0.0, 1.0, -1.0, 50.0, float("nan"), float("inf"), 1e200]),
        st.integers(0, 8),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_the_history_is_taken_in_the_order_in_which_the_watch_took_it(drawn):
    """Against the watch itself, fed batch by batch: the same memory at the end."""
    drawn = sorted(drawn, key=lambda row: row[2])
    at_us = np.array([row[0] for row in drawn], np.int64) * HOUR_US
    value = np.array([row[1] for row in drawn])
    batch = np.array([row[2] for row in drawn], np.int64)
    number = np.arange(len(drawn), dtype=np.int64)
    watch = Watch()
    watch.add([7], {})
    for one in np.unique(batch):
        mine = batch == one
        seven = np.full(int(mine.sum()), 7)
        watch.look(ObservationBatch(int(one), 0, number[mine], seven, at_us[mine], value[mine]), 1.0)
    order = heard(at_us, number, batch, value)
    replayed = new_streams(1)
    screen_batch(replayed, np.zeros(len(order), np.int64), at_us[order], value[order], 1.0)
    assert replayed[0].tobytes() == watch.streams[0].tobytes()


def test_the_last_part_is_explained_as_it_is_within_the_whole():
    at_us, value = storm()
    whole, part = explain(at_us, value, 1.0, 0), explain(at_us, value, 1.0, int(at_us[790]))
    np.testing.assert_array_equal(whole.at_us[790:], part.at_us)
    for column in ("expected", "evidence", "limit", "alarmed", "share", "surprise"):
        np.testing.assert_array_equal(getattr(whole, column)[790:], getattr(part, column))


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("normal", lambda rng, n: rng.normal(size=n)),
        ("heavy tails", lambda rng, n: rng.standard_t(3, size=n)),
        ("one-sided", lambda rng, n: rng.exponential(size=n)),
    ],
)
def test_the_band_holds_nine_in_ten_of_the_values_to_come(name, draw):
    value = draw(np.random.default_rng(5), 6000)
    why = explain(np.arange(6000) * HOUR_US, value, 1.0, 2000 * HOUR_US)
    held = np.mean((why.value >= why.low) & (why.value <= why.high))
    assert 0.87 < held < 0.93, name


def test_the_band_of_a_value_knows_nothing_of_it():
    at_us, value = storm()
    other = value.copy()
    other[-1] += 1e6
    one, two = explain(at_us, value, 1.0, 0), explain(at_us, other, 1.0, 0)
    assert (one.low[-1], one.high[-1], one.expected[-1]) == (two.low[-1], two.high[-1], two.expected[-1])


def test_shares_are_parts_of_one_and_the_loudest_comes_first():
    why = explain(*storm(), 1.0, 0)
    total = why.share.sum(axis=1)
    assert np.all((np.abs(total - 1.0) < 1e-9) | (total == 0.0))
    i = int(np.flatnonzero(why.alarmed)[-1])
    spoke = why.spoke(i)
    assert [share for _, share in spoke] == sorted((share for _, share in spoke), reverse=True)
    assert {name for name, _ in spoke} <= set(SPEAKERS)
    assert spoke[0][0] in {"level", "rate", "forecast", "record", "louder"}  # forty times the spread at once


def test_what_was_counted_adds_up_to_the_strangeness_the_engine_keeps():
    """Shares are parts of the engine's own running figure: an independent sum over all that was told."""
    at_us, value = storm()
    streams = new_streams(1)
    told = np.empty((len(value), len(TOLD)))
    screen_batch(streams, np.zeros(len(value), np.int64), at_us, value, 1.0, told)
    running = 0.0
    for row in told[:, : len(SPEAKERS)]:
        running += 0.2 * ((np.sort(row[:-1])[-3:].sum() + row[-1]) ** 2 - running)
    assert running == pytest.approx(float(streams["strange"][0]), rel=1e-9)


def test_time_that_goes_back_is_refused_and_nothing_is_explained_as_nothing():
    with pytest.raises(InvalidInput, match="time goes back"):
        explain(np.array([2, 1]), np.ones(2), 1.0, 0)
    assert len(explain(np.array([], np.int64), np.array([]), 1.0, 0)) == 0
    alone = explain(np.array([5]), np.array([1.0]), 1.0, 0)
    assert np.isnan(alone.expected[0])
    assert alone.spoke(0) == []
