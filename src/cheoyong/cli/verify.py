# SPDX-License-Identifier: Apache-2.0
"""`cheoyong verify`: how good the forecasts would have been on a year they had not seen."""

from __future__ import annotations

from typing import Annotated, Any

import typer

YEAR_END = "2019-01-01"


def verify(
    train_until: Annotated[
        str, typer.Option(help="Train before this ISO date, judge from it on; no zone: city time.")
    ] = "2018-01-01",
    until: Annotated[str, typer.Option(help="Judge forecasts issued before this date.")] = YEAR_END,
    city: Annotated[str, typer.Option(help="City pack with an hourly record.")] = "ulsan",
    series: Annotated[str | None, typer.Option(help="Gauge; default: the first one forecast.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Forecast every hour of a past span by a model that had not seen it, and judge beside what came.

    Examples:
      cheoyong verify
      cheoyong verify --train-until 2018-07-01 --until 2018-11-01
      cheoyong verify --json

    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from cheoyong.app.score import parse_cut
    from cheoyong.app.verify import verify as judge
    from cheoyong.domain.errors import CheoyongError
    from cheoyong.domain.instant import HOUR_US
    from cheoyong.hazards.river import hazard
    from cheoyong.links.city_pack import city_folder, load_city
    from cheoyong.links.hourly_csv.source import read_history

    try:
        pack = load_city(city)
        cut_us = parse_cut(train_until, pack.time_zone)
        until_us = parse_cut(until, pack.time_zone, where="until")
        history = read_history(city_folder(city) / "history")
        with Progress(transient=True, console=Console(stderr=True)) as bar:
            task = bar.add_task("hours", total=max(1, (until_us - cut_us) // HOUR_US))
            found = judge(pack, history, hazard, cut_us, until_us, series, lambda: bar.advance(task))
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print_tables(found)


def _print_tables(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    leads = Table(title=f"{found['series']}: {found['forecasts']} forecasts", caption=found["model"])
    leads.add_column("score")
    for lead in found["leads"]:
        leads.add_column(f"{lead['lead_s'] // 3600} h", justify="right")
    for name in (name for name in found["leads"][0] if name not in ("lead_s", "reliability")):
        leads.add_row(name, *(_cell(lead[name]) for lead in found["leads"]))
    for at, one in enumerate(found["leads"][0]["reliability"]):
        shares = (_cell(lead["reliability"][at]["share"]) for lead in found["leads"])
        leads.add_row(f"at or below q{one['quantile']:g}", *shares)
    console.print(leads)
    if not found["levels"]:
        return
    levels = Table(title="levels: foretold = P within 3 h ≥ 50 % while below")
    names = [name for name in found["levels"][0] if name != "name"]
    for name in names:
        levels.add_column(name)
    for level in found["levels"]:
        levels.add_row(*(_cell(level[name]) for name in names))
    console.print(levels)


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
