# SPDX-License-Identifier: Apache-2.0
"""`cheoyong replay`: replay a scenario into an installation that runs in exercise mode."""

from __future__ import annotations

from typing import Annotated

import typer

from cheoyong.cli.serve import Data


def replay(
    scenario: Annotated[str, typer.Argument(help="Scenario of the city pack.")] = "chaba-2016",
    url: Annotated[str, typer.Option(help="Where the installation listens.")] = "http://127.0.0.1:8080",
    data: Data = None,
    speed: Annotated[
        float | None, typer.Option(help="Simulated seconds in one second.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Stop at this ISO time, with zone.", show_default=False)
    ] = None,
    headless: Annotated[
        bool, typer.Option(help="Do not wait for people; approve as two exercise people.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object on stdout.")] = False,
    city: Annotated[str, typer.Option(help="City pack, name or folder.")] = "ulsan",
) -> None:
    """Replay a scenario into a running `cheoyong serve --mode exercise` on this machine.

    Examples:
      cheoyong serve --mode exercise --data ./drill &  cheoyong replay chaba-2016 --data ./drill
      cheoyong replay chaba-2016 --data ./drill --speed 3600
      cheoyong replay chaba-2016 --data ./drill --headless --json

    """
    from cheoyong.app.demo import Plan, play_into
    from cheoyong.app.folder import DataFolder
    from cheoyong.cli.demo import Talk, show
    from cheoyong.cli.stopping import run_until_stopped
    from cheoyong.domain.instant import parse_instant

    async def work(stop: object) -> object:
        until_us = parse_instant(until, where="--until") if until else None
        plan = Plan(scenario, speed=speed, until_us=until_us, headless=headless)
        folder = DataFolder(data or DataFolder.default_root())
        with Talk(headless=True) as talk:
            return await play_into(plan, url, folder, city, talk.telling(), stop)  # type: ignore[arg-type]

    show(run_until_stopped(work), as_json)  # type: ignore[arg-type]
