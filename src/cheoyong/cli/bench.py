# SPDX-License-Identifier: Apache-2.0
"""`cheoyong bench`: measure this machine; every figure beside a peer or a limit of the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cheoyong.cli.examples import Command

app = typer.Typer(
    help="Measure this machine, each figure beside a limit of the same run.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """Measure this machine, each figure beside a limit of the same run."""


@app.command(cls=Command)
def ingest(
    observations: Annotated[
        int, typer.Option(help="How many to send as dataArrays.", min=50_000)
    ] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="How long to send single POSTs.", min=1.0, max=60.0)] = 8.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Durable, queryable ingest over HTTP beside raw COPY of the same rows; observation to browser.

    Examples:
      cheoyong bench ingest
      cheoyong bench ingest --observations 200000 --seconds 3
      cheoyong bench ingest --json

    """
    from cheoyong.app.bench_ingest import bench_ingest
    from cheoyong.app.logs import configure_logs
    from cheoyong.cli.stopping import run_until_stopped

    configure_logs("error")
    result = run_until_stopped(lambda stop: bench_ingest(observations, seconds))
    _print(result, as_json=as_json)


@app.command(cls=Command)
def sensorthings(
    observations: Annotated[
        int, typer.Option(help="How many the base holds before it is asked.", min=50_000)
    ] = 1_000_000,
    url: Annotated[
        str | None, typer.Option(help="Another server's service root (…/v1.1); default: one of its own.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token for --url.", exists=True, dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Fill a SensorThings server and measure writing and reading; things made at --url stay there.

    Examples:
      cheoyong bench sensorthings
      cheoyong bench sensorthings --observations 100000000 --json
      cheoyong bench sensorthings --url https://other.example/v1.1 --key-file token

    """
    from cheoyong.app.bench_sensorthings import bench_sensorthings
    from cheoyong.app.logs import configure_logs
    from cheoyong.cli.stopping import run_until_stopped

    configure_logs("error")
    key = None if key_file is None else key_file.read_text(encoding="utf-8").strip()
    result = run_until_stopped(lambda stop: bench_sensorthings(observations, url, key))
    _print(result, as_json=as_json)


@app.command(cls=Command)
def console(
    gauges: Annotated[int, typer.Option(help="How many gauges the made-up city has.", min=100)] = 5_000,
    alarms: Annotated[int, typer.Option(help="How many alarms are open.", min=1, max=500)] = 500,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """First useful screen and live updates of the console in headless Chromium, over a made-up city.

    Needs chromium, and playwright of the dev tools.

    Examples:
      cheoyong bench console
      cheoyong bench console --gauges 500 --alarms 50
      cheoyong bench console --json

    """
    from cheoyong.app.bench_console import bench_console
    from cheoyong.app.logs import configure_logs
    from cheoyong.cli.stopping import run_until_stopped

    configure_logs("error")
    _print(run_until_stopped(lambda stop: bench_console(gauges, alarms)), as_json=as_json)


@app.command(cls=Command)
def inundation(
    cells: Annotated[int, typer.Option(help="Cells on each side, all wet.", min=100, max=8_000)] = 1_000,
    seconds: Annotated[float, typer.Option(help="How long for each figure.", min=0.1, max=60.0)] = 3.0,
    floods: Annotated[
        int,
        typer.Option(
            help="Whole floods of 6 h on 10 x 10 km: one at 10 m, and so many at 20 m.", min=0, max=1000
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Inundation solvers in million cells a second, beside the memory bandwidth of the same run.

    Examples:
      cheoyong bench inundation
      cheoyong bench inundation --cells 4000
      cheoyong bench inundation --floods 50 --json

    """
    from cheoyong.app.bench_inundation import bench_inundation

    _print(bench_inundation(cells, seconds, floods), as_json=as_json)


@app.command(cls=Command)
def screening(
    streams: Annotated[int, typer.Option(help="How many streams.", min=1, max=200_000)] = 10_000,
    observations: Annotated[
        int, typer.Option(help="How many a batch, over all streams.", min=1000, max=20_000_000)
    ] = 1_000_000,
    alarm_seconds: Annotated[
        float, typer.Option(help="How long levels are crossed under load; 0: not.", min=0.0, max=300.0)
    ] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Screen simulated streams with all members on one core; memory of a stream; how long an alarm takes.

    Examples:
      cheoyong bench screening
      cheoyong bench screening --streams 100000 --json
      cheoyong bench screening --streams 1000 --observations 200000 --alarm-seconds 0

    """
    from cheoyong.app.bench_screening import bench_screening

    result = bench_screening(streams, observations)
    if alarm_seconds:
        from cheoyong.app.bench_alarms import bench_alarms
        from cheoyong.app.logs import configure_logs
        from cheoyong.cli.stopping import run_until_stopped

        configure_logs("error")
        result |= run_until_stopped(lambda stop: bench_alarms(alarm_seconds))
    _print(result, as_json=as_json)


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(result).decode())
        return
    for name, value in result.items():
        typer.echo(f"{name:40} {value}")
