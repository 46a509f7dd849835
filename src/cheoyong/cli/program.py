# SPDX-License-Identifier: Apache-2.0
"""The program and its commands, one file each."""

from __future__ import annotations

from typing import Annotated

import typer

from cheoyong import __version__
from cheoyong.cli import archive, bench, demo, doctor, models, replay, score, serve, verify
from cheoyong.cli.examples import Command

app = typer.Typer(
    name="cheoyong",
    help="An open city-safety platform: from one raw observation to a delivered, understood warning.",
    epilog="Examples:  cheoyong demo  ·  cheoyong serve --data ./data  ·  cheoyong doctor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich help costs 0.2 s at every start
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cheoyong {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """An open city-safety platform: from one raw observation to a delivered, understood warning."""


app.command(cls=Command)(serve.serve)
app.command(cls=Command)(demo.demo)
app.command(cls=Command)(replay.replay)
app.command(cls=Command)(doctor.doctor)
app.command(cls=Command)(archive.archive)
app.command(cls=Command)(models.models)
app.command(cls=Command)(verify.verify)
app.add_typer(score.app, name="score")
app.add_typer(bench.app, name="bench")
