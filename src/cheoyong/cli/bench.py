# SPDX-License-Identifier: Apache-2.0
"""`cheoyong bench`: measure this machine; every figure beside a peer or a limit of the same run."""

from __future__ import annotations

from typing import Annotated

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
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(result).decode())
        return
    for name, value in result.items():
        typer.echo(f"{name:40} {value}")
