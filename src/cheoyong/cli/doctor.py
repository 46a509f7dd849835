# SPDX-License-Identifier: Apache-2.0
"""`cheoyong doctor`: examine this installation and say how to mend what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cheoyong.app.doctor import Check

_MARKS = {"ok": ("green", "ok"), "warn": ("yellow", "warn"), "fail": ("red", "FAIL")}


def doctor(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Check versions, clock, disk, ports, data folder and engines; exit code 1 if anything fails.

    Examples:
      cheoyong doctor
      cheoyong doctor --data /srv/cheoyong
      cheoyong doctor --json

    """
    from cheoyong.app.doctor import examine, worst
    from cheoyong.app.folder import DataFolder

    checks = examine(data or DataFolder.default_root())
    _print_json(checks) if as_json else _print_table(checks)
    if worst(checks) == "fail":
        raise typer.Exit(code=1)


def _print_json(checks: list[Check]) -> None:
    import json
    from dataclasses import asdict

    from cheoyong.app.doctor import worst

    typer.echo(
        json.dumps({"state": worst(checks), "checks": [asdict(c) for c in checks]}, ensure_ascii=False)
    )


def _print_table(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("", "check", "found", "how to mend", box=None, pad_edge=False)
    for check in checks:
        colour, word = _MARKS[check.state]
        table.add_row(Text(word, style=colour), check.name, Text(check.found), Text(check.mend))
    Console().print(table)
