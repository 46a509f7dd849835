# SPDX-License-Identifier: Apache-2.0
"""A small installation for tests of access: a migrated database, two organisations, the whole HTTP edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest_asyncio
from litestar import Litestar
from litestar.datastructures import State

from cheoyong.app.engines.postgres import PORT
from cheoyong.domain.access import Role
from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import SECOND_US
from cheoyong.faces.access import COOKIE, Gate, permission_guard
from cheoyong.faces.accounts.routes import router
from cheoyong.faces.headers import SecurityHeaders
from cheoyong.faces.limits import LimitAddresses, Limits
from cheoyong.faces.problem import EXCEPTION_HANDLERS, ProblemEdge
from cheoyong.records.connection import APP, DOOR, ROLES, Database, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.people import NewPerson, Person, create_organisation, create_person
from cheoyong.records.sessions import SignedIn, issue_link, sign_in_by_link

NOW_US = 1_790_000_000 * SECOND_US
CITY = CityPack("testtown", {"ko": "시험", "en": "Testtown"}, "Asia/Seoul", ("ko", "en"), "EPSG:5187",
                (129.0, 35.3, 129.5, 35.7), "warnings@example.org", {"en": "Desk"}, {}, {}, ())  # fmt: skip
ORIGIN = "https://city.test"
_numbers = count(1)


@dataclass
class FakeSite:
    """A site whose mode and clock the test sets."""

    mode: str = "live"
    city: CityPack = CITY
    now: int = NOW_US

    def now_us(self) -> int:
        return self.now


@dataclass
class FakeClock:
    """Monotonic seconds that go on when told."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class World:
    """One installation: its pools, its site, its clock, and two organisations that must not meet."""

    owner_dsn: str
    database: Database
    door: Any
    pool: Any
    ours: int = 0
    theirs: int = 0
    site: FakeSite = field(default_factory=FakeSite)
    clock: FakeClock = field(default_factory=FakeClock)

    async def person(
        self, role: str = Role.OPERATOR, *, organisation: int = 0, exercise: bool = False
    ) -> Person:
        new = NewPerson(f"p{next(_numbers)}", "Kim", role, exercise=exercise)
        return await create_person(self.pool, organisation or self.ours, new, self.site.now)

    async def signed_in(self, person: Person) -> SignedIn:
        token = await issue_link(self.door, person.organisation_id, person.id, self.site.now)
        return await sign_in_by_link(self.door, token, self.site.now, exercise=True)

    def limits(self, **options: Any) -> Limits:
        return Limits(clock_s=self.clock, **options)

    def litestar(self, limits: Limits | None = None, *handlers: Any) -> Litestar:
        used = limits or self.limits()
        gate = Gate(self.door, self.site, used, clock_s=self.clock)
        state = State({"site": self.site, "gate": gate, "limits": used, "door": self.door, "pool": self.pool})
        return Litestar(
            [router, *handlers],
            state=state,
            guards=[permission_guard],
            exception_handlers=EXCEPTION_HANDLERS,
            openapi_config=None,
            logging_config=None,
        )

    @asynccontextmanager
    async def client(
        self, signed_in: SignedIn | None = None, *handlers: Any, limits: Limits | None = None,
        address: str = "192.0.2.7",
    ) -> AsyncIterator[httpx.AsyncClient]:  # fmt: skip
        used = limits or self.limits()
        app = SecurityHeaders(ProblemEdge(LimitAddresses(self.litestar(used, *handlers), used)))
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            if signed_in:
                client.cookies.set(COOKIE, signed_in.token)
                client.headers["X-CSRF-Token"] = signed_in.session.csrf
                client.headers["Origin"] = ORIGIN
            yield client

    async def owner(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.owner_dsn)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()


@pytest_asyncio.fixture(name="installation", scope="module", loop_scope="session")
async def installation_fixture(postgres: Any) -> AsyncIterator[World]:
    """One migrated database for all tests of a module."""
    name = f"access_{next(_numbers)}"
    dsn = postgres.new_database(name)
    database = Database(
        f"postgresql:///{name}?host={postgres.socket_dir}&port={PORT}", dict.fromkeys(ROLES, "test")
    )
    await migrate(dsn, database)
    door, pool = await open_pool(database, DOOR), await open_pool(database, APP)
    world = World(dsn, database, door, pool)
    world.ours = await create_organisation(door, "Ours", NOW_US)
    world.theirs = await create_organisation(door, "Theirs", NOW_US)
    yield world
    await door.close()
    await pool.close()
    postgres.drop_database(name)


@pytest_asyncio.fixture(name="world", loop_scope="session")
async def world_fixture(installation: World) -> World:
    """The installation with a live site and fresh clocks."""
    installation.site = FakeSite()
    installation.clock = FakeClock()
    return installation
