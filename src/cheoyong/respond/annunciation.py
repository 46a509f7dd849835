# SPDX-License-Identifier: Apache-2.0
"""What an operator is told of an alarm step, and what follows from it: its row, its priority, suppression.

One cause, one alarm in front: of the levels of a gauge only the highest stands before the operator, the
lower ones are suppressed by it and come back when it is over or put out of sight. The same alarm raised over
and over is one, with a count; what a person put on the shelf or out of service stays there when it is raised
anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from uuid import UUID

from cheoyong.domain.fact import AlarmStep, Forecast
from cheoyong.respond.alarm_life import (
    ACKNOWLEDGED,
    CLEARED,
    DOWNGRADED,
    IN_FRONT,
    LAPSED,
    OPEN,
    OUT_OF_SERVICE,
    OUT_OF_SERVICE_CALM,
    RAISED,
    REMOVED,
    RETURNED,
    SHELVED,
    SUPPRESSED,
    UNSEEN,
    UNSUPPRESSED,
    WITHDRAWN,
    after,
)
from cheoyong.respond.grouping import KEPT_US, Place, Rows
from cheoyong.respond.priority import consequence_of, priority_of, time_left_s, urgency_of

#: An alarm raised again within this time is the same one: chattering is counted, not listed.
AGAIN_US = KEPT_US


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm: its state, its last step, when that was (µs), and until when it was shelved."""

    state: str
    step: AlarmStep
    changed_us: int
    shelved_until_us: int | None = None


@dataclass(slots=True)
class Picture:
    """The alarms of the gauges concerned, and the rows they may join.

    ``alarms`` are those that are open, the last episode of each alarm there may be a step of, and those that
    the steps name. ``told`` collects the rows that now ask to be looked at and did not before, with the
    instant.
    """

    rows: Rows
    alarms: dict[UUID, Standing] = field(default_factory=dict)
    told: list[tuple[UUID, int]] = field(default_factory=list)
    _near: dict[str, dict[UUID, Standing]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the alarms by gauge."""
        for one in sorted(self.alarms.values(), key=_age):
            self._note(one)

    def _note(self, one: Standing) -> None:
        """Of a chattering gauge's episodes only the last and the open ones bear on what comes next."""
        near = self._near.setdefault(one.step.series, {})
        if one.state not in OPEN:
            over = [
                identity
                for identity, other in near.items()
                if other.state not in OPEN and _tag(other.step) == _tag(one.step) and _age(other) <= _age(one)
            ]
            for identity in over:
                del near[identity]
        near[one.step.alarm_id] = one

    def _beside(self, step: AlarmStep) -> list[Standing]:
        """The alarms of the same gauge that bear on this one."""
        return list(self._near.get(step.series, {}).values())

    def tell(self, step: AlarmStep, place: Place, forecast: Forecast | None, now_us: int) -> list[AlarmStep]:
        """The step as it is told, and the steps that follow from it, in order."""
        before = self.alarms.get(step.alarm_id)
        state = after(before.state if before else None, step.step)
        if before is not None:
            step = replace(step, row=before.step.row, times=before.step.times)
        if state is None:
            return [step]
        if before is not None and _held(before.state, state):
            step = replace(step, by=before.step.by, reason=before.step.reason)
        if step.step == RAISED:
            step = self._announced(step, before, place, forecast, now_us)
        elif step.step == ACKNOWLEDGED:  # somebody has it: what waiting had added is taken off
            step = replace(step, priority=_priority(step, forecast, now_us))
        told = [step]
        seen_by = before.step.by if before and before.state == ACKNOWLEDGED and step.step == CLEARED else None
        self._put(step, state, now_us)
        if step.step == RAISED:
            told += [self._follow(one, now_us) for one in self._carried_over(step, now_us)]
        return told + [self._follow(one, now_us) for one in self._ladder(step, seen_by)]

    def _announced(
        self, step: AlarmStep, before: Standing | None, place: Place, forecast: Forecast | None, now_us: int
    ) -> AlarmStep:
        step = replace(step, priority=_priority(step, forecast, now_us))
        if before is not None:
            return step if before.step.row else replace(step, row=self._row(step, place, now_us))
        earlier = [one.step.times for one in self._same(step) if now_us - one.changed_us < AGAIN_US]
        return replace(step, row=self._row(step, place, now_us), times=1 + max(earlier, default=0))

    def _row(self, step: AlarmStep, place: Place, now_us: int) -> UUID:
        beside = [one for one in self._beside(step) if one.step.row]
        beside.sort(key=lambda one: (one.state not in OPEN, -one.changed_us, one.step.alarm_id))
        return self.rows.place(step, place, [one.step.row for one in beside if one.step.row], now_us)

    def _same(self, step: AlarmStep) -> list[Standing]:
        """Earlier episodes of the same alarm."""
        return [
            one
            for one in self._beside(step)
            if _tag(one.step) == _tag(step) and one.step.alarm_id != step.alarm_id
        ]

    def _carried_over(self, step: AlarmStep, now_us: int) -> list[AlarmStep]:
        """What becomes of earlier episodes, and what people decided of them that holds for this one too."""
        found: list[AlarmStep] = []
        for one in sorted(self._same(step), key=lambda one: one.changed_us):
            last = one.step
            if one.state in (OUT_OF_SERVICE, OUT_OF_SERVICE_CALM):
                found.append(replace(step, step=REMOVED, by=last.by, reason=last.reason))
            elif one.shelved_until_us and one.shelved_until_us > now_us:
                found.append(
                    replace(step, step=SHELVED, by=last.by, reason=last.reason, until_us=one.shelved_until_us)
                )
            if one.state in (RETURNED, OUT_OF_SERVICE_CALM):
                found.append(replace(last, step=LAPSED, by="", reason="it was raised again", until_us=None))
        return found

    def _ladder(self, step: AlarmStep, seen_by: str | None) -> Iterator[AlarmStep]:
        """Of the levels of a gauge only the highest that is in sight stands in front."""
        if step.cause != "level":
            return
        levels = [one for one in self._beside(step) if one.step.cause == "level"]
        front = [one.step for one in levels if one.state in (*IN_FRONT, SUPPRESSED)]
        shown = [one.step for one in levels if one.state in IN_FRONT]
        top = max(map(_height, shown), default=None)
        for lower in sorted(front, key=_height, reverse=True):
            hidden = self.alarms[lower.alarm_id].state == SUPPRESSED
            if top is not None and _height(lower) < top:
                if not hidden:
                    yield replace(
                        lower, step=SUPPRESSED, by="", reason="a higher level stands", until_us=None
                    )
            elif hidden:
                back = DOWNGRADED if seen_by is not None else UNSUPPRESSED
                yield replace(lower, step=back, by=seen_by or "", reason="", until_us=None)
                top = _height(lower)

    def _follow(self, step: AlarmStep, now_us: int) -> AlarmStep:
        state = after(self.alarms[step.alarm_id].state, step.step)
        if state is not None:
            self._put(step, state, now_us)
        return step

    def _put(self, step: AlarmStep, state: str, now_us: int) -> None:
        before = self.alarms.get(step.alarm_id)
        was = before.state if before else CLEARED
        shelf = before.shelved_until_us if before else None
        if step.step == SHELVED:
            shelf = step.until_us
        elif state not in (SHELVED, CLEARED, WITHDRAWN):
            shelf = None
        self.alarms[step.alarm_id] = after_it = Standing(state, step, now_us, shelf)
        self._note(after_it)
        if step.row is not None:
            opened = (state in OPEN) - (was in OPEN)
            unseen = (state in UNSEEN) - (was in UNSEEN)
            if self.rows.count(step.row, opened=opened, unseen=unseen):
                self.told.append((step.row, now_us))


def _held(was: str, state: str) -> bool:
    """What a person decided goes on: it keeps their name and reason, for the next time it is raised."""
    out = (OUT_OF_SERVICE, OUT_OF_SERVICE_CALM)
    return (was in out and state in out) or (was == SHELVED and state == CLEARED)


def _age(one: Standing) -> tuple[int, UUID]:
    """Of what changed at the same instant the episode that began later is the later one, and so its id."""
    return one.changed_us, one.step.alarm_id


def _tag(step: AlarmStep) -> tuple[str, str, str]:
    return step.series, step.cause, step.rule


def _height(step: AlarmStep) -> tuple[int, float, str]:
    return step.crisis_level, step.limit if step.limit is not None else 0.0, step.rule


def _priority(step: AlarmStep, forecast: Forecast | None, now_us: int) -> str:
    return str(priority_of(consequence_of(step), urgency_of(time_left_s(step, forecast, now_us))))
