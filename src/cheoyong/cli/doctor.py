# SPDX-License-Identifier: Apache-2.0
"""`cheoyong doctor`: examine this installation and say how to mend what is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cheoyong.app.doctor import Check

_MARKS = {"ok": ("green", "ok"), "warn": ("yellow", "warn"), "fail": ("red", "FAIL")}


def doctor(
    data: Annotated[Path | None, typer.Option(help="Data folder of the installation.")] = None,
    http_port: Annotated[
        int, typer.Option(help="Web port that serve will use; 0: any.", min=0, max=65535)
    ] = 0,
    mqtt_host: Annotated[str, typer.Option(help="Address the MQTT door will listen on.")] = "127.0.0.1",
    mqtt_port: Annotated[
        int, typer.Option(help="MQTT port that serve will use; 0: any.", min=0, max=65535)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Check versions, clock, disk, ports, data folder and engines; exit code 1 if anything fails.

    Examples:
      cheoyong doctor
      cheoyong doctor --data /srv/cheoyong
      cheoyong doctor --json

    """
    from cheoyong.app.doctor import Patient, run_checks, worst
    from cheoyong.app.folder import DataFolder

    checks = run_checks(
        Patient(
            data=data or DataFolder.default_root(),
            database_url=os.environ.get("CHEOYONG_DATABASE_URL", ""),
            nats_url=os.environ.get("CHEOYONG_NATS_URL", ""),
            http=("127.0.0.1", http_port),
            mqtt=(mqtt_host, mqtt_port),
        )
    )
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
