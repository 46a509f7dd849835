# SPDX-License-Identifier: Apache-2.0
"""Alarms on their way to the operator: their row and priority, what follows from a step, what time brings.

Time comes from the batches and commands only, so a replay tells the same. Everything is read and written in
the worker's transaction: a restart neither loses a step nor takes it twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cheoyong.domain.fact import AlarmStep, Fact, make_fact
from cheoyong.domain.instant import SECOND_US
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.records.alarms import due, keep_rows, last_steps, picture_of, rows_to_join
from cheoyong.records.commands import Command
from cheoyong.records.connection import Connection
from cheoyong.respond.alarm_life import (
    ACKNOWLEDGED,
    ESCALATED,
    LAPSED,
    REMOVED,
    RESTORED,
    SHELVED,
    UNSHELVED,
    after,
)
from cheoyong.respond.annunciation import Picture
from cheoyong.respond.grouping import FLOOD, Place, Rows, relations
from cheoyong.respond.priority import escalated

MINUTE_US = 60 * SECOND_US
NOWHERE = Place("", "")
_STEP_OF = {
    "acknowledge": ACKNOWLEDGED,
    "shelve": SHELVED,
    "unshelve": UNSHELVED,
    "remove": REMOVED,
    "restore": RESTORED,
}


async def mind_alarms(connection: Connection, setup: Setup, command: Command) -> list[Fact]:
    """The facts of what a person did with an alarm, or with all of a row that it can be done with.

    None when it came too late, or was no such command.
    """
    step = _STEP_OF.get(command.verb)
    if step is None:
        return []
    until_us = None if command.minutes is None else command.made_us + command.minutes * MINUTE_US
    return [
        make_fact(
            replace(last, step=step, by=command.by, reason=command.reason, until_us=until_us),
            key=f"{last.alarm_id}:{step}:{command.seq}",
            organisation_id=setup.organisation_id,
            about_us=command.made_us,
            recorded_us=command.made_us,
        )
        for state, last in await last_steps(connection, [command.subject])
        if after(state, step) is not None
    ]


async def come_due(connection: Connection, setup: Setup, now_us: int) -> list[Fact]:
    """Facts of what time has brought: shelves that end, alarms nobody has seen, returned ones a day old."""
    return [
        make_fact(
            _due(why, step),
            key=f"{step.alarm_id}:{why}:{now_us}",
            organisation_id=setup.organisation_id,
            about_us=now_us,
            recorded_us=now_us,
        )
        for why, step in await due(connection, setup.organisation_id, now_us)
    ]


def _due(why: str, step: AlarmStep) -> AlarmStep:
    if why == "wait":
        return replace(
            step, step=ESCALATED, by="", reason="nobody has seen it", priority=str(escalated(step))
        )
    if why == "shelf":
        return replace(step, step=UNSHELVED, by="", reason="")
    return replace(step, step=LAPSED, by="", reason="nobody has seen it for a day")


async def announce(
    connection: Connection, setup: Setup, state: PipelineState, facts: Sequence[Fact], now_us: int
) -> list[Fact]:
    """The facts as they are told: alarm steps with row, count and priority, each before what it causes."""
    steps = [fact.body for fact in facts if isinstance(fact.body, AlarmStep)]
    if not steps:
        return list(facts)
    owner = setup.organisation_id
    alarms = await picture_of(connection, owner, steps)
    keys = {key for step in steps for _, key in relations(step, place_of(setup, step.series))} | {FLOOD}
    known = {one.step.row for one in alarms.values() if one.step.row is not None}
    rows = await rows_to_join(connection, owner, sorted(keys), sorted(known), now_us)
    picture = Picture(Rows(owner, rows), alarms)
    told: list[Fact] = []
    for fact in facts:
        told += _told(setup, state, picture, fact, now_us) if isinstance(fact.body, AlarmStep) else [fact]
    await keep_rows(connection, owner, picture.rows.changed.values(), picture.told)
    return told


def _told(setup: Setup, state: PipelineState, picture: Picture, fact: Fact, now_us: int) -> list[Fact]:
    step = fact.body
    if not isinstance(step, AlarmStep):
        return [fact]
    forecast = state.forecasts.get(step.series)
    first, *others = picture.tell(
        step, place_of(setup, step.series), forecast.forecast if forecast else None, now_us
    )
    return [
        replace(fact, body=first),
        *(
            make_fact(
                other,
                key=f"{other.alarm_id}:{other.step}:{fact.id}",
                organisation_id=fact.organisation_id,
                about_us=fact.about_us,
                recorded_us=fact.recorded_us,
                caused_by=(fact.id,),
            )
            for other in others
        ),
    ]


def place_of(setup: Setup, series: str) -> Place:
    """Where a series is measured, and what its levels warn of."""
    gauge = setup.city.gauges.get(series)
    if gauge is None:
        return NOWHERE
    reaches = tuple(reach.id for reach in setup.city.reaches if reach.series == series)
    return Place(gauge.thing, gauge.observed_property, setup.hazard_of.get(series, ""), reaches)
