# SPDX-License-Identifier: Apache-2.0
"""Late, repeated and reordered arrivals: what finally holds is what the sorted replay gives."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river_town import ADVISORY, STAGE, Town, gauge, hourly, town

from cheoyong.detect.screen import usable
from cheoyong.detect.window import LATE_POINTS, LATE_US, POINTS
from cheoyong.domain.city import QualityRules
from cheoyong.domain.instant import HOUR_US, MINUTE_US
from cheoyong.domain.quality import Flag

bounded = settings(max_examples=80, deadline=None)
NOW_US = 1000 * HOUR_US  # one recording instant: silence plays no part

# Values about both levels, stuck ones, spikes, broken ones.
storm = st.lists(
    st.one_of(
        st.sampled_from([4.4, 4.6, 5.4, 5.6, 1.0, math.nan, 99.0]),
        st.integers(0, 700).map(lambda cm: cm / 100),
    ),
    min_size=1,
    max_size=40,
)


def replayed(rows: list[tuple[float, ...]], cuts: list[int]) -> Town:
    """The rows in their order, cut into batches before these places."""
    one = town(STAGE)
    bounds = [0, *sorted(cuts), len(rows)]
    for start, end in pairwise(bounds):
        one.send(rows[start:end], recorded_us=NOW_US)
    return one


def same(one: Town, other: Town) -> None:
    assert one.bad() == other.bad()
    assert one.alarms() == other.alarms()
    mine, theirs = usable(one.state, 1), usable(other.state, 1)
    assert mine.time_us.tolist() == theirs.time_us.tolist()
    assert mine.value.tolist() == theirs.value.tolist()


@bounded
@given(
    storm,
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 40), max_size=6),
    st.sampled_from([30, 60, 90]),
)
def test_F10_any_order_within_the_bound_ends_as_the_sorted_replay(
    values: list[float], order: random.Random, cuts: list[int], step_minutes: int
) -> None:
    rows = [(i, 1, i * step_minutes * MINUTE_US, value) for i, value in enumerate(values)]
    in_bound = [row for row in rows if row[2] >= rows[-1][2] - LATE_US]
    shuffled = order.sample(in_bound, len(in_bound))
    same(replayed(shuffled, [cut for cut in cuts if cut <= len(shuffled)]), replayed(in_bound, []))


@bounded
@given(storm, st.randoms(use_true_random=False))
def test_F10_late_data_far_into_a_full_window_ends_as_the_sorted_replay(
    values: list[float], order: random.Random
) -> None:
    before = [(i, 1, i * MINUTE_US, 4.3 + (i * 7 % 5) / 10) for i in range(POINTS + 40)]
    storm_rows = [(1000 + i, 1, before[-1][2] + (i + 1) * MINUTE_US, value) for i, value in enumerate(values)]
    late = order.sample(storm_rows, len(storm_rows))
    # The oldest has 84 newer ones before the storm and 40 in it: within the bound of LATE_POINTS, 128.
    held_back = order.sample(range(POINTS - 45, POINTS + 30), 8)
    arrivals = [row for row in before if row[0] not in held_back] + late + [before[i] for i in held_back]
    same(replayed(arrivals, [len(before), len(before) + 5]), replayed(before + storm_rows, []))


@bounded
@given(storm, st.lists(st.integers(0, 40), max_size=8), st.randoms(use_true_random=False))
def test_how_arrivals_are_cut_into_batches_changes_nothing_in_the_end(
    values: list[float], cuts: list[int], order: random.Random
) -> None:
    rows = [
        (i, 1, order.randrange(80) * HOUR_US, value) for i, value in enumerate(values)
    ]  # beyond the bound too
    one, other = replayed(rows, [cut for cut in cuts if cut <= len(rows)]), replayed(rows, [])
    same(one, other)
    assert one.state.counts == other.state.counts


@bounded
@given(storm, st.randoms(use_true_random=False), st.lists(st.integers(0, 40), max_size=4))
def test_F09_every_message_sent_one_to_five_times_ends_as_sent_once(
    values: list[float], order: random.Random, cuts: list[int]
) -> None:
    rows = hourly(values[:20], first_id=0)
    repeated = [row for row in rows for _ in range(order.randint(1, 5))]
    one = replayed(repeated, [cut for cut in cuts if cut <= len(repeated)])
    same(one, replayed(rows, []))


def test_F09_the_same_observation_again_tells_nothing_new() -> None:
    one = town(gauge(levels=(ADVISORY,)))
    rows = hourly([4.0, 4.6, 99.0])
    one.send(rows, recorded_us=NOW_US)
    told = len(one.facts), one.rows_told
    one.send(rows, recorded_us=NOW_US)
    assert (len(one.facts), one.rows_told) == told
    assert one.state.counts.duplicate == 3


def test_F10_a_late_peak_raises_the_alarm_it_should_have_raised() -> None:
    one = town(gauge(levels=(ADVISORY,)))
    one.send([(1, 1, 0, 4.0), (3, 1, 2 * HOUR_US, 4.0)], recorded_us=NOW_US)
    one.send([(2, 1, HOUR_US, 4.6)], recorded_us=NOW_US)
    (alarm,) = one.alarms().values()
    assert alarm == ("level", "advisory", HOUR_US, HOUR_US, 4.6, 2 * HOUR_US)


def test_F10_a_late_value_that_unmasks_a_spike_withdraws_its_alarm_and_flags_it() -> None:
    one = town(gauge(QualityRules(spike_fail=2.0), levels=(ADVISORY,)))
    one.send([(2, 1, HOUR_US, 6.0), (3, 1, 2 * HOUR_US, 1.0)], recorded_us=NOW_US)
    steps = one.send([(1, 1, 0, 1.0)], recorded_us=NOW_US)
    assert [(step.step, step.reason) for step in steps] == [("withdrawn", "late data")]
    assert one.flag(2) == Flag.FAIL


def test_F10_a_late_value_that_vindicates_another_gives_an_explicit_pass() -> None:
    one = town(gauge(QualityRules(rate_suspect_per_s=1.0 / 3600, silence_s=1e6)))
    one.send([(1, 1, 0, 1.0), (3, 1, 2 * HOUR_US, 2.9), (4, 1, 3 * HOUR_US, 4.6)], recorded_us=NOW_US)
    assert one.verdicts[4][0] == Flag.SUSPECT
    one.send([(5, 1, 150 * MINUTE_US, 4.2)], recorded_us=NOW_US)
    assert one.verdicts[4] == (Flag.PASS, 0)


@pytest.mark.parametrize(("behind_us", "judged"), [(LATE_US, True), (LATE_US + 1, False)])
def test_F10_a_value_later_than_the_bound_is_counted_and_judged_by_no_neighbour(
    behind_us: int, judged: bool
) -> None:
    one = town(gauge(levels=(ADVISORY,)))
    one.send([(1, 1, 100 * HOUR_US, 1.0)], recorded_us=NOW_US)
    one.send([(2, 1, 100 * HOUR_US - behind_us, 4.6)], recorded_us=NOW_US)
    assert bool(one.alarms()) is judged
    assert one.state.counts.late == (0 if judged else 1)
    assert one.flag(2) == (Flag.PASS if judged else Flag.NOT_EVALUATED)


def test_F10_so_many_points_back_and_no_further_a_late_value_is_judged() -> None:
    one = town(gauge())
    one.send([(i, 1, i * MINUTE_US, 1.0) for i in range(1, 200)], recorded_us=NOW_US)
    newest_us = 199 * MINUTE_US
    one.send([(901, 1, newest_us - LATE_POINTS * MINUTE_US + 1, 1.0)], recorded_us=NOW_US)  # 128 are newer
    assert one.state.counts.late == 1
    one.send([(902, 1, newest_us - (LATE_POINTS - 1) * MINUTE_US + 1, 1.0)], recorded_us=NOW_US)
    assert one.state.counts.late == 1


def test_of_two_values_for_one_instant_the_first_number_stored_stands_in_any_order() -> None:
    twins = [(5, 1, 0, math.nan), (6, 1, 0, 4.6), (7, 1, 0, 1.0)]
    for rows in (twins, twins[::-1], [twins[1], twins[2], twins[0]]):
        one = town(gauge(levels=(ADVISORY,)))
        one.send(rows, recorded_us=NOW_US)
        assert usable(one.state, 1).value.tolist() == [4.6]
        assert [one.flag(5), one.flag(6), one.flag(7)] == [Flag.FAIL, Flag.PASS, Flag.NOT_EVALUATED]
        assert len(one.alarms()) == 1
