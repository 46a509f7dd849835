# SPDX-License-Identifier: Apache-2.0
"""The engines of one installation, embedded or the city's own, behind the same few addresses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.outside import check_nats, check_postgres
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.app.settings import Settings
from cheoyong.records.connection import ROLES, Database


@dataclass(frozen=True, slots=True)
class House:
    """Where the engines are. ``owner_dsn`` may migrate; ``database`` is for the roles of the program.

    ``nats`` is None when the city's own NATS is used: then no MQTT door is ours.
    """

    folder: DataFolder
    settings: Settings
    owner_dsn: str
    database: Database
    bus_options: dict[str, Any]
    postgres: Postgres | None
    nats: Nats | None

    @classmethod
    def of(cls, folder: DataFolder, settings: Settings) -> House:
        """The house of a data folder; starts nothing."""
        postgres = None if settings.database_url else Postgres(folder)
        nats = (
            None
            if settings.nats_url
            else Nats(folder, mqtt_host=settings.mqtt_host, mqtt_port=settings.mqtt_port)
        )
        passwords = {role: folder.secret(f"database-{role}") for role in ROLES}
        owner_dsn = settings.database_url or (postgres.dsn if postgres else "")
        plain_dsn = settings.database_url or (postgres.dsn_of("cheoyong", "") if postgres else "")
        return cls(
            folder, settings, owner_dsn, Database(plain_dsn, passwords),
            {"servers": settings.nats_url} if settings.nats_url else {}, postgres, nats,
        )  # fmt: skip

    def options(self) -> dict[str, Any]:
        """Keywords that connect to the bus."""
        return self.nats.connect_options() if self.nats else self.bus_options

    async def start(self) -> None:
        """Start what is embedded, both at once; check what is not."""
        waits = []
        if self.postgres:
            waits.append(asyncio.to_thread(self.postgres.start))
        if self.nats:
            waits.append(asyncio.to_thread(self.nats.start))
        failures = [e for e in await asyncio.gather(*waits, return_exceptions=True) if e is not None]
        if failures:
            await self.stop()
            raise failures[0]
        if not self.postgres:
            await check_postgres(self.owner_dsn)
        if not self.nats:
            await check_nats(self.bus_options)

    async def stop(self) -> None:
        """Stop what is embedded: the nerves first, the records last."""
        if self.nats:
            await asyncio.to_thread(self.nats.stop)
        if self.postgres:
            await asyncio.to_thread(self.postgres.stop)

    def attach(self) -> None:
        """In another process of the same installation: find the ports the running engines chose."""
        if self.nats:
            self.nats.attach()
