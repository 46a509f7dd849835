# SPDX-License-Identifier: Apache-2.0
"""The life of an incident as a table: opened, escalated, eased, taken, closed; never two for one cause.

An incident stands on evidence: levels that are crossed now (level alarms) and levels a forecast
expects to be crossed within the lead bound. The worst of them is its level. It rises at once; it
eases only when the evidence has stayed lower for a stated time, so it does not flap. It closes by
a person, or by itself after a stated quiet, unless we are blind: silence of a gauge, or forecasts
that stopped coming, is not calm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from cheoyong.domain.errors import Conflict, InvalidInput
from cheoyong.domain.fact import AlarmStep, Fact, Forecast, IncidentStep, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.domain.instant import SECOND_US

Key = tuple[str, str]  # series, hazard


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """When incidents open, ease and close.

    ``threshold`` (0-1) of the probability that a level is crossed within ``lead_bound_s`` seconds
    makes evidence; once made it is held until the probability falls below ``hold`` (0-1, at most
    the threshold). ``ease_after_s`` is how long lower evidence must last, ``quiet_close_s`` how
    long calm. Forecasts older than ``fresh_s`` prove no calm. All times in seconds.
    """

    threshold: float = 0.5
    lead_bound_s: int = 3 * 3600
    hold: float = 0.3
    ease_after_s: int = 1800
    quiet_close_s: int = 6 * 3600
    fresh_s: int = 2 * 3600


class Phase(StrEnum):
    """Where an incident stands; ``dismissed`` was closed by a person while its evidence still stood."""

    NONE = "none"
    ACTIVE = "active"
    QUIET = "quiet"
    DISMISSED = "dismissed"


class Event(StrEnum):
    """What can happen to an incident."""

    WORSE = "worse"
    BETTER = "better"
    CALM = "calm"
    LONG_QUIET = "long quiet"
    TAKE = "take"
    CLOSE = "close"
    DISMISS = "dismiss"


TRANSITIONS: Mapping[tuple[Phase, Event], tuple[Phase, str]] = {
    (Phase.NONE, Event.WORSE): (Phase.ACTIVE, "opened"),
    (Phase.ACTIVE, Event.WORSE): (Phase.ACTIVE, "escalated"),
    (Phase.ACTIVE, Event.BETTER): (Phase.ACTIVE, "eased"),
    (Phase.ACTIVE, Event.CALM): (Phase.QUIET, "eased"),
    (Phase.ACTIVE, Event.TAKE): (Phase.ACTIVE, "taken"),
    (Phase.ACTIVE, Event.DISMISS): (Phase.DISMISSED, "closed"),
    (Phase.QUIET, Event.WORSE): (Phase.ACTIVE, "escalated"),
    (Phase.QUIET, Event.TAKE): (Phase.QUIET, "taken"),
    (Phase.QUIET, Event.CLOSE): (Phase.NONE, "closed"),
    (Phase.QUIET, Event.LONG_QUIET): (Phase.NONE, "closed"),
    (Phase.DISMISSED, Event.WORSE): (Phase.ACTIVE, "opened"),
    (Phase.DISMISSED, Event.CALM): (Phase.NONE, ""),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One level that is crossed or expected to be: its id, crisis level (1-4) and probability (0-1).

    ``probability`` is None when the crossing was observed.
    """

    level: str
    crisis_level: int
    probability: float | None = None


NOTHING = Evidence("", 0)


@dataclass(frozen=True, slots=True)
class IncidentState:
    """Everything remembered of one (series, hazard); immutable and picklable, instants in µs.

    ``shown`` is the level last announced, ``lower_since_us`` since when the evidence is below it,
    ``blind_by`` the alarms that say the gauge is silent or broken.
    """

    series: str
    hazard: str
    organisation_id: int
    phase: Phase = Phase.NONE
    incident_id: UUID | None = None
    opened_us: int = 0
    shown: Evidence = NOTHING
    observed: tuple[Evidence, ...] = ()
    expected: tuple[Evidence, ...] = ()
    forecast_us: int | None = None
    lower_since_us: int | None = None
    blind_by: tuple[str, ...] = ()
    seen_us: int = 0
    last_cause: UUID | None = None


Outcome = tuple[IncidentState, tuple[Fact, ...]]


def incident_key(fact: Fact, hazard_of: Mapping[str, str]) -> Key | None:
    """Which incident a fact may concern; None for facts that concern none.

    ``hazard_of`` maps a series to the hazard its levels warn of (``taehwa_stage_m`` → ``river``).
    """
    body = fact.body
    if isinstance(body, Forecast):
        return body.series, body.hazard
    if isinstance(body, AlarmStep) and body.series in hazard_of:
        return body.series, hazard_of[body.series]
    return None


def absorb(state: IncidentState, fact: Fact, rules: IncidentRules) -> Outcome:
    """The state after one Forecast or AlarmStep, and the incident steps it causes.

    A shadow forecast, one older than the last absorbed and any other kind of fact change nothing.
    Raises InvalidInput for a fact of another series, hazard or organisation.
    """
    body = fact.body
    _check_owner(state, fact)
    if not isinstance(body, Forecast | AlarmStep):
        return state, ()
    if isinstance(body, Forecast):
        if body.maturity == "shadow" or (state.forecast_us or 0) > body.issued_us:
            return state, ()
        held = _expected(state.expected, body, rules)
        state = replace(state, expected=held, forecast_us=body.issued_us)
    else:
        state = _with_alarm(state, body)
    now_us = max(fact.recorded_us, state.seen_us)
    return _settle(replace(state, last_cause=fact.id), now_us, rules)


def pass_time(state: IncidentState, now_us: int, rules: IncidentRules) -> Outcome:
    """The state at ``now_us`` when nothing new is known: what lasted long enough eases or closes."""
    return _settle(state, max(now_us, state.seen_us), rules)


def by_person(state: IncidentState, verb: str, *, by: str, now_us: int, cause: UUID | None = None) -> Outcome:
    """A person takes (``take``) or closes (``close``) the incident; ``by`` names the account.

    A close while the danger stands is a dismissal: the incident opens again only when it gets
    worse than it was, or after calm. Raises Conflict when there is no incident to act on.
    """
    if not by or verb not in ("take", "close"):
        raise InvalidInput("say who acts and whether to take or close", where="incident")
    event = Event.TAKE if verb == "take" else Event.CLOSE
    if event is Event.CLOSE and state.phase is Phase.ACTIVE:
        event = Event.DISMISS
    if (state.phase, event) not in TRANSITIONS:
        raise Conflict("there is no open incident here", where="incident", mend="reload the list")
    if cause is not None:
        state = replace(state, last_cause=cause)
    return _move(state, event, state.shown, max(now_us, state.seen_us), by=by)


def _check_owner(state: IncidentState, fact: Fact) -> None:
    """A fact of another series or organisation must never move this incident."""
    series = getattr(fact.body, "series", None)
    hazard = getattr(fact.body, "hazard", state.hazard)
    if (series, hazard, fact.organisation_id) != (state.series, state.hazard, state.organisation_id):
        raise InvalidInput("the fact belongs to another incident", where=f"{series}/{hazard}")


def _expected(held: tuple[Evidence, ...], forecast: Forecast, rules: IncidentRules) -> tuple[Evidence, ...]:
    """Levels the forecast expects; one already held stays until its probability falls below ``hold``."""
    before = {evidence.level for evidence in held}
    found = []
    for crossing in forecast.crossings:
        within = [
            p
            for lead, p in zip(crossing.lead_s, crossing.probability, strict=True)
            if lead <= rules.lead_bound_s
        ]
        probability = max(within, default=0.0)
        needed = rules.hold if crossing.level in before else rules.threshold
        if crossing.crisis_level > 0 and probability >= needed:
            found.append(Evidence(crossing.level, crossing.crisis_level, probability))
    return tuple(found)


def _with_alarm(state: IncidentState, alarm: AlarmStep) -> IncidentState:
    """Crossed levels, or reasons to call ourselves blind, after one alarm step."""
    if alarm.step not in ("raised", "cleared", "withdrawn"):  # what people did is no news of the river
        return state
    raised = alarm.step == "raised"
    if alarm.cause != "level":
        others = tuple(rule for rule in state.blind_by if rule != alarm.rule)
        return replace(state, blind_by=(*others, alarm.rule) if raised else others)
    kept = tuple(evidence for evidence in state.observed if evidence.level != alarm.rule)
    if raised and alarm.crisis_level > 0:
        kept = (*kept, Evidence(alarm.rule, alarm.crisis_level))
    return replace(state, observed=kept)


def _worst(state: IncidentState) -> Evidence:
    """The highest level; among equals an observed one says more than an expected one."""
    everything = (NOTHING, *state.expected, *state.observed)
    return max(everything, key=lambda evidence: (evidence.crisis_level, evidence.probability is None))


def _settle(state: IncidentState, now_us: int, rules: IncidentRules) -> Outcome:
    """Compare the evidence with what was announced, and move as the table says."""
    worst = _worst(state)
    state = replace(state, seen_us=now_us)
    if worst.crisis_level > state.shown.crisis_level:
        return _move(replace(state, lower_since_us=None), Event.WORSE, worst, now_us)
    if worst.crisis_level == state.shown.crisis_level > 0:
        return replace(state, lower_since_us=None), ()
    if state.phase is Phase.NONE:
        return state, ()
    since_us = state.lower_since_us if state.lower_since_us is not None else now_us
    state = replace(state, lower_since_us=since_us)
    waited_s = (now_us - since_us) / SECOND_US
    if state.phase is Phase.QUIET:
        over = waited_s >= rules.quiet_close_s and not _blind(state, now_us, rules)
        return _move(state, Event.LONG_QUIET, NOTHING, now_us) if over else (state, ())
    if waited_s < rules.ease_after_s or (worst.crisis_level == 0 and _blind(state, now_us, rules)):
        return state, ()
    if worst.crisis_level == 0:
        return _move(state, Event.CALM, NOTHING, now_us)
    if state.phase is Phase.DISMISSED:
        return state, ()
    return _move(replace(state, lower_since_us=None), Event.BETTER, worst, now_us)


def _blind(state: IncidentState, now_us: int, rules: IncidentRules) -> bool:
    """No right to speak of calm: the gauge is silent, or forecasts once came and no longer do."""
    stale = state.forecast_us is not None and now_us - state.forecast_us > rules.fresh_s * SECOND_US
    return bool(state.blind_by) or stale


def _move(state: IncidentState, event: Event, evidence: Evidence, now_us: int, *, by: str = "") -> Outcome:
    """Take one row of the table and state it as a fact."""
    phase, step = TRANSITIONS[state.phase, event]
    if step == "opened":
        key = f"{state.organisation_id}:{state.hazard}:{state.series}"
        state = replace(state, incident_id=fact_id(now_us, "incident", key), opened_us=now_us)
    # A dismissed incident remembers its level, so that only something worse opens the next one.
    shown = state.shown if event is Event.DISMISS else evidence
    after = replace(state, phase=phase, shown=NOTHING if phase is Phase.NONE else shown, seen_us=now_us)
    if not step or state.incident_id is None:
        return after, ()
    body = IncidentStep(
        incident_id=state.incident_id,
        step=step,
        hazard=state.hazard,
        series=state.series,
        level=evidence.level,
        crisis_level=evidence.crisis_level,
        opened_us=state.opened_us,
        probability=evidence.probability,
        by=by,
    )
    fact = make_fact(
        body,
        key=f"{state.incident_id}:{step}:{evidence.level}:{by}",
        organisation_id=state.organisation_id,
        about_us=now_us,
        recorded_us=now_us,
        caused_by=(state.last_cause,) if state.last_cause else (),
    )
    return replace(after, last_cause=fact.id), (fact,)
