# SPDX-License-Identifier: Apache-2.0
"""Sensor or world: what is wrong with a gauge, told from its own values and what its neighbours expect.

Pure and without memory of its own: the same recent values give the same diagnosis. A neighbour that is
missing is no witness against: with fewer than two that speak, a gauge is believed. The constants were
chosen on the record of 2016 and 2017, see docs/explanation/sensor-or-world.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cheoyong.detect.opinion import RISEN, WITNESSES_MIN, Opinion
from cheoyong.domain.observation import Float64s

LASTING = 3  # values in a row that make a fault; one or two are left to the spike test
WELL = 6  # values in the ordinary, in a row, that end one
MOVED = 0.3  # m that neighbours move a gauge by while it sends equal values: stuck
JUMP = 0.35  # m apart: a step between values that are quiet before and after
_MOST = 0.6  # of a jump must be the gauge's own doing; of a drift less within three periods
_BORNE = 0.5  # of the gauge's departure: neighbours that moved so far the same way bear it out
_QUIET = 0.35  # of the jump: how far values before and after it may spread
NAMED_MAX = 1.0  # m of activity up to which a stray is named; in livelier water the relation may be wrong
UNNAMED = "disagreement"
KINDS = ("saturated", "stuck", "step", "drift", UNNAMED)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong: one of KINDS, for how many periods it shows, and the sentence with its figures."""

    kind: str
    periods: int
    reason: str


def diagnose(
    opinion: Opinion, tolerance: float, unit: str = "m", top: float | None = None
) -> Diagnosis | None:
    """The fault of the newest value of a gauge, or None.

    ``tolerance``: values within it are equal; ``top``: the highest value the instrument can send, if known.

    >>> ones, told = np.ones(9), np.full(9, 3)
    >>> calm = Opinion(ones + np.array([2, 2, 2, 0, 0, 0, 0, 0, 0]), ones, ones * 0.3, told, ones * 0)
    >>> diagnose(calm, 0.005).kind
    'step'
    """
    stray = _stray(opinion)
    if not np.isfinite(stray[0]):
        return None
    return (
        _held(opinion, tolerance, unit, top)
        or _stepped(opinion, stray, unit)
        or _strayed(opinion, stray, unit)
    )


def well(opinion: Opinion, kind: str, began: int, tolerance: float) -> bool:
    """Whether a gauge has agreed with its neighbours for long enough to be believed again.

    ``kind`` of fault, ``began`` so many periods ago. A step must have gone back by more than half; what
    was stuck must have moved. A fault with a name stands while the river is too lively to say.
    """
    stray = _stray(opinion)
    now, bound = np.abs(stray[:WELL]), opinion.allowed[:WELL]
    if began < WELL or (kind != UNNAMED and opinion.activity[:WELL].max() > NAMED_MAX):
        return False
    if kind in ("stuck", "saturated") and np.ptp(opinion.sent[:WELL]) <= tolerance:
        return False
    if kind == "step" and began + 3 < len(stray):
        size = abs(np.median(stray[began - 2 : began + 1]) - np.median(stray[began + 1 : began + 4]))
        bound = np.fmin(bound, size / 2)
    return bool(np.all(np.isfinite(bound)) and np.all(now <= bound))


def _stray(opinion: Opinion) -> Float64s:
    heard = opinion.witnesses >= WITNESSES_MIN
    return np.where(heard, opinion.sent - opinion.expected, np.nan)


def _held(opinion: Opinion, tolerance: float, unit: str, top: float | None) -> Diagnosis | None:
    """Equal values while the neighbours moved: stuck, or saturated where that is the instrument's end."""
    same = np.abs(opinion.sent - opinion.sent[0]) <= tolerance
    held = int(np.argmin(same)) if not same.all() else len(same)
    known = opinion.expected[:held][np.isfinite(opinion.expected[:held])]
    if held < LASTING or not len(known) or np.ptp(known) <= MOVED:
        return None
    at_top = top is not None and opinion.sent[0] >= top - tolerance
    told = f"{opinion.sent[0]:.2f} {unit} for {held} values while neighbours moved it by {np.ptp(known):.2f}"
    end = f" {unit}: the instrument's highest" if at_top else f" {unit}"
    return Diagnosis("saturated" if at_top else "stuck", held, told + end)


def _stepped(opinion: Opinion, stray: Float64s, unit: str) -> Diagnosis | None:
    """Three values apart from the three before them, quiet before and after: no river does that."""
    after, before = stray[:LASTING], stray[LASTING : 2 * LASTING]
    gap = max(float(after.min() - before.max()), float(before.min() - after.max()))
    spread = max(float(np.ptp(after)), float(np.ptp(before)))
    own = opinion.sent[: 2 * LASTING]
    jump = float(np.median(own[:LASTING]) - np.median(own[LASTING:]))
    if not gap > JUMP or spread > _QUIET * gap or abs(jump) < _MOST * gap:
        return None
    return Diagnosis("step", LASTING, f"{jump:+.2f} {unit} at once, which none of the neighbours saw")


def _strayed(opinion: Opinion, stray: Float64s, unit: str) -> Diagnosis | None:
    """Out of the ordinary for several values: a step or a drift where the gauge moved more than the river.

    Else it stays without a name. A gauge is not accused at all where its neighbours moved the same way half
    as far, nor where it stands high in lively water and they do too: they bear it out, if not the size.
    """
    out = np.abs(stray) > opinion.allowed
    run = int(np.argmin(out)) if not out.all() else len(out)
    if run < LASTING:
        return None
    own, others = opinion.sent[0] - opinion.ordinary, opinion.expected[0] - opinion.ordinary
    lively = bool(opinion.activity[:run].max() > NAMED_MAX)
    if abs(stray[0]) < abs(own) and (others / own > _BORNE or (lively and own > 0 and others > RISEN)):
        return None
    told = f"{opinion.sent[0]:.2f} {unit}, where {opinion.witnesses[0]} neighbours expect"
    told += f" {opinion.expected[0]:.2f} ± {opinion.allowed[0]:.2f}, for {run} values"
    if lively or abs(others) > abs(own):
        return Diagnosis(UNNAMED, run, told)
    kind = "step" if _jumped(opinion, stray, run) else "drift" if _crept(stray, run) else UNNAMED
    return Diagnosis(kind, run, told)


def _jumped(opinion: Opinion, stray: Float64s, run: int) -> bool:
    """Whether most of the stray came from the gauge itself at once, and nothing like it before or after."""
    change = np.sort(np.abs(np.diff(opinion.sent[: run + LASTING])))[::-1]
    alone = bool(change[1] < change[0] / 2) if np.isfinite(change).all() else False
    return alone and bool(change[0] > _MOST * abs(float(np.median(stray[:run]))))


def _crept(stray: Float64s, run: int) -> bool:
    """Whether the stray grew slowly: most of it never within three periods."""
    recent = stray[: run + LASTING + 1]
    change = np.abs(recent[:-LASTING] - recent[LASTING:])
    change = change[np.isfinite(change)]
    return bool(len(change) and change.max() < _MOST * abs(float(np.median(stray[:run]))))
