# SPDX-License-Identifier: Apache-2.0
"""Write commands.md, settings.md and the cards of models.md in docs/reference; tests hold them equal.

Run: ``.venv/bin/python scripts/write_reference.py``
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from cheoyong.app.settings import FILE, PREFIX, ROWS, Row
from cheoyong.cli.program import app
from cheoyong.flow.model_cards import as_markdown, cards

_KINDS = {Path: "path", str: "text", int: "whole number", float: "number"}
REFERENCE = Path(__file__).parent.parent / "docs" / "reference"

_COMMANDS_HEAD = """# Commands

*Written by `scripts/write_reference.py` from the program; a test compares the two.*

What a command says goes to standard error, its data to standard output; with `--json` the data is one JSON
object. Every command has `-h`/`--help`. Exit codes: 0 done, 1 `doctor` found a failure, 2 wrong usage or a
problem that is named on standard error, 130 stopped at once by a second Ctrl-C.

What `serve`, `demo` and `replay` say while they run is Korean or English, by `CHEOYONG_LANGUAGE` (`ko` or
`en`), else by the locale. Help is in English.
"""

_SETTINGS_HEAD = f"""# Settings

*Written by `scripts/write_reference.py` from `src/cheoyong/app/settings.py`; a test compares the two.*

A setting is read from `{FILE}` in the data folder; over it from the environment, as `{PREFIX}` and the
name in capitals; over it from the command's own option. A name that does not exist, a wrong type or a
value out of range is an error that says where. Settings marked *secret* are never shown, and are never
given as an option: whoever may list processes could read them.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name: ``cheoyong score river`` and so on."""
    yield from _under("cheoyong", typer.main.get_command(app))


def _under(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, child in inner.items():
        yield from _under(f"{name} {word}", child)


def commands_page() -> str:
    """Markdown of every command: what it does, examples, arguments and options."""
    return _COMMANDS_HEAD + "".join(f"\n{_command(name, command)}" for name, command in commands())


def _command(name: str, command: Any) -> str:
    what, _, examples = command.help.replace("\b", "").partition("Examples:")
    lines = [f"## `{name}`", "", " ".join(what.split()), ""]
    if examples.strip():
        lines += ["```sh", *(line.strip() for line in examples.strip().splitlines()), "```", ""]
    lines += ["| argument or option | type | default | meaning |", "|---|---|---|---|"]
    lines += [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    return "\n".join(lines) + "\n"


def _parameter(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    names = ", ".join(f"`{name}`" for name in (parameter.opts if is_option else [parameter.name]))
    if parameter.required:
        default = "required"
    elif parameter.default in (None, False, ""):
        default = ""
    else:
        default = f"`{parameter.default}`"
    kind = "" if getattr(parameter, "is_flag", False) else _KINDS[parameter.type_descriptor.annotation]
    return f"| {names} | {kind} | {default} | {_cell(parameter.help or '')} |"


def settings_page() -> str:
    """Markdown of every setting, one row each."""
    head = "| setting | environment | type, range | default | meaning |\n|---|---|---|---|---|\n"
    return f"{_SETTINGS_HEAD}\n{head}" + "".join(_setting(row) for row in ROWS)


def _setting(row: Row) -> str:
    kind = _KINDS[type(row.default)]
    if row.choices:
        kind = " or ".join(f"`{choice}`" for choice in row.choices)
    if row.least is not None and row.most is not None:
        kind += f", {row.least:g} to {row.most:g}"
    if row.unit and not row.name.endswith("port"):
        kind += f" {row.unit}"
    default = f"`{row.default}`" if row.default != "" else "empty"
    meaning = _cell(row.help) + (" *Secret.*" if row.secret else "")
    return f"| `{row.name}` | `{PREFIX}{row.name.upper()}` | {kind} | {default} | {meaning} |\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def models_page() -> str:
    """The page of the models: its words kept, the cards below its mark written anew."""
    words, mark, _ = (REFERENCE / "models.md").read_text("utf-8").partition("<!-- cards -->\n")
    return words + mark + as_markdown(cards())


PAGES = {"commands.md": commands_page, "settings.md": settings_page, "models.md": models_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
