# SPDX-License-Identifier: Apache-2.0
"""`cheoyong archive`: old months of observations out into Parquet files, and back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from cheoyong.cli.serve import Data
from cheoyong.cli.stopping import EXIT_ERROR

Rows = list[dict[str, Any]]


def archive(
    data: Data = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            help="Archive what is older than this month and so many before it.", min=1, show_default=False
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which months would be archived.")
    ] = False,
    restore: Annotated[
        str | None, typer.Option(help="Bring this month back, such as 2024-03.", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Read every archive and compare its checksum.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """List the archives of a running installation, make new ones, check them, or bring a month back.

    Examples:
      cheoyong archive --older-than 24 --dry-run
      cheoyong archive --restore 2024-03
      cheoyong archive --data ./data --check --json

    """
    if older_than is not None and restore is not None:
        raise typer.BadParameter("either --older-than or --restore")
    if dry_run and older_than is None:
        raise typer.BadParameter("--dry-run goes with --older-than")
    found = _run(data, lambda owner, folder: _work(owner, folder, older_than, dry_run, restore, check))
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode({"archives": found}).decode())
    else:
        _print_table(found)
    if any(row.get("trouble") for row in found):
        raise typer.Exit(1)


async def _work(
    connection: Any, folder: Path, older_than: int | None, dry_run: bool, restore: str | None, check: bool
) -> Rows:
    from cheoyong.app import archiving

    if restore is not None:
        return [{"month": restore, "rows": await archiving.restore(connection, folder, restore)}]
    if older_than is None:
        return await archiving.known(connection, folder, check=check)
    if dry_run:
        return await archiving.waiting(connection, older_than)
    made: Rows = []
    await archiving.archive_older(
        connection, folder, older_than, tell=lambda archive: made.append(archiving.shown(archive))
    )
    return made


def _run(data: Path | None, work: Callable[[Any, Path], Coroutine[Any, Any, Rows]]) -> Rows:
    import asyncio

    from cheoyong.app.archiving import archive_folder, owner
    from cheoyong.app.engines.postgres import Postgres
    from cheoyong.app.folder import DataFolder
    from cheoyong.app.settings import read_settings
    from cheoyong.domain.errors import CheoyongError

    async def body() -> Rows:
        folder = DataFolder(data or DataFolder.default_root())
        settings = read_settings(folder.root)
        async with owner(settings.database_url or Postgres(folder).dsn) as connection:
            return await work(connection, archive_folder(folder.root, settings))

    try:
        return asyncio.run(body())
    except CheoyongError as error:
        from cheoyong.cli.words import say

        typer.echo(f"{say('error')}: {error}", err=True)
        raise typer.Exit(EXIT_ERROR) from None


def _print_table(found: Rows) -> None:
    from rich.console import Console
    from rich.table import Table

    if not found:
        typer.echo("–")
        return
    table = Table(*(name for name in found[0] if name != "sha256"), box=None, pad_edge=False)
    for row in found:
        table.add_row(*(str(value) for name, value in row.items() if name != "sha256"))
    Console().print(table)
