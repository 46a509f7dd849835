# SPDX-License-Identifier: Apache-2.0
"""O2, F12: rows by cause, and never more than ten new ones in ten minutes."""

from alarm_steps import HOUR_US, MINUTE_US, NOW_US, Town, raised
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.respond.grouping import NEW_ROWS_MAX, WINDOW_US, Place


def rows_of(town):
    return {one.step.row for one in town.picture.alarms.values()}


def most_in_ten_minutes(town):
    """By a plain count over every window that ends at a beginning."""
    begun = [row.begun_us for row in town.picture.rows.rows.values()]
    return max(sum(end - WINDOW_US < at <= end for at in begun) for end in begun)


def test_O2_a_storm_of_a_thousand_unlike_alarms_is_at_most_ten_new_rows_and_each_is_in_one():
    places = {f"s{i}": Place(f"thing{i}", f"property{i}") for i in range(1_000)}
    town = Town(places)
    for i in range(1_000):
        town.tell(raised(f"s{i}", crisis=1 + i % 4, since_us=NOW_US + i), 600_000)  # over ten minutes
    assert len(rows_of(town)) <= NEW_ROWS_MAX
    assert sum(row.open for row in town.picture.rows.rows.values()) == 1_000
    assert len(town.picture.told) <= NEW_ROWS_MAX


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40),
            st.sampled_from(["level", "silence", "fault"]),
            st.integers(0, 3 * 60),
        ),
        min_size=1,
        max_size=120,
    )
)
@settings(max_examples=60, deadline=None)
def test_F12_no_ten_minutes_have_more_than_ten_new_rows_whatever_comes(alarms):
    places = {f"s{i}": Place(f"thing{i // 2}", f"property{i % 7}") for i in range(41)}
    town = Town(places)
    for number, cause, seconds in alarms:
        rule = "advisory" if cause == "level" else cause
        crisis = 2 if cause == "level" else 0
        step = raised(f"s{number}", rule, crisis, cause=cause, since_us=town.now_us + seconds)
        town.tell(step, seconds * 1_000_000)
    assert most_in_ten_minutes(town) <= NEW_ROWS_MAX
    assert all(one.step.row in town.picture.rows.rows for one in town.picture.alarms.values())


def test_a_few_alarms_of_unlike_places_each_stand_in_a_row_of_their_own():
    town = Town()
    for i in range(3):
        town.tell(raised(f"s{i}"), MINUTE_US)
    assert len(rows_of(town)) == 3


def test_the_levels_the_silence_and_the_fault_of_a_gauge_are_one_row():
    town = Town()
    steps = [
        raised(),
        raised(rule="silence", crisis=0, cause="silence"),
        raised(rule="fault", crisis=0, cause="fault"),
    ]
    for step in steps:
        town.tell(step, 20 * MINUTE_US)
    assert len(rows_of(town)) == 1


def test_gauges_of_one_site_are_one_row():
    town = Town({"level": Place("dam", "reservoir_level"), "flow": Place("dam", "discharge")})
    town.tell(raised("level"))
    town.tell(raised("flow", "silence", 0, cause="silence"), HOUR_US // 2)
    assert len(rows_of(town)) == 1
    assert town.picture.rows.rows[town.row(raised("level"))].kind == "site"


def test_gauges_of_one_hazard_and_reach_are_one_row_and_another_reach_is_not():
    def at(reach, thing):
        return Place(thing, "river_stage", "river", (reach,))

    town = Town({"a": at("lower", "t1"), "b": at("lower", "t2"), "c": at("upper", "t3")})
    for series in "abc":
        town.tell(raised(series))
    assert town.row(raised("a")) == town.row(raised("b")) != town.row(raised("c"))


def test_F12_silences_that_began_together_have_one_cause_and_one_row_and_later_ones_another():
    town = Town()
    for i in range(50):
        step = raised(f"s{i}", "silence", 0, cause="silence", since_us=NOW_US + i * 1_000_000)
        town.tell(step, 1_000_000)
    assert len(rows_of(town)) == 1
    (row,) = town.picture.rows.rows.values()
    assert (row.kind, row.open) == ("together", 50)
    late = raised("late", "silence", 0, cause="silence", since_us=NOW_US + 2 * HOUR_US)
    town.tell(late, 2 * HOUR_US)
    assert town.row(late) != row.id


def test_a_row_is_forgotten_an_hour_after_its_last_alarm_is_over():
    town = Town()
    first = raised(since_us=town.now_us)
    town.tell(first)
    town.again(first, "acknowledged", by="kim")
    town.again(first, "cleared")
    second = raised(since_us=town.now_us + 1)
    town.tell(second, 2 * HOUR_US)
    assert town.row(first) != town.row(second)
