# SPDX-License-Identifier: Apache-2.0
"""The face in front of a real PostgreSQL, with two organisations and a client for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.access import Principal, Role
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import APP, FLOW, ROLES, WRITER, Database, Pool, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter
from cheoyong.records.reading_pool import open_reading_pool

ROOT = "http://city.example/v1.1"
NOW_US = 1_475_638_200_000_000  # 2016-10-05T03:30:00Z


class GateByHeader:
    """Lets everyone in; the header x-organisation says for whom, x-role as what."""

    async def principal(self, scope: dict[str, Any]) -> Principal:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        organisation = int(headers.get("x-organisation", "1"))
        role = Role(headers.get("x-role", Role.KEY_WRITE))
        return Principal(organisation, role, "key", "key", None, "", exercise=False, api_key_id=1)


@dataclass
class Service:
    """The app, its database as the owner sees it, and a way to count statements."""

    app: SensorThings
    app_pool: Pool
    intake: Intake
    owner: Any
    dsn: str
    now_us: int = NOW_US
    statements: list[str] = field(default_factory=list)

    def client(self, organisation: int, role: str = Role.KEY_WRITE) -> httpx.AsyncClient:
        """A client that speaks for an organisation."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app),  # type: ignore[arg-type]
            base_url=ROOT,
            headers={"x-organisation": str(organisation), "x-role": role},
        )


@asynccontextmanager
async def serving(postgres: Postgres, name: str) -> AsyncIterator[Service]:
    """The service on a new database of this name, with two organisations and nothing else in it."""
    dsn = postgres.new_database(name)
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now()), ('two', now())")
    pools = [await open_pool(database, role) for role in (APP, WRITER, FLOW)]
    intake = Intake(ObservationWriter(pools[1]), lambda: NOW_US)
    intake.start()
    ingest = Ingest(intake, Directory(pools[2]), lambda: NOW_US)
    reading = await open_reading_pool(database, size_max=2)
    app = SensorThings(
        pool=pools[0], ingest=ingest, intake=intake, gate=GateByHeader(), now_us=lambda: NOW_US,
        reading=reading,
    )  # fmt: skip
    yield Service(app, pools[0], intake, owner, dsn)
    await intake.stop()
    await reading.close()
    for pool in pools:
        await pool.close()
    await owner.close()
    postgres.drop_database(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(postgres: Postgres) -> AsyncIterator[Service]:
    """One service for the whole run; tests keep apart by what they create."""
    async with serving(postgres, "sensorthings") as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service_apart(postgres: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """A service that the tests of one file have to themselves."""
    async with serving(postgres, request.module.__name__.rpartition(".")[2]) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def another_service_apart(postgres: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """One more of these, for a file that compares two."""
    async with serving(postgres, request.module.__name__.rpartition(".")[2] + "_2") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The client of organisation 1."""
    async with service.client(1) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The client of organisation 2."""
    async with service.client(2) as two:
        yield two
