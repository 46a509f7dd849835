# SPDX-License-Identifier: Apache-2.0
"""F12, F13: what a chattering gauge costs does not grow with how often it has chattered."""

from alarm_steps import MINUTE_US, NOW_US, SECOND_US, Town, raised

from cheoyong.respond.alarm_life import OPEN
from cheoyong.respond.annunciation import Picture
from cheoyong.respond.grouping import Rows


def chatter(town: Town, episodes: int) -> None:
    for number in range(episodes):
        step = raised(since_us=NOW_US + number * SECOND_US)
        town.tell(step, SECOND_US)
        town.again(step, "cleared", SECOND_US)


def test_F13_a_chattering_gauge_is_one_row_with_a_count_and_little_to_remember() -> None:
    town = Town()
    chatter(town, 500)
    assert town.last(raised(since_us=NOW_US + 499 * SECOND_US)).times == 500
    assert len({step.row for step in town.steps}) == 1
    assert sum(1 for one in town.picture.alarms.values() if one.state in OPEN) == 1
    assert sum(len(near) for near in town.picture._near.values()) <= 2


def test_F12_a_picture_of_what_is_open_and_last_tells_the_same_as_one_of_all_that_was() -> None:
    whole, bearing = Town(), Town()
    chatter(whole, 20)
    chatter(bearing, 20)
    last = max(bearing.picture.alarms.values(), key=lambda one: one.changed_us)
    kept = {i: one for i, one in bearing.picture.alarms.items() if one.state in OPEN or one is last}
    bearing.picture = Picture(Rows(1, dict(bearing.picture.rows.rows)), kept)
    for rule, crisis in (("advisory", 2), ("warning", 3)):
        step = raised(rule=rule, crisis=crisis, since_us=NOW_US + 10 * MINUTE_US)
        assert whole.tell(step, MINUTE_US) == bearing.tell(step, MINUTE_US)
        assert whole.again(step, "cleared") == bearing.again(step, "cleared")
