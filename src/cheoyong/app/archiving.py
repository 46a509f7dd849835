# SPDX-License-Identifier: Apache-2.0
"""Months of observations: made before they are needed, archived when they are old, restored when asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from cheoyong.app.clock import real_us
from cheoyong.app.house import House
from cheoyong.app.installation import Installation
from cheoyong.app.settings import Settings
from cheoyong.domain.errors import CheoyongError, InvalidInput, Unavailable
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.archives import (
    GRACE_S,
    Archive,
    alone,
    archive_month,
    archives,
    check_file,
    let_go_of_sent_again,
    month_name,
    months_sent_again,
    months_to_archive,
    restore_month,
)
from cheoyong.records.connection import Connection, prepare_codecs
from cheoyong.records.partitions import month_of, months_later, prepare_months

LOOK_S = 6 * 3600.0  # parts are made two months ahead and archives follow months: there is no hurry

_log = structlog.get_logger()


def archive_folder(root: Path, settings: Settings) -> Path:
    """Where the archives of an installation are: its own folder, or the one of the setting."""
    return Path(settings.archive_folder) if settings.archive_folder else root / "archives"


@asynccontextmanager
async def owner(dsn: str) -> AsyncIterator[Connection]:
    """A connection of the owner of the database; raises Unavailable when it is away."""
    try:
        connection = await asyncpg.connect(dsn)
    except (OSError, asyncpg.PostgresError) as error:
        raise Unavailable(
            f"PostgreSQL does not answer: {error}", mend="run cheoyong serve beside this"
        ) from error
    try:
        await prepare_codecs(connection)
        yield connection
    finally:
        await connection.close()


async def keep_months(installation: Installation, house: House) -> None:
    """Look after the months now and every six hours; trouble is shown and tried again then."""
    while True:
        try:
            async with owner(house.owner_dsn) as connection:
                await prepare_months(connection, real_us())
                months = int(installation.settings.retention_months)
                if months and not installation.fact_clock.simulated:
                    await archive_older(connection, archive_folder(house.folder.root, house.settings), months)
            installation.troubles.pop("archives", None)
        except (CheoyongError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            installation.troubles["archives"] = f"months could not be looked after: {error}"
            _log.error("months_not_kept", error=str(error))
        await asyncio.sleep(LOOK_S)


def kept_from(months: int) -> int:
    """The instant from which observations stay in the database when so many whole months are kept."""
    return months_later(month_of(real_us()), -months)


async def archive_older(
    connection: Connection,
    folder: Path,
    months: int,
    *,
    grace_s: float = GRACE_S,
    tell: Callable[[Archive], None] = lambda _: None,
) -> None:
    """Archive what is older than this month and ``months`` before it, at most 24 months in one go."""
    _make(folder)
    async with alone(connection):
        for month_us in await months_sent_again(connection):
            went = await let_go_of_sent_again(connection, folder, month_us)
            _log.info("sent_again", month=month_name(month_us), rows=went)
        for month_us, _ in await months_to_archive(connection, kept_from(months)):
            archive = await archive_month(connection, folder, month_us, grace_s=grace_s)
            _log.info("archived", file=archive.file, rows=archive.rows, bytes=archive.byte_count)
            tell(archive)


async def waiting(connection: Connection, months: int) -> list[dict[str, Any]]:
    """What ``archive_older`` would archive now."""
    found = await months_to_archive(connection, kept_from(months))
    return [{"month": month_name(month_us), "rows": rows} for month_us, rows in found]


async def restore(connection: Connection, folder: Path, month: str, *, grace_s: float = GRACE_S) -> int:
    """Bring a month such as 2024-03 back into the database; returns how many rows it has."""
    async with alone(connection):
        return await restore_month(connection, folder, parse_month(month), grace_s=grace_s)


async def known(connection: Connection, folder: Path, *, check: bool) -> list[dict[str, Any]]:
    """All archives; with ``check`` every file is read and compared with what was written."""
    return [
        shown(archive) | {"trouble": _trouble(folder, archive, check)}
        for archive in await archives(connection)
    ]


def _trouble(folder: Path, archive: Archive, check: bool) -> str:
    try:
        if check or not (folder / archive.file).exists():
            check_file(folder, archive)
    except Unavailable as error:
        return error.detail
    return ""


def shown(archive: Archive) -> dict[str, Any]:
    """An archive as people are told of it."""
    return {
        "month": month_name(archive.month_us),
        "file": archive.file,
        "state": archive.state,
        "rows": archive.rows,
        "bytes": archive.byte_count,
        "bytes_per_observation": round(archive.byte_count / archive.rows, 2),
        "sha256": archive.sha256,
    }


def parse_month(text: str) -> int:
    """The instant at which a month begins.

    >>> parse_month("2016-10")
    1475280000000000
    """
    from datetime import UTC, datetime

    try:
        return int(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).timestamp()) * SECOND_US
    except ValueError:
        raise InvalidInput(f"{text!r:.20} is no month", where="--restore", mend="write 2024-03") from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot make this folder: {error.strerror}", where=str(folder)) from error
