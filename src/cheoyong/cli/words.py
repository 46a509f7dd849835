# SPDX-License-Identifier: Apache-2.0
"""What the command line says to people, Korean and English beside each other (L10).

The language is that of CHEOYONG_LANGUAGE, else of LC_ALL, LC_MESSAGES or LANG; English otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

LANGUAGES = ("ko", "en")
_ASKED = ("CHEOYONG_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

WORDS: Mapping[str, tuple[str, str]] = {
    "exercise": ("훈련", "EXERCISE"),
    "open_console": (
        "관제 화면을 여십시오 (이 링크는 한 번만 쓸 수 있습니다):",
        "Open the console (this link works once):",
    ),
    "end_demo": (
        "Ctrl-C 로 끝냅니다. --data 를 주지 않았으면 자료는 지워집니다.",
        "Ctrl-C ends the demo; its data is deleted then unless you gave --data.",
    ),
    "starting": ("시작하는 중", "starting"),
    "stopping": ("멈추는 중 … (한 번 더 누르면 바로 멈춥니다)", "stopping … (again to stop at once)"),
    "ready": ("처용이 준비되었습니다: {url}/console/", "Cheoyong is ready: {url}/console/"),
    "mqtt": ("MQTT 센서: 포트 {port}, 비밀번호 = API 키", "MQTT sensors: port {port}, password = API key"),
    "first_link": (
        "첫 로그인 링크 (관리자, 한 번, 24시간 안에):",
        "First sign-in link (administrator, once, within 24 hours):",
    ),
    "error": ("오류", "error"),
    "report": ("재현 결과 (훈련)", "What the replay showed (EXERCISE)"),
    "lead": (
        "예측이 공식 홍수주의보보다 {minutes}분 먼저 확신에 이르렀습니다.",
        "The forecast was confident {minutes} min before the official advisory.",
    ),
    "no_lead": (
        "예측은 공식 홍수주의보보다 먼저 확신에 이르지 못했습니다.",
        "The forecast never became confident before the official advisory.",
    ),
}  # fmt: skip


def language(environment: Mapping[str, str] | None = None) -> str:
    """``ko`` or ``en``.

    >>> language({"LANG": "ko_KR.UTF-8"}), language({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}), language({})
    ('ko', 'en', 'en')
    """
    source = os.environ if environment is None else environment
    asked = next((source[name] for name in _ASKED if source.get(name)), "")
    return "ko" if asked.lower().startswith("ko") else "en"


def say(key: str, **values: object) -> str:
    """The words for a key in the language of the terminal, filled in."""
    return WORDS[key][LANGUAGES.index(language())].format(**values)
