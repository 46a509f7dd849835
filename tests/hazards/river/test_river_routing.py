# SPDX-License-Identifier: Apache-2.0
"""Routing on made floods: what Manning and continuity say is what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from cheoyong.hazards.river.ceiling import Ceiling
from cheoyong.hazards.river.routing import beyond_record, fit_routing, manning, travel_h
from cheoyong.hazards.river.spread import Spread

HOURS = np.arange(400.0)
LOW_M, ORDINARY_M = 0.7, 1.4
BASE = float(manning(np.array(ORDINARY_M - LOW_M)))


def _wave(peak, at, width=6.0):
    return peak * np.exp(-(((HOURS - at) / width) ** 2))


def _columns(*flows):
    growth = [np.maximum(np.diff(flow, prepend=flow[0]), 0) for flow in flows]
    return np.stack([part for pair in zip(flows, growth, strict=True) for part in pair], axis=1)


def _stage(flow):
    return LOW_M + (BASE + flow) ** 0.6


@pytest.fixture(scope="module")
def confluence():
    """Two tributaries that add up two hours later: Q = 0.8 a + 0.5 b, exactly."""
    first, second = _wave(4, 100) + _wave(2, 300), _wave(3, 103) + _wave(5, 295)
    flow = _columns(first, second)
    came = _stage(0.8 * first + 0.5 * second)
    issued_us = (HOURS * 3_600_000_000).astype(np.int64)
    return flow, came, fit_routing(flow, came, issued_us, (0, 1, 2, 3), LOW_M, ORDINARY_M)


def test_two_rivers_that_meet_add_in_flow_and_the_weights_are_found(confluence):
    flow, came, routing = confluence
    assert routing.weight[[0, 2]] == pytest.approx([0.8, 0.5], rel=0.05)
    np.testing.assert_allclose(routing.route(flow)[0], came, atol=0.05)


def test_a_flood_three_times_the_record_is_routed_by_manning(confluence):
    """Closed form: stage of three times the flow, h₀ + (base + 3 F)^0.6."""
    flow, came, routing = confluence
    peak = int(np.argmax(came))
    stage, given = routing.route(3 * flow[peak : peak + 1])
    expected = _stage(3 * ((came[peak] - LOW_M) ** (5 / 3) - BASE))
    assert stage[0] == pytest.approx(expected, rel=0.03)
    assert stage[0] - LOW_M < 3**0.6 * (came[peak] - LOW_M) * 1.03
    assert given[0] == 1.0


def test_inside_the_record_the_regression_is_left_alone(confluence):
    flow, _, routing = confluence
    assert (routing.route(flow)[1] == 0).all()


def test_one_silent_tributary_is_made_up_for_and_two_say_nothing(confluence):
    flow, came, routing = confluence
    one, none = flow.copy(), flow.copy()
    one[:, :2], none[:] = np.nan, np.nan
    assert np.isfinite(routing.route(one)[0]).all()
    stage, given = routing.route(none)
    assert np.isnan(stage).all()
    assert (given == 0).all()
    assert routing.route(one)[0].max() > 0.5 * came.max()


def test_the_median_does_not_move_when_only_the_spread_grows(confluence):
    _, _, routing = confluence
    spread = Spread(np.ones(3), np.ones(3), np.array([0.1, 0.2, 0.3]), np.linspace(-3, 2.5, 203))
    centre, scale = np.array([5.0]), np.array([0.2])
    middle = spread.z_at(np.array(0.5))
    new, _, down = beyond_record(routing, (np.array([5.0]), np.ones(1)), centre, scale, scale, spread)
    assert middle < 0
    assert new + down * middle == pytest.approx(centre + scale * middle)


def test_travel_time_is_found_in_noise():
    rng = np.random.default_rng(3)
    upstream = _wave(4, 150) + 0.02 * rng.normal(size=len(HOURS))
    assert travel_h(upstream, np.roll(_wave(2, 150), 2)) == 2


def test_too_few_flood_hours_give_no_routing():
    still = np.zeros((400, 2))
    nothing = fit_routing(still, np.full(400, 1.0), HOURS.astype(np.int64), (0, 1), LOW_M, ORDINARY_M)
    assert nothing is None


def test_a_river_already_above_the_record_may_stay_there():
    ceiling = Ceiling(0.5, 1.0, 4.0)
    now_m = np.array([4.8])
    assert ceiling.bend(now_m, ceiling.raised_m(now_m)).tolist() == [4.8]
    assert ceiling.bend(np.array([1e9]), ceiling.raised_m(np.array([1e9]))).max() <= ceiling.bounds_m[1]
