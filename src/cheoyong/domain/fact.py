# SPDX-License-Identifier: Apache-2.0
"""Facts: immutable statements that carry what caused them, and the bodies they can have."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from cheoyong.domain.identity import fact_id
from cheoyong.domain.level import Status


@dataclass(frozen=True, slots=True)
class AlarmStep:
    """One step in the life of an alarm.

    ``alarm_id`` stays the same over all its steps. ``cause``: ``level`` (a limit is crossed),
    ``silence`` (no data), ``fault`` (a sensor that only sends bad values). ``step``: ``raised``,
    ``cleared``, ``acknowledged``, ``shelved`` (put aside until ``until_us``), ``unshelved``, ``withdrawn``
    (late data showed it should not have been raised), and those of ``respond.alarm_life``. ``row`` is the
    row of the operator's list it stands in, ``times`` how often it was raised within an hour each.
    ``value`` and ``limit`` are in the unit of the datastream, None for silence. ``reason`` says why
    a step takes an earlier one back (``withdrawn``, or ``raised`` again after ``cleared``), or was shelved.
    ``witnesses`` are the series of neighbouring gauges that speak for a level, each by itself.
    """

    alarm_id: UUID
    cause: str
    step: str
    series: str
    rule: str
    priority: str
    crisis_level: int
    since_us: int
    value: float | None = None
    limit: float | None = None
    by: str = ""
    reason: str = ""
    until_us: int | None = None
    row: UUID | None = None
    times: int = 1
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Detection:
    """A stream that is unlike its own past: no alarm, but worth a look.

    ``p`` (0-1): how rare as much evidence is in the past of this stream. ``series`` is empty where the
    datastream is no gauge of the city; ``value`` in its unit.
    """

    datastream_id: int
    name: str
    series: str
    value: float
    p: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Probability (0-1) that a level is reached at any time up to each lead."""

    level: str
    limit: float
    crisis_level: int
    lead_s: tuple[int, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast of one series as quantiles.

    ``value[i][j]`` is the quantile ``quantile[j]`` (0-1, rising) at ``lead_s[i]`` seconds after
    ``issued_us``. ``used`` and ``missing`` name the input series; ``degraded`` is true when the
    model fell back because inputs were missing. ``model`` names model and training hash.
    """

    hazard: str
    model: str
    series: str
    issued_us: int
    lead_s: tuple[int, ...]
    quantile: tuple[float, ...]
    value: tuple[tuple[float, ...], ...]
    crossings: tuple[Crossing, ...] = ()
    used: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    degraded: bool = False
    maturity: str = "advisory"


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model stopped being heard (``step`` ``off``), spoke soundly again (``on``), or is asked for no more
    (``removed``). Levels and their alarms do not depend on it.

    ``series`` is what it forecasts, ``model`` its name and training hash, empty when there is none.
    ``cause``: ``missing`` (not installed, or could not be trained), ``failed`` (raised an error), ``unsound``
    (gave what is no forecast), ``slow``, ``narrow`` (its 90 % band held too little of what came: it is asked
    on, and its forecasts are kept in shadow). ``reason`` says it in words; ``since_us``: silent since then.
    """

    hazard: str
    series: str
    model: str
    step: str
    cause: str
    reason: str
    since_us: int


@dataclass(frozen=True, slots=True)
class InputDrift:
    """A gauge has been unlike a model's training for thirty days (``step`` ``drifting``), or no more
    (``over``). For who minds the models; nothing is silenced by it.

    ``sign``: ``missing`` (share of steps without a value), ``changes`` (population stability index of what it
    does from step to step), ``range`` (share of values beyond anything trained on) or, of a gauge that is
    forecast, ``lean`` (how far off a half the share of values above the median was); ``value`` and
    ``limit`` of it. ``models`` that read it, as ``hazard:series``.
    """

    series: str
    sign: str
    step: str
    value: float
    limit: float
    since_us: int
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TownImpact:
    """Residents of one town that an event may reach: heads, not estimates of harm."""

    code: str
    people: int
    over_65: int
    under_7: int


@dataclass(frozen=True, slots=True)
class Impact:
    """Whom an expected or present event concerns, along one reach."""

    hazard: str
    series: str
    level: str
    reach: str
    towns: tuple[TownImpact, ...]
    people: int
    over_65: int
    under_7: int
    area_km2: float


@dataclass(frozen=True, slots=True)
class IncidentStep:
    """One step of an incident: ``opened``, ``escalated``, ``eased``, ``closed``, ``taken`` (by a person)."""

    incident_id: UUID
    step: str
    hazard: str
    series: str
    level: str
    crisis_level: int
    opened_us: int
    probability: float | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class AlertText:
    """The words of a warning in one language (BCP 47 tag, e.g. ``ko-KR``)."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    area: str


@dataclass(frozen=True, slots=True)
class AlertContent:
    """All that goes out: what two people approve by its hash.

    ``kind`` is the CAP msgType (``Alert``, ``Update``, ``Cancel``); ``references`` the CAP
    identifiers it replaces; ``polygons`` rings of (longitude, latitude), closed; ``towns`` codes.
    """

    identifier: str
    status: Status
    kind: str
    hazard: str
    series: str
    level: str
    crisis_level: int
    urgency: str
    severity: str
    certainty: str
    onset_us: int
    expires_us: int
    sender: str
    sender_name: str
    texts: tuple[AlertText, ...]
    towns: tuple[str, ...]
    polygons: tuple[tuple[tuple[float, float], ...], ...]
    people: int
    area_km2: float
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertStep:
    """One step of an alert: ``drafted``, ``edited``, ``submitted``, ``approved``, ``rejected``,
    ``published``, ``superseded``, ``cancelled``, ``expired``.

    ``content_hash`` is the SHA-256 (hex) of the canonical bytes the step speaks of.
    """

    alert_id: UUID
    incident_id: UUID
    step: str
    content_hash: str
    content: AlertContent | None = None
    by: str = ""
    reason: str = ""


Body = AlarmStep | Detection | Forecast | ModelState | InputDrift | Impact | IncidentStep | AlertStep

KINDS: dict[type[Body], str] = {
    AlarmStep: "alarm",
    Detection: "detection",
    Forecast: "forecast",
    ModelState: "model",
    InputDrift: "drift",
    Impact: "impact",
    IncidentStep: "incident",
    AlertStep: "alert",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One immutable statement: its id, kind, owner, times, causes and body.

    ``about_us`` is the instant it speaks of, ``recorded_us`` when the platform came to know it.
    ``caused_by`` are facts, ``observation_ids`` observations.
    """

    id: UUID
    kind: str
    organisation_id: int
    about_us: int
    recorded_us: int
    body: Body
    caused_by: tuple[UUID, ...] = ()
    observation_ids: tuple[int, ...] = ()


def make_fact(
    body: Body,
    *,
    key: str,
    organisation_id: int,
    about_us: int,
    recorded_us: int,
    caused_by: tuple[UUID, ...] = (),
    observation_ids: tuple[int, ...] = (),
) -> Fact:
    """A fact whose id follows from its kind, owner, key and recording instant.

    ``key`` is what makes it one of its kind at that instant, e.g. ``"taehwa_stage_m:advisory:raised"``.
    """
    kind = KINDS[type(body)]
    identity = fact_id(recorded_us, kind, f"{organisation_id}:{key}")
    return Fact(identity, kind, organisation_id, about_us, recorded_us, body, caused_by, observation_ids)
