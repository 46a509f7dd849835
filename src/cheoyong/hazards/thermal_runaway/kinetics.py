# SPDX-License-Identifier: Apache-2.0
"""How a lithium-ion cell heats itself: four Arrhenius reactions in one lumped heat balance.

Hatchard, MacNeil, Basu and Dahn 2001 (J. Electrochem. Soc. 148, A755) in the form of Kim, Pesaran and
Spotnitz 2007 (J. Power Sources 170, 476): decomposition of the anode's film (SEI), anode with electrolyte,
cathode with electrolyte, and the electrolyte itself, with the constants of that paper for graphite and cobalt
oxide and an 18650 cell. Other chemistries have other constants: this is a physical prior, not the fate of a
certain cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.hazards.thermal_runaway.compiled import compiled

Floats = NDArray[np.float64]

GAS_CONSTANT = 8.314462618  # J/(mol K)
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4)
# Each reaction: frequency 1/s, activation energy J/mol, heat J/kg of reactant, reactant kg/m3 of cell.
SEI, ANODE, CATHODE, ELECTROLYTE = range(4)
REACTIONS = np.array(
    [
        [1.667e15, 1.3508e5, 2.57e5, 610.4],
        [2.5e13, 1.3508e5, 1.714e6, 610.4],
        [6.667e13, 1.396e5, 3.14e5, 1221.0],
        [5.14e25, 2.74e5, 1.55e5, 406.9],
    ]
)
# What is left of each reactant at the start (of the cathode: what has reacted), and the film's thickness.
SEI_0, ANODE_0, CATHODE_REACTED_0, ELECTROLYTE_0, FILM_0 = 0.15, 0.75, 0.04, 1.0, 0.033
FILM_REFERENCE = 0.033  # the film that slows the anode by a factor e
STATES = 6  # temperature K, film components, anode, cathode reacted, electrolyte, film thickness


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as one lump: an 18650 unless said otherwise."""

    density_kg_m3: float = 2580.0
    heat_capacity_j_kg_k: float = 830.0
    radius_m: float = 0.009
    height_m: float = 0.065
    convection_w_m2_k: float = 7.17
    emissivity: float = 0.8

    @property
    def volume_m3(self) -> float:
        """Of the cylinder."""
        return float(np.pi) * self.radius_m**2 * self.height_m

    @property
    def area_m2(self) -> float:
        """Of the whole surface."""
        return 2.0 * float(np.pi) * self.radius_m * (self.radius_m + self.height_m)


def fresh(temperature_k: float) -> Floats:
    """The state (6,) of an unharmed, charged cell.

    >>> fresh(300.0).tolist()
    [300.0, 0.15, 0.75, 0.04, 1.0, 0.033]
    """
    return np.array([temperature_k, SEI_0, ANODE_0, CATHODE_REACTED_0, ELECTROLYTE_0, FILM_0])


@compiled
def rates(state: Any, reactions: Any, out: Any) -> float:
    """Rates (4,) in 1/s into ``out``; returns the heat they give in W/m3 of cell."""
    inverse = 1.0 / (GAS_CONSTANT * state[0])
    for k in range(4):
        out[k] = reactions[k, 0] * np.exp(-reactions[k, 1] * inverse)
    out[0] *= state[1]
    out[1] *= state[2] * np.exp(-state[5] / FILM_REFERENCE)
    out[2] *= state[3] * (1.0 - state[3])
    out[3] *= state[4]
    heat = 0.0
    for k in range(4):
        heat += out[k] * reactions[k, 2] * reactions[k, 3]
    return heat


@compiled
def _steps(
    state: Any, reactions: Any, cell: Any, ambient_k: Any, heating_w: Any, step_s: float, change_max_k: float,
    path: Any, rate_path: Any,
) -> None:  # fmt: skip # pragma: no cover - compiled
    """One row of ``path`` a step; inside a step as many Heun steps as the temperature's change asks for."""
    capacity, volume, area, convection, emissivity = cell
    rate, rate_2, guess = np.empty(4), np.empty(4), np.empty(6)
    for i in range(len(ambient_k)):
        left_s = step_s
        for k in range(4):
            rate_path[i, k] = 0.0
        while left_s > 0.0:
            heat = rates(state, reactions, rate) * volume + heating_w[i]
            heat -= area * convection * (state[0] - ambient_k[i])
            heat -= area * emissivity * STEFAN_BOLTZMANN * (state[0] ** 4 - ambient_k[i] ** 4)
            rise = heat / capacity
            fastest = max(rate[0] / max(state[1], 1e-12), rate[1] / max(state[2], 1e-12))
            fastest = max(fastest, rate[2] / max(1.0 - state[3], 1e-12), rate[3] / max(state[4], 1e-12))
            h = min(left_s, change_max_k / max(abs(rise), 1e-12), 0.1 / max(fastest, 1e-12))
            _advance(state, rise, rate, h, guess)
            heat = rates(guess, reactions, rate_2) * volume + heating_w[i]
            heat -= area * convection * (guess[0] - ambient_k[i])
            heat -= area * emissivity * STEFAN_BOLTZMANN * (guess[0] ** 4 - ambient_k[i] ** 4)
            for k in range(4):
                rate[k] = 0.5 * (rate[k] + rate_2[k])
                rate_path[i, k] += rate[k] * h / step_s
            _advance(state, 0.5 * (rise + heat / capacity), rate, h, guess)
            for k in range(6):
                state[k] = guess[k]
            left_s -= h
        for k in range(6):
            path[i, k] = state[k]


@compiled
def _advance(state: Any, rise: float, rate: Any, h: float, to: Any) -> None:  # pragma: no cover - compiled
    to[0] = state[0] + h * rise
    to[1] = max(0.0, state[1] - h * rate[0])
    to[2] = max(0.0, state[2] - h * rate[1])
    to[3] = min(1.0, state[3] + h * rate[2])
    to[4] = max(0.0, state[4] - h * rate[3])
    to[5] = state[5] + h * rate[1]


def run(
    cell: Cell,
    ambient_k: Floats,
    *,
    heating_w: Floats | None = None,
    step_s: float = 1.0,
    start: Floats | None = None,
    reactions: Floats = REACTIONS,
    change_max_k: float = 0.5,
) -> tuple[Floats, Floats]:
    """States (n, 6) after each step and mean rates (n, 4) in 1/s within it, in surroundings of (n,) K.

    ``heating_w`` (n,) is heat put into the cell from elsewhere: a heater, an internal short. Steps inside are
    as short as a change of ``change_max_k`` asks for; agrees with an implicit solver to 0.1 % (tested).

    >>> states, _ = run(Cell(), np.full(3600, 300.0))
    >>> bool(abs(states[-1, 0] - 300.0) < 0.01)
    True
    """
    state = fresh(float(ambient_k[0])) if start is None else start.astype(np.float64).copy()
    heating = np.zeros(len(ambient_k)) if heating_w is None else np.asarray(heating_w, np.float64)
    capacity = cell.density_kg_m3 * cell.heat_capacity_j_kg_k * cell.volume_m3
    constants = (capacity, cell.volume_m3, cell.area_m2, cell.convection_w_m2_k, cell.emissivity)
    path, rate_path = np.empty((len(ambient_k), STATES)), np.empty((len(ambient_k), 4))
    _steps(
        state, np.asarray(reactions, np.float64), constants, np.asarray(ambient_k, np.float64), heating,
        step_s, change_max_k, path, rate_path,
    )  # fmt: skip
    return path, rate_path
