# SPDX-License-Identifier: Apache-2.0
"""CAP words that follow from a hazard, its level and the kind of message."""

from __future__ import annotations

from cheoyong.domain.errors import NotSupported

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"

# CAP 1.2 §3.2.2: Met is "meteorological (inc. flood)".
_CATEGORY = {"river": "Met", "inundation": "Met"}

# What the instruction tells people to do, by crisis level (1-4).
_RESPONSE = {0: "Monitor", 1: "Monitor", 2: "Avoid", 3: "Evacuate", 4: "Evacuate"}


def category(hazard: str) -> str:
    """CAP category of a hazard; NotSupported when nobody has decided it.

    >>> category("river")
    'Met'
    """
    try:
        return _CATEGORY[hazard]
    except KeyError:
        raise NotSupported(f"no CAP category is decided for {hazard!r:.40}", where="hazard") from None


def response_type(kind: str, crisis_level: int) -> str:
    """CAP responseType of a message.

    >>> response_type("Alert", 2), response_type("Cancel", 4)
    ('Avoid', 'AllClear')
    """
    return "AllClear" if kind == "Cancel" else _RESPONSE[crisis_level]
