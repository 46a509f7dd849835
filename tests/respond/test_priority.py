# SPDX-License-Identifier: Apache-2.0
"""Priority by consequence and urgency: the matrix, and what the first city's levels come to by it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from alarm_steps import NOW_US, raised

from cheoyong.domain.fact import Crossing, Forecast
from cheoyong.domain.level import Priority
from cheoyong.links.city_pack import load_city
from cheoyong.respond.priority import (
    MATRIX,
    Consequence,
    Urgency,
    consequence_of,
    escalated,
    priority_of,
    time_left_s,
    urgency_of,
)

RANK = [Priority.LOW, Priority.MEDIUM, Priority.HIGH]


def test_the_matrix_is_whole_and_never_falls_with_consequence_or_urgency():
    for consequence in Consequence:
        row = [RANK.index(priority_of(consequence, urgency)) for urgency in Urgency]
        assert row == sorted(row)
    for lower, higher in pairwise(Consequence):
        for urgency in Urgency:
            assert RANK.index(priority_of(lower, urgency)) <= RANK.index(priority_of(higher, urgency))
    assert set(MATRIX) == set(Consequence)


def test_the_priorities_the_ulsan_pack_states_are_those_of_the_matrix():
    levels = [level for gauge in load_city("ulsan").gauges.values() for level in gauge.levels]
    assert len(levels) >= 4
    for level in levels:
        assert priority_of(Consequence(level.crisis_level), Urgency.SOON) == level.priority


@pytest.mark.parametrize(("crisis", "after"), [(1, "medium"), (2, "high"), (3, "high"), (4, "high")])
def test_an_alarm_that_waits_has_no_time_left(crisis, after):
    assert escalated(raised(crisis=crisis)) == after


def test_losing_a_gauge_is_as_grave_as_what_it_guards():
    silence = raised(rule="silence", crisis=0, cause="silence")
    assert consequence_of(silence) == Consequence.MINOR
    assert consequence_of(replace(silence, priority="medium")) == Consequence.MODERATE


def forecast(*crossings):
    return Forecast("river", "m", "s", NOW_US, (), (), (), tuple(crossings))


def test_the_time_left_is_until_a_higher_level_is_likelier_than_not():
    alarm = raised(crisis=2)
    higher = Crossing("warning", 5.5, 3, (3600, 7200, 10800), (0.1, 0.6, 0.9))
    same = Crossing("advisory", 4.5, 2, (3600,), (1.0,))
    assert time_left_s(alarm, forecast(higher, same), NOW_US) == 7200
    assert time_left_s(alarm, forecast(higher), NOW_US + 3_600_000_000) == 3600
    assert time_left_s(alarm, forecast(same), NOW_US) is None
    assert time_left_s(alarm, None, NOW_US) is None
    assert priority_of(Consequence.MODERATE, urgency_of(3600)) == "high"
