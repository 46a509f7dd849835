# SPDX-License-Identifier: Apache-2.0
"""The OGC API faces in front of a real PostgreSQL, with two organisations that must not meet.

Use it by importing ``ogc_fixture`` into a test file: ``ogc`` is then a :class:`Ogc`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest_asyncio
from litestar import Litestar
from litestar.datastructures import State

from accounts_world import CITY, FakeSite
from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.access import Principal, Role
from cheoyong.domain.instant import MINUTE_US, format_instant, parse_instant
from cheoyong.faces.access import permission_guard
from cheoyong.faces.catalogue.routes import ROUTER as CATALOGUE
from cheoyong.faces.edr.routes import ROUTER as EDR
from cheoyong.faces.features.routes import ROUTER as FEATURES
from cheoyong.faces.problem import EXCEPTION_HANDLERS, ProblemEdge
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import APP, FLOW, ROLES, WRITER, Database, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter

ROOT = "http://city.example"
NOW_US = parse_instant("2016-10-05T12:00:00Z")
START_US = parse_instant("2016-10-05T00:00:00Z")
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
ROUTERS = [FEATURES, EDR, CATALOGUE]
_names = count(1)


class GateByHeader:
    """Lets everyone in; the header x-organisation says for whom."""

    async def principal(self, scope: Any) -> Principal:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        organisation = int(headers.get("x-organisation", "1"))
        return Principal(organisation, Role.KEY_WRITE, "key", "key", None, "", exercise=False, api_key_id=1)


@dataclass
class Ogc:
    """Both kinds of app over one database; ``get`` asks the OGC faces, ``post`` SensorThings."""

    litestar: Litestar
    things: SensorThings
    owner: Any
    statements: list[str] = field(default_factory=list)

    def client(self, organisation: int = 1, app: Any = None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=ProblemEdge(app or self.litestar)),
            base_url=ROOT,
            headers={"x-organisation": str(organisation)},
        )

    async def get(self, path: str, organisation: int = 1, **options: Any) -> httpx.Response:
        async with self.client(organisation) as client:
            return await client.get(path, **options)

    async def json(self, path: str, organisation: int = 1, **parameters: Any) -> Any:
        answer = await self.get(path, organisation, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any, organisation: int = 1) -> Any:
        async with self.client(organisation, self.things) as client:
            answer = await client.post(f"/v1.1/{path}", json=body)
        assert answer.status_code == 201, answer.text
        return answer

    async def gauge(
        self,
        place: Mapping[str, Any] | None,
        values: Sequence[float] = (),
        *,
        organisation: int = 1,
        **more: Any,
    ) -> tuple[int, int, str]:
        """A new thing with one datastream and a value a minute from START_US: ids and the name of both."""
        name = f"gauge {next(_names)}"
        answer = await self.post("Things", thing(name, place, **more), organisation)
        thing_id = answer.json()["@iot.id"]
        async with self.client(organisation, self.things) as client:
            streams = (await client.get(f"/v1.1/Things({thing_id})/Datastreams")).json()["value"]
        stream: int = streams[0]["@iot.id"]
        if values:
            await self.observe(stream, values, organisation=organisation)
        return thing_id, stream, name

    async def observe(
        self, stream: int, values: Sequence[float], *, organisation: int = 1, from_us: int = START_US
    ) -> None:
        rows = [[format_instant(from_us + n * MINUTE_US), value] for n, value in enumerate(values)]
        body = [{"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"],
                 "dataArray": rows}]  # fmt: skip
        await self.post("CreateObservations", body, organisation)


def thing(
    name: str,
    place: Mapping[str, Any] | None,
    *,
    observed: str = "water level",
    definition: str = "urn:level",
    unit: str = "m",
    kind: str = "Measurement",
    series: str | None = None,
    properties: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a thing with a location (if it has a place), a datastream, a sensor, a property."""
    location = {
        "name": name, "description": "where it stands", "encodingType": "application/geo+json",
        "location": place,
    }  # fmt: skip
    return {
        "name": name,
        "description": f"{name} on a river",
        "properties": {"owner": "tests", **(properties or {})},
        **({"Locations": [location]} if place else {}),
        "Datastreams": [
            {
                "name": name,
                "description": "one value at a time",
                "observationType": OM + kind,
                "unitOfMeasurement": {"name": unit, "symbol": unit, "definition": "https://ucum.org"},
                **({"properties": {"series": series}} if series else {}),
                "Sensor": {"name": f"{name} radar", "description": "radar", "encodingType": "text/html",
                           "metadata": "https://example.org/radar"},
                "ObservedProperty": {"name": observed, "definition": definition, "description": observed},
            }
        ],
    }  # fmt: skip


def point(longitude: float, latitude: float, *more: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude, *more]}


@pytest_asyncio.fixture(name="ogc", scope="module", loop_scope="session")
async def ogc_fixture(postgres: Postgres) -> AsyncIterator[Ogc]:
    """A database of its own for each test file."""
    name = f"ogc_{next(_names)}"
    dsn = postgres.new_database(name)
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now()), ('two', now())")
    pools = [await open_pool(database, role) for role in (APP, WRITER, FLOW)]
    intake = Intake(ObservationWriter(pools[1]), lambda: NOW_US)
    intake.start()
    gate: Any = GateByHeader()
    ingest = Ingest(intake, Directory(pools[2]), lambda: NOW_US)
    things = SensorThings(pool=pools[0], ingest=ingest, intake=intake, gate=gate, now_us=lambda: NOW_US)
    app = Litestar(
        ROUTERS,
        state=State({"pool": pools[0], "gate": gate, "site": FakeSite("live", CITY, NOW_US)}),
        guards=[permission_guard],
        exception_handlers=EXCEPTION_HANDLERS,  # type: ignore[arg-type]
        openapi_config=None,
        logging_config=None,
    )
    yield Ogc(app, things, owner)
    await intake.stop()
    for pool in pools:
        await pool.close()
    await owner.close()
    postgres.drop_database(name)
