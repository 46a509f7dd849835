# SPDX-License-Identifier: Apache-2.0
"""Routes of the console over a real PostgreSQL: people who sign in, a fake desk, streams with a past."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import numpy as np

from accounts_world import CITY, NOW_US, ORIGIN, World
from cheoyong.domain.city import Gauge, Level, QualityRules
from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.level import CrisisLevel, Priority
from cheoyong.faces.access import COOKIE
from cheoyong.faces.headers import SecurityHeaders
from cheoyong.faces.limits import LimitAddresses
from cheoyong.faces.problem import ProblemEdge
from cheoyong.records.connection import WRITER, open_pool
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

LEVEL = Level(
    "advisory", {"ko": "주의보", "en": "advisory"}, 4.5, CrisisLevel.CAUTION, Priority.MEDIUM, "", True
)
RIVER = Gauge(
    "river_stage_m", "bridge", {"ko": "다리 수위", "en": "bridge stage"}, "river_stage", "m", 129.3, 35.5, "",
    QualityRules(), (LEVEL,), scale=0.01,
)  # fmt: skip
TOWN = replace(CITY, gauges={RIVER.series: RIVER})


@dataclass
class FakeDesk:
    """What routes need of an installation: pool, city, clock; a nudge is counted, nobody works."""

    pool: Any
    city: Any = TOWN
    now: int = NOW_US
    nudges: int = 0

    def facts_us(self) -> int:
        return self.now

    async def nudge(self) -> None:
        self.nudges += 1


@dataclass
class Console:
    """One world, its desk, and clients for people of a role."""

    world: World
    desk: FakeDesk
    routes: tuple[Any, ...]

    @asynccontextmanager
    async def as_(self, role: str, *, organisation: int = 0) -> AsyncIterator[httpx.AsyncClient]:
        """A signed-in person's client."""
        person = await self.world.person(role, organisation=organisation)
        signed_in = await self.world.signed_in(person)
        limits = self.world.limits()
        app = self.world.litestar(limits, *self.routes)
        app.state["desk"] = self.desk
        edge = SecurityHeaders(ProblemEdge(LimitAddresses(app, limits)))
        transport = httpx.ASGITransport(app=edge, raise_app_exceptions=False, client=("192.0.2.7", 50000))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            client.cookies.set(COOKIE, signed_in.token)
            client.headers.update({"X-CSRF-Token": signed_in.session.csrf, "Origin": ORIGIN})
            client.headers["x-login"] = person.login
            yield client

    async def stream(
        self, name: str, *, series: str | None = None, observed: str = "p", definition: str = "p",
        unit: str = "°C", organisation: int = 0,
    ) -> int:  # fmt: skip
        """A datastream of single numbers with a thing, a sensor and an observed property of its own."""
        owner = organisation or self.world.ours
        (row,) = await self.world.owner(
            "WITH t AS (INSERT INTO thing (organisation_id, name, description) VALUES ($1, $2, 't')"
            "  RETURNING id),"
            " s AS (INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
            "  VALUES ($1, 's', 's', 'text/html', '\"\"') RETURNING id),"
            " p AS (INSERT INTO observed_property (organisation_id, name, definition, description)"
            "  VALUES ($1, $4, $5, 'p') RETURNING id)"
            " INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
            "  description, observation_type, unit, series, registered_at)"
            " SELECT $1, t.id, s.id, p.id, $2, 'd', 'x/OM_Measurement',"
            "  jsonb_build_object('symbol', $6::text), $3, now() FROM t, s, p RETURNING id",
            owner, name, series, observed, definition, unit,
        )  # fmt: skip
        return int(row["id"])

    async def measure(self, stream: int, values: Mapping[int, float] | Sequence[float], end_us: int) -> None:
        """A value an hour, the last at ``end_us``."""
        result = np.array(list(values), np.float64)
        time_us = end_us - np.arange(len(result))[::-1] * HOUR_US
        pool = await open_pool(self.world.database, WRITER)
        rows = Rows(np.full(len(result), stream), time_us, result, digest_of_numbers(result))
        await ObservationWriter(pool).store(rows, end_us)
        await pool.close()
