# SPDX-License-Identifier: Apache-2.0
"""The way of a fact, in order: CHECK, DETECT, PREDICT, ASSESS, RESPOND, WARN. Read this first.

Pure: one batch of observations and the state before it give the facts it causes and the state after
it. The only clock is ``batch.recorded_us``; a replay is this same function fed with an older day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from cheoyong.assess.area import reach_polygons
from cheoyong.assess.exposure import exposure, reach_of
from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import State as ScreenState
from cheoyong.detect.screen import screen, usable
from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import AlarmStep, Fact, Forecast, Impact, IncidentStep, make_fact
from cheoyong.domain.hazard import HazardModel
from cheoyong.domain.level import Status
from cheoyong.domain.observation import ObservationBatch, Series, Verdicts
from cheoyong.respond.incident import (
    IncidentRules,
    IncidentState,
    Key,
    Phase,
    absorb,
    incident_key,
    pass_time,
)
from cheoyong.warn.danger import Danger, danger_from_alarm, danger_from_forecast, worst
from cheoyong.warn.draft import DraftRules, Standing, propose, propose_cancel


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while a worker runs: whose city, which models, which rules.

    ``status`` is Exercise whenever the clock is not the world's: no stage can make it Actual.
    """

    organisation_id: int
    city: CityPack
    models: tuple[HazardModel, ...]
    status: Status
    incident_rules: IncidentRules = field(default_factory=IncidentRules)
    draft_rules: DraftRules = field(default_factory=DraftRules)

    @property
    def hazard_of(self) -> dict[str, str]:
        """Which hazard the levels of a series warn of: the one that is configured for it."""
        return {series: hazard for hazard, settings in self.city.hazards.items() for series in settings}


@dataclass(frozen=True, slots=True)
class Known:
    """A fact that later facts will be caused by: its id and body."""

    id: UUID
    about_us: int
    recorded_us: int
    alarm: AlarmStep | None = None
    forecast: Forecast | None = None


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Everything the stages remember between batches."""

    screen: ScreenState
    incidents: dict[Key, IncidentState] = field(default_factory=dict)
    alarms: dict[tuple[str, str], Known] = field(default_factory=dict)
    forecasts: dict[str, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch led to."""

    state: PipelineState
    verdicts: Verdicts
    facts: tuple[Fact, ...]


def step(
    setup: Setup,
    state: PipelineState,
    batch: ObservationBatch,
    gauges: Gauges,
    standings: Mapping[UUID, Standing],
) -> Outcome:
    """Take one batch all the way.

    ``gauges`` maps datastream ids to (organisation, gauge); ``standings`` is the newest message of
    each incident, as people have left it.
    """
    screened, verdicts, alarms = screen(state.screen, batch, gauges)  # CHECK, DETECT
    state = replace(state, screen=screened, alarms=_open_alarms(state.alarms, alarms))
    forecasts = _predict(setup, state, batch, gauges)  # PREDICT
    state = replace(state, forecasts={**state.forecasts, **{_series(f): _known(f) for f in forecasts}})
    state, incident_steps = _respond(setup, state, (*alarms, *forecasts), batch.recorded_us)  # RESPOND
    impacts = _assess(setup, incident_steps)  # ASSESS
    drafts = _warn(setup, state, incident_steps, forecasts, impacts, standings, batch.recorded_us)  # WARN
    return Outcome(state, verdicts, (*alarms, *forecasts, *incident_steps, *impacts, *drafts))


def _open_alarms(
    alarms: dict[tuple[str, str], Known], steps: tuple[Fact, ...]
) -> dict[tuple[str, str], Known]:
    """Level alarms that stand, by series and level."""
    standing = dict(alarms)
    for fact in steps:
        step_ = fact.body
        if isinstance(step_, AlarmStep) and step_.cause == "level":
            if step_.step == "raised":
                standing[step_.series, step_.rule] = _known(fact)
            else:
                standing.pop((step_.series, step_.rule), None)
    return standing


def _known(fact: Fact) -> Known:
    body = fact.body
    return Known(
        fact.id,
        fact.about_us,
        fact.recorded_us,
        alarm=body if isinstance(body, AlarmStep) else None,
        forecast=body if isinstance(body, Forecast) else None,
    )


def _fact_of(setup: Setup, known: Known) -> Fact:
    body = known.alarm or known.forecast
    if body is None:
        raise ValueError("a known fact has a body")
    kind = "alarm" if known.alarm else "forecast"
    return Fact(known.id, kind, setup.organisation_id, known.about_us, known.recorded_us, body)


def _series(fact: Fact) -> str:
    return str(getattr(fact.body, "series", ""))


def _predict(setup: Setup, state: PipelineState, batch: ObservationBatch, gauges: Gauges) -> tuple[Fact, ...]:
    """A forecast for each model that one of its inputs has news for."""
    if not len(batch):
        return ()
    datastream_of = {gauge.series: key for key, (_, gauge) in gauges.items()}
    fresh = {gauges[key][1].series for key in set(batch.datastream_id.tolist()) if key in gauges}
    made = []
    for model in setup.models:
        if fresh.isdisjoint(model.inputs) or model.series not in datastream_of:
            continue
        recent = {
            name: usable(state.screen, datastream_of[name]) for name in model.inputs if name in datastream_of
        }
        target = recent[model.series]
        if not len(target.time_us):
            continue
        issued_us = int(target.time_us[-1])
        forecast = model.forecast(
            {name: series.until(issued_us) for name, series in recent.items()}, issued_us
        )
        before = state.forecasts.get(model.series)
        if forecast is not None and not (before and before.forecast == forecast):
            made.append(_forecast_fact(setup, forecast, batch, recent, datastream_of))
    return tuple(made)


def _forecast_fact(
    setup: Setup,
    forecast: Forecast,
    batch: ObservationBatch,
    recent: Mapping[str, Series],
    datastream_of: Mapping[str, int],
) -> Fact:
    """The forecast, caused by the observations of this batch that it read."""
    read = {datastream_of[name] for name in recent}
    ids = [int(i) for i, d in zip(batch.id, batch.datastream_id, strict=True) if int(d) in read]
    return make_fact(
        forecast,
        key=f"{forecast.hazard}:{forecast.series}:{forecast.issued_us}:{forecast.model}",
        organisation_id=setup.organisation_id,
        about_us=forecast.issued_us,
        recorded_us=batch.recorded_us,
        observation_ids=tuple(ids),
    )


def _respond(
    setup: Setup, state: PipelineState, news: tuple[Fact, ...], now_us: int
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """Incidents after the news and the time that passed."""
    incidents = dict(state.incidents)
    steps: list[Fact] = []
    hazard_of = setup.hazard_of
    for fact in news:
        key = incident_key(fact, hazard_of)
        if key is not None:
            before = incidents.get(key) or IncidentState(*key, setup.organisation_id)
            incidents[key], made = absorb(before, fact, setup.incident_rules)
            steps.extend(made)
    for key, before in list(incidents.items()):
        incidents[key], made = pass_time(before, now_us, setup.incident_rules)
        steps.extend(made)
    return replace(state, incidents=incidents), tuple(steps)


def _assess(setup: Setup, incident_steps: tuple[Fact, ...]) -> tuple[Fact, ...]:
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


def _warn(
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
                if (_series(f), getattr(f.body, "hazard", "")) == key
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
    polygons: tuple[tuple[tuple[float, float], ...], ...],
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
        danger_from_alarm(_fact_of(setup, known), setup.city, incident.incident_id, incident.hazard)
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
                _fact_of(setup, forecast), crossing.level, setup.city, incident.incident_id,
                threshold=threshold, lead_bound_s=rules.lead_bound_s,
            )  # fmt: skip
            if danger is not None:
                found.append(danger)
    return found
