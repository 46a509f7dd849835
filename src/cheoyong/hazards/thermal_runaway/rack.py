# SPDX-License-Identifier: Apache-2.0
"""A simulated battery rack: what its sensors show in quiet years and before a cell runs away.

SIMULATED. No public time series of gases before a fire in an energy store exists. The heat comes from
``kinetics``; everything else (leaks, gas amounts, ventilation, sensors, confounders) is ASSUMED: drawn from
the ranges that stand below. The detector (``stages``) knows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cheoyong.hazards.thermal_runaway.kinetics import ANODE, SEI, Cell, fresh, run

Floats = NDArray[np.float64]
Random = np.random.Generator

STEP_S = 60.0
CHANNELS = (
    "temperature",
    "voltage",
    "voc",
    "hydrogen",
    "carbon_monoxide",
    "carbon_dioxide",
    "smoke",
    "humidity",
)
UNITS = ("K above the rack's median", "mV below the rack's median", "ppm", "ppm", "ppm", "ppm", "%/m", "%")
TEMPERATURE, VOLTAGE, VOC, HYDROGEN, CO, CO2, SMOKE, HUMIDITY = range(8)

DAY = 1440  # steps
ESS_CELL = Cell(radius_m=0.03, height_m=0.15, convection_w_m2_k=10.0)  # 0.42 L, about 1.1 kg
MOLAR_VOLUME_L = 24.5  # of a gas at room temperature


@dataclass(frozen=True, slots=True)
class Event:
    """What was put into a simulation: the steps at which it begins, the cell vents, the cell runs away."""

    begins: int
    vents: int
    runs_away: int
    kind: str


@dataclass(frozen=True, slots=True)
class Record:
    """One simulated stretch: values (n, 8) in the units of UNITS, one a minute; the event in it, if any."""

    values: Floats
    event: Event | None
    confounders: tuple[tuple[int, str], ...]


def _smooth(random: Random, n: int, minutes: float, size: float) -> Floats:
    """Slow noise of standard deviation ``size`` and memory ``minutes``."""
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / minutes)
    white = random.normal(size=n) * size * np.sqrt(1.0 - keep * keep)
    return np.asarray(lfilter([1.0], [1.0, -keep], white))


def quiet(random: Random, n: int) -> Floats:
    """Values (n, 8) of a rack where nothing happens: duty cycle, air of the day, noise, slow drift."""
    minute = np.arange(n)
    day = 2.0 * np.pi * minute / DAY
    duty = np.clip(np.sin(day + random.uniform(0, 6)) + 0.5 * np.sin(2 * day + random.uniform(0, 6)), 0, None)
    values = np.empty((n, len(CHANNELS)))
    values[:, TEMPERATURE] = (
        1.5 + random.uniform(0.5, 2) * duty + _smooth(random, n, 60, 0.3) + random.normal(0, 0.1, n)
    )
    values[:, VOLTAGE] = (
        4.0 + random.uniform(1, 6) * duty + _smooth(random, n, 600, 1.0) + random.normal(0, 1.0, n)
    )
    drift = np.exp(_smooth(random, n, 20 * DAY, 0.2))  # of metal-oxide sensors
    humidity = 45 + 12 * np.sin(day + 1.0) + _smooth(random, n, 2 * DAY, 8.0)
    moist = 1.0 + 0.006 * (humidity - 45)  # they answer to water too
    values[:, VOC] = np.maximum(0.0, (2.0 * drift * moist) * np.exp(random.normal(0, 0.05, n)))
    values[:, HYDROGEN] = np.maximum(0.0, 1.0 * drift * moist + random.normal(0, 0.3, n))
    values[:, CO] = np.maximum(0.0, 0.5 + _smooth(random, n, 200, 0.15) + random.normal(0, 0.15, n))
    values[:, CO2] = (
        430 + 30 * np.maximum(0, np.sin(day)) + _smooth(random, n, 300, 12.0) + random.normal(0, 8, n)
    )
    values[:, SMOKE] = np.maximum(0.0, 0.02 + random.normal(0, 0.01, n))
    values[:, HUMIDITY] = humidity + random.normal(0, 0.5, n)
    return values


def confound(random: Random, values: Floats, times_a_year: float = 40.0) -> tuple[tuple[int, str], ...]:
    """Put into ``values`` what is no failing cell: solvents, exhaust, service, damp, sensors going bad."""
    n = len(values)
    kinds = ("solvent", "exhaust", "service", "damp", "step", "poisoned", "stuck", "spike")
    told = []
    for _ in range(random.poisson(times_a_year * n / (365 * DAY))):
        at, kind = int(random.integers(0, n)), str(random.choice(kinds))
        long = int(np.exp(random.uniform(np.log(10), np.log(600))))
        part = values[at : at + long]
        rise = np.minimum(1.0, np.arange(len(part)) / random.uniform(2, 60)) * np.exp(
            -np.arange(len(part)) / random.uniform(30, 300)
        )
        if kind == "solvent":
            part[:, VOC] += random.uniform(5, 300) * rise
            part[:, HYDROGEN] += random.uniform(0, 3) * rise
        elif kind == "exhaust":
            part[:, CO] += random.uniform(3, 60) * rise
            part[:, CO2] += random.uniform(100, 1500) * rise
            part[:, VOC] += random.uniform(2, 30) * rise
            part[:, SMOKE] += random.uniform(0, 0.3) * rise
        elif kind == "service":
            part[:, TEMPERATURE] += random.uniform(-2, 4) * rise
            part[:, VOLTAGE] += random.uniform(0, 25) * (rise > 0)
            part[:, CO2] += random.uniform(50, 600) * rise
        elif kind == "damp":
            part[:, HUMIDITY] += random.uniform(10, 40) * rise
            part[:, VOC] *= 1 + random.uniform(0.1, 0.8) * rise
            part[:, HYDROGEN] *= 1 + random.uniform(0.1, 0.8) * rise
        elif kind == "step":
            channel = int(random.integers(0, 6))
            values[at:, channel] += random.uniform(-1, 3) * np.std(values[:, channel])
        elif kind == "poisoned":
            values[at:, int(random.integers(VOC, CO))] *= random.uniform(0.2, 0.7)
        elif kind == "stuck":
            channel = int(random.integers(0, 8))
            part[:, channel] = part[0, channel]
        else:
            values[at, int(random.integers(0, 7))] += random.uniform(5, 200)
        told.append((at, kind))
    return tuple(told)


def _heating_w(random: Random, n: int) -> Floats:
    """Heat into the cell (n,), W: 60 to 200 reached within half an hour to ten hours."""
    long = np.exp(random.uniform(np.log(30), np.log(600)))
    top = np.exp(random.uniform(np.log(60), np.log(200)))
    return np.asarray(top * np.minimum(1.0, (np.arange(n) / long) ** random.uniform(0.7, 2.0)))


def fail(random: Random, values: Floats, begins: int) -> Event | None:
    """Let one cell fail from ``begins`` on; None (and nothing written) when it does not run away in time."""
    n = len(values) - begins
    kind = str(random.choice(["short", "warmth"], p=[0.7, 0.3]))
    heating = _heating_w(random, n)
    states, rate = run(ESS_CELL, np.full(n, 300.0), heating_w=heating, step_s=STEP_S, start=fresh(300.0))
    cell_k = states[:, 0]
    vent_k = random.normal(398.0, 7.0)  # 125 °C
    over = np.flatnonzero(cell_k > 273.15 + 300.0)
    if not len(over):
        return None
    runs_away = int(over[0])
    vents = min(int(np.flatnonzero(cell_k > vent_k)[0]), runs_away)
    part = values[begins:]
    _show_heat(random, part, cell_k, heating, kind)
    _show_gas(random, part, cell_k, rate, vents, runs_away)
    return Event(begins, begins + vents, begins + runs_away, kind)


def _show_heat(random: Random, part: Floats, cell_k: Floats, heating: Floats, kind: str) -> None:
    """A temperature sensor sits somewhere else, and late; a short also drains its cell."""
    from scipy.signal import lfilter

    lag = np.exp(-1.0 / random.uniform(3, 20))
    seen = lfilter([1 - lag], [1, -lag], cell_k - 300.0)
    part[:, TEMPERATURE] += random.uniform(0.1, 0.7) * np.minimum(seen, 600)
    if kind == "short":
        drained_ah = np.cumsum(heating / 3.7) * STEP_S / 3600
        part[:, VOLTAGE] += np.minimum(drained_ah / 60.0 * random.uniform(300, 900), 3700)
    part[cell_k > 420, VOLTAGE] += random.uniform(200, 3000)  # the separator gives way


def _show_gas(random: Random, part: Floats, cell_k: Floats, rate: Floats, vents: int, runs_away: int) -> None:
    """Gas into the rack's air, which is changed a few times an hour."""
    from scipy.signal import lfilter

    n, volume_l = len(part), random.uniform(1000, 8000)
    made = (rate[:, SEI] + rate[:, ANODE]) * STEP_S  # of the reactants, in the minute
    leak = random.choice([0.0, 10 ** random.uniform(-3, -1)], p=[0.3, 0.7])
    after = np.arange(n) >= vents
    gas_l = made * random.uniform(3, 10) * np.where(after, 1.0, leak)
    vapour = np.exp((cell_k - 363.0) / 15.0).clip(0, 30) * random.uniform(
        0.002, 0.02
    )  # L a minute by seeping
    voc_l = vapour * np.where(after, 1.0, leak)
    voc_l[vents : vents + 3] += random.uniform(2, 12)
    gas_l[vents : vents + 3] += random.uniform(0.5, 3)
    gas_l[runs_away : runs_away + 5] += random.uniform(15, 60)
    keep = np.exp(-random.uniform(1, 12) * STEP_S / 3600)
    air = [1e6 / volume_l * lfilter([1.0], [1.0, -keep], flow) for flow in (voc_l, gas_l)]
    part[:, VOC] += air[0] * random.uniform(0.4, 1.0)
    part[:, HYDROGEN] += air[1] * random.uniform(0.15, 0.4)
    part[:, CO] += air[1] * random.uniform(0.08, 0.3)
    part[:, CO2] += air[1] * random.uniform(0.2, 0.5)
    part[runs_away:, SMOKE] += random.uniform(5, 60)
    part[vents:, SMOKE] += random.uniform(0.0, 2.0)


def quiet_year(seed: int, days: int = 365) -> Record:
    """A rack without a failing cell, with its confounders."""
    random = np.random.default_rng(seed)
    values = quiet(random, days * DAY)
    return Record(values, None, confound(random, values))


def failing(seed: int, quiet_days: int = 14, days_left: int = 2) -> Record:
    """Two quiet weeks with confounders, then a cell that runs away; drawn anew until one does."""
    random = np.random.default_rng(seed)
    for _ in range(100):
        values = quiet(random, (quiet_days + days_left) * DAY)
        told = confound(random, values)
        event = fail(random, values, quiet_days * DAY)
        if event is not None:
            return Record(values[: event.runs_away + 30], event, told)
    raise RuntimeError("no cell ran away in a hundred draws")
