# SPDX-License-Identifier: Apache-2.0
"""`cheoyong verify`: how good the forecasts would have been on a year they had not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

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
        print_tables(found)


def print_tables(found: dict[str, Any]) -> None:
    """Tables of a verification, as ``cheoyong.app.verify.verify`` gives it, to standard output."""
    from rich.console import Console

    console = Console()
    leads = found["leads"]
    title = f"{found['series']}: {found['forecasts']} forecasts"
    table = _upright(title, [(f"{lead['lead_s'] // 3600} h", lead) for lead in leads], ("lead_s",))
    table.caption = f"{found['model']}; from, to: 90 % interval"
    for at, one in enumerate(leads[0]["reliability"]):
        shares = (_cell(lead["reliability"][at]["share"]) for lead in leads)
        table.add_row(f"share ≤ q{one['quantile']:g}", *shares)
    console.print(table)
    console.print(_seasons(found["seasons"]))
    if found["levels"]:
        title = "levels: foretold = P within 3 h ≥ 50 % while below"
        console.print(_upright(title, [(one["level"], one) for one in found["levels"]], ("level", "name")))


def _upright(title: str, columns: list[tuple[str, dict[str, Any]]], without: tuple[str, ...]) -> Table:
    """A column for each lead or level, a row for each score, its interval below it where there is one."""
    from rich.table import Table

    table = Table(title=title)
    table.add_column("score", no_wrap=True)
    for head, _ in columns:
        table.add_column(head, justify="right")
    for name in (name for name in columns[0][1] if name not in (*without, "reliability", "interval")):
        table.add_row(name, *(_cell(one[name]) for _, one in columns))
        between = [one["interval"].get(name) for _, one in columns]
        if any(between):
            for end, word in enumerate(("from", "to")):
                table.add_row(f"  {word}", *(_cell(one and one[end]) for one in between))
    return table


def _seasons(seasons: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title="by months (UTC) of issue")
    for name in ("months", "lead", *(name for name in seasons[0]["leads"][0] if name != "lead_s")):
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for season in seasons:
        for lead in season["leads"]:
            shown = (_cell(value) for name, value in lead.items() if name != "lead_s")
            months = " ".join(str(month) for month in season["months"])
            table.add_row(months, f"{lead['lead_s'] // 3600} h", *shown)
    return table


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
