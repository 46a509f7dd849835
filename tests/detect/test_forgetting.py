# SPDX-License-Identifier: Apache-2.0
"""A datastream that is forgotten leaves nothing behind, and the others do not notice."""

from __future__ import annotations

import laws
import pytest
from river_town import STAGE, Town, gauge, town

from cheoyong.detect.forget import forget
from cheoyong.detect.screen import State, usable
from cheoyong.detect.snapshot import dump, load
from cheoyong.domain.city import Gauge
from cheoyong.domain.fact import Fact
from cheoyong.domain.instant import HOUR_US

OTHER = gauge(STAGE.quality, STAGE.levels, series="other_m")


def side_by_side(one: Gauge, gone_after: int | None) -> Town:
    """Datastream 2 lives through a storm beside datastreams 1 and 3, which may end at some hour of it."""
    place = town(OTHER, one, gauge(STAGE.quality, series="third_m"))
    for hour, row in enumerate(laws.storm(seed=3)):
        if hour == gone_after:
            place.gauges = {2: place.gauges[2]}
            place.state = forget(place.state, [1, 3, 99])
        rows = [(row[0] * 3 + number, number, *row[2:]) for number in place.gauges]
        place.send(rows, recorded_us=int(row[2]))
        place.tick(int(row[2]) + HOUR_US // 2)
    return place


def of_the_second(place: Town) -> tuple[list[Fact], dict[int, tuple[int, int]]]:
    """Its facts and its bad verdicts."""
    facts = [fact for fact in place.facts if getattr(fact.body, "series", "") == "stage_m"]
    return facts, {number: verdict for number, verdict in place.bad().items() if number % 3 == 2}


@pytest.mark.parametrize("detector", laws.DETECTORS)
def test_what_is_concluded_of_a_datastream_does_not_change_when_others_are_forgotten(detector: str) -> None:
    one = laws.DETECTORS[detector]
    uncut = [side_by_side(one, 0), side_by_side(one, None)]
    for hour in (1, 20, 31):
        assert of_the_second(side_by_side(one, hour)) == of_the_second(uncut[0]) == of_the_second(uncut[1])


def test_what_is_left_has_the_size_of_one_that_never_knew_the_others_and_can_be_kept() -> None:
    left, alone = side_by_side(STAGE, 40), side_by_side(STAGE, 0)
    assert left.state.datastreams.tolist() == [2]
    assert len(dump(left.state)) == pytest.approx(len(dump(alone.state)), abs=200)
    again = load(dump(left.state))
    assert dump(again) == dump(left.state)
    assert usable(again, 2).value.tolist() == usable(alone.state, 2).value.tolist()
    assert len(usable(again, 1).value) == 0


def test_a_forgotten_datastream_alarms_no_more_and_is_new_when_it_comes_again() -> None:
    place = town(STAGE)
    place.send([(1, 1, 0, 5.0), (2, 1, HOUR_US, 5.1)], recorded_us=HOUR_US)
    assert ("level", "advisory", "raised") in place.told()
    place.gauges, known = {}, place.gauges
    place.state = forget(place.state, [1])
    for hour in range(2, 40):
        assert place.tick(hour * HOUR_US) == []
    place.gauges = known
    place.send([(3, 1, 40 * HOUR_US, 1.0)], recorded_us=40 * HOUR_US)
    assert usable(place.state, 1).value.tolist() == [1.0]


def test_forgetting_of_an_empty_state_gives_an_empty_state() -> None:
    assert dump(forget(State(), [1])) == dump(State())
