# SPDX-License-Identifier: Apache-2.0
"""What people did, seen from the worker: their commands carried out, their alerts as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from cheoyong.domain.errors import Conflict
from cheoyong.domain.fact import AlertStep, Fact, make_fact
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.records.alarms import next_due
from cheoyong.records.alerts import StoredAlert, alerts_of_incident, alerts_to_expire, next_expiry, save_alert
from cheoyong.records.commands import Command
from cheoyong.records.connection import Connection
from cheoyong.respond.incident import by_person
from cheoyong.warn.approval import decide
from cheoyong.warn.draft import Standing
from cheoyong.warn.life import Action, Actor, AlertState, Phase, Role, Verb

MACHINE = Actor("cheoyong", "machine", Role.MACHINE)
_LIVE = (Phase.DRAFTED, Phase.SUBMITTED, Phase.APPROVED, Phase.PUBLISHED)


def carry_out(
    setup: Setup, state: PipelineState, asked: Iterable[Command]
) -> tuple[PipelineState, list[Fact]]:
    """The state and the facts after people's commands on incidents; one that came too late does nothing."""
    incidents = dict(state.incidents)
    facts: list[Fact] = []
    for command in asked:
        for key, incident in list(incidents.items()):
            if incident.incident_id != command.subject or command.verb not in ("take", "close"):
                continue
            try:
                incidents[key], made = by_person(
                    incident, command.verb, by=command.by, now_us=command.made_us
                )
            except Conflict:
                continue
            facts.extend(made)
    return replace(state, incidents=incidents), facts


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the desk: the newest message of each open incident, and when next something is over
    (an alert, a shelf, the wait of an alarm nobody has seen).
    """

    standings: dict[UUID, Standing]
    next_expiry_us: int


async def look_at_desk(connection: Connection, state: PipelineState) -> Desk:
    """The desk as people have left it, for the incidents that are open in ``state``."""
    return Desk(await _standings(connection, state), await next_over(connection))


async def next_over(connection: Connection) -> int:
    """When next something is over, µs."""
    expiry_us, due_us = await next_expiry(connection), await next_due(connection)
    return expiry_us if due_us is None else min(expiry_us, due_us)


async def _standings(connection: Connection, state: PipelineState) -> dict[UUID, Standing]:
    found = {}
    for incident in state.incidents.values():
        if incident.incident_id is not None:
            standing = standing_of(await alerts_of_incident(connection, incident.incident_id))
            if standing is not None:
                found[incident.incident_id] = standing
    return found


def standing_of(stored: list[StoredAlert]) -> Standing | None:
    """The newest message of one incident (``stored`` oldest first); None when there has been none."""
    live = [alert for alert in stored if alert.state.phase in _LIVE]
    sent = [(a.state.content, a.published_us) for a in stored if a.published_us is not None]
    if not live and not sent:
        return None
    newest = (live or stored)[-1]
    published = newest.published_us if newest.state.phase is Phase.PUBLISHED else None
    return Standing(
        newest.state.content, published, len(stored) - 1, sent[-1] if sent and published is None else None
    )


async def expire(connection: Connection, setup: Setup, now_us: int) -> list[Fact]:
    """Alerts whose time has passed, expired: nothing that is over may still leave (F20)."""
    facts = []
    for stored in await alerts_to_expire(connection, setup.organisation_id, now_us):
        made, after = decide(stored.state, Action(Verb.EXPIRE), MACHINE, now_us, findings=())
        await save_alert(connection, after, stored.version, now_us)
        facts.append(alert_fact(made, setup.organisation_id, now_us, stored.version))
    return facts


async def supersede_untouched(
    connection: Connection, setup: Setup, newer: AlertStep, now_us: int
) -> list[Fact]:
    """A newer draft takes the place of older drafts that no person has touched."""
    facts = []
    for stored in await alerts_of_incident(connection, newer.incident_id):
        old: AlertState = stored.state
        if old.alert_id == newer.alert_id or old.phase is not Phase.DRAFTED or old.writers:
            continue
        made, after = decide(
            old, Action(Verb.SUPERSEDE, reason="the danger has changed"), MACHINE, now_us, findings=()
        )
        await save_alert(connection, after, stored.version, now_us)
        facts.append(alert_fact(made, setup.organisation_id, now_us, stored.version))
    return facts


def alert_fact(made: AlertStep, organisation_id: int, now_us: int, version: int) -> Fact:
    """The fact of one step of an alert; ``version`` makes repeated steps distinct."""
    return make_fact(
        made,
        key=f"{made.alert_id}:{made.step}:{version}",
        organisation_id=organisation_id,
        about_us=now_us,
        recorded_us=now_us,
    )
