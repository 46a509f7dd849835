# SPDX-License-Identifier: Apache-2.0
"""The solvers against closed forms: Ritter, Stoker, Thacker, MacDonald, a lake at rest, a wave on a plane."""

from __future__ import annotations

import numpy as np
import pytest
from inundation_cases import (
    GRAVITY,
    dam_break,
    random_lake,
    ritter_depth_m,
    steady_flow_error,
    stoker_depth_m,
    thacker_depth_m,
    wave_on_plane,
)

TOLERANCE = {"shallow_water": 0.005, "shallow_water_muscl": 0.003}
METHODS = ["local_inertial", "shallow_water", "shallow_water_muscl"]


@pytest.mark.parametrize(
    ("method", "n", "tolerance"), [("shallow_water", 400, 0.01), ("shallow_water_muscl", 800, 0.005)]
)
def test_a_dam_break_on_a_dry_bed_is_ritters(method: str, n: int, tolerance: float) -> None:
    x, end = dam_break(n, method, 1.0, 0.0, 1.5)
    expected = ritter_depth_m(x, 1.5, 1.0)
    depth = end.state.depth_m[0]
    assert np.abs(depth - expected).sum() / expected.sum() <= tolerance
    assert depth[n // 2] == pytest.approx(4.0 / 9.0, rel=0.02)
    speed = end.state.flow_x_m2_s[0, n // 2] / depth[n // 2]
    assert speed == pytest.approx(2.0 / 3.0 * np.sqrt(GRAVITY), rel=0.02)


@pytest.mark.parametrize("method", ["shallow_water", "shallow_water_muscl"])
def test_the_plateau_of_a_dam_break_on_water_is_stokers(method: str) -> None:
    """Stoker (1957), 10 m over 1 m: plateau 3.961748 m."""
    x, end = dam_break(800, method, 10.0, 1.0, 0.6)
    expected = stoker_depth_m(x, 0.6, 10.0, 1.0)
    depth = end.state.depth_m[0]
    plateau = (x > 0.5) & (x < 3.0)
    assert np.median(expected[plateau]) == pytest.approx(3.961748, abs=1e-6)
    assert np.median(depth[plateau]) == pytest.approx(3.961748, rel=1e-3)
    assert np.abs(depth - expected).sum() / expected.sum() <= TOLERANCE[method]


@pytest.mark.parametrize(
    ("name", "run_up_m"), [("subcritical", 0.0), ("supercritical", 500.0), ("transcritical", 0.0)]
)
def test_a_steady_flow_with_friction_is_macdonalds(name: str, run_up_m: float) -> None:
    assert steady_flow_error(name, "shallow_water_muscl", 100, run_up_m) <= 0.01


def test_the_first_order_comes_closer_to_a_steady_flow_with_smaller_cells() -> None:
    coarse, fine = (steady_flow_error("subcritical", "shallow_water", cells) for cells in (50, 100))
    assert fine <= 0.02
    assert coarse > 1.5 * fine


def test_a_planar_surface_in_a_paraboloid_returns_after_a_period() -> None:
    from cheoyong.hazards.inundation.forcing import Forcings
    from cheoyong.hazards.inundation.run import Choices, State, run

    terrain, depth, flow_y, period_s = thacker_depth_m(200)
    choices = Choices(method="shallow_water_muscl", precision="float64", dry_m=1e-6)
    end = run(terrain, State(depth, np.zeros_like(depth), flow_y), Forcings(), period_s, choices)
    assert np.abs(end.state.depth_m - depth).sum() / depth.sum() <= 0.02
    assert abs(end.balance_m3) <= 1e-12 * depth.sum() * terrain.cell_m**2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_a_lake_at_rest_stays_at_rest(method: str, precision: str, tolerance: float) -> None:
    end = random_lake(precision, method)
    wet = end.state.depth_m > 0.01
    for flow in (end.state.flow_x_m2_s, end.state.flow_y_m2_s):
        assert np.abs(flow[wet] / end.state.depth_m[wet]).max() <= tolerance


@pytest.mark.parametrize("theta", [1.0, 0.8])
def test_a_wave_on_a_plane_is_within_two_percent_and_comes_closer_with_smaller_cells(theta: float) -> None:
    """The closed form has no inertia; the solver has, so a slow wave shows the order and a fast one the size.

    At 1 m/s the head of the wave is faster than the approximation allows, by the square of its Froude number.
    """
    fast = [wave_on_plane(cell_m, 1.0, theta) for cell_m in (100.0, 50.0)]
    assert max(fast) <= 0.02
    slow = [wave_on_plane(cell_m, 0.5, theta) for cell_m in (100.0, 50.0, 25.0)]
    assert slow[0] > 1.5 * slow[1] > 1.5 * 1.5 * slow[2]
    assert slow[2] <= 0.012
