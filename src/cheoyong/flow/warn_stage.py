# SPDX-License-Identifier: Apache-2.0
"""WARN: the drafts that incidents ask for, if what stands does not say it already."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from cheoyong.assess.area import reach_polygons
from cheoyong.assess.exposure import exposure, reach_of
from cheoyong.domain.city import Ring
from cheoyong.domain.fact import Fact, Forecast, Impact, IncidentStep
from cheoyong.flow.state import PipelineState, Setup, fact_of, series_of
from cheoyong.respond.incident import IncidentState, Phase
from cheoyong.warn.danger import Danger, danger_from_alarm, danger_from_forecast, worst
from cheoyong.warn.draft import Standing, propose, propose_cancel


def warn(
    setup: Setup,
    state: PipelineState,
    incident_steps: tuple[Fact, ...],
    forecasts: tuple[Fact, ...],
    impacts: tuple[Fact, ...],
    standings: Mapping[UUID, Standing],
    now_us: int,
) -> tuple[Fact, ...]:
    """Drafts for incidents that moved, or whose forecast is new."""
    moved = {(f.body.series, f.body.hazard) for f in incident_steps if isinstance(f.body, IncidentStep)}
    moved |= {(f.body.series, f.body.hazard) for f in forecasts if isinstance(f.body, Forecast)}
    drafts = []
    for key in sorted(moved):
        incident = state.incidents.get(key)
        if incident is not None and incident.incident_id is not None:
            causes = tuple(
                f.id
                for f in (*incident_steps, *impacts)
                if (series_of(f), getattr(f.body, "hazard", "")) == key
            )
            draft = _draft(setup, state, incident, standings.get(incident.incident_id), causes, now_us)
            if draft is not None:
                drafts.append(draft)
    return tuple(drafts)


def _draft(
    setup: Setup,
    state: PipelineState,
    incident: IncidentState,
    standing: Standing | None,
    causes: tuple[UUID, ...],
    now_us: int,
) -> Fact | None:
    """The message an incident asks for now, if what stands does not say it already."""
    reach = reach_of(setup.city, incident.series)
    danger = worst(dangers(setup, state, incident))
    if reach is None or incident.phase in (Phase.NONE, Phase.DISMISSED):
        return None
    if danger is None and (standing is None or incident.phase is not Phase.QUIET):
        return None
    level = danger.level.id if danger else standing.content.level if standing else ""
    impact = exposure(setup.city, incident.series, level, hazard=incident.hazard)
    if impact is None:
        return None
    polygons = reach_polygons(setup.city, reach)
    if danger is not None:
        return propose(
            danger, impact, setup.city, polygons, status=setup.status, now_us=now_us,
            standing=standing, rules=setup.draft_rules, caused_by=causes,
        )  # fmt: skip
    return _cancel(setup, incident, impact, polygons, standing, causes, now_us)


def _cancel(
    setup: Setup,
    incident: IncidentState,
    impact: Impact,
    polygons: tuple[Ring, ...],
    standing: Standing | None,
    causes: tuple[UUID, ...],
    now_us: int,
) -> Fact | None:
    if standing is None or incident.incident_id is None:
        return None
    said = standing.content
    past = Danger(
        incident.incident_id, setup.organisation_id, incident.hazard, incident.series,
        setup.city.level(incident.series, said.level), said.onset_us, None, causes,
    )  # fmt: skip
    return propose_cancel(
        past, impact, setup.city, polygons, status=setup.status, now_us=now_us, standing=standing
    )


def dangers(setup: Setup, state: PipelineState, incident: IncidentState) -> list[Danger]:
    """What an incident stands on: levels crossed, and levels its last forecast expects to be."""
    if incident.incident_id is None:
        return []
    found = [
        danger_from_alarm(fact_of(setup, known), setup.city, incident.incident_id, incident.hazard)
        for (series, _), known in state.alarms.items()
        if series == incident.series
    ]
    forecast = state.forecasts.get(incident.series)
    if forecast is not None and forecast.forecast is not None:
        held = {evidence.level for evidence in incident.expected}
        for crossing in forecast.forecast.crossings:
            rules = setup.incident_rules
            threshold = rules.hold if crossing.level in held else rules.threshold
            danger = danger_from_forecast(
                fact_of(setup, forecast), crossing.level, setup.city, incident.incident_id,
                threshold=threshold, lead_bound_s=rules.lead_bound_s,
            )  # fmt: skip
            if danger is not None:
                found.append(danger)
    return found
