# SPDX-License-Identifier: Apache-2.0
"""Alert drafts: proposed once for an incident and level, again only when something material changes.

The machine only proposes. It never withdraws what went out: when the danger has gone it proposes a
Cancel, and a late datum that changes the picture leads to an Update (requirement F10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from cheoyong.domain.city import CityPack, Ring
from cheoyong.domain.errors import NotSupported
from cheoyong.domain.fact import AlertContent, AlertStep, AlertText, Fact, Impact, make_fact
from cheoyong.domain.identity import fact_id
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US
from cheoyong.domain.level import CrisisLevel, Status
from cheoyong.warn.canonical import cap_reference, content_hash
from cheoyong.warn.channels import channels_for
from cheoyong.warn.danger import Danger, certainty, severity, urgency
from cheoyong.warn.texts import PHRASES
from cheoyong.warn.wording import Scene, compose


@dataclass(frozen=True, slots=True)
class DraftRules:
    """How long an alert holds after onset, when a change is material, when to renew; all in seconds.

    ``lowest`` is the crisis level from which the public is told: 관심 is for the control room, and
    is told only when it is what remains of something worse that went out.
    """

    lowest: CrisisLevel = CrisisLevel.CAUTION
    valid_s: int = 6 * 3600
    onset_shift_s: int = 3600
    renew_before_s: int = 1800


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest message of an incident, proposed (``sent_us`` None) or published (µs).

    ``revision`` counts the messages of the incident before it. ``published`` is the newest one that
    went out, when that is another one: what an Update or Cancel refers to.
    """

    content: AlertContent
    sent_us: int | None = None
    revision: int = 0
    published: tuple[AlertContent, int] | None = None

    @property
    def latest_sent(self) -> tuple[AlertContent, int] | None:
        """Content and instant of the newest message that went out."""
        return (self.content, self.sent_us) if self.sent_us is not None else self.published


def propose(
    danger: Danger,
    impact: Impact,
    city: CityPack,
    polygons: tuple[Ring, ...],
    *,
    status: Status,
    now_us: int,
    standing: Standing | None = None,
    rules: DraftRules | None = None,
    caused_by: tuple[UUID, ...] = (),
) -> Fact | None:
    """A ``drafted`` AlertStep for a danger; None when what stands says it, or when it is too low to tell.

    ``impact`` gives towns and head-count, ``polygons`` the area as closed rings of (longitude,
    latitude). The alert's id follows from incident, level and revision, so the same draft made twice
    is one. ``caused_by`` adds to the causes of the danger (the impact, the incident step).
    """
    rules = rules or DraftRules()
    told = standing is not None and standing.latest_sent is not None
    if danger.level.crisis_level < rules.lowest and not told:
        return None
    if standing is not None and not material(standing, danger, now_us, rules):
        return None
    expires_us = max(danger.onset_us, now_us) + rules.valid_s * SECOND_US
    expires_us -= expires_us % (10 * MINUTE_US)
    return _fact(danger, impact, city, polygons, status, now_us, standing, expires_us, caused_by, "")


def propose_cancel(
    danger: Danger,
    impact: Impact,
    city: CityPack,
    polygons: tuple[Ring, ...],
    *,
    status: Status,
    now_us: int,
    standing: Standing,
    caused_by: tuple[UUID, ...] = (),
) -> Fact | None:
    """A drafted Cancel of what went out; None when nothing went out or a Cancel already stands.

    ``danger`` is the one that has passed. As every message it leaves only when two people agree.
    """
    if standing.latest_sent is None or standing.content.kind == "Cancel":
        return None
    minute_us = now_us - now_us % MINUTE_US
    past = Danger(
        danger.incident_id,
        danger.organisation_id,
        danger.hazard,
        danger.series,
        danger.level,
        minute_us,
        None,
        danger.caused_by,
    )
    expires_us = minute_us + HOUR_US
    return _fact(past, impact, city, polygons, status, now_us, standing, expires_us, caused_by, "Cancel")


def material(standing: Standing, danger: Danger, now_us: int, rules: DraftRules) -> bool:
    """Whether the danger now differs from what stands: another level, an onset moved by more than
    ``onset_shift_s``, a Cancel that no longer holds, or an alert about to expire under the danger.
    A draft that has not gone out must also still be true: water that has come is not "expected".
    """
    said = standing.content
    if said.kind == "Cancel" or said.level != danger.level.id:
        return True
    # Water that has come while it was expected is no news; one expected anew at another hour is.
    seen = danger.probability is None
    over = seen and said.onset_us <= now_us
    shifted = abs(danger.onset_us - said.onset_us) > rules.onset_shift_s * SECOND_US
    expiring = said.expires_us - now_us <= rules.renew_before_s * SECOND_US
    unsent_forecast = standing.sent_us is None and said.certainty != "Observed"
    untrue = unsent_forecast and (seen or said.onset_us < now_us)
    return expiring or untrue or (shifted and not over)


def _fact(
    danger: Danger,
    impact: Impact,
    city: CityPack,
    polygons: tuple[Ring, ...],
    status: Status,
    now_us: int,
    standing: Standing | None,
    expires_us: int,
    caused_by: tuple[UUID, ...],
    kind: str,
) -> Fact:
    """The draft as a fact, with an id that follows from what it is about."""
    sent = standing.latest_sent if standing else None
    kind = kind or ("Update" if sent else "Alert")
    revision = 0 if standing is None else standing.revision + 1
    alert_id = _alert_id(danger, kind, revision)
    zone = ZoneInfo(city.time_zone)
    content = AlertContent(
        identifier=f"{city.id}-{danger.hazard}-{alert_id}",
        status=status,
        kind=kind,
        hazard=danger.hazard,
        series=danger.series,
        level=danger.level.id,
        crisis_level=int(danger.level.crisis_level),
        urgency="Past" if kind == "Cancel" else urgency(danger.onset_us, now_us),
        severity="Minor" if kind == "Cancel" else severity(danger.level),
        certainty=certainty(danger.probability),
        onset_us=danger.onset_us,
        expires_us=expires_us,
        sender=city.sender,
        sender_name=" / ".join(city.sender_name[code] for code in city.languages if code in city.sender_name),
        texts=_texts(danger, impact, city, status, kind, now_us, expires_us, zone),
        towns=tuple(town.code for town in impact.towns),
        polygons=polygons,
        people=impact.people,
        area_km2=impact.area_km2,
        references=(cap_reference(*sent, zone),) if sent else (),
    )
    channels = tuple(channel.id for channel in channels_for(status))
    return make_fact(
        AlertStep(alert_id, danger.incident_id, "drafted", content_hash(content, channels), content),
        key=f"{alert_id}:drafted",
        organisation_id=danger.organisation_id,
        about_us=danger.onset_us,
        recorded_us=now_us,
        caused_by=(*danger.caused_by, *caused_by),
    )


def _alert_id(danger: Danger, kind: str, revision: int) -> UUID:
    """Same incident, level, kind and revision: same alert, whenever it is proposed."""
    opened_us = (danger.incident_id.int >> 80) * 1000
    return fact_id(opened_us, "alert", f"{danger.incident_id}:{danger.level.id}:{kind}:{revision}")


def _texts(
    danger: Danger,
    impact: Impact,
    city: CityPack,
    status: Status,
    kind: str,
    now_us: int,
    expires_us: int,
    zone: ZoneInfo,
) -> tuple[AlertText, ...]:
    """One text for each language of the city that has phrases; the linter names the missing ones."""
    phrases = PHRASES.get(danger.hazard)
    if phrases is None:
        raise NotSupported(f"there are no phrases for the hazard {danger.hazard}", where="warn.texts")
    reach = next((reach for reach in city.reaches if reach.id == impact.reach), None)
    gauge = city.gauges[danger.series]
    made = []
    for code in city.languages:
        if code not in phrases:
            continue
        scene = Scene(
            language=code,
            kind=kind,
            status=status,
            sender=city.sender_name.get(code, city.sender),
            place=(reach.name if reach else gauge.name).get(code, impact.reach),
            towns=tuple(city.towns[town.code].name.get(code, town.code) for town in impact.towns),
            gauge=gauge,
            level=danger.level,
            impact=impact,
            now_us=now_us,
            onset_us=danger.onset_us,
            expires_us=expires_us,
            probability=danger.probability,
            zone=zone,
            water_will=_city_words(city, danger, code),
        )
        made.append(compose(phrases[code], scene))
    return tuple(made)


def _city_words(city: CityPack, danger: Danger, code: str) -> str:
    """What the city itself says the water does at this level, if it does."""
    told: object = city.hazards
    for key in (danger.hazard, danger.series, "water_will", danger.level.id, code):
        told = told.get(key) if isinstance(told, Mapping) else None
    return told if isinstance(told, str) else ""
