# SPDX-License-Identifier: Apache-2.0
"""From stage to streets beside a straight river with a level surface: every depth is known beforehand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cheoyong.domain.errors import ConfigurationError, ImpossibleValue, InvalidInput
from cheoyong.hazards.inundation.streets.ground import (
    Ground,
    Reach,
    Valley,
    illustrative_ground,
    surveyed_ground,
)
from cheoyong.hazards.inundation.streets.library import Flood, Library
from cheoyong.hazards.inundation.streets.scenario import flood

# The gauge stands at the lower end, so nothing of the surface slopes: the town is a bathtub.
REACH = Reach("x_stage_m", ((0.0, 0.0), (400.0, 0.0)), (400.0, 0.0), -1.0, 0.0, 0.0, 40.0, 200.0)
VALLEY = Valley(
    bed_m=-2.0, terrace_m=1.0, terrace_width_m=40.0, bank_m=4.0, bank_width_m=20.0, town_m=2.0, town_slope=0.0
)
TERRACE, BANK, TOWN = 12, 13, 15  # rows north of the river; its own are 9 and 10


@cache
def bathtub() -> Ground:
    return illustrative_ground(REACH, VALLEY, 20.0)


@cache
def flooded(stage_m: float) -> Flood:
    found = flood(bathtub(), stage_m)
    assert found is not None
    return found


def test_the_ground_is_the_stated_levels_on_both_sides_of_the_river() -> None:
    across = bathtub().terrain.bed_m[:, 10]
    half = [-2.0, 1.0, 1.0, 4.0, *[2.0] * 6]
    assert across.tolist() == half[::-1] + half
    assert {row for row, _ in bathtub().river} == {9, 10}


def test_a_stage_below_the_terrace_wets_nothing_beside_the_river() -> None:
    assert not np.delete(flooded(1.9).depth_m, [9, 10], axis=0).any()


def test_a_stage_between_terrace_and_bank_drowns_the_terrace_to_its_level_and_spares_the_town() -> None:
    depth = flooded(4.0).depth_m  # 3.0 m on the datum
    assert depth[11:13] == pytest.approx(2.0, abs=0.01)
    assert not depth[BANK:].any()


def test_a_stage_above_the_bank_fills_the_town_to_its_level() -> None:
    depth = flooded(6.0).depth_m  # 5.0 m on the datum
    assert depth[BANK] == pytest.approx(1.0, abs=0.02)
    assert depth[TOWN:] == pytest.approx(3.0, abs=0.02)
    assert depth == pytest.approx(depth[::-1], abs=1e-3)


def test_water_that_rushed_over_the_bank_before_it_came_to_rest_is_remembered() -> None:
    speed, depth = flooded(6.0).speed_m_s, flooded(6.0).depth_m
    brought_m2 = depth[BANK + 1 :].sum() * 20.0 / 20  # through each metre of bank, in at most three hours
    assert (speed * depth)[BANK].min() > brought_m2 / 10_800.0
    assert not speed[depth == 0.0].any()


def test_the_river_falls_with_the_valley_above_the_gauge_and_to_the_sea_below_it() -> None:
    reach = replace(REACH, gauge_m=(200.0, 0.0), slope=0.001, sea_m=0.5)
    surface = reach.surface_m(4.5, np.array([0.0, 200.0, 300.0, 400.0]))
    assert surface.tolist() == pytest.approx([3.7, 3.5, 2.0, 0.5])


def test_a_stage_below_the_sea_leaves_the_sea_where_it_is() -> None:
    reach = replace(REACH, gauge_m=(200.0, 0.0), sea_m=0.5)
    assert float(reach.surface_m(0.0, np.array(300.0))) == 0.5


def test_a_cancelled_flood_is_none() -> None:
    assert flood(bathtub(), 4.0, cancelled=lambda: True) is None


def test_a_survey_is_held_along_the_line_and_unknown_ground_is_a_wall() -> None:
    bed = np.full((20, 20), 2.0)
    bed[0, 0] = np.nan
    ground = surveyed_ground(REACH, bed, 20.0, 0.0, -200.0)
    assert not ground.illustrative
    assert ground.terrain.walls[0, 0]
    assert {row for row, _ in ground.river} == {9, 10}


def test_a_survey_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not cross"):
        surveyed_ground(REACH, np.zeros((5, 5)), 20.0, 0.0, 5000.0)


@pytest.mark.parametrize(
    "wrong", [{"slope": 0.5}, {"channel_m": 0.0}, {"margin_m": 1e6}, {"slope": float("nan")}]
)
def test_a_reach_that_no_river_has_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ImpossibleValue):
        replace(REACH, **wrong)


def test_a_library_of_the_bathtub_rises_with_the_river() -> None:
    library = Library.of(bathtub(), [flooded(6.0), flooded(1.9), flooded(4.0)])
    assert library.stages_m.tolist() == [1.9, 4.0, 6.0]
    assert library.depth_at_m(5.0)[TOWN, 10] == pytest.approx(1.5, abs=0.02)  # halfway from 0 to 3 m
    assert not library.depth_at_m(99.0)[9:11].any()  # the river itself is no street
    reached = library.reached_at_m(0.5)
    assert reached[TERRACE, 10] == pytest.approx(1.9 + 2.1 * 0.5 / 2.0, abs=0.02)
    assert reached[TOWN, 10] == pytest.approx(4.0 + 2.0 * 0.5 / 3.0, abs=0.02)
    assert np.isinf(reached[9, 10])


def test_one_flood_or_the_same_twice_is_no_library() -> None:
    with pytest.raises(InvalidInput, match="two floods at least"):
        Library.of(bathtub(), [flooded(4.0)])
    with pytest.raises(InvalidInput, match="same stage"):
        Library.of(bathtub(), [flooded(4.0), flooded(4.0)])
