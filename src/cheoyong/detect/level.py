# SPDX-License-Identifier: Apache-2.0
"""Crossings of a level in order of event time: hysteresis, on-delay, and what late data changes.

A run begins with the first value at or above the limit and ends with the first below limit minus
hysteresis. It is raised by its first value at or above the limit that is ``delay_us`` or more after
its beginning: a single splash raises nothing, noise about the limit does not restart the wait
(dead band and on-delay of ISA-18.2). Values that are no number or FAIL neither begin nor end a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Run:
    """One episode: when it began, was raised (None: not yet) and ended (None: it lasts); times in µs.

    ``raised_id`` and ``ended_id`` are the observations that did it, the values in the gauge's unit.
    """

    onset_us: int
    raised_us: int | None = None
    raised_id: int = 0
    raised_value: float = 0.0
    ended_us: int | None = None
    ended_id: int = 0
    ended_value: float = 0.0


class Sample(NamedTuple):
    """One judged point: ``sign`` is 1 (at or above the limit), -1 (below the dead band) or 0 (neither)."""

    time_us: int
    id: int
    value: float
    sign: int


class Change(NamedTuple):
    """A step that must be told: ``raised``, ``cleared`` or ``withdrawn``, at an instant, and why."""

    step: str
    at_us: int
    run: Run
    reason: str


def signs(
    values: Sequence[float], usable: Sequence[bool], limit: float, hysteresis: float, *, below: bool = False
) -> list[int]:
    """Sign of each value against a limit and its dead band; ``below`` turns the gauge upside down.

    >>> signs([4.6, 4.45, 4.3, 9.9], [True, True, True, False], limit=4.5, hysteresis=0.1)
    [1, 0, -1, 0]
    >>> signs([4.5, 4.55, 4.7], [True, True, True], limit=4.5, hysteresis=0.1, below=True)
    [1, 0, -1]
    """
    if below:
        values, limit = [-value for value in values], -limit
    low = limit - hysteresis
    return [
        0 if not good else 1 if value >= limit else -1 if value < low else 0
        for value, good in zip(values, usable, strict=True)
    ]


def follow(open_run: Run | None, samples: Iterable[Sample], delay_us: int) -> list[Run]:
    """Runs over ``samples`` in order of time; ``open_run`` is the one that lasts when they begin.

    >>> rising = [Sample(0, 1, 4.6, 1), Sample(60, 2, 4.7, 1), Sample(120, 3, 4.2, -1)]
    >>> [(run.onset_us, run.raised_us, run.ended_us) for run in follow(None, rising, delay_us=60)]
    [(0, 60, 120)]
    """
    runs: list[Run] = []
    run = open_run
    for time_us, id_, value, sign in samples:
        if sign > 0:
            run = run or Run(time_us)
            if run.raised_us is None and time_us >= run.onset_us + delay_us:
                run = replace(run, raised_us=time_us, raised_id=id_, raised_value=value)
        elif sign < 0 and run:
            runs.append(replace(run, ended_us=time_us, ended_id=id_, ended_value=value))
            run = None
    return [*runs, run] if run else runs


def refollow(runs: Sequence[Run], start_us: int, samples: Iterable[Sample], delay_us: int) -> list[Run]:
    """``runs`` with everything from ``start_us`` on judged anew from ``samples``."""
    kept = [_as_of(run, start_us) for run in runs if run.onset_us < start_us]
    open_run = kept.pop() if kept and kept[-1].ended_us is None else None
    return [*kept, *follow(open_run, samples, delay_us)]


def live_until_us(runs: Sequence[Run], endless_us: int) -> int:
    """Until when a later change could still touch these runs; ``endless_us`` while the last one lasts."""
    ended_us = runs[-1].ended_us if runs else 0
    return endless_us if ended_us is None else ended_us


def changes(old: Sequence[Run], new: Sequence[Run], reason: str) -> list[Change]:
    """The steps that lead from the alarms told so far to the ones that hold now, in order of time.

    ``reason`` goes with steps that take something back. Runs that were never raised tell nothing.

    >>> told, true = [Run(0, raised_us=0)], [Run(0, raised_us=0, ended_us=9)]
    >>> [(change.step, change.at_us) for change in changes(told, true, "")]
    [('cleared', 9)]
    """
    before = {run.onset_us: run for run in old if run.raised_us is not None}
    after = {run.onset_us: run for run in new if run.raised_us is not None}
    steps = [
        Change("withdrawn", _raised_us(run), run, reason)
        for onset, run in before.items()
        if onset not in after
    ]
    for onset, run in after.items():
        steps += _steps(before.get(onset), run, reason)
    return sorted(steps, key=lambda step: (step.at_us, step.step != "withdrawn"))


def _steps(told: Run | None, run: Run, reason: str) -> list[Change]:
    steps = []
    if told is None or told.raised_us != run.raised_us:
        steps.append(Change("raised", _raised_us(run), run, reason if told else ""))
    elif told.ended_us is not None and run.ended_us is None:
        steps.append(Change("raised", _raised_us(run), run, reason))
    if run.ended_us is not None and (steps or told is None or told.ended_us != run.ended_us):
        again = told is not None and told.ended_us is not None
        steps.append(Change("cleared", run.ended_us, run, reason if again else ""))
    return steps


def _as_of(run: Run, start_us: int) -> Run:
    if run.ended_us is not None and run.ended_us >= start_us:
        run = replace(run, ended_us=None, ended_id=0, ended_value=0.0)
    if run.raised_us is not None and run.raised_us >= start_us:
        run = replace(run, raised_us=None, raised_id=0, raised_value=0.0)
    return run


def _raised_us(run: Run) -> int:
    assert run.raised_us is not None
    return run.raised_us
