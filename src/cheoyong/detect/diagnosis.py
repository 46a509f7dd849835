# SPDX-License-Identifier: Apache-2.0
"""Sensor or world: what is wrong with a gauge, told from its own values and what its neighbours expect.

Pure and without memory of its own: the same recent values give the same diagnosis. A neighbour that is
missing is no witness against: with fewer than two that speak, a gauge is believed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cheoyong.detect.witness import WITNESSES_MIN, Opinion

LASTING = 3  # periods out of the ordinary in a row that make a lasting fault of a disagreement
WELL = 6  # periods in the ordinary that end one
_JUMP = 0.6  # share of the stray that came at once: a step; else it grew: a drift
KINDS = ("saturated", "stuck", "step", "drift", "disagreement")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong: one of KINDS, for how many periods it shows, and the sentence with its figures."""

    kind: str
    periods: int
    reason: str


def diagnose(opinion: Opinion, tolerance: float, unit: str = "m") -> Diagnosis | None:
    """The fault of the newest value of a gauge, or None; ``tolerance``: equal values of its flat line.

    >>> ones, told = np.ones(9), np.full(9, 3)
    >>> calm = Opinion(ones + np.array([2, 2, 2, 2, 0, 0, 0, 0, 0]), ones, ones * 0.3, told)
    >>> diagnose(calm, 0.005).kind
    'step'
    """
    sent, expected = opinion.sent, opinion.expected
    heard = opinion.witnesses >= WITNESSES_MIN
    stray = np.where(heard, sent - expected, np.nan)
    if not np.isfinite(stray[0]):
        return None
    held = _held(sent, tolerance)
    spread = float(np.ptp(expected[:held][np.isfinite(expected[:held])])) if held >= LASTING else 0.0
    if held >= LASTING and spread > float(opinion.allowed[:held].max()):
        top = sent[0] >= np.nanmax(sent) - tolerance and stray[0] < 0
        kind = "saturated" if top else "stuck"
        return Diagnosis(kind, held, f"{sent[0]:.2f} {unit} for {held} values while neighbours moved "
                         f"it by {spread:.2f} {unit}")  # fmt: skip
    out = np.abs(stray) > opinion.allowed
    if not out[0]:
        return None
    run = int(np.argmin(out)) if not out.all() else len(out)
    told = f"{sent[0]:.2f} {unit}, where {opinion.witnesses[0]} neighbours expect {expected[0]:.2f}"
    told += f" ± {opinion.allowed[0]:.2f}, for {run} values"
    if run < LASTING:
        return Diagnosis("disagreement", run, told)
    return Diagnosis("step" if _jumped(stray, run) else "drift", run, told)


def well(opinion: Opinion) -> bool:
    """Whether the gauge has agreed with its neighbours for long enough to be believed again."""
    stray = np.abs(opinion.sent - opinion.expected)[:WELL]
    return bool(np.all(stray <= opinion.allowed[:WELL]))


def _held(sent: np.ndarray[tuple[int], np.dtype[np.float64]], tolerance: float) -> int:
    same = np.abs(sent - sent[0]) <= tolerance
    return int(np.argmin(same)) if not same.all() else len(same)


def _jumped(stray: np.ndarray[tuple[int], np.dtype[np.float64]], run: int) -> bool:
    change = np.abs(np.diff(stray[: min(run + 2, len(stray))]))
    change = change[np.isfinite(change)]
    return bool(len(change) and change.max() > _JUMP * abs(float(np.median(stray[:run]))))
