# SPDX-License-Identifier: Apache-2.0
"""Thresholds in force: the gauges as they are judged from one instant on, city levels and people's limits.

A version counts from the first batch that was recorded after it was written; that instant is stored with it.
Which versions hold for a batch then follows from its recording instant alone: the same batches judged anew
give the same alarms (F26), however they are cut into reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from cheoyong.domain.city import Gauge, Level, QualityRules
from cheoyong.domain.fact import Fact, make_fact
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.domain.observation import ObservationBatch
from cheoyong.records import thresholds
from cheoyong.records.connection import Connection
from cheoyong.records.thresholds import Threshold

Owned = dict[int, tuple[int, Gauge]]
Mark = TypeVar("Mark")
CAUSE = "threshold"
REPLACED = "its threshold was changed"
_SERIES = "datastream/"
# How often such a datastream reports is not known: nothing is said of its silence (the watch looks at it).
_UNKNOWN_RULES = QualityRules(silence_s=100 * 366 * 86400.0, source="none: set by a threshold only")


class Thresholds:
    """The thresholds of one organisation, as the worker meets them."""

    def __init__(self, organisation_id: int) -> None:
        self._organisation_id = organisation_id
        self._state: tuple[Any, ...] = ()
        self._versions: list[Threshold] = []
        self._made: tuple[Owned, tuple[Threshold, ...], Owned] | None = None

    async def over(self, connection: Connection, city: Owned, next_us: int | None) -> Owned:
        """The gauges with the limits in force at ``next_us``, the instant of the batch that is judged next.

        What waits is in force from then on. The same mapping while nothing has changed, as ``screen`` wants.
        """
        if next_us is not None:
            await self._learn(connection, next_us)
        held = self._held if next_us is None else tuple(in_force(self._versions, next_us))
        if self._made is None or self._made[0] != city or self._made[1] != held:
            self._made = (dict(city), held, judged(city, held, self._organisation_id))
        return self._made[2]

    @property
    def _held(self) -> tuple[Threshold, ...]:
        return self._made[1] if self._made else ()

    async def _learn(self, connection: Connection, next_us: int) -> None:
        state = await thresholds.state_of(connection, self._organisation_id)
        if state == self._state and not state[1]:
            return
        if state[1]:
            await thresholds.put_in_force(connection, self._organisation_id, next_us)
        self._versions = await thresholds.versions(connection, self._organisation_id)
        self._state = (state[0], sum(one.in_force_us is None for one in self._versions), state[2])

    async def clear_replaced(self, connection: Connection, now_us: int) -> list[Fact]:
        """Facts that end the alarms of versions which are in force no more: another one judges from here."""
        if not self._versions:
            return []
        rules = [_rule(one) for one in self._held]
        return [
            make_fact(
                replace(step, step="cleared", by="", reason=REPLACED, until_us=None),
                key=f"{step.alarm_id}:cleared:replaced",
                organisation_id=self._organisation_id,
                about_us=now_us,
                recorded_us=now_us,
                caused_by=(cause,),
            )
            for step, cause in await thresholds.alarms_of_others(connection, self._organisation_id, rules)
        ]

    def until_change(
        self, batches: list[tuple[Mark, ObservationBatch]]
    ) -> list[tuple[Mark, ObservationBatch]]:
        """As many of the batches as are judged by the same thresholds as the first."""
        begins = (one.made_us if one.in_force_us is None else one.in_force_us for one in self._versions)
        changes = sorted(set(begins))
        for at, (_, batch) in enumerate(batches):
            if bisect_right(changes, batch.recorded_us) != bisect_right(changes, batches[0][1].recorded_us):
                return batches[:at]
        return batches


def in_force(versions: Sequence[Threshold], at_us: int) -> list[Threshold]:
    """The newest version of each threshold in force at an instant, unless it ended or its stream is gone."""
    newest: dict[UUID, Threshold] = {}
    for one in versions:
        if one.in_force_us is not None and one.in_force_us <= at_us:
            newest[one.line] = one
    return [one for one in newest.values() if not one.ended and one.datastream_id is not None]


def judged(city: Mapping[int, tuple[int, Gauge]], held: Sequence[Threshold], organisation_id: int) -> Owned:
    """The city's gauges with people's limits beside their levels, and a gauge for each other datastream.

    >>> from cheoyong.records.thresholds import Threshold
    >>> hot = Threshold(3, UUID(int=1), 2, 42, "rack 1", "°C", "hot", 60.0, False, 2.0, 0.0, "high", False, 0,
    ...     "kim", "as the maker says", 0, 0)
    >>> [(gauge.series, gauge.levels[0].id) for _, gauge in judged({}, [hot], 1).values()]
    [('datastream/42', 'threshold-3')]
    """
    gauges: Owned = dict(city)
    for one in held:
        assert one.datastream_id is not None
        owner, gauge = gauges.get(one.datastream_id) or (organisation_id, _gauge_of(one))
        gauges[one.datastream_id] = owner, replace(gauge, levels=(*gauge.levels, level_of(one)))
    return gauges


def level_of(one: Threshold) -> Level:
    """The level a version of a threshold is judged as. A new version has alarms of its own."""
    return Level(
        id=_rule(one),
        name={"ko": one.name, "en": one.name},
        limit=one.bound,
        crisis_level=CrisisLevel.CALM,
        priority=Priority(one.priority),
        source=f"{one.by}: {one.reason}",
        confirmed=True,
        hysteresis=one.hysteresis,
        on_delay_s=one.on_delay_s,
        below=one.below,
        cause=CAUSE,
    )


def _gauge_of(one: Threshold) -> Gauge:
    name = {"ko": one.stream_name, "en": one.stream_name}
    series = f"{_SERIES}{one.datastream_id}"
    return Gauge(series, series, name, "", one.unit, 0.0, 0.0, "", _UNKNOWN_RULES)


def _rule(one: Threshold) -> str:
    return f"{CAUSE}-{one.id}"
