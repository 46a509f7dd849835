# SPDX-License-Identifier: Apache-2.0
"""RESPOND and ASSESS: incidents after the news and the time that passed, and whom they concern."""

from __future__ import annotations

from dataclasses import replace

from cheoyong.assess.exposure import exposure
from cheoyong.domain.fact import AlarmStep, Fact, IncidentStep, make_fact
from cheoyong.flow.state import Known, PipelineState, Setup, known
from cheoyong.respond.incident import IncidentState, absorb, incident_key, pass_time


def open_alarms(
    alarms: dict[tuple[str, str], Known], steps: tuple[Fact, ...]
) -> dict[tuple[str, str], Known]:
    """Level alarms that stand, by series and level."""
    standing = dict(alarms)
    for fact in steps:
        step_ = fact.body
        if isinstance(step_, AlarmStep) and step_.cause == "level":
            if step_.step == "raised":
                standing[step_.series, step_.rule] = known(fact)
            else:
                standing.pop((step_.series, step_.rule), None)
    return standing


def respond(
    setup: Setup, state: PipelineState, news: tuple[Fact, ...], now_us: int
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """Incidents after the news and the time that passed."""
    incidents = dict(state.incidents)
    steps: list[Fact] = []
    hazard_of = setup.hazard_of
    for fact in news:
        key = incident_key(fact, hazard_of)
        # What a person set is not the city's plan: it alarms, and opens no incident and writes no warning.
        if key is not None and getattr(fact.body, "cause", "") != "threshold":
            before = incidents.get(key) or IncidentState(*key, setup.organisation_id)
            incidents[key], made = absorb(before, fact, setup.incident_rules)
            steps.extend(made)
    for key, before in list(incidents.items()):
        incidents[key], made = pass_time(before, now_us, setup.incident_rules)
        steps.extend(made)
    return replace(state, incidents=incidents), tuple(steps)


def assess(setup: Setup, incident_steps: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Whom a new or worse incident concerns."""
    made = []
    for fact in incident_steps:
        incident = fact.body
        if isinstance(incident, IncidentStep) and incident.step in ("opened", "escalated"):
            impact = exposure(setup.city, incident.series, incident.level, hazard=incident.hazard)
            if impact is not None:
                made.append(
                    make_fact(
                        impact,
                        key=f"{incident.incident_id}:{incident.level}",
                        organisation_id=setup.organisation_id,
                        about_us=fact.about_us,
                        recorded_us=fact.recorded_us,
                        caused_by=(fact.id,),
                    )
                )
    return tuple(made)
