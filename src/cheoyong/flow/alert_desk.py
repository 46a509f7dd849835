# SPDX-License-Identifier: Apache-2.0
"""People at work on alerts: each act is one transaction that moves the alert, states the fact and, with
the second person's approval, publishes the signed-off bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from cheoyong.assess.exposure import exposure
from cheoyong.domain.access import Principal
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import Conflict
from cheoyong.domain.fact import AlertContent, AlertStep, AlertText, Fact, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.flow.desk import MACHINE, alert_fact
from cheoyong.records import alerts
from cheoyong.records.alerts import Publication, StoredAlert
from cheoyong.records.connection import Connection, Pool, as_organisation
from cheoyong.records.facts import add_facts
from cheoyong.records.readings_of_alerts import note_reading, reading_age_us
from cheoyong.warn.approval import begin, decide
from cheoyong.warn.canonical import cap_reference, content_hash
from cheoyong.warn.danger import Danger
from cheoyong.warn.draft import Standing, propose_cancel
from cheoyong.warn.life import Action, Actor, AlertState, Phase, Role, Verb
from cheoyong.warn.lint import Finding, lint

Render = Callable[[AlertContent, int], bytes]
Announce = Callable[[list[tuple[int, Fact]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two clocks: ``facts_us`` is the one the facts live on (simulated in an exercise), ``real_us`` the
    world's. How long ago a person read something is a matter of the world's.
    """

    facts_us: Callable[[], int]
    real_us: Callable[[], int]


class AlertDesk:
    """What a person may do to an alert of their organisation.

    ``render`` turns content and the instant of sending into the bytes that leave; ``announce`` is told
    of the facts after the commit.
    """

    def __init__(
        self, pool: Pool, city: CityPack, clocks: Clocks, render: Render, announce: Announce
    ) -> None:
        self._pool = pool
        self._city = city
        self._clocks = clocks
        self._render = render
        self._announce = announce

    async def read(self, who: Principal, alert_id: UUID) -> tuple[StoredAlert, list[Finding]]:
        """The alert and what the linter says; that ``who`` has now read these bytes is noted (F22)."""
        async with as_organisation(self._pool, who.organisation_id) as connection:
            stored = await alerts.alert(connection, alert_id)
            await note_reading(
                connection,
                who.organisation_id,
                alert_id,
                who.login,
                stored.state.hash,
                self._clocks.real_us(),
            )
        return stored, self._findings(stored.state.content)

    async def act(
        self,
        who: Principal,
        alert_id: UUID,
        verb: Verb,
        *,
        read_hash: str,
        typed: str = "",
        reason: str = "",
        texts: tuple[AlertText, ...] | None = None,
    ) -> AlertState:
        """Edit, submit, approve or reject; an approval also publishes. Returns the state after it.

        Raises Forbidden, Conflict or InvalidInput as the two-person rule says, and then changes nothing.
        """
        now_us = self._clocks.facts_us()
        async with as_organisation(self._pool, who.organisation_id) as connection:
            stored = await alerts.alert_for_change(connection, alert_id)
            content = replace(stored.state.content, texts=texts) if texts is not None else None
            age_us = await reading_age_us(connection, alert_id, who.login, read_hash, self._clocks.real_us())
            action = Action(
                verb,
                read_hash=read_hash,
                read_us=now_us - age_us,
                typed=typed,
                reason=reason,
                content=content,
            )
            facts = await self._move(connection, who, stored, action, now_us)
            after = (await alerts.alert(connection, alert_id)).state
        await self._announce(facts)
        return after

    async def cancel(self, who: Principal, alert_id: UUID, reason: str) -> AlertState:
        """Draft the Cancel of a published alert, its words written, for ``who`` to check and submit (O10)."""
        return await self._follow_up(who, alert_id, "Cancel", reason)

    async def update(self, who: Principal, alert_id: UUID, reason: str) -> AlertState:
        """Draft an Update of a published alert, its words still the old ones, for ``who`` to edit."""
        return await self._follow_up(who, alert_id, "Update", reason)

    async def _follow_up(self, who: Principal, alert_id: UUID, kind: str, reason: str) -> AlertState:
        now_us = self._clocks.facts_us()
        async with as_organisation(self._pool, who.organisation_id) as connection:
            stored = await alerts.alert_for_change(connection, alert_id)
            if stored.state.phase is not Phase.PUBLISHED or stored.published_us is None:
                raise Conflict(f"the alert is {stored.state.phase}, not published", where="alert")
            content = self._follow_up_content(stored, stored.published_us, kind, now_us)
            drafted = self._drafted(stored, content, reason, who, now_us)
            state = begin(drafted, _actor(who))
            if not await alerts.add_alert(connection, who.organisation_id, state, now_us):
                raise Conflict(f"this {kind} is drafted already", where="alert", mend="reload the list")
            facts = await add_facts(connection, [_as_fact(drafted, who, now_us)])
        await self._announce(facts)
        return state

    def _follow_up_content(
        self, stored: StoredAlert, published_us: int, kind: str, now_us: int
    ) -> AlertContent:
        """What a follow-up says before a person edits it, bound to the message it replaces."""
        said = stored.state.content
        alert_id = fact_id(published_us, "alert", f"{said.identifier}:{kind}:{stored.version}")
        content = replace(
            said,
            identifier=f"{self._city.id}-{said.hazard}-{alert_id}",
            kind=kind,
            references=(cap_reference(said, published_us, ZoneInfo(self._city.time_zone)),),
        )
        if kind == "Cancel":
            over = cancel_words(said, self._city, now_us)
            content = replace(
                content, urgency="Past", severity="Minor", onset_us=over.onset_us,
                expires_us=over.expires_us, texts=over.texts,
            )  # fmt: skip
        return content

    def _drafted(
        self, stored: StoredAlert, content: AlertContent, reason: str, who: Principal, now_us: int
    ) -> AlertStep:
        return AlertStep(
            UUID(content.identifier[-36:]),
            stored.state.incident_id,
            "drafted",
            content_hash(content, stored.state.channels),
            content=content,
            by=who.login,
            reason=reason,
        )

    async def _move(
        self, connection: Connection, who: Principal, stored: StoredAlert, action: Action, now_us: int
    ) -> list[tuple[int, Fact]]:
        findings = self._findings(action.content or stored.state.content, now_us)
        actor = _actor(who)
        made, after = decide(stored.state, action, actor, now_us, findings=findings)
        await alerts.save_alert(connection, after, stored.version, now_us)
        facts = [alert_fact(made, who.organisation_id, now_us, stored.version)]
        if action.verb is Verb.APPROVE:
            facts += await self._publish(connection, who, after, stored.version + 1, now_us)
        return await add_facts(connection, facts)

    async def _publish(
        self, connection: Connection, who: Principal, approved: AlertState, version: int, now_us: int
    ) -> list[Fact]:
        """Carry the approval out: the bytes leave by their channels, what they replace is superseded."""
        action = Action(Verb.PUBLISH, read_hash=approved.hash, read_us=now_us)
        findings = self._findings(approved.content, now_us)
        made, after = decide(approved, action, MACHINE, now_us, findings=findings, approver_now=_actor(who))
        await alerts.save_alert(connection, after, version, now_us)
        content = after.content
        cap = self._render(content, now_us)
        for channel in after.channels:
            publication = Publication(
                content.identifier, channel, str(content.status), content, now_us, content.expires_us, cap,
                after.alert_id,
            )  # fmt: skip
            await alerts.publish(connection, who.organisation_id, publication)
        facts = [alert_fact(made, who.organisation_id, now_us, version)]
        if content.references:
            facts += await self._replace_older(connection, who, after, now_us)
        return facts

    async def _replace_older(
        self, connection: Connection, who: Principal, newer: AlertState, now_us: int
    ) -> list[Fact]:
        facts = []
        verb = Verb.CANCEL if newer.content.kind == "Cancel" else Verb.SUPERSEDE
        replaced = {reference.split(",")[1] for reference in newer.content.references}
        for older in await alerts.alerts_of_incident(connection, newer.incident_id):
            if older.state.content.identifier in replaced and older.state.phase is Phase.PUBLISHED:
                made, after = decide(older.state, Action(verb), MACHINE, now_us, findings=())
                await alerts.save_alert(connection, after, older.version, now_us)
                facts.append(alert_fact(made, who.organisation_id, now_us, older.version))
        return facts

    def _findings(self, content: AlertContent, now_us: int | None = None) -> list[Finding]:
        return lint(content, self._city, self._clocks.facts_us() if now_us is None else now_us)


def _actor(who: Principal) -> Actor:
    return Actor(who.login, who.natural_person, Role(who.role))


def _as_fact(step: AlertStep, who: Principal, now_us: int) -> Fact:
    return make_fact(
        step,
        key=f"{step.alert_id}:drafted",
        organisation_id=who.organisation_id,
        about_us=now_us,
        recorded_us=now_us,
    )


def cancel_words(said: AlertContent, city: CityPack, now_us: int) -> AlertContent:
    """The content of a Cancel of ``said`` as the machine would word it; a person checks it before it goes."""
    impact = exposure(city, said.series, said.level, hazard=said.hazard)
    if impact is None:
        raise Conflict("nobody lives along this reach any more", where="reach")
    danger = Danger(
        fact_id(now_us, "incident", said.identifier), 0, said.hazard, said.series,
        city.level(said.series, said.level), said.onset_us, None, (),
    )  # fmt: skip
    fact = propose_cancel(
        danger,
        impact,
        city,
        said.polygons,
        status=said.status,
        now_us=now_us,
        standing=Standing(said, now_us),
    )
    if fact is None or not isinstance(fact.body, AlertStep) or fact.body.content is None:
        raise Conflict("a Cancel cannot be cancelled", where="alert")
    return fact.body.content
