# SPDX-License-Identifier: Apache-2.0
"""`cheoyong serve`: run the platform until stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cheoyong.cli.words import say

if TYPE_CHECKING:
    from cheoyong.app.serve import Ready

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder; default: the platform's own place.", show_default=False),
]
Host = Annotated[
    str | None, typer.Option(help="Address to listen on; default 127.0.0.1.", show_default=False)
]
Port = Annotated[
    int | None, typer.Option(help="Port to listen on; 0 picks one; default 8080.", show_default=False)
]


def serve(
    data: Data = None,
    host: Host = None,
    port: Port = None,
    mode: Annotated[
        str | None,
        typer.Option(help="live, or exercise: a simulated clock; default live.", show_default=False),
    ] = None,
    city: Annotated[str | None, typer.Option(help="City pack, name or folder.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout when ready.")] = False,
) -> None:
    """Run the platform: PostgreSQL and NATS included, or the city's own.

    Examples:
      cheoyong serve
      cheoyong serve --data ./data --port 0 --json
      CHEOYONG_DATABASE_URL=postgresql://… CHEOYONG_NATS_URL=nats://… cheoyong serve

    """
    from cheoyong.app.folder import DataFolder
    from cheoyong.app.logs import configure_logs
    from cheoyong.app.serve import serve as run
    from cheoyong.app.settings import read_settings
    from cheoyong.cli.stopping import run_until_stopped

    folder = DataFolder(data or DataFolder.default_root())

    async def work(stop: object) -> None:
        settings = read_settings(folder.root, host=host, port=port, mode=mode, city=city)
        configure_logs(settings.log)
        await run(folder, settings, lambda ready: _say(ready, as_json), stop)  # type: ignore[arg-type]

    run_until_stopped(work)


def _say(ready: Ready, as_json: bool) -> None:
    if as_json:
        import msgspec

        body = {"url": ready.url, "mqtt_port": ready.mqtt_port, "first_link": ready.first_link or None}
        typer.echo(msgspec.json.encode(body).decode())
        return
    typer.echo(say("ready", url=ready.url), err=True)
    if ready.mqtt_port:
        typer.echo(say("mqtt", port=ready.mqtt_port), err=True)
    if ready.first_link:
        typer.echo(say("first_link"), err=True)
        typer.echo(f"  {ready.first_link}", err=True)
