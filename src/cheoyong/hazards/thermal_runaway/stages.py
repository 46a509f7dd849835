# SPDX-License-Identifier: Apache-2.0
"""Which stage a battery rack is in: one probability over failing and innocent explanations, a step at a time.

A hidden Markov model (Rabiner 1989, Proc. IEEE 77, 257). Each channel is compared with its own past; in each
stage it shows itself with a stated probability. A stage that explains what is seen *and what is not seen*
wins: solvent in the air has no heat, a broken sensor is alone. No physics of cells is in here and none of the
simulator's figures: only which channels belong together, written down in SHOWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.hazards.thermal_runaway.compiled import compiled

Floats = NDArray[np.float64]

STAGES = ("normal", "heating", "off_gas", "venting", "runaway", "solvent", "exhaust", "service", "one_sensor")
HEATING, OFF_GAS, VENTING, RUNAWAY = 1, 2, 3, 4
ADVICE = {
    "heating": "isolate the rack electrically; keep cooling; look at the cell",
    "off_gas": "isolate; ventilate to the outside without sparks; nobody goes in",
    "venting": "keep away; ventilate; call the fire service; prepare to evacuate downwind",
    "runaway": "evacuate; let the suppression work; keep the neighbouring racks cool",
}
# The features: level of each channel against its past, and how fast the temperature rises.
FEATURES = ("temperature", "rise", "voltage", "voc", "hydrogen", "carbon_monoxide", "carbon_dioxide", "smoke")
RISE = 1  # the feature that is no channel
CHANNEL_OF = np.array([0, 0, 1, 2, 3, 4, 5, 6])
LOG = np.array([False, False, False, True, True, False, False, False])  # compared as a ratio
# The least scale of each feature, what the instrument itself is unsure of: K, K, mV, ln, ln, ppm, ppm, %/m.
FLOOR = np.array([0.6, 0.35, 3.0, 0.15, 0.3, 0.5, 20.0, 0.03])
# How probably each feature is up in each stage (rows: STAGES but one_sensor).
SHOWS = np.array(
    [
        [0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01],
        [0.90, 0.60, 0.65, 0.05, 0.05, 0.02, 0.02, 0.01],
        [0.80, 0.50, 0.65, 0.90, 0.60, 0.30, 0.20, 0.02],
        [0.90, 0.50, 0.65, 0.98, 0.90, 0.80, 0.70, 0.40],
        [0.97, 0.50, 0.85, 0.98, 0.98, 0.95, 0.90, 0.97],
        [0.01, 0.01, 0.01, 0.98, 0.40, 0.01, 0.01, 0.01],
        [0.01, 0.01, 0.01, 0.70, 0.10, 0.98, 0.90, 0.30],
        [0.50, 0.15, 0.60, 0.05, 0.02, 0.02, 0.70, 0.01],
    ]
)
_ENTER = 1e-6  # into a failing or innocent stage, a step
_STAY = 0.995
MEMORY = 4320.0  # steps of the running level (three days of minutes)
WARM = 1440  # steps before anything is judged
TEMPER = 0.25  # weight of a step: neighbouring minutes say the same thing again
REACH = 60.0  # scales over which a feature that is up may be found
SURE = 4.0  # no feature says more in one step, in nats


def transitions() -> Floats:
    """Probabilities (9, 9) from stage to stage in a step; failing goes on to worse, everything may end."""
    size = len(STAGES)
    table = np.full((size, size), 1e-9)
    for stage in range(size):
        table[stage, 0] = 1.0 - _STAY
        table[stage, stage] = _STAY
    table[0, :] = _ENTER
    table[0, 5:] = 20 * _ENTER  # innocent causes are the more frequent ones
    table[0, 0] = 1.0 - table[0, 1:].sum()
    for before, after in ((HEATING, OFF_GAS), (HEATING, VENTING), (OFF_GAS, VENTING), (VENTING, RUNAWAY)):
        table[before, after] = 2e-3
    return np.asarray(table / table.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Judged:
    """For each step: probability of each stage (n, 9), and the log-odds that a cell is failing (n,)."""

    stages: Floats
    log_odds: Floats


@compiled
def _evidence(scales: float) -> float:
    """Nats for "up" against "as usual": flat over REACH scales against Student's t, 3 degrees of freedom."""
    usual = 0.3676 / (1.0 + scales * scales / 3.0) ** 2
    up = 1.0 / REACH if scales > 1.5 else 0.2 / REACH
    return float(max(-SURE, min(SURE, np.log(up / usual))))


@compiled
def _look(values: Any, seen: int, failing: float, pace: Any, level: Any, spread: Any, ratio: Any) -> None:
    """Evidence of each feature into ``ratio``, 0 where there is no number; then learn the usual.

    What may be a failing cell does not become the usual: the more probable it is, the less is learnt.
    """
    heat = values[0]
    if np.isfinite(heat):
        if seen == 0:
            pace[0], pace[1] = heat, heat
        pace[0] += 0.25 * (heat - pace[0])
        pace[1] += 0.05 * (heat - pace[1])
    gain = (1.0 - failing) ** 4 / min(seen + 1.0, MEMORY)
    for f in range(len(ratio)):
        value = pace[0] - pace[1] if f == RISE else values[CHANNEL_OF[f]]
        if LOG[f]:
            value = np.log(max(value, 0.0) + 0.5)
        ratio[f] = 0.0
        if not np.isfinite(value):
            continue
        if seen == 0:
            level[f] = value
        error = value - level[f]
        ratio[f] = _evidence(error / spread[f])
        clipped = max(-3.0 * spread[f], min(3.0 * spread[f], error))
        level[f] += gain * clipped
        spread[f] = max(FLOOR[f], spread[f] + gain * (1.25 * abs(clipped) - spread[f]))


@compiled
def _likely(ratio: Any, shows: Any, out: Any) -> None:
    """Log-likelihood of each stage against nothing being up, of one step, into ``out``."""
    alone = np.exp(min(SURE, ratio[0] + ratio[RISE]))  # both are of one sensor
    for f in range(2, len(ratio)):
        alone += np.exp(ratio[f])
    out[len(shows)] = TEMPER * np.log(alone / (len(ratio) - 1))
    for s in range(len(shows)):
        total = 0.0
        for f in range(len(ratio)):
            total += np.log(1.0 - shows[s, f] + shows[s, f] * np.exp(ratio[f]))
        out[s] = TEMPER * total


@compiled
def _forward(belief: Any, table: Any, likely: Any, ahead: Any) -> None:
    """One step of the forward recursion: ``belief`` (9,) becomes that after this step."""
    top = likely.max()
    total = 0.0
    for s in range(len(belief)):
        ahead[s] = 0.0
        for r in range(len(belief)):
            ahead[s] += belief[r] * table[r, s]
        ahead[s] *= np.exp(likely[s] - top)
        total += ahead[s]
    for s in range(len(belief)):
        belief[s] = ahead[s] / total


@compiled
def _judge(values: Any, shows: Any, table: Any, out: Any, odds: Any) -> None:  # pragma: no cover - compiled
    features, stages = len(FLOOR), len(table)
    level, spread, pace = np.zeros(features), FLOOR.copy(), np.zeros(2)
    ratio, likely, ahead = np.empty(features), np.empty(stages), np.empty(stages)
    belief = np.zeros(stages)
    belief[0] = 1.0
    failing = 0.0
    for i in range(len(values)):
        _look(values[i], i, failing, pace, level, spread, ratio)
        if i >= WARM:
            _likely(ratio, shows, likely)
            _forward(belief, table, likely, ahead)
        failing = belief[HEATING] + belief[OFF_GAS] + belief[VENTING] + belief[RUNAWAY]
        out[i] = belief
        odds[i] = np.log(max(failing, 1e-13)) - np.log(max(1.0 - failing, 1e-13))


def judge(values: Floats) -> Judged:
    """Judge a rack's minutes: values (n, 8), channels and units as in :mod:`.rack`, NaN where there is none.

    >>> quiet = np.tile([1.0, 4.0, 2.0, 1.0, 0.5, 430.0, 0.02, 45.0], (2000, 1))
    >>> float(judge(quiet).stages[-1, 0]) > 0.99
    True
    """
    stages, log_odds = np.empty((len(values), len(STAGES))), np.empty(len(values))
    _judge(np.asarray(values, np.float64), SHOWS, transitions(), stages, log_odds)
    return Judged(stages, log_odds)


def alarms(log_odds: Floats, limit: float, rest: int = 720) -> NDArray[np.int64]:
    """Steps (k,) at which the log-odds first reach ``limit``, one alarm for at least ``rest`` steps.

    >>> alarms(np.array([0.0, 5.0, 5.0, 0.0, 5.0]), 3.0, rest=3).tolist()
    [1, 4]
    """
    found: list[int] = []
    for step in np.flatnonzero(log_odds >= limit).tolist():
        if not found or step >= found[-1] + rest:
            found.append(step)
    return np.array(found, np.int64)
