# SPDX-License-Identifier: Apache-2.0
"""The bulk doors in front of a real PostgreSQL, over real HTTP, with two organisations that must not meet.

Import ``bulk_fixture`` into a test file: ``bulk`` is then a :class:`Bulk`.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest_asyncio
import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.access import Principal, Role
from cheoyong.domain.instant import MINUTE_US, parse_instant
from cheoyong.faces.access import permission_guard
from cheoyong.faces.bulk.download import Downloads
from cheoyong.faces.bulk.routes import ROUTES
from cheoyong.faces.bulk.upload import ARROW_STREAM, Uploads
from cheoyong.faces.limits import BoundBodies
from cheoyong.faces.problem import EXCEPTION_HANDLERS, ProblemEdge
from cheoyong.faces.sensorthings.app import SensorThings
from cheoyong.faces.sensorthings.ingest import Ingest
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import APP, FLOW, ROLES, WRITER, Database, Pool, open_pool
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter
from ogc_world import OM, thing

START_US = parse_instant("2016-10-05T00:00:00Z")
UTC_US = pa.timestamp("us", "UTC")
_names = count(1)


class GateByHeader:
    """Lets everyone in; headers say for which organisation, as what, and bound to which thing."""

    async def principal(self, scope: Any) -> Principal:
        said = {name.decode(): value.decode() for name, value in scope["headers"]}
        role = Role(said.get("x-role", Role.KEY_WRITE))
        thing_id = int(said["x-thing"]) if "x-thing" in said else None
        return Principal(
            int(said.get("x-organisation", "1")), role, "key", "key", None, "", False, 1, thing_id
        )


class Clock:
    """The clock of the facts, moved by the tests."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


@dataclass
class Bulk:
    """A server at ``url``, and its parts as tests need them."""

    url: str
    http: httpx.AsyncClient
    intake: Intake
    owner: Any
    app_pool: Pool
    clock: Clock
    litestar: Litestar

    async def stream(
        self, *, kind: str = "Measurement", organisation: int = 1, **more: Any
    ) -> tuple[int, int]:
        """A new thing with one datastream: their ids."""
        body = thing(f"gauge {next(_names)}", None, kind=kind, **more)
        headers = {"x-organisation": str(organisation)}
        made = await self.http.post("/v1.1/Things", json=body, headers=headers)
        assert made.status_code == 201, made.text
        thing_id = made.json()["@iot.id"]
        found = await self.http.get(f"/v1.1/Things({thing_id})/Datastreams", headers=headers)
        return thing_id, found.json()["value"][0]["@iot.id"]

    async def send(
        self, body: Any, media_type: str = ARROW_STREAM, organisation: int = 1, **headers: str
    ) -> httpx.Response:
        content = arrow(body) if isinstance(body, pa.Table) else body
        head = {"content-type": media_type, "x-organisation": str(organisation), **headers}
        return await self.http.post("/bulk/observations", content=content, headers=head)

    async def sent(self, table: pa.Table, **options: Any) -> dict[str, Any]:
        answer = await self.send(table, **options)
        assert answer.status_code == 200, answer.text
        account: dict[str, Any] = answer.json()
        return account

    async def get(self, organisation: int = 1, **parameters: Any) -> httpx.Response:
        given = {name.rstrip("_"): value for name, value in parameters.items()}
        headers = {"x-organisation": str(organisation)}
        return await self.http.get("/bulk/observations", params=given, headers=headers)

    async def table(self, **parameters: Any) -> pa.Table:
        answer = await self.get(**parameters)
        assert answer.status_code == 200, answer.text
        if parameters.get("format") == "parquet":
            return pq.read_table(io.BytesIO(answer.content))
        return pa.ipc.open_stream(answer.content).read_all()


def rows(
    stream: int | Sequence[int],
    values: Any,
    *,
    from_us: int = START_US,
    step_us: int = MINUTE_US,
    **more: Any,
) -> pa.Table:
    """A table of observations a minute apart; ``more`` are further columns."""
    size = len(values)
    streams = [stream] * size if isinstance(stream, int) else list(stream)
    times = pa.array([from_us + n * step_us for n in range(size)], pa.int64()).cast(UTC_US)
    return pa.table({"datastream_id": streams, "phenomenon_time": times, "result": values, **more})


def arrow(table: pa.Table, rows_per_batch: int = 10_000, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table, max_chunksize=rows_per_batch)
    return sink.getvalue()


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest_asyncio.fixture(name="bulk", scope="module", loop_scope="session")
async def bulk_fixture(postgres: Postgres) -> AsyncIterator[Bulk]:
    """A database and a server of its own for each test file."""
    name = f"bulk_{next(_names)}"
    dsn = postgres.new_database(name)
    database = Database(dsn, dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await owner.execute("INSERT INTO organisation (name, created_at) VALUES ('one', now()), ('two', now())")
    pools = [await open_pool(database, role) for role in (APP, WRITER, FLOW)]
    clock, gate = Clock(), GateByHeader()
    intake = Intake(ObservationWriter(pools[1]), clock)
    intake.start()
    directory = Directory(pools[2])
    things = SensorThings(
        pool=pools[0], ingest=Ingest(intake, directory, clock), intake=intake, gate=gate, now_us=clock
    )
    app = Litestar(
        ROUTES,
        state=State(
            {"gate": gate, "uploads": Uploads(intake, directory), "downloads": Downloads(pools[0], clock)}
        ),
        guards=[permission_guard],
        exception_handlers=EXCEPTION_HANDLERS,  # type: ignore[arg-type]
        openapi_config=None,
        logging_config=None,
    )

    async def route(scope: Any, receive: Any, send: Any) -> None:
        await (things if scope["path"].startswith("/v1.1") else app)(scope, receive, send)

    server = uvicorn.Server(
        uvicorn.Config(ProblemEdge(BoundBodies(route)), port=0, log_level="error", lifespan="off")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        yield Bulk(url, http, intake, owner, pools[0], clock, app)
    server.should_exit = True
    await serving
    await intake.stop()
    for pool in pools:
        await pool.close()
    await owner.close()
    postgres.drop_database(name)


__all__ = ["OM", "START_US", "Bulk", "arrow", "bulk_fixture", "parquet", "rows"]
