# SPDX-License-Identifier: Apache-2.0
"""A CAP 1.2 message as bytes: the same content and sent time give the same bytes, always.

OASIS Common Alerting Protocol 1.2, 2010, §3.2 (data dictionary) and §3.4 (schema).
"""

from __future__ import annotations

from datetime import tzinfo

from lxml import etree

from cheoyong.domain.city import Ring
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.fact import AlertContent, AlertText
from cheoyong.domain.level import Status
from cheoyong.faces.cap.vocabulary import NAMESPACE, category, response_type
from cheoyong.warn.canonical import cap_time

_DECIMALS = 6  # of a degree: a tenth of a metre


def render_cap(content: AlertContent, *, sent_us: int, zone: tzinfo) -> bytes:
    """UTF-8 XML of an alert sent at ``sent_us`` (µs, cut to the second), times shown in ``zone``.

    One ``info`` per language. Nothing is in it that is not in the approved content, but when it was
    sent. Raises InvalidInput for text XML cannot carry.
    """
    alert = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})
    _add(alert, "identifier", content.identifier)
    _add(alert, "sender", content.sender)
    _add(alert, "sent", cap_time(sent_us, zone))
    _add(alert, "status", str(content.status))
    _add(alert, "msgType", content.kind)
    _add(alert, "scope", "Public")
    if content.status is not Status.ACTUAL:
        _add(
            alert,
            "note",
            f"{content.status} {content.identifier}: not an actual alert. 실제 경보가 아닙니다.",
        )
    if content.references:
        _add(alert, "references", " ".join(content.references))
    for text in content.texts:
        _add_info(alert, content, text, sent_us, zone)
    return bytes(etree.tostring(alert, encoding="UTF-8", xml_declaration=True, pretty_print=True))


def _add_info(
    alert: etree._Element,
    content: AlertContent,
    text: AlertText,
    sent_us: int,
    zone: tzinfo,
) -> None:
    """One language: the elements in the order the schema asks for."""
    info = etree.SubElement(alert, _tag("info"))
    fields = (
        ("language", text.language),
        ("category", category(content.hazard)),
        ("event", text.event),
        ("responseType", response_type(content.kind, content.crisis_level)),
        ("urgency", content.urgency),
        ("severity", content.severity),
        ("certainty", content.certainty),
        ("effective", cap_time(sent_us, zone)),
        ("onset", cap_time(content.onset_us, zone)),
        ("expires", cap_time(content.expires_us, zone)),
        ("senderName", content.sender_name),
        ("headline", text.headline),
        ("description", text.description),
        ("instruction", text.instruction),
    )
    for name, value in fields:
        _add(info, name, value)
    _add_pair(info, "parameter", "crisisLevel", str(content.crisis_level))
    _add_pair(info, "parameter", "level", content.level)
    _add_pair(info, "parameter", "residentsInArea", str(content.people))
    _add_area(info, content, text)


def _add_area(info: etree._Element, content: AlertContent, text: AlertText) -> None:
    """The area in words, as polygons, and by town code."""
    area = etree.SubElement(info, _tag("area"))
    _add(area, "areaDesc", text.area)
    for ring in content.polygons:
        _add(area, "polygon", polygon_text(ring))
    for town in content.towns:
        _add_pair(area, "geocode", "town", town)


def polygon_text(ring: Ring) -> str:
    """CAP polygon of a closed ring of (longitude, latitude): ``lat,lon`` pairs.

    >>> polygon_text(((129.3, 35.5), (129.4, 35.5), (129.4, 35.6), (129.3, 35.5)))
    '35.5,129.3 35.5,129.4 35.6,129.4 35.5,129.3'
    """
    return " ".join(f"{_degrees(latitude)},{_degrees(longitude)}" for longitude, latitude in ring)


def _degrees(value: float) -> str:
    """Up to six decimals without trailing zeros, so the bytes do not depend on how a number was made."""
    return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _tag(name: str) -> str:
    """Qualified name."""
    return f"{{{NAMESPACE}}}{name}"


def _add(parent: etree._Element, name: str, value: str) -> None:
    """One element with text."""
    try:
        etree.SubElement(parent, _tag(name)).text = value
    except ValueError:  # control characters, lone surrogates
        raise InvalidInput("it holds a character XML cannot carry", where=name, mend="remove it") from None


def _add_pair(parent: etree._Element, name: str, key: str, value: str) -> None:
    """A ``valueName``/``value`` pair."""
    pair = etree.SubElement(parent, _tag(name))
    _add(pair, "valueName", key)
    _add(pair, "value", value)
