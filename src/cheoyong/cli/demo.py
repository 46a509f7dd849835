# SPDX-License-Identifier: Apache-2.0
"""`cheoyong demo`: a real storm replayed, from the gauge to the approved warning."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cheoyong.cli.words import language, say

if TYPE_CHECKING:
    from cheoyong.app.demo import Telling
    from cheoyong.app.report import Report

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Data folder; default: one of its own, deleted at the end.", show_default=False
    ),
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; default: any that is free.", show_default=False)
]
Speed = Annotated[
    float | None,
    typer.Option(help="Simulated seconds in one second; default: the scenario's.", show_default=False),
]
Until = Annotated[str | None, typer.Option(help="Stop at this ISO time, with zone.", show_default=False)]
Headless = Annotated[
    bool, typer.Option(help="No browser: progress, timeline, report; approves as two named exercise people.")
]
AsJson = Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")]


def demo(
    scenario: Annotated[str, typer.Argument(help="Scenario of the city pack.")] = "chaba-2016",
    data: Data = None,
    port: Port = None,
    speed: Speed = None,
    until: Until = None,
    headless: Headless = False,
    as_json: AsJson = False,
    city: Annotated[str, typer.Option(help="City pack, name or folder.")] = "ulsan",
) -> None:
    """Replay a real storm through the whole platform and approve its warning.

    Examples:
      cheoyong demo
      cheoyong demo --headless
      cheoyong demo --headless --json > report.json

    """
    from cheoyong.app.demo import Plan
    from cheoyong.app.demo import demo as run
    from cheoyong.app.logs import configure_logs
    from cheoyong.app.settings import read_settings
    from cheoyong.cli.stopping import run_until_stopped
    from cheoyong.domain.instant import parse_instant

    configure_logs("warning")

    async def work(stop: object) -> Report:
        until_us = parse_instant(until, where="--until") if until else None
        settings = read_settings(
            None, {}, mode="exercise", city=city, port=port if port is not None else 0, log="warning",
            terrain=os.environ.get("CHEOYONG_TERRAIN"),
        )  # fmt: skip
        plan = Plan(scenario, speed=speed, until_us=until_us, headless=headless)
        with Talk(headless=headless) as talk:
            return await run(plan, settings, data, talk.telling(), stop)  # type: ignore[arg-type]

    show(run_until_stopped(work), as_json)


def show(result: Report, as_json: bool) -> None:
    """The report on stdout, for people or for machines."""
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(result.as_json()).decode())
    else:
        _print(result)


class Talk:
    """Speaks on stderr: a progress bar, and a timeline in the city's own time."""

    def __init__(self, *, headless: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._headless = headless
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=self._console, disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._task = self._bar.add_task(say("starting"), total=None)

    def __enter__(self) -> Talk:
        """Begin to draw."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()

    def telling(self) -> Telling:
        """The callbacks of the demo."""
        from cheoyong.app.demo import Telling

        return Telling(self._ready, self._step, self._event)

    def _ready(self, ready: object, scenario: object) -> None:
        title = scenario.title[language()]  # type: ignore[attr-defined]
        self._console.print(f"[bold]{say('exercise')}[/bold] {title}")
        if self._headless:
            return
        link = f"{ready.url}/console/#/link/{ready.exercise.browser_operator}"  # type: ignore[attr-defined]
        self._console.print(f"{say('open_console')}\n  {link}")
        self._console.print(say("end_demo"))
        _open_browser(link)

    def _step(self, step: object, total: int) -> None:
        self._bar.update(self._task, total=total, advance=1, description=_local(step.at_us))  # type: ignore[attr-defined]

    def _event(self, at_us: int, what: str) -> None:
        self._console.print(f"  {_local(at_us)}  {what}")


def _local(at_us: int) -> str:
    from zoneinfo import ZoneInfo

    from cheoyong.domain.instant import to_datetime

    return f"{to_datetime(at_us, ZoneInfo('Asia/Seoul')):%m-%d %H:%M}"


def _open_browser(link: str) -> None:
    """Open the page where there is a desktop; over ssh or in a container the printed link does."""
    import os
    import webbrowser

    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(link)


def _print(result: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=say("report"), show_header=False)
    for name, value in result.as_json().items():
        shown = "\n".join(value) if isinstance(value, tuple) else "–" if value is None else str(value)
        table.add_row(name.replace("_", " "), shown)
    minutes = result.lead_minutes
    Console().print(table)
    early = minutes is not None and minutes > 0
    Console().print(say("lead", minutes=f"{minutes:.0f}") if early else say("no_lead"))
