# SPDX-License-Identifier: Apache-2.0
"""Times, durations and names in words, and the text of a warning put together from its phrases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from cheoyong.domain.city import Gauge, Level
from cheoyong.domain.fact import AlertText, Impact
from cheoyong.domain.instant import MINUTE_US, to_datetime
from cheoyong.domain.level import Status
from cheoyong.warn.texts import MARKERS, Phrases

_DAYS = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June", "July")
_MONTHS += ("August", "September", "October", "November", "December")


@dataclass(frozen=True, slots=True)
class Scene:
    """What a text is filled from, in one language; instants in µs, ``probability`` 0-1 or None."""

    language: str
    kind: str
    status: Status
    sender: str
    place: str
    towns: tuple[str, ...]
    gauge: Gauge
    level: Level
    impact: Impact
    now_us: int
    onset_us: int
    expires_us: int
    probability: float | None
    zone: tzinfo
    water_will: str = ""


def date_in_words(moment: datetime, language: str) -> str:
    """Day with its weekday, in Korean or English.

    >>> date_in_words(datetime(2016, 10, 5), "ko"), date_in_words(datetime(2016, 10, 5), "en")
    ('10월 5일(수)', 'Wed 5 October')
    """
    day = _DAYS[language][moment.weekday()]
    if language == "ko":
        return f"{moment.month}월 {moment.day}일({day})"
    return f"{day} {moment.day} {_MONTHS[moment.month - 1]}"


def time_in_words(instant_us: int, language: str, zone: tzinfo) -> str:
    """Local date and time of an instant.

    >>> from zoneinfo import ZoneInfo
    >>> time_in_words(1475638200000000, "en", ZoneInfo("Asia/Seoul"))
    '12:30 on Wed 5 October'
    """
    moment = to_datetime(instant_us, zone)
    date, clock = date_in_words(moment, language), f"{moment:%H:%M}"
    return f"{date} {clock}" if language == "ko" else f"{clock} on {date}"


def duration_in_words(minutes: int, language: str) -> str:
    """A positive duration in hours and minutes.

    >>> duration_in_words(90, "ko"), duration_in_words(60, "en"), duration_in_words(90, "en")
    ('1시간 30분', '1 hour', '1 hour 30 minutes')
    """
    hours, rest = divmod(minutes, 60)
    if language == "ko":
        words = [f"{hours}시간"] * (hours > 0) + [f"{rest}분"] * (rest > 0)
    else:
        words = [f"{hours} hour{'s' * (hours > 1)}"] * (hours > 0)
        words += [f"{rest} minute{'s' * (rest > 1)}"] * (rest > 0)
    return " ".join(words)


def level_in_words(level: Level, language: str) -> str:
    """A level's name as used inside a sentence: 홍수주의보 수위, flood advisory level."""
    name = level.name.get(language) or level.id
    if language == "ko":
        return name if name.endswith(("수위", "단계")) else f"{name} 수위"
    name = name[:1].lower() + name[1:]
    return name if name.lower().endswith("level") else f"{name} level"


def compose(phrases: Phrases, scene: Scene) -> AlertText:
    """The words of one alert in one language, each body beginning with the marker of its status."""
    values = _values(scene)
    marker = MARKERS[scene.status][scene.language]
    template = _headline(phrases, scene)
    instruction = phrases.cancel_act if scene.kind == "Cancel" else phrases.act[_crisis(scene)]
    return AlertText(
        language=phrases.tag,
        event=phrases.event,
        headline=marker + template.format_map(values),
        description=marker + " ".join(part.format_map(values) for part in _sentences(phrases, scene)),
        instruction=marker + instruction.format_map(values),
        area=f"{scene.place}: {', '.join(scene.towns)}",
    )


def _crisis(scene: Scene) -> int:
    """Crisis level as the key of the phrases; a level below 관심 speaks as 관심."""
    return max(1, int(scene.level.crisis_level))


def _headline(phrases: Phrases, scene: Scene) -> str:
    """Cancelled, seen or expected."""
    if scene.kind == "Cancel":
        return phrases.headline_cancel
    return phrases.headline_observed if scene.probability is None else phrases.headline_expected


def _sentences(phrases: Phrases, scene: Scene) -> list[str]:
    """Source, hazard with time, impact, whom it concerns, until when: the order WMO-1150 asks for."""
    if scene.kind == "Cancel":
        return [phrases.source, phrases.cancel, phrases.cancel_level]
    seen = scene.probability is None
    said = [phrases.source]
    said += [phrases.update] if scene.kind == "Update" else []
    said += [phrases.observed if seen else phrases.expected]
    said += [phrases.relative] if not seen and _ahead_minutes(scene) > 0 else []
    said += [phrases.level]
    said += [] if seen else [phrases.probability]
    said += [scene.water_will or phrases.water_will[_crisis(scene)], phrases.people, phrases.vulnerable]
    return [*said, phrases.until]


def _ahead_minutes(scene: Scene) -> int:
    """Minutes from drafting to onset, to the nearest ten."""
    return round((scene.onset_us - scene.now_us) / MINUTE_US / 10) * 10


def _values(scene: Scene) -> dict[str, str]:
    """Everything a phrase may name."""
    language, zone = scene.language, scene.zone
    return {
        "sender": scene.sender,
        "place": scene.place,
        "gauge": scene.gauge.name.get(language) or scene.place,
        "level": level_in_words(scene.level, language),
        "limit": f"{scene.level.limit:g} {scene.gauge.unit}",
        "when": time_in_words(scene.onset_us, language, zone),
        "clock": f"{to_datetime(scene.onset_us, zone):%H:%M}",
        "base": f"{to_datetime(scene.now_us, zone):%H:%M}",
        "ahead": duration_in_words(_ahead_minutes(scene), language),
        "percent": str(_percent(scene.probability)),
        "towns": str(len(scene.towns)),
        "people": f"{scene.impact.people:,}",
        "over_65": f"{scene.impact.over_65:,}",
        "under_7": f"{scene.impact.under_7:,}",
        "until": time_in_words(scene.expires_us, language, zone),
    }


def _percent(probability: float | None) -> int:
    """Whole tens of a percent, 10-90: a forecast is neither that sharp nor ever sure."""
    return min(90, max(10, round((probability or 0.0) * 10) * 10))
