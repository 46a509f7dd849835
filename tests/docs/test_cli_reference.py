# SPDX-License-Identifier: Apache-2.0
"""The page of commands says what ``cheoyong … --help`` says."""

from __future__ import annotations

import re

import pytest
from reference_writer import DOCS, load_writer
from typer.testing import CliRunner

from cheoyong.cli.program import app

WRITER = load_writer()
PAGE = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
COMMANDS = dict(WRITER.commands())


def _help(name: str) -> str:
    words = [*name.split()[1:], "--help"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "240", "NO_COLOR": "1", "TERM": "dumb"})
    assert result.exit_code == 0
    return str(result.output)


def _section(name: str) -> str:
    return PAGE.split(f"## `{name}`\n")[1].split("\n## ")[0]


def test_the_page_is_what_the_program_would_write() -> None:
    assert WRITER.commands_page() == PAGE, "run: .venv/bin/python scripts/write_reference.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_on_the_page_are_those_that_help_shows(name: str) -> None:
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _help(name).split("Options")[1])) - {"--help"}
    shown = {option for option in shown if not option.startswith("--no-")}
    written = set(re.findall(r"^\| `(--[a-z-]+)`", _section(name), re.MULTILINE))
    assert written == shown


@pytest.mark.parametrize("name", COMMANDS)
def test_L3_each_command_shows_three_examples_that_name_only_options_there_are(name: str) -> None:
    examples = [line for line in _section(name).split("```")[1].splitlines() if "cheoyong" in line]
    assert len(examples) >= 3
    known = {option for command in COMMANDS.values() for p in command.params for option in p.opts}
    assert set(re.findall(r"--[a-z-]+", " ".join(examples))) <= known
