# SPDX-License-Identifier: Apache-2.0
"""The bytes two people approve: one canonical form of an alert, its area and its channels."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import tzinfo
from hashlib import sha256

from cheoyong.domain.fact import AlertContent
from cheoyong.domain.instant import SECOND_US, to_datetime


def canonical_bytes(content: AlertContent, channels: Collection[str] = ()) -> bytes:
    """UTF-8 JSON of everything that goes out and where to: keys sorted, no spaces, no NaN.

    The order and repetition of ``channels`` do not matter. Raises ValueError for NaN or infinity.
    """
    whole = {"channels": sorted(set(channels)), "content": asdict(content)}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def content_hash(content: AlertContent, channels: Collection[str] = ()) -> str:
    """SHA-256 (64 hex digits) of ``canonical_bytes``; any change of text, area, status or channel shows."""
    return sha256(canonical_bytes(content, channels)).hexdigest()


def cap_time(instant_us: int, zone: tzinfo) -> str:
    """CAP dateTime: whole seconds (cut, not rounded) with a numeric offset, never ``Z`` (CAP 1.2 §3.3.2).

    >>> from datetime import UTC
    >>> cap_time(1475638200900000, UTC)
    '2016-10-05T03:30:00-00:00'
    """
    text = to_datetime(instant_us - instant_us % SECOND_US, zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def cap_reference(content: AlertContent, sent_us: int, zone: tzinfo) -> str:
    """How a later message names this one: ``sender,identifier,sent`` (CAP 1.2, ``references``)."""
    return f"{content.sender},{content.identifier},{cap_time(sent_us, zone)}"
