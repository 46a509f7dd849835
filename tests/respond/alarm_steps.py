# SPDX-License-Identifier: Apache-2.0
"""Alarm steps for tests, and a small town that tells them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from cheoyong.domain.fact import AlarmStep
from cheoyong.domain.identity import fact_id
from cheoyong.respond.annunciation import Picture
from cheoyong.respond.grouping import Place, Rows

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
NOW_US = 1_475_638_200_000_000
PRIORITIES = ("low", "low", "medium", "high", "high")


def raised(series="s", rule="advisory", crisis=2, *, cause="level", since_us=NOW_US, limit=None):
    """A first step; the same onset is the same alarm."""
    return AlarmStep(
        alarm_id=fact_id(since_us, "alarm-episode", f"1:{series}:{cause}:{rule}"),
        cause=cause,
        step="raised",
        series=series,
        rule=rule,
        priority=PRIORITIES[crisis],
        crisis_level=crisis,
        since_us=since_us,
        value=5.0,
        limit=float(crisis) if limit is None else limit,
    )


class Town:
    """Alarms told one by one, as the worker tells them; ``steps`` is what was said, in order."""

    def __init__(self, places=None):
        self.picture = Picture(Rows(1))
        self.places = places or {}
        self.now_us = NOW_US
        self.steps: list[AlarmStep] = []

    def tell(self, step, after_us=0):
        self.now_us += after_us
        place = self.places.get(step.series, Place(step.series, "river_stage"))
        said = self.picture.tell(step, place, None, self.now_us)
        self.steps += said
        return said

    def again(self, step, name, after_us=MINUTE_US, **more):
        """A later step of the same alarm."""
        last = self.picture.alarms[step.alarm_id].step
        return self.tell(replace(last, step=name, **{"by": "", "reason": "", **more}), after_us)

    def state(self, step):
        return self.picture.alarms[step.alarm_id].state

    def last(self, step):
        return self.picture.alarms[step.alarm_id].step

    def row(self, step) -> UUID:
        return self.last(step).row
