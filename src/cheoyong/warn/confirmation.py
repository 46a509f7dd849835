# SPDX-License-Identifier: Apache-2.0
"""What an approver is told and must type: the consequence, the place, the head-count."""

from __future__ import annotations

import unicodedata

from cheoyong.domain.fact import AlertContent
from cheoyong.domain.level import Status


def plain(text: str) -> str:
    """Typing forgives spaces, commas, case and composed or decomposed Hangul; nothing else.

    >>> plain("  태화강  하류 ") == plain("태화강 하류"), plain("12,345")
    (True, '12345')
    """
    return "".join(unicodedata.normalize("NFKC", text).casefold().replace(",", "").split())


def confirmation_words(content: AlertContent) -> tuple[str, ...]:
    """What an approver may type: the place in each language (the area up to its colon), the head-count."""
    places = tuple(text.area.split(":")[0].strip() for text in content.texts)
    return (*(place for place in places if place), str(content.people))


def confirm_sentence(content: AlertContent, language: str, audience: int | None = None) -> str:
    """What the button will do, in ``ko`` or ``en``: ``audience`` heads (default: residents) or nobody."""
    heads = content.people if audience is None else audience
    korean = language.startswith("ko")
    if content.status is Status.ACTUAL and korean:
        return f"실제 상황: 지금 {heads:,}명에게 보냅니다"
    if content.status is Status.ACTUAL:
        return f"Actual: sends to {heads:,} people NOW"
    name = {Status.EXERCISE: "훈련"}.get(content.status, str(content.status)) if korean else content.status
    return f"{name}: 아무에게도 보내지 않습니다" if korean else f"{name}: goes to nobody"
