# SPDX-License-Identifier: Apache-2.0
"""Laws every solver keeps: mass, symmetry, determinism, nothing for nothing, bad ground answered."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from inundation_cases import sixteen_hollows, spreading_on_a_plain, storm_on_rough_ground

from cheoyong.domain.errors import ImpossibleValue, InvalidInput
from cheoyong.hazards.inundation.forcing import Course, Forcings, Inflow, Stage, steady
from cheoyong.hazards.inundation.run import Choices, Outcome, State, run, still_water
from cheoyong.hazards.inundation.terrain import Terrain

METHODS = ["local_inertial", "shallow_water", "shallow_water_muscl"]


def same(a: Outcome, b: Outcome) -> bool:
    """Bit for bit, walls and never-arrived included."""
    pairs = [(a.depth_max_m, b.depth_max_m), (a.arrival_s, b.arrival_s)]
    pairs += [(getattr(a.state, n), getattr(b.state, n)) for n in ("depth_m", "flow_x_m2_s", "flow_y_m2_s")]
    return a.steps == b.steps and all(x.tobytes() == y.tobytes() for x, y in pairs)


@pytest.mark.parametrize("method", METHODS)
def test_mass_is_kept_with_rain_inflow_cliffs_walls_and_an_open_edge(method: str) -> None:
    end = storm_on_rough_ground(method)
    assert end.complete
    assert end.brought_m3 > 1000.0
    assert abs(end.balance_m3) <= 1e-6 * end.brought_m3
    assert np.isfinite(end.state.depth_m).all()
    assert end.state.depth_m.min() > -0.05


@pytest.mark.parametrize("method", METHODS)
def test_a_slow_rise_loses_no_water_in_float32(method: str) -> None:
    """Rounded to the nearest, depths would lose 1e-5 to 1e-4 of it."""
    end = spreading_on_a_plain(method)
    assert abs(end.balance_m3) <= 2e-7 * end.brought_m3


@pytest.mark.parametrize("method", ["local_inertial", "shallow_water"])
def test_a_hollow_that_ran_over_is_left_full_to_its_sill(method: str) -> None:
    level, sill, greatest = sixteen_hollows(method)
    ran_over = greatest > sill + 0.005
    assert ran_over.sum() >= 6
    assert np.abs(level - sill)[ran_over].max() <= 0.05
    assert (level <= sill + 0.05).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rain", [True, False])
def test_active_tiles_change_no_bit(method: str, rain: bool) -> None:
    on, off = (
        storm_on_rough_ground(method, tiles=tiles, rain=rain, until_s=200.0) for tiles in (True, False)
    )
    assert same(on, off)


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_threads_changes_no_bit(method: str) -> None:
    both = storm_on_rough_ground(method, until_s=100.0)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        one = storm_on_rough_ground(method, until_s=100.0)
    finally:
        numba.set_num_threads(before)
    assert same(both, one)


@pytest.mark.parametrize("method", METHODS)
def test_dry_ground_without_forcing_stays_dry(method: str) -> None:
    terrain = Terrain(np.random.default_rng(1).uniform(0.0, 9.0, (20, 30)), 10.0)
    end = run(terrain, still_water(terrain), Forcings(), 3600.0, Choices(method=method))
    assert not end.depth_max_m.any()
    assert np.isnan(end.arrival_s).all()
    assert end.brought_m3 == end.balance_m3 == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_water_let_in_at_the_middle_spreads_alike_to_all_sides(method: str) -> None:
    terrain = Terrain(np.zeros((41, 41)), 10.0, 0.03)
    drives = Forcings(inflows=(Inflow(((20, 20),), steady(5.0)),))
    depth = run(terrain, still_water(terrain), drives, 300.0, Choices(method=method)).state.depth_m
    for turned in (depth[::-1], depth[:, ::-1], depth.T):
        np.testing.assert_allclose(turned, depth, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_ground_of_walls_only_is_answered(method: str) -> None:
    terrain = Terrain(np.full((3, 3), np.nan), 10.0)
    drives = Forcings(rain_m_s=steady(1e-5))
    end = run(terrain, still_water(terrain), drives, 60.0, Choices(method=method))
    assert end.complete
    assert not end.depth_max_m.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_wall_one_cell_wide_holds_water_back(method: str) -> None:
    bed = np.zeros((9, 9))
    bed[:, 4] = np.nan
    depth = np.zeros((9, 9))
    depth[:, :4] = 3.0
    zero = np.zeros((9, 9))
    end = run(Terrain(bed, 5.0), State(depth, zero, zero), Forcings(), 120.0, Choices(method=method))
    assert np.array_equal(end.state.depth_m > 0.0, depth > 0.0)


def test_a_cancelled_run_says_where_it_stopped() -> None:
    terrain = Terrain(np.zeros((5, 5)), 10.0)
    asked = iter([False, False, True])
    end = run(terrain, still_water(terrain, 1.0), Forcings(), 600.0, cancelled=lambda: next(asked))
    assert not end.complete
    assert end.steps == 2
    assert 0.0 < end.state.at_s < 600.0


def test_arrival_is_later_farther_from_a_rising_sea() -> None:
    terrain = Terrain(np.zeros((1, 60)), 10.0)
    sea = Stage(((0, 0),), Course((0.0, 600.0), (0.0, 2.0)))
    end = run(terrain, still_water(terrain), Forcings(stages=(sea,)), 1800.0)
    assert (np.diff(end.arrival_s[0]) >= 0.0).all()
    assert end.arrival_s[0, -1] > end.arrival_s[0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Terrain(np.zeros(3), 10.0),
        lambda: Terrain(np.zeros((3, 3)), float("nan")),
        lambda: Terrain(np.full((3, 3), 9e9), 10.0),
        lambda: Terrain(np.zeros((3, 3)), 10.0, np.full((3, 3), -1.0)),
        lambda: Choices(theta=0.1),
        lambda: Choices(cfl=float("nan")),
        lambda: Course((0.0, 0.0), (1.0, 1.0)),
        lambda: Course((0.0,), (float("nan"),)),
    ],
)
def test_what_cannot_be_is_refused(wrong: object) -> None:
    with pytest.raises((InvalidInput, ImpossibleValue)):
        wrong()  # type: ignore[operator]
