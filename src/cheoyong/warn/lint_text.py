# SPDX-License-Identifier: Apache-2.0
"""Checks of an alert's words: complete, plain, short, in small letters, agreeing with its times and place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import AlertContent, AlertText
from cheoyong.domain.instant import to_datetime
from cheoyong.domain.level import Status
from cheoyong.warn.finding import Finding, finding
from cheoyong.warn.texts import MARKERS
from cheoyong.warn.wording import date_in_words

WORDS_MAX = {"ko": 15, "en": 20}  # 어절 or words in a sentence (requirement C6)
HEADLINE_MAX = 160  # characters; the length CAP 1.2 suggests for short displays
BODY_MAX = 1200  # characters of description or instruction

_BODIES = ("headline", "description", "instruction")
_ANY_MARKER = tuple(word.strip() for words in MARKERS.values() for word in words.values() if word)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_CAPS = re.compile(r"\b[A-Z]{5,}\b|\b[A-Z]{2,}(?:\s+[A-Z]{2,})+\b")
_CODE = re.compile(r"\b\w+_\w+\b|\b\d{8,}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-")
_UNSENDABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_CLOCK = re.compile(r"(?<![\d:])([0-2]?\d):([0-5]\d)(?![\d:])")
_DATE = {
    "ko": re.compile(r"(\d{1,2})월 ?(\d{1,2})일(?: ?\(([월화수목금토일])\))?"),
    "en": re.compile(
        r"(?:\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? )?\b(\d{1,2}) (January|February|March|April|May|June|July|"
        r"August|September|October|November|December)\b"
    ),
}
_VAGUE = {
    "ko": re.compile(r"일부 지역|일대|인근|해당 지역|곳곳|여러 지역"),
    "en": re.compile(
        r"\b(some areas?|nearby|surroundings?|vicinity|the area|various places)\b", re.IGNORECASE
    ),
}


def lint_texts(content: AlertContent, city: CityPack, sent_us: int) -> Iterator[Finding]:
    """Findings about every text; ``sent_us`` dates the message."""
    spoken = {text.language.split("-")[0] for text in content.texts}
    for language in city.languages:
        if language not in spoken:
            yield finding("missing_language", "texts", language)
    for text in content.texts:
        yield from _lint_one(text, content, city, sent_us)


def _lint_one(text: AlertText, content: AlertContent, city: CityPack, sent_us: int) -> Iterator[Finding]:
    """All checks of one language, each naming language and field."""
    code = text.language.split("-")[0]
    yield from _elements(text, code, content, city)
    yield from _place(text, code, content, city)
    for field in (*_BODIES, "event", "area"):
        yield from _plain_words(getattr(text, field), f"{code}.{field}")
    for field in _BODIES:
        body, where = getattr(text, field), f"{code}.{field}"
        yield from _marker(body, where, code, content.status)
        yield from _length(body, where, code, HEADLINE_MAX if field == "headline" else BODY_MAX)
        yield from _times(body, where, code, content, city, sent_us)


def _elements(text: AlertText, code: str, content: AlertContent, city: CityPack) -> Iterator[Finding]:
    """Source, hazard, place, time and action: an alert that lacks one leaves people guessing."""
    for field in (*_BODIES, "event", "area"):
        if not _bare(getattr(text, field)):
            yield finding("missing_element", f"{code}.{field}", field)
    said = f"{text.headline} {text.description}"
    sender = city.sender_name.get(code, "")
    if sender and sender not in said:
        yield finding("missing_element", f"{code}.description", f"source ({sender})")
    clock = f"{to_datetime(content.onset_us, ZoneInfo(city.time_zone)):%H:%M}"
    if not _CLOCK.search(said):
        yield finding("missing_element", f"{code}.description", f"time ({clock})")
    elif clock not in said:
        yield finding("date_mismatch", f"{code}.description", f"{clock} is not in it")


def _place(text: AlertText, code: str, content: AlertContent, city: CityPack) -> Iterator[Finding]:
    """The area names at least one of its towns, or the reach, and no vague word stands in for them."""
    names = [city.towns[town].name.get(code, "") for town in content.towns if town in city.towns]
    named = any(name and name in text.area for name in names)
    reaches = [reach.name.get(code, "") for reach in city.reaches if reach.series == content.series]
    if not named and not any(name and name in text.area for name in reaches):
        yield finding("vague_place", f"{code}.area", text.area[:40])
    vague = _VAGUE[code].search(text.area) if code in _VAGUE else None
    if vague:
        yield finding("vague_place", f"{code}.area", vague.group())


def _plain_words(body: str, where: str) -> Iterator[Finding]:
    """No shouting, no codes, nothing that XML or a phone cannot carry."""
    for code, pattern in (("all_caps", _CAPS), ("code_name", _CODE)):
        hit = pattern.search(_bare(body))
        if hit:
            yield finding(code, where, hit.group()[:40])
    if _UNSENDABLE.search(body):
        yield finding("bad_character", where)


def _marker(body: str, where: str, code: str, status: Status) -> Iterator[Finding]:
    """A drill says so first; the real thing never does, anywhere."""
    needed = MARKERS[status].get(code, MARKERS[status]["en"]).strip()
    if needed and not body.startswith(needed):
        yield finding("drill_marker_missing", where, needed)
    if status is Status.ACTUAL and any(marker.casefold() in body.casefold() for marker in _ANY_MARKER):
        yield finding("drill_marker_in_actual", where)


def _length(body: str, where: str, code: str, characters_max: int) -> Iterator[Finding]:
    """Short enough to be taken in: characters in all, words in each sentence."""
    if len(body) > characters_max:
        yield finding("too_long", where, f"{len(body)} > {characters_max}")
        return
    for sentence in _SENTENCE_END.split(_bare(body)):
        words = len(sentence.split())
        if words > WORDS_MAX.get(code, 20):
            yield finding("too_long", where, f"{words} > {WORDS_MAX.get(code, 20)}: {sentence[:30]}")


def _times(
    body: str, where: str, code: str, content: AlertContent, city: CityPack, sent_us: int
) -> Iterator[Finding]:
    """Every date in the text is a day of this alert and has its own weekday; every clock time exists."""
    for hour, minute in _CLOCK.findall(body):
        if int(hour) > 23:
            yield finding("date_mismatch", where, f"{hour}:{minute}")
    if code not in _DATE:
        return
    zone = ZoneInfo(city.time_zone)
    first = to_datetime(min(sent_us, content.onset_us), zone).replace(hour=12)
    last = to_datetime(max(content.expires_us, content.onset_us), zone)
    days = [first + timedelta(days=n) for n in range(max(0, min(9, (last.date() - first.date()).days)) + 1)]
    known = {date_in_words(day, code) for day in days}
    for match in _DATE[code].finditer(body):
        if not any(_same_day(match, code, day) for day in known):
            yield finding("date_mismatch", where, match.group())


def _same_day(match: re.Match[str], code: str, day: str) -> bool:
    """Same month and day, and the same weekday where the text gives one."""
    other = _DATE[code].search(day)
    assert other is not None  # our own words always match our own pattern
    weekday = 3 if code == "ko" else 1
    return all(
        match.group(n) == other.group(n) for n in (1, 2, 3) if n != weekday or match.group(n) is not None
    )


def _bare(body: str) -> str:
    """The text without its marker."""
    for marker in _ANY_MARKER:
        body = body.removeprefix(marker)
    return body.strip()
