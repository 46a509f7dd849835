# SPDX-License-Identifier: Apache-2.0
"""The cell's own heating beside an independent implicit solver and a closed form."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from cheoyong.hazards.thermal_runaway.kinetics import (
    ANODE_0,
    CATHODE_REACTED_0,
    ELECTROLYTE_0,
    REACTIONS,
    SEI_0,
    STEFAN_BOLTZMANN,
    Cell,
    fresh,
    rates,
    run,
)

CELL = Cell()
ROOM_K = 301.15


def oven(celsius, hours=2):
    return run(CELL, np.full(int(3600 * hours), celsius + 273.15), start=fresh(ROOM_K))[0]


def radau(celsius, seconds):
    ambient_k = celsius + 273.15
    capacity = CELL.density_kg_m3 * CELL.heat_capacity_j_kg_k * CELL.volume_m3

    def slope(_, state):
        rate = np.empty(4)
        heat = rates.py_func(state, REACTIONS, rate) * CELL.volume_m3
        heat -= CELL.area_m2 * CELL.convection_w_m2_k * (state[0] - ambient_k)
        heat -= CELL.area_m2 * CELL.emissivity * STEFAN_BOLTZMANN * (state[0] ** 4 - ambient_k**4)
        return [heat / capacity, -rate[0], -rate[1], rate[2], -rate[3], rate[1]]

    solved = solve_ivp(
        slope,
        (0, seconds),
        fresh(ROOM_K),
        method="Radau",
        rtol=1e-8,
        atol=1e-10,
        t_eval=np.arange(1, seconds + 1),
    )
    return solved.y.T


def onset_s(states, celsius):
    return int(np.flatnonzero(states[:, 0] > celsius + 273.15 + 60)[0]) + 1


def test_the_oven_at_155_degrees_runs_away_when_scipys_implicit_solver_says_so():
    ours, reference = oven(155), radau(155, 2400)
    onset = onset_s(reference, 155)
    assert abs(onset_s(ours, 155) - onset) <= 0.001 * onset
    before = slice(0, onset - 10)
    assert np.abs(ours[before, 0] - reference[before, 0]).max() < 0.1
    assert ours[:, 0].max() == pytest.approx(reference[:, 0].max(), rel=1e-3)


def test_the_constants_put_the_oven_that_just_suffices_between_145_and_150_degrees():
    assert oven(145, 4)[:, 0].max() < 145 + 273.15 + 60
    assert oven(150, 4)[:, 0].max() > 150 + 273.15 + 200


def test_without_a_surface_all_chemical_heat_stays_in_the_cell():
    closed = replace(CELL, convection_w_m2_k=0.0, emissivity=0.0)
    states, _ = run(closed, np.full(7200, 430.0), step_s=10.0)
    used = np.array(
        [
            SEI_0 - states[-1, 1],
            ANODE_0 - states[-1, 2],
            states[-1, 3] - CATHODE_REACTED_0,
            ELECTROLYTE_0 - states[-1, 4],
        ]
    )
    rise_k = (used * REACTIONS[:, 2] * REACTIONS[:, 3]).sum() / (
        CELL.density_kg_m3 * CELL.heat_capacity_j_kg_k
    )
    assert states[-1, 0] - 430.0 == pytest.approx(rise_k, rel=5e-3)
    assert rise_k > 300


def test_a_cell_at_room_temperature_stays_as_it_is_for_a_day():
    states, _ = run(CELL, np.full(1440, 298.15), step_s=60.0)
    assert np.abs(states[-1] - fresh(298.15)).max() < 0.01


def test_what_is_left_only_falls_and_stays_between_nothing_and_all():
    states = oven(170)
    for column, start in ((1, SEI_0), (2, ANODE_0), (4, ELECTROLYTE_0)):
        assert (np.diff(states[:, column]) <= 0).all()
        assert 0 <= states[-1, column] <= start
    assert (np.diff(states[:, 3]) >= 0).all()
    assert states[-1, 3] <= 1


def test_rates_within_a_step_add_up_to_what_was_used():
    states, rate = run(CELL, np.full(600, 440.0), start=fresh(ROOM_K))
    assert rate[:, 1].sum() == pytest.approx(ANODE_0 - states[-1, 2], rel=1e-6)
