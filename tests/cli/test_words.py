# SPDX-License-Identifier: Apache-2.0
"""L10: the command line speaks Korean and English, and a Hangul table keeps within 80 columns."""

import io
import string
import subprocess
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from cheoyong.cli.words import LANGUAGES, WORDS, language, say


@pytest.mark.parametrize("key", sorted(WORDS))
def test_L10_every_message_is_there_in_both_languages_with_the_same_places_to_fill(key: str) -> None:
    texts = WORDS[key]
    assert len(texts) == len(LANGUAGES)
    assert all(text.strip() for text in texts)
    filled = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]
    assert filled[0] == filled[1]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"CHEOYONG_LANGUAGE": "ko", "LC_ALL": "C"}, "ko"),
        ({}, "en"),
    ],
)
def test_L10_the_language_is_that_of_the_terminal(environment: dict[str, str], expected: str) -> None:
    assert language(environment) == expected


@pytest.mark.parametrize(("chosen", "word"), [("ko", "오류"), ("en", "error")])
def test_L10_an_error_is_told_in_the_language_of_the_terminal(chosen: str, word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cheoyong", "demo", "--headless", "--until", "not a time"],
        env={"CHEOYONG_LANGUAGE": chosen, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"{word}: ")


def test_L10_a_table_with_hangul_is_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEOYONG_LANGUAGE", "ko")
    screen = io.StringIO()
    table = Table(title=say("report"), show_header=False)
    table.add_row("예보가 기준을 넘은 때", "태화강 하류 " * 12)
    Console(file=screen, width=80).print(table)
    assert max(cell_len(line) for line in screen.getvalue().splitlines()) <= 80
