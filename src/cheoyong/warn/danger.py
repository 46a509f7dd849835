# SPDX-License-Identifier: Apache-2.0
"""What a warning warns of, read from a forecast or a level alarm, with its CAP words.

Mapping to CAP 1.2 (§3.2.2), with the reasons:
severity   from the crisis level, because it states harm: 심각 Extreme, 경계 Severe, 주의 Moderate,
           관심 Minor.
certainty  seen → Observed; probability above one half → Likely (CAP: more likely than not);
           at most one half → Possible.
urgency    seen or within 1 h → Immediate (act at once); within 3 h → Expected (moving cars and people
           who need help takes up to two hours); later → Future.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from uuid import UUID

from cheoyong.domain.city import CityPack, Level
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.fact import AlarmStep, Crossing, Fact, Forecast
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US
from cheoyong.domain.level import CrisisLevel

_SEVERITY = {
    CrisisLevel.CALM: "Unknown",
    CrisisLevel.ATTENTION: "Minor",
    CrisisLevel.CAUTION: "Moderate",
    CrisisLevel.ALERT: "Severe",
    CrisisLevel.SERIOUS: "Extreme",
}
_ROUND_US = 10 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Danger:
    """A level crossed or expected: which incident, where, when (µs), how sure (0-1, None when seen)."""

    incident_id: UUID
    organisation_id: int
    hazard: str
    series: str
    level: Level
    onset_us: int
    probability: float | None
    caused_by: tuple[UUID, ...]


def danger_from_forecast(
    fact: Fact,
    level_id: str,
    city: CityPack,
    incident_id: UUID,
    *,
    threshold: float = 0.5,
    lead_bound_s: int = 3 * 3600,
) -> Danger | None:
    """The danger of a forecast for one level; None when it stays below ``threshold`` within the bound.

    The onset is when the probability passes the threshold, between leads on a straight line from
    zero at issue, cut down to ten minutes and never before issue.
    """
    forecast = fact.body
    if not isinstance(forecast, Forecast):
        raise InvalidInput("this fact is no forecast", where="danger")
    for crossing in forecast.crossings:
        if crossing.level == level_id:
            return _expected(fact, forecast, _within(crossing, lead_bound_s), city, incident_id, threshold)
    return None


def danger_from_alarm(fact: Fact, city: CityPack, incident_id: UUID, hazard: str) -> Danger:
    """The danger of a raised level alarm: it is there since the alarm's ``since_us``, cut to the minute."""
    alarm = fact.body
    if not isinstance(alarm, AlarmStep) or alarm.cause != "level" or alarm.step != "raised":
        raise InvalidInput("this fact is no raised level alarm", where="danger")
    level = city.level(alarm.series, alarm.rule)
    onset_us = alarm.since_us - alarm.since_us % MINUTE_US
    return Danger(incident_id, fact.organisation_id, hazard, alarm.series, level, onset_us, None, (fact.id,))


def _within(crossing: Crossing, lead_bound_s: int) -> Crossing:
    """The part of a crossing that lies within the lead bound."""
    n = sum(lead <= lead_bound_s for lead in crossing.lead_s)
    return replace(crossing, lead_s=crossing.lead_s[:n], probability=crossing.probability[:n])


def _expected(
    fact: Fact, forecast: Forecast, crossing: Crossing, city: CityPack, incident_id: UUID, threshold: float
) -> Danger | None:
    """The danger of one crossing, its onset cut down to ten minutes and never before issue."""
    lead_s = crossing_lead_s(crossing, threshold)
    if lead_s is None:
        return None
    onset_us = forecast.issued_us + int(lead_s * SECOND_US)
    return Danger(
        incident_id,
        fact.organisation_id,
        forecast.hazard,
        forecast.series,
        city.level(forecast.series, crossing.level),
        max(onset_us - onset_us % _ROUND_US, forecast.issued_us),
        max(crossing.probability),
        (fact.id,),
    )


def crossing_lead_s(crossing: Crossing, threshold: float) -> float | None:
    """Seconds ahead at which the probability first passes ``threshold`` (0-1); None if never.

    >>> crossing_lead_s(Crossing("advisory", 4.5, 2, (3600, 7200), (0.2, 0.8)), 0.5)
    5400.0
    """
    points = [(0.0, 0.0), *zip(crossing.lead_s, crossing.probability, strict=True)]
    for (lead0, p0), (lead1, p1) in pairwise(points):
        if p1 >= threshold:
            share = 1.0 if p1 <= p0 else max(0.0, threshold - p0) / (p1 - p0)
            return lead0 + share * (lead1 - lead0)
    return None


def severity(level: Level) -> str:
    """CAP severity of a level."""
    return _SEVERITY[CrisisLevel(level.crisis_level)]


def certainty(probability: float | None) -> str:
    """CAP certainty.

    >>> certainty(None), certainty(0.7), certainty(0.5)
    ('Observed', 'Likely', 'Possible')
    """
    if probability is None:
        return "Observed"
    return "Likely" if probability > 0.5 else "Possible"


def urgency(onset_us: int, now_us: int) -> str:
    """CAP urgency of a danger that begins at ``onset_us``.

    >>> urgency(HOUR_US, 0), urgency(3 * HOUR_US, 0), urgency(4 * HOUR_US, 0)
    ('Immediate', 'Expected', 'Future')
    """
    if onset_us - now_us <= HOUR_US:
        return "Immediate"
    return "Expected" if onset_us - now_us <= 3 * HOUR_US else "Future"


def worst(dangers: Sequence[Danger]) -> Danger | None:
    """The danger to speak of: the highest level, the seen one before the expected, the earliest."""
    return max(
        dangers,
        key=lambda danger: (danger.level.crisis_level, danger.probability is None, -danger.onset_us),
        default=None,
    )
