# SPDX-License-Identifier: Apache-2.0
"""The table of an alarm's life (ISA-18.2), every way through it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cheoyong.domain.errors import InvalidInput
from cheoyong.respond.alarm_life import OPEN, SHELF_MINUTES_MAX, STATES, STEPS, after, check_shelf

MACHINE, PERSON = {"raised", "cleared", "withdrawn"}, {"acknowledged", "shelved", "unshelved"}


def walked(steps):
    state = None
    for step in steps:
        state = after(state, step) or state
    return state


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_every_step_from_every_state_leads_to_a_state_or_changes_nothing(state, step):
    assert after(state, step) in (None, *STATES)


@pytest.mark.parametrize("state", sorted(set(STATES) - set(OPEN)))
@pytest.mark.parametrize("step", sorted(PERSON))
def test_what_a_person_does_to_an_alarm_that_is_over_changes_nothing(state, step):
    assert after(state, step) is None


@pytest.mark.parametrize("state", OPEN)
def test_every_open_alarm_can_end_shelved_or_not(state):
    assert after(state, "cleared") == "cleared"
    assert after(state, "withdrawn") == "withdrawn"


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_the_last_word_of_the_machine_decides_whether_and_how_an_alarm_is_over(steps):
    steps = ["raised", *steps]
    last = [step for step in steps if step in MACHINE][-1]
    assert walked(steps) in (OPEN if last == "raised" else (last,))


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_only_a_person_puts_an_alarm_aside_and_it_comes_back_as_new(steps):
    steps = ["raised", *steps]
    if walked(steps) == "shelved":
        assert "shelved" in steps
        assert walked([*steps, "unshelved"]) == "raised"
        assert walked([*steps, "acknowledged"]) == "shelved"
        assert walked([*steps, "raised"]) == "shelved"


def test_an_alarm_that_returns_after_it_had_cleared_is_new_again():
    assert walked(["raised", "acknowledged", "cleared", "raised"]) == "raised"


@pytest.mark.parametrize(
    ("minutes", "reason"), [(0, "x"), (-5, "x"), (SHELF_MINUTES_MAX + 1, "x"), (30, "  ")]
)
def test_a_shelf_has_an_end_within_a_shift_and_a_reason(minutes, reason):
    with pytest.raises(InvalidInput) as caught:
        check_shelf(minutes, reason)
    assert caught.value.where in ("minutes", "reason")
    check_shelf(SHELF_MINUTES_MAX, "x")
