# SPDX-License-Identifier: Apache-2.0
"""F12, F13, O2: what an operator is told: one alarm a cause, suppression by design, chattering counted."""

from alarm_steps import HOUR_US, MINUTE_US, Town, raised
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.respond.alarm_life import IN_FRONT, OPEN, UNSEEN

ADVISORY, WARNING = raised(rule="advisory", crisis=2), raised(rule="warning", crisis=3)


def said(steps):
    return [(step.rule, step.step) for step in steps]


def test_a_higher_level_suppresses_the_lower_whichever_was_raised_first():
    for first, second in ((ADVISORY, WARNING), (WARNING, ADVISORY)):
        town = Town()
        town.tell(first)
        town.tell(second, MINUTE_US)
        assert (town.state(WARNING), town.state(ADVISORY)) == ("raised", "suppressed")
        assert town.row(WARNING) == town.row(ADVISORY)
        assert len(town.picture.told) == 1


def test_the_lower_level_comes_back_as_new_when_nobody_saw_the_higher():
    town = Town()
    town.tell(ADVISORY)
    town.tell(WARNING)
    assert said(town.again(WARNING, "cleared")) == [("warning", "cleared"), ("advisory", "unsuppressed")]
    assert (town.state(WARNING), town.state(ADVISORY)) == ("returned", "raised")


def test_the_lower_level_takes_over_as_seen_when_the_higher_was_seen_and_says_by_whom():
    town = Town()
    town.tell(ADVISORY)
    town.tell(WARNING)
    town.again(WARNING, "acknowledged", by="kim")
    assert said(town.again(WARNING, "cleared")) == [("warning", "cleared"), ("advisory", "downgraded")]
    assert (town.state(WARNING), town.state(ADVISORY)) == ("cleared", "acknowledged")
    assert town.last(ADVISORY).by == "kim"


def test_nothing_hides_behind_what_is_itself_out_of_sight():
    for step in ("shelved", "removed"):
        town = Town()
        town.tell(ADVISORY)
        town.tell(WARNING)
        town.again(WARNING, step, by="kim", reason="x", until_us=town.now_us + HOUR_US)
        assert town.state(ADVISORY) == "raised"


def test_F13_chattering_is_one_alarm_with_a_count_and_one_row_told_once():
    town = Town()
    for episode in range(20):
        alarm = raised(since_us=town.now_us)
        town.tell(alarm)
        town.again(alarm, "cleared")
        assert town.last(alarm).times == episode + 1
    listed = [one for one in town.picture.alarms.values() if one.state in OPEN]
    assert [(one.state, one.step.times) for one in listed] == [("returned", 20)]
    assert len(town.picture.told) == 1
    assert len({one.step.row for one in town.picture.alarms.values()}) == 1


def test_F13_what_is_on_the_shelf_stays_there_when_it_chatters_until_the_shelf_ends():
    town = Town()
    first = raised(since_us=town.now_us)
    town.tell(first)
    town.again(first, "shelved", by="kim", reason="loose cable", until_us=town.now_us + HOUR_US)
    town.again(first, "cleared")
    second = raised(since_us=town.now_us + 1)
    town.tell(second, MINUTE_US)
    assert (town.state(second), town.last(second).by, town.last(second).reason) == (
        "shelved",
        "kim",
        "loose cable",
    )
    town.again(second, "cleared")
    third = raised(since_us=town.now_us + 1)
    town.tell(third, 2 * HOUR_US)
    assert town.state(third) == "raised"


def test_out_of_service_holds_for_the_alarm_not_for_one_episode_and_is_listed_once():
    town = Town()
    first = raised(since_us=town.now_us)
    town.tell(first)
    town.again(first, "removed", by="kim", reason="gauge is being replaced")
    for _ in range(3):
        town.again(first, "cleared")
        assert town.state(first) == "out_of_service_calm"
        first = raised(since_us=town.now_us + 1)
        town.tell(first, 2 * HOUR_US)
        assert (town.state(first), town.last(first).by) == ("out_of_service", "kim")
    assert sum(one.state in OPEN for one in town.picture.alarms.values()) == 1
    town.again(first, "restored", by="lee")
    assert town.state(first) == "raised"


def test_who_acknowledges_takes_off_what_waiting_had_added():
    town = Town()
    town.tell(ADVISORY)
    assert town.last(ADVISORY).priority == "medium"
    town.again(ADVISORY, "escalated", priority="high")
    assert (town.state(ADVISORY), town.last(ADVISORY).priority) == ("raised", "high")
    town.again(ADVISORY, "acknowledged", by="kim")
    assert town.last(ADVISORY).priority == "medium"


def test_a_row_that_was_seen_is_told_again_when_something_new_joins_it():
    town = Town()
    town.tell(ADVISORY)
    town.again(ADVISORY, "acknowledged", by="kim")
    town.tell(WARNING, MINUTE_US)
    assert [row for row, _ in town.picture.told] == [town.row(ADVISORY)] * 2


LEVELS = [raised(rule=rule, crisis=crisis) for rule, crisis in (("a", 1), ("b", 2), ("c", 3), ("d", 4))]
STEPS = st.sampled_from(
    ["raised", "cleared", "withdrawn", "acknowledged", "removed", "restored", "escalated"]
)


@given(st.lists(st.tuples(st.sampled_from(LEVELS), STEPS), max_size=30))
@settings(max_examples=150, deadline=None)
def test_on_every_path_at_most_one_level_of_a_gauge_is_in_front_and_nothing_hides_behind_nothing(moves):
    town = Town()
    for level, step in moves:
        if level.alarm_id in town.picture.alarms:
            town.again(level, step, by="kim" if step == "acknowledged" else "")
        elif step == "raised":
            town.tell(level, MINUTE_US)
        states = {one.step.crisis_level: one.state for one in town.picture.alarms.values()}
        front = [crisis for crisis, state in states.items() if state in IN_FRONT]
        hidden = [crisis for crisis, state in states.items() if state == "suppressed"]
        assert len(front) <= 1
        assert not hidden or (front and max(hidden) < front[0])
        rows = town.picture.rows.rows.values()
        assert sum(row.open for row in rows) == sum(state in OPEN for state in states.values())
        assert sum(row.unseen for row in rows) == sum(state in UNSEEN for state in states.values())
