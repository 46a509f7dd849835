# SPDX-License-Identifier: Apache-2.0
"""`cheoyong score river`: how good the forecast is on hours it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cheoyong.cli.examples import Command

if TYPE_CHECKING:
    from rich.table import Table

    from cheoyong.app.river_events import StormEvent
    from cheoyong.app.score import RiverScore

_OF_STORMS = ("crps_m", "rmse_high_m", "coverage_90_high")

app = typer.Typer(help="Score a model on hours it was not trained on.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Score a model on hours it was not trained on."""


@app.command(cls=Command)
def river(
    stage: Annotated[Path, typer.Option(help="Hourly river stages, .csv or .csv.gz.")],
    train_until: Annotated[
        str, typer.Option(help="Train before this ISO date or time, score from it on; no zone: city time.")
    ],
    dam: Annotated[
        Path | None, typer.Option(help="Hourly dam levels and releases, .csv or .csv.gz; none: without.")
    ] = None,
    rain: Annotated[
        Path | None, typer.Option(help="Hourly rain of the city's gauges, .csv or .csv.gz; none: without.")
    ] = None,
    tide: Annotated[
        Path | None, typer.Option(help="Hourly sea level, .csv or .csv.gz; none: without.")
    ] = None,
    leads: Annotated[str, typer.Option(help="Whole hours ahead, with commas.")] = "1,2,3,6",
    city: Annotated[str | None, typer.Option(help="City pack; default: the first one shipped.")] = None,
    series: Annotated[str | None, typer.Option(help="Gauge; default: the city's first.")] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="START,END (2016-10-03,2016-10-08): keep out of training, score alone.")
    ] = None,
    events: Annotated[
        bool,
        typer.Option(
            "--events", help="Storms above 2 m: first P(level within 3 h) ≥ 50 %, and the crossing."
        ),
    ] = False,
    storms: Annotated[
        bool, typer.Option("--storms", help="Each storm before the date by a model trained without it.")
    ] = False,
    high: Annotated[float, typer.Option(help="High water and storms are above this, m.", min=0)] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Train on the files before a date, score after it, beside persistence.

    Examples:
      cheoyong score river --stage stage.csv.gz --dam dam.csv.gz --tide tide.csv.gz --train-until 2018-01-01
      cheoyong score river --stage s.csv --dam d.csv --tide t.csv --train-until 2019-01-01 --leads 3,6 --json
      cheoyong score river --stage s.csv --dam d.csv --tide t.csv --train-until 2018-07-01T00:00:00Z
      cheoyong score river --stage s.csv --dam d.csv --tide t.csv --train-until 2019-01-01 --events
      cheoyong score river --stage s.csv --dam d.csv --tide t.csv --train-until 2019-01-01 --storms --high 1.9
      cheoyong score river --stage s.csv --train-until 2018-01-01
      cheoyong score river --city examples/nakdong-han --stage s.csv --rain r.csv --train-until 2019-01-01

    """
    from cheoyong.app.score import score_files
    from cheoyong.domain.errors import CheoyongError
    from cheoyong.links.city_pack.source import list_cities

    files = tuple(path for path in (stage, dam, tide, rain) if path is not None)
    if storms:
        if leave_out or events:
            raise typer.BadParameter(
                "leaves out each storm and tells its levels by itself", param_hint="--storms"
            )
        _storms(city or list_cities()[0], files, train_until, _hours(leads), series, high, as_json=as_json)
        return
    try:
        score = score_files(
            city or list_cities()[0],
            files,
            train_until,
            _hours(leads),
            series,
            leave_out=leave_out,
            events=events,
            high_m=high,
        )
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    _print_json(score) if as_json else _print_table(score)


@app.command(cls=Command)
def vectors(
    data: Annotated[
        Path,
        typer.Option(help="Folder with train, test, labeled_anomalies.csv.", exists=True, file_okay=False),
    ],
    alarms_per_month: Annotated[
        float, typer.Option(help="Alarms a month that each series may raise in the long run.", min=0, max=1e4)
    ] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Screen vectors in the form of the SMAP and MSL sets by the member over several streams, and score rows.

    Examples:
      cheoyong score vectors --data smap_msl
      cheoyong score vectors --data smap_msl --json
      cheoyong score vectors --data smap_msl --alarms-per-month 1

    """
    import json

    from cheoyong.app.score_vectors import score_vectors
    from cheoyong.domain.errors import CheoyongError

    try:
        score = score_vectors(data, alarms_per_month)
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps(score, ensure_ascii=False))
        return
    for name, value in score.items():
        typer.echo(f"{name:24} {value}")


@app.command(cls=Command)
def detect(
    series: Annotated[
        Path, typer.Option(help="Folder of *.csv with timestamp,value.", exists=True, file_okay=False)
    ],
    windows: Annotated[
        Path, typer.Option(help="JSON: file name to windows of time.", exists=True, dir_okay=False)
    ],
    alarms_per_month: Annotated[
        float, typer.Option(help="Alarms a month that each series may raise in the long run.", min=0, max=1e4)
    ] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Screen a folder in Numenta Anomaly Benchmark form, one setting for all, and score the alarms.

    Examples:
      cheoyong score detect --series nab --windows nab/combined_windows.json
      cheoyong score detect --series nab --windows nab/combined_windows.json --json
      cheoyong score detect --series nab --windows nab/combined_windows.json --alarms-per-month 1

    """
    import json

    from cheoyong.app.score_detect import score_folder
    from cheoyong.domain.errors import CheoyongError

    try:
        score = score_folder(series, windows, alarms_per_month)
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps(score, ensure_ascii=False))
        return
    for name, value in score.items():
        typer.echo(f"{name:24} {value}")


@app.command(cls=Command)
def precursors(
    events: Annotated[
        int, typer.Option(help="Simulated racks with a failing cell.", min=1, max=100_000)
    ] = 300,
    years: Annotated[int, typer.Option(help="Simulated rack-years without one.", min=1, max=10_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Score the detector of battery fires' precursors on SIMULATED racks; no real series are public.

    Examples:
      cheoyong score precursors
      cheoyong score precursors --events 1000 --years 100 --json
      cheoyong score precursors --events 20 --years 1

    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from cheoyong.app.score_precursors import score_precursors

    with Progress(transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task("racks", total=events + years)
        score = score_precursors(events, years, advance=lambda: bar.advance(task))
    if as_json:
        typer.echo(json.dumps(score, ensure_ascii=False))
        return
    for name, value in score.items():
        typer.echo(f"{name:32} {value}")


@app.command(cls=Command)
def faults(
    city: Annotated[str, typer.Option(help="City pack with an hourly record.")] = "ulsan",
    storm_from: Annotated[
        str, typer.Option("--from", help="First hour of the faults put in.")
    ] = "2018-10-05T12:00:00+09:00",
    storm_until: Annotated[
        str, typer.Option("--until", help="End of the storm.")
    ] = "2018-10-08T00:00:00+09:00",
    keep_back: Annotated[
        bool, typer.Option("--keep-back", help="Keep level alarms of faulty gauges back: never done live.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Replay a real storm with its gauges cut, frozen, drifted, stepped and saturated by us, one by one.

    Examples:
      cheoyong score faults
      cheoyong score faults --json
      cheoyong score faults --from 2018-10-05T18:00:00+09:00 --json

    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from cheoyong.app.score_faults import score_storm
    from cheoyong.domain.errors import CheoyongError
    from cheoyong.domain.instant import parse_instant
    from cheoyong.hazards.river import hazard
    from cheoyong.links.city_pack import city_folder, load_city
    from cheoyong.links.hourly_csv.source import read_history

    try:
        storm_us = (parse_instant(storm_from, where="--from"), parse_instant(storm_until, where="--until"))
        history = read_history(city_folder(city) / "history")
        with Progress(transient=True, console=Console(stderr=True)) as bar:
            task = bar.add_task("cases", total=None)
            score = score_storm(
                load_city(city), history, hazard.train, storm_us,
                keep_back=keep_back, advance=lambda: bar.advance(task),
            )  # fmt: skip
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps(score, ensure_ascii=False))
        return
    for row in score.pop("rows"):
        typer.echo("  ".join(f"{value}" for value in row.values()))
    for name, value in score.items():
        typer.echo(f"{name:38} {value}")


@app.command(cls=Command)
def inundation(
    case: Annotated[str, typer.Option(help="merewether, monai or malpasset.")],
    data: Annotated[Path, typer.Option(help="Folder with the files of that case.")],
    method: Annotated[
        str | None,
        typer.Option(help="local_inertial, shallow_water or shallow_water_muscl; default: the case's own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Compute a flood that was measured and compare place by place; nothing is fitted to it.

    Examples:
      cheoyong score inundation --case merewether --data validation_tests/case_studies/merewether
      cheoyong score inundation --case monai --data okushiri --json
      cheoyong score inundation --case malpasset --data malpasset --method local_inertial

    """
    import json

    from cheoyong.app.score_inundation import score_inundation
    from cheoyong.domain.errors import CheoyongError

    try:
        score = score_inundation(case, data, method).as_json()
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps(score, ensure_ascii=False))
        return
    for place in score.pop("places"):
        dry = "" if place["wet"] else "  dry"
        typer.echo(
            f"{place['name']:6} measured {place['measured']:9.3f}  computed {place['computed']:9.3f}{dry}"
        )
    for name, value in score.items():
        typer.echo(f"{name:8} {value}")


def _hours(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter("write whole hours with commas: 1,2,3,6", param_hint="--leads") from None


def _storms(
    city: str, files: tuple[Path, ...], train_until: str, leads_h: tuple[int, ...], series: str | None,
    high_m: float, *, as_json: bool,
) -> None:  # fmt: skip
    import json

    from rich.console import Console

    from cheoyong.app.river_storms import score_storms
    from cheoyong.app.score import parse_cut, read_files
    from cheoyong.domain.errors import CheoyongError
    from cheoyong.links.city_pack.source import load_city

    try:
        pack = load_city(city)
        cut_us = parse_cut(train_until, pack.time_zone)
        scores = score_storms(pack, read_files(city, files), cut_us, leads_h, series, high_m)
    except CheoyongError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(code=2) from None
    if as_json:
        typer.echo(json.dumps({"storms": [score.as_json() for score in scores]}, ensure_ascii=False))
        return
    Console().print(_storm_table(scores))


def _storm_table(scores: tuple[RiverScore, ...]) -> Table:
    """A row for each storm, its leads with strokes between, then its levels: likely → reached."""
    from rich.table import Table

    hours = list(scores[0].leads)
    table = Table(title=f"{scores[0].series}: each storm by a model trained without it")
    for name in ("storm", "peak_m", *_OF_STORMS, "likely within 3 h → reached"):
        table.add_column(name, overflow="fold")
    table.caption = f"leads {' / '.join(hours)} h"
    for score in scores:
        events = score.events or ()
        told = [
            f"{event.level} {(event.likely_at or '–')[5:16]} → {(event.crossed_at or '–')[5:16]}"
            for event in events
            if event.likely_at or event.crossed_at
        ]
        columns = [
            " / ".join(_cell(getattr(score.leads[hour], name)) for hour in hours) for name in _OF_STORMS
        ]
        table.add_row(events[0].peak_at[:10], _cell(events[0].peak_m), *columns, "; ".join(told) or "–")
    return table


def _print_json(score: RiverScore) -> None:
    import json

    typer.echo(json.dumps(score.as_json(), ensure_ascii=False))


def _print_table(score: RiverScore) -> None:
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    span = score.left_out or f"{score.train_until} to {score.scored_until}"
    table = Table(title=f"{score.series}, {span}", caption=score.model)
    table.add_column("score")
    columns = {hours: asdict(lead) for hours, lead in score.leads.items()}
    for hours in columns:
        table.add_column(f"{hours} h", justify="right")
    for name in next(iter(columns.values())):
        table.add_row(name, *(_cell(column[name]) for column in columns.values()))
    Console().print(table)
    if score.events is not None:
        Console().print(_event_table(score.events))


def _event_table(events: tuple[StormEvent, ...]) -> Table:
    from dataclasses import astuple, fields

    from rich.table import Table

    from cheoyong.app.river_events import StormEvent

    table = Table(title="storms: P(level within 3 h) first at 50 %, and the crossing")
    for part in fields(StormEvent):
        table.add_column(part.name)
    for event in events:
        table.add_row(*(_cell(value) for value in astuple(event)))
    return table


def _cell(value: float | int | str | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
