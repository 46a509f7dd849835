# SPDX-License-Identifier: Apache-2.0
"""The table of an alarm's life (ISA-18.2), every way through it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cheoyong.domain.errors import InvalidInput
from cheoyong.respond.alarm_life import (
    MACHINE_STEPS,
    OPEN,
    PERSON_STEPS,
    SHELF_MINUTES_MAX,
    STATES,
    STEPS,
    TABLE,
    after,
    check_removal,
    check_shelf,
)

OVER = sorted(set(STATES) - set(OPEN))
PUT_ASIDE = ("shelved", "out_of_service", "out_of_service_calm")


def walked(steps, state=None):
    for step in steps:
        state = after(state, step) or state
    return state


def reached():
    """Every state some life leads to, each with the shortest way there: the whole table is walked."""
    ways = {"raised": ("raised",)}
    waiting = ["raised"]
    while waiting:
        state = waiting.pop(0)
        for step in STEPS:
            then = after(state, step)
            if then is not None and then not in ways:
                ways[then] = (*ways[state], step)
                waiting.append(then)
    return ways


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_from_every_state_leads_to_a_state_or_changes_nothing(state, step):
    assert after(state, step) in (None, *STATES)


def test_every_state_is_reached_by_some_life_and_every_step_does_something_somewhere():
    assert set(reached()) == set(STATES)
    assert {step for _, step in TABLE} == set(STEPS)
    assert {state for state, _ in TABLE} == set(STATES)


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("step", PERSON_STEPS)
def test_what_a_person_does_to_an_alarm_that_is_over_changes_nothing(state, step):
    assert after(state, step) is None


@pytest.mark.parametrize("state", OPEN)
def test_every_open_alarm_can_be_over_by_no_more_than_an_end_and_a_persons_word(state):
    assert walked(["cleared", "acknowledged", "restored"], state) == "cleared"


@pytest.mark.parametrize("state", OPEN)
def test_what_nobody_has_seen_stays_on_the_list_when_it_ends(state):
    ended = after(state, "cleared") or state
    assert (ended == "returned") == (state in ("raised", "returned"))
    assert walked(["acknowledged"], "returned") == "cleared"
    assert walked(["lapsed"], "returned") == "cleared"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", MACHINE_STEPS)
def test_the_machine_never_acknowledges_except_what_was_seen_as_a_higher_level(state, step):
    if after(state, step) == "acknowledged":
        assert (state, step) in {("suppressed", "downgraded")}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_only_a_person_puts_aside_and_only_a_person_ends_being_out_of_service(state, step):
    then = after(state, step)
    if then in PUT_ASIDE and state not in PUT_ASIDE:
        assert step in PERSON_STEPS
    if state in PUT_ASIDE[1:] and then is not None and then not in PUT_ASIDE[1:]:
        assert step in ("restored", "lapsed")


def test_an_alarm_out_of_service_stays_listed_whatever_the_gauge_does_until_a_person_brings_it_back():
    out = walked(["raised", "removed"])
    assert out == "out_of_service"
    assert walked(["cleared", "raised", "cleared", "withdrawn"], out) == "out_of_service_calm"
    assert walked(["restored"], out) == "raised"
    assert walked(["cleared", "restored"], out) == "cleared"


@given(st.lists(st.sampled_from(STEPS), max_size=14))
def test_no_life_leaves_the_table_and_what_is_open_can_always_be_seen_or_brought_back(steps):
    state = walked(["raised", *steps])
    assert state in STATES
    if state in OPEN:
        then = walked(["unshelved", "unsuppressed", "restored"], state)
        assert then in ("raised", "acknowledged", "returned", "cleared")


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_a_shelved_alarm_comes_back_as_new(steps):
    steps = ["raised", *steps]
    if walked(steps) == "shelved":
        assert "shelved" in steps
        assert walked([*steps, "unshelved"]) == "raised"
        assert walked([*steps, "acknowledged"]) == "shelved"
        assert walked([*steps, "raised"]) == "shelved"


def test_an_alarm_that_returns_after_it_had_cleared_is_new_again():
    assert walked(["raised", "acknowledged", "cleared", "raised"]) == "raised"
    assert walked(["raised", "cleared", "raised"]) == "raised"


def test_an_alarm_is_taken_out_of_service_for_a_reason():
    with pytest.raises(InvalidInput, match="reason"):
        check_removal("  ")
    check_removal("the sensor is being replaced")


@pytest.mark.parametrize(
    ("minutes", "reason"), [(0, "x"), (-5, "x"), (SHELF_MINUTES_MAX + 1, "x"), (30, "  ")]
)
def test_a_shelf_has_an_end_within_a_shift_and_a_reason(minutes, reason):
    with pytest.raises(InvalidInput) as caught:
        check_shelf(minutes, reason)
    assert caught.value.where in ("minutes", "reason")
    check_shelf(SHELF_MINUTES_MAX, "x")


def test_the_console_folds_alarms_by_the_same_table():
    script = Path(__file__).parents[2] / "console/src/state/alarm-life.ts"
    rows = re.findall(r"^  '(\w+) (\w+)': '(\w+)',$", script.read_text(encoding="utf-8"), re.M)
    assert {(state, step): then for state, step, then in rows} == TABLE
