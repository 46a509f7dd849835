# SPDX-License-Identifier: Apache-2.0
"""The operator's load against EEMUA 191, compared with a plain count second by second."""

from alarm_steps import HOUR_US, MINUTE_US, NOW_US, SECOND_US
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.respond.load import Actor, Standing, load


def test_a_quiet_day_is_light_and_one_in_ten_minutes_is_still_bearable():
    assert load([], Standing(), NOW_US).state == "calm"
    told = [NOW_US - i * 10 * MINUTE_US for i in range(144)]
    found = load(told, Standing(), NOW_US)
    assert (found.state, found.ten_minutes, found.hour, found.day) == ("calm", 1, 6, 144)
    assert (found.peak, found.flood_percent) == (1, 0.0)


def test_ten_in_ten_minutes_are_no_flood_and_eleven_are():
    ten = [NOW_US - i * SECOND_US for i in range(10)]
    assert load(ten, Standing(), NOW_US).state == "busy"
    assert load([*ten, NOW_US - 30 * SECOND_US], Standing(), NOW_US).state == "flood"


def test_eleven_at_once_are_ten_minutes_of_flood():
    found = load([NOW_US - HOUR_US] * 11, Standing(), NOW_US)
    assert found.flood_percent == round(100 * 10 / (24 * 60), 2)
    assert (found.peak, found.ten_minutes, found.state) == (11, 0, "calm")


@given(st.lists(st.integers(0, 24 * 60 - 1), max_size=80))
@settings(max_examples=60, deadline=None)
def test_the_peak_and_the_time_in_flood_are_those_of_a_plain_count_by_the_minute(minutes):
    told = [NOW_US - minute * MINUTE_US for minute in minutes]
    counts = [
        sum(at <= minute * MINUTE_US + NOW_US - 24 * HOUR_US < at + 10 * MINUTE_US for at in told)
        for minute in range(24 * 60)
    ]
    found = load(told, Standing(), NOW_US)
    assert found.peak == max([*counts, sum(at > NOW_US - 10 * MINUTE_US for at in told)])
    assert found.flood_percent == round(100 * sum(count > 10 for count in counts) / (24 * 60), 2)


def test_bad_actors_are_those_raised_most_often_and_more_than_once():
    actors = (Actor("a", "x", 3), Actor("b", "x", 40), Actor("c", "x", 1))
    found = load([], Standing(open=5, stale=2, raised=44, actors=actors), NOW_US)
    assert [actor.series for actor in found.actors] == ["b", "a"]
    assert (found.standing, found.stale, found.raised) == (5, 2, 44)
