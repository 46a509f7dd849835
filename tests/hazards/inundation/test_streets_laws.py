# SPDX-License-Identifier: Apache-2.0
"""Laws from stage to streets: more river is never less water, a chance is a chance, nothing for nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cheoyong.domain.fact import Forecast
from cheoyong.hazards.inundation.streets.chance import Chance, highest_until
from cheoyong.hazards.inundation.streets.danger import danger
from cheoyong.hazards.inundation.streets.ground import Reach, surveyed_ground
from cheoyong.hazards.inundation.streets.library import WET_M, Flood, Library

ROWS, COLUMNS = 7, 6
GROUND = surveyed_ground(
    Reach("x", ((0.0, 5.0), (60.0, 5.0)), (30.0, 5.0), 0.0, 0.0, 0.0, 10.0, 100.0),
    np.zeros((ROWS, COLUMNS)), 10.0, 0.0, 0.0,
)  # fmt: skip
SHARES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])

libraries = st.builds(
    lambda seed, n: Library.of(GROUND, _any_floods(np.random.default_rng(seed), n)),
    st.integers(0, 2**32 - 1),
    st.integers(2, 6),
)
chances = st.lists(st.floats(-2.0, 12.0), min_size=5, max_size=5).map(lambda m: Chance(SHARES, np.sort(m)))


def _any_floods(rng: np.random.Generator, n: int) -> list[Flood]:
    """Floods as a solver might leave them: not monotone, half of the ground dry."""
    stages = np.cumsum(rng.uniform(0.1, 2.0, n))
    return [
        Flood(
            float(stage),
            np.maximum(rng.normal(0.0, 1.0, (ROWS, COLUMNS)), 0.0).astype(np.float32),
            rng.uniform(0.0, 3.0, (ROWS, COLUMNS)).astype(np.float32),
        )
        for stage in stages
    ]


@settings(max_examples=25, deadline=None)
@given(libraries, st.floats(-5.0, 15.0), st.floats(0.0, 5.0))
def test_more_river_is_never_less_water_nor_fewer_wet_cells(
    library: Library, stage_m: float, more: float
) -> None:
    before, after = library.depth_at_m(stage_m), library.depth_at_m(stage_m + more)
    assert (after >= before).all()
    assert (library.speed_at_m_s(stage_m + more) >= library.speed_at_m_s(stage_m)).all()


@settings(max_examples=25, deadline=None)
@given(libraries, st.floats(WET_M, 2.0))
def test_the_stage_that_a_depth_is_reached_at_gives_that_depth(library: Library, depth_m: float) -> None:
    reached = library.reached_at_m(depth_m)
    assert (reached >= library.stages_m[0]).all()
    for row, column in np.argwhere(np.isfinite(reached)):
        stage = float(reached[row, column])
        at = float(library.depth_at_m(stage)[row, column])
        assert at >= depth_m - 1e-4
        if stage > library.stages_m[0]:
            assert at == pytest.approx(depth_m, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(libraries, chances)
def test_a_probability_is_one_and_falls_with_depth(library: Library, chance: Chance) -> None:
    maps = [chance.reaching(library.reached_at_m(limit)) for limit in (0.1, 0.3, 0.5, 1.0)]
    assert all(((one >= 0.0) & (one <= 1.0)).all() for one in maps)
    assert all((deeper <= shallower + 1e-12).all() for shallower, deeper in pairwise(maps))


@settings(max_examples=25, deadline=None)
@given(chances, st.floats(0.01, 0.99))
def test_a_quantile_of_the_stage_is_passed_with_what_is_left_of_one(chance: Chance, share: float) -> None:
    assert float(chance.reaching(chance.at_m(share))) == pytest.approx(1.0 - share, abs=1e-6)


def test_a_river_below_the_library_floods_nothing() -> None:
    library = Library.of(GROUND, _any_floods(np.random.default_rng(3), 4))
    low = Chance(SHARES, np.full(5, float(library.stages_m[0]) - 3.0))
    assert not library.depth_at_m(float(library.stages_m[0]) - 0.01).any()
    assert low.reaching(library.reached_at_m(0.1)).max() < 1e-6


def test_the_highest_stage_never_falls_with_the_lead_and_is_not_below_what_stands() -> None:
    forecast = Forecast(
        "river", "m", "x", 0, (3600, 7200, 10800), (0.05, 0.5, 0.95),
        ((1.0, 2.0, 3.0), (0.5, 2.5, 4.0), (0.2, 1.0, 2.0)),
    )  # fmt: skip
    assert highest_until(forecast, 3600, None).stage_m.tolist() == [1.0, 2.0, 3.0]
    assert highest_until(forecast, 10800, None).stage_m.tolist() == [1.0, 2.5, 4.0]
    assert highest_until(forecast, 10800, 2.2).stage_m.tolist() == [2.2, 2.5, 4.0]
    assert highest_until(forecast, 0, 1.5).at_m([0.1, 0.9]) == pytest.approx(1.5, abs=1e-4)


@pytest.mark.parametrize(
    ("number", "depth_m", "speed_m_s"),
    [
        # The corners of table 1 of AIDR Guideline 7-3 (2017): D × V, D and V of each class.
        (1, 0.3, 1.0), (1, 0.15, 2.0), (2, 0.5, 1.2), (2, 0.3, 2.0), (3, 1.2, 0.5), (4, 2.0, 0.5),
        (4, 0.5, 2.0), (5, 4.0, 1.0), (5, 1.0, 4.0), (6, 4.01, 0.0), (6, 0.5, 4.01), (6, 3.0, 1.5),
        (0, 0.0, 3.0),
    ],
)  # fmt: skip
def test_the_class_of_danger_is_that_of_the_published_table(
    number: int, depth_m: float, speed_m_s: float
) -> None:
    assert int(danger(np.array([depth_m]), np.array([speed_m_s]))[0]) == number


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 6.0), st.floats(0.0, 5.0), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_deeper_or_faster_is_never_less_dangerous(
    depth: float, speed: float, deeper: float, faster: float
) -> None:
    low, high = danger(np.array([depth, depth + deeper]), np.array([speed, speed + faster])).tolist()
    assert 1 <= low <= high <= 6
