# SPDX-License-Identifier: Apache-2.0
"""The linter of alerts: everything that must be right before two people may send it (O7, F15)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import CheoyongError
from cheoyong.domain.fact import AlertContent
from cheoyong.domain.instant import DAY_US, MINUTE_US, parse_instant
from cheoyong.warn.finding import CODES, Finding, Severity, finding
from cheoyong.warn.lint_area import lint_area
from cheoyong.warn.lint_text import lint_texts

__all__ = ["CODES", "Finding", "Severity", "finding", "lint"]

VALID_MAX_US = DAY_US  # a warning older than a day is a habit, not a warning
LATE_US = 10 * MINUTE_US

_VOCABULARY = {
    "kind": frozenset({"Alert", "Update", "Cancel"}),
    "urgency": frozenset({"Immediate", "Expected", "Future", "Past", "Unknown"}),
    "severity": frozenset({"Extreme", "Severe", "Moderate", "Minor", "Unknown"}),
    "certainty": frozenset({"Observed", "Likely", "Possible", "Unlikely", "Unknown"}),
}
_TOKEN = re.compile(r"[^\s,<&]+")  # CAP 1.2: no spaces, commas, < or & in sender and identifier


def lint(
    content: AlertContent,
    city: CityPack,
    sent_us: int,
    *,
    known_references: Collection[str] | None = None,
) -> list[Finding]:
    """Everything wrong with an alert if it were sent at ``sent_us`` (µs); empty when it may go.

    ``known_references`` are the ``sender,identifier,sent`` of messages that went out and still
    hold; None leaves unchecked whether a reference exists.
    """
    return [
        *_lint_codes(content, city),
        *_lint_life(content, sent_us),
        *_lint_references(content, known_references),
        *lint_area(content, city),
        *lint_texts(content, city, sent_us),
    ]


def _lint_codes(content: AlertContent, city: CityPack) -> Iterator[Finding]:
    """Words of CAP and of the city pack only."""
    for name, allowed in _VOCABULARY.items():
        if getattr(content, name) not in allowed:
            yield finding("unknown_code", name, str(getattr(content, name))[:40])
    for name in ("identifier", "sender"):
        if not _TOKEN.fullmatch(getattr(content, name)):
            yield finding("unknown_code", name, getattr(content, name)[:40])
    if content.sender != city.sender:
        yield finding("unknown_code", "sender", content.sender[:40])
    yield from _lint_pack_codes(content, city)


def _lint_pack_codes(content: AlertContent, city: CityPack) -> Iterator[Finding]:
    """Hazard, series, level and towns are ones the city has."""
    if content.hazard not in city.hazards:
        yield finding("unknown_code", "hazard", content.hazard[:40])
    gauge = city.gauges.get(content.series)
    if gauge is None:
        yield finding("unknown_code", "series", content.series[:40])
    elif content.level not in {level.id for level in gauge.levels}:
        yield finding("unknown_code", "level", content.level[:40])
    for code in content.towns:
        if code not in city.towns:
            yield finding("unknown_code", "towns", code[:40])
    if not content.towns:
        yield finding("missing_element", "towns", "place")


def _lint_life(content: AlertContent, sent_us: int) -> Iterator[Finding]:
    """Sent, then onset, then expiry, and not too far apart."""
    if content.expires_us <= sent_us:
        yield finding("expires_before_sent", "expires")
    if content.expires_us <= content.onset_us:
        yield finding("expires_before_onset", "expires")
    if content.expires_us - sent_us > VALID_MAX_US:
        hours = (content.expires_us - sent_us) / (60 * MINUTE_US)
        yield finding("expires_too_late", "expires", f"{hours:.0f} h")
    if content.certainty != "Observed" and sent_us - content.onset_us > LATE_US:
        yield finding("onset_passed", "onset", severity="warning")


def _lint_references(content: AlertContent, known: Collection[str] | None) -> Iterator[Finding]:
    """An Update or Cancel says what it replaces; a first Alert replaces nothing."""
    if content.kind == "Alert" and content.references:
        yield finding("wrong_reference", "references", "an Alert replaces nothing")
    if content.kind in ("Update", "Cancel") and not content.references:
        yield finding("wrong_reference", "references", f"an {content.kind} must name what it replaces")
    for reference in content.references:
        if not _is_reference(reference):
            yield finding("wrong_reference", "references", reference[:60])
        elif reference.split(",")[1] == content.identifier:
            yield finding("wrong_reference", "references", "it refers to itself")
        elif known is not None and reference not in known:
            yield finding("wrong_reference", "references", reference[:60])


def _is_reference(reference: str) -> bool:
    """``sender,identifier,sent`` with a time that can be read."""
    parts = reference.split(",")
    if len(parts) != 3 or not all(map(_TOKEN.fullmatch, parts)):
        return False
    try:
        parse_instant(parts[2])
    except CheoyongError:
        return False
    return True
