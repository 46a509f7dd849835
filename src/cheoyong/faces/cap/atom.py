# SPDX-License-Identifier: Apache-2.0
"""The Atom feed (RFC 4287) of what one channel has published, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from lxml import etree

from cheoyong.domain.errors import TooLarge
from cheoyong.domain.fact import AlertContent
from cheoyong.domain.instant import SECOND_US, format_instant
from cheoyong.domain.level import Status
from cheoyong.faces.cap.vocabulary import MEDIA_TYPE
from cheoyong.warn.channels import Binding, Channel
from cheoyong.warn.texts import MARKERS

ATOM = "http://www.w3.org/2005/Atom"
ENTRIES_MAX = 500


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One published message: its id, content, instant of sending (µs) and absolute URL of its CAP XML."""

    alert_id: UUID
    content: AlertContent
    sent_us: int
    url: str


def render_feed(
    entries: Sequence[FeedEntry],
    *,
    channel: Channel,
    feed_id: str,
    self_url: str,
    title: str,
    author: str,
    language: str = "ko",
    updated_us: int = 0,
) -> bytes:
    """UTF-8 Atom bytes; ``feed_id`` and ``self_url`` are absolute IRIs.

    ``updated_us`` counts when there are no entries. Raises Forbidden when an entry's status may not
    leave by ``channel``, TooLarge over ``ENTRIES_MAX`` entries.
    """
    if len(entries) > ENTRIES_MAX:
        raise TooLarge(f"a feed holds at most {ENTRIES_MAX} entries", where="feed")
    for entry in entries:
        Binding(entry.content.status, channel)
    newest_first = sorted(entries, key=lambda entry: (-entry.sent_us, entry.alert_id.int))
    latest_us = newest_first[0].sent_us if newest_first else updated_us
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    drill = Status.ACTUAL not in channel.statuses
    _add(feed, "id", feed_id)
    _add(feed, "title", (MARKERS[Status.EXERCISE][language] if drill else "") + title)
    _add(feed, "updated", _second(latest_us))
    _add(_add(feed, "author"), "name", author)
    _add(feed, "link", rel="self", href=self_url, type="application/atom+xml")
    for entry in newest_first:
        _add_entry(feed, entry, language)
    return bytes(etree.tostring(feed, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _add_entry(feed: etree._Element, entry: FeedEntry, language: str) -> None:
    """One message: headline as title, description as summary, its CAP XML as the alternate."""
    texts = entry.content.texts
    text = next((text for text in texts if text.language.split("-")[0] == language), texts[0])
    element = _add(feed, "entry")
    _add(element, "id", f"urn:uuid:{entry.alert_id}")
    _add(element, "title", text.headline)
    _add(element, "published", _second(entry.sent_us))
    _add(element, "updated", _second(entry.sent_us))
    _add(element, "summary", text.description)
    _add(element, "category", term=entry.content.kind)
    _add(element, "link", rel="alternate", href=entry.url, type=MEDIA_TYPE)


def _second(instant_us: int) -> str:
    """RFC 3339, whole seconds, UTC."""
    return format_instant(instant_us - instant_us % SECOND_US)


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    """One Atom element."""
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    element.text = text
    return element
