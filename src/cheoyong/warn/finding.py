# SPDX-License-Identifier: Apache-2.0
"""What a linter found: a code, how bad, where, and in Korean and English what is wrong and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cheoyong.domain.city import Words

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; an ``error`` stops an alert, a ``warning`` is shown to both people."""

    code: str
    severity: Severity
    where: str
    message: Words
    mend: Words


_CATALOGUE: dict[str, tuple[str, str, str, str]] = {
    "missing_element": (
        "빠진 내용이 있습니다: {detail}",
        "something is missing: {detail}",
        "채워 넣으십시오",
        "fill it in",
    ),
    "missing_language": (
        "이 언어의 글이 없습니다: {detail}",
        "there is no text in {detail}",
        "그 언어로 쓰십시오",
        "write it in that language",
    ),
    "expires_before_sent": (
        "만료 시각이 보내는 때보다 앞섭니다",
        "it expires before it is sent",
        "만료를 늦추십시오",
        "set a later expiry",
    ),
    "expires_before_onset": (
        "만료 시각이 시작 시각보다 앞섭니다",
        "it expires before the danger begins",
        "만료를 늦추십시오",
        "set a later expiry",
    ),
    "expires_too_late": (
        "유효 시간이 너무 깁니다: {detail}",
        "it holds too long: {detail}",
        "24시간 안으로 줄이고 필요하면 갱신하십시오",
        "keep it within 24 hours and update it when needed",
    ),
    "onset_passed": (
        "예상 시각이 이미 지났습니다",
        "the expected time has already passed",
        "지금 상황으로 고쳐 쓰십시오",
        "say what is so now",
    ),
    "vague_place": (
        "곳이 분명하지 않습니다: {detail}",
        "the place is vague: {detail}",
        "하천 구간이나 동 이름을 쓰십시오",
        "name the reach or the towns",
    ),
    "date_mismatch": (
        "글의 때가 경보의 때와 다릅니다: {detail}",
        "a time in the text differs from the alert: {detail}",
        "날짜와 시각을 맞추십시오",
        "make date and time agree",
    ),
    "all_caps": (
        "대문자로만 쓴 말이 있습니다: {detail}",
        "words in capitals only: {detail}",
        "소문자로 쓰십시오",
        "write in lower case",
    ),
    "too_long": ("너무 깁니다: {detail}", "too long: {detail}", "나누거나 줄이십시오", "split or shorten it"),
    "code_name": (
        "사람이 모르는 부호가 있습니다: {detail}",
        "a code name people do not know: {detail}",
        "쉬운 말로 바꾸십시오",
        "use plain words",
    ),
    "bad_character": (
        "보낼 수 없는 글자가 있습니다",
        "it contains a character that cannot be sent",
        "그 글자를 지우십시오",
        "remove it",
    ),
    "drill_marker_missing": (
        "훈련 표시로 시작하지 않습니다: {detail}",
        "it does not begin with the marker {detail}",
        "맨 앞에 표시를 넣으십시오",
        "put the marker first",
    ),
    "drill_marker_in_actual": (
        "실제 경보에 훈련 표시가 있습니다",
        "an actual alert carries a drill marker",
        "표시를 지우거나 훈련으로 새로 쓰십시오",
        "remove it, or draft an exercise",
    ),
    "polygon_missing": (
        "구역이 비어 있습니다",
        "the area is empty",
        "지도에서 구역을 그리십시오",
        "draw the area on the map",
    ),
    "polygon_open": (
        "구역의 선이 닫히지 않았습니다",
        "the ring is not closed",
        "첫 점으로 끝내십시오",
        "end it at its first point",
    ),
    "polygon_crossing": (
        "구역의 선이 서로 엇갈립니다",
        "the ring crosses itself",
        "선을 다시 그리십시오",
        "draw it again",
    ),
    "polygon_swapped": (
        "위도와 경도가 바뀌었습니다",
        "latitude and longitude are swapped",
        "경도, 위도 차례로 넣으십시오",
        "give longitude first",
    ),
    "polygon_outside": (
        "구역이 도시 밖에 있습니다",
        "the area lies outside the city",
        "도시 안에 그리십시오",
        "keep it inside the city",
    ),
    "polygon_too_large": (
        "구역이 너무 넓습니다: {detail}",
        "the area is far too large: {detail}",
        "위험한 곳만 그리십시오",
        "draw only where the danger is",
    ),
    "wrong_reference": (
        "가리키는 경보가 옳지 않습니다: {detail}",
        "the reference is wrong: {detail}",
        "보낸 경보를 가리키십시오",
        "refer to the message that was sent",
    ),
    "unknown_code": (
        "모르는 값입니다: {detail}",
        "unknown code: {detail}",
        "정해진 값에서 고르십시오",
        "choose one of the known codes",
    ),
}
CODES: frozenset[str] = frozenset(_CATALOGUE)


def finding(code: str, where: str, detail: str = "", severity: Severity = "error") -> Finding:
    """A finding with its words; KeyError for a code that has none.

    >>> finding("too_long", "ko.headline", "170 > 160").message["en"]
    'too long: 170 > 160'
    """
    ko, en, mend_ko, mend_en = _CATALOGUE[code]
    message = {"ko": ko.replace("{detail}", detail), "en": en.replace("{detail}", detail)}
    return Finding(code, severity, where, message, {"ko": mend_ko, "en": mend_en})
