# SPDX-License-Identifier: Apache-2.0
"""Bench of a SensorThings server: fill a base of chosen size, then write to it and ask it what clients ask.

Against its own installation the base is filled by COPY and stands beside raw COPY of the same run; against
another server (by its address) it is filled through CreateObservations, and what only the database can
tell is null.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cheoyong.app.bench_ingest import DATASTREAMS, raw_copy
from cheoyong.app.clock import real_us
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.app.http_load import Load, request_bytes, send_all
from cheoyong.app.under_test import installation_under_test
from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import HOUR_US, MINUTE_US, SECOND_US, format_instant
from cheoyong.records.connection import prepare_codecs
from cheoyong.records.observations import Rows, copy_bytes, digest_of_numbers
from cheoyong.records.standing import add_shares

THINGS = 1_000
ROWS_PER_COPY, ROWS_PER_REQUEST = 50_000, 1_000
ASKED, ASKED_SECONDS = 300, 4.0
CREATE_CONNECTIONS, READ_CONNECTIONS, POST_CONNECTIONS = 4, 8, 16
# What is asked when reading is measured; the plans of these are tested too.
QUERIES = {
    "latest": "/Datastreams({datastream})/Observations?$top=1&$orderby=phenomenonTime%20desc",
    "latest_of_all": "/Things?$top=1000&$expand=Datastreams($expand=Observations($top=1;"
    "$orderby=phenomenonTime%20desc))",
    "range": "/Datastreams({datastream})/Observations?$orderby=phenomenonTime"
    "&$filter=phenomenonTime%20ge%20{begin}%20and%20phenomenonTime%20lt%20{end}",
    "count": "/Observations?$count=true&$top=1",
    "expand_20": "/Things?$top=20&$expand=Locations,Datastreams($expand=ObservedProperty,"
    "Observations($top=1;$orderby=phenomenonTime%20desc))",
}


@dataclass(slots=True)
class _Server:
    """The server measured: its service root, what each request carries, the datastreams made there."""

    root: str
    headers: dict[str, str]
    bar: Progress
    folder: DataFolder | None = None
    datastreams: list[int] = field(default_factory=list)
    start_us: int = 0
    clock_us: Iterator[int] = field(default_factory=itertools.count)

    def get(self, path: str) -> bytes:
        return self.request("GET", path)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        return request_bytes(method, self.root, urlsplit(self.root).path + path, self.headers, body)


async def bench_sensorthings(observations: int, url: str | None, key: str | None) -> dict[str, Any]:
    """All figures of one run; ``url`` is the service root of another server (``https://…/v1.1``).

    Raises Unavailable when the server refuses what it is sent.
    """
    with _progress() as bar:
        if url is not None:
            headers = {"content-type": "application/json"}
            if key:
                headers["authorization"] = f"Bearer {key}"
            return await _measured(_Server(url.rstrip("/"), headers, bar), observations)
        async with installation_under_test() as under_test:
            server = _Server(f"{under_test.url}/v1.1", under_test.headers, bar, under_test.folder)
            return await _measured(server, observations)


async def _measured(server: _Server, observations: int) -> dict[str, Any]:
    observations -= observations % ROWS_PER_COPY
    await _make_things(server)
    await _fill(server, observations)
    figures: dict[str, Any] = {"observations": observations}
    figures |= await _written(server)
    figures |= await _read(server)
    figures["bytes_per_observation"] = await _bytes_per_observation(server)
    return figures


# Making the base ------------------------------------------------------------------------------------


async def _make_things(server: _Server) -> None:
    made = server.bar.add_task("things", total=THINGS)
    thing_ids = []
    async with httpx.AsyncClient(headers=server.headers, trust_env=False, timeout=60) as client:
        for number in range(THINGS):
            answer = await client.post(f"{server.root}/Things", json=_thing(number))
            answer.raise_for_status()
            link = answer.headers["location"]
            thing_ids.append(link[link.rindex("(") + 1 : -1])
            server.bar.advance(made)
        for thing_id in thing_ids:
            found = (await client.get(f"{server.root}/Things({thing_id})/Datastreams?$select=id")).json()
            server.datastreams.append(found["value"][0]["@iot.id"])


def _thing(number: int) -> dict[str, Any]:
    name = f"bench {number}"
    point = {"type": "Point", "coordinates": [129.0 + number % 40 / 100, 35.4 + number // 40 / 100]}
    return {
        "name": name,
        "description": "made by cheoyong bench sensorthings; stands for no real sensor",
        "Locations": [
            {"name": name, "description": name, "encodingType": "application/geo+json", "location": point}
        ],
        "Datastreams": [
            {
                "name": name,
                "description": name,
                "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
                "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "https://ucum.org/ucum"},
                "Sensor": {
                    "name": name, "description": name, "encodingType": "text/html", "metadata": "none",
                },
                "ObservedProperty": {
                    "name": "stage", "description": "stage", "definition": "https://example.org/stage",
                },
            }
        ],
    }  # fmt: skip


async def _fill(server: _Server, observations: int) -> None:
    """Each datastream has one observation a minute up to now, stored in the order of time."""
    now_us = real_us() - real_us() % MINUTE_US
    server.start_us = now_us - observations // THINGS * MINUTE_US
    server.clock_us = itertools.count(now_us, SECOND_US // 1000)
    filled = server.bar.add_task("observations", total=observations)
    if server.folder is None:
        requests = _bulk_requests(server, observations)
        for _ in range(0, observations, ROWS_PER_COPY):
            some = itertools.islice(requests, ROWS_PER_COPY // ROWS_PER_REQUEST)
            _expect(await send_all(server.root, some, CREATE_CONNECTIONS), 201)
            server.bar.advance(filled, ROWS_PER_COPY)
        return
    connection = await asyncpg.connect(Postgres(server.folder).dsn)
    await prepare_codecs(connection)
    try:
        for start in range(0, observations, ROWS_PER_COPY):
            await _copied(connection, server, start)
            server.bar.advance(filled, ROWS_PER_COPY)
        await connection.execute("VACUUM (ANALYZE) observation", timeout=3600)
    finally:
        await connection.close()


async def _copied(connection: Any, server: _Server, start: int) -> None:
    first_id = await connection.fetchval("SELECT nextval('observation_id')")
    index = np.arange(start, start + ROWS_PER_COPY)
    values = np.round(2.0 + np.sin(index / 7_000.0), 3)
    rows = Rows(
        np.asarray(server.datastreams)[index % THINGS],
        server.start_us + index // THINGS * MINUTE_US,
        values,
        digest_of_numbers(values),
    )
    payload = copy_bytes(index - start + first_id, rows)

    async def pieces() -> Any:
        for at in range(0, len(payload), 1 << 18):
            yield payload[at : at + (1 << 18)]

    await connection.copy_to_table(
        "observation", source=pieces(), format="binary",
        columns=("id", "phenomenon_time", "result", "digest", "datastream_id"),
    )  # fmt: skip
    await add_shares(connection, rows.datastream_id, rows.phenomenon_us)


def _bulk_requests(server: _Server, observations: int, *, from_us: int | None = None) -> Iterator[bytes]:
    """CreateObservations of 1,000 rows of one datastream each."""
    begin_us = server.start_us if from_us is None else from_us
    for block in range(observations // ROWS_PER_REQUEST):
        first = block // THINGS * ROWS_PER_REQUEST
        rows = [
            [format_instant(begin_us + (first + row) * MINUTE_US), row % 500 / 100]
            for row in range(ROWS_PER_REQUEST)
        ]
        body = {
            "Datastream": {"@iot.id": server.datastreams[block % THINGS]},
            "components": ["phenomenonTime", "result"],
            "dataArray": rows,
        }
        yield server.request("POST", "/CreateObservations", msgspec.json.encode([body]))


# Measuring ------------------------------------------------------------------------------------------


async def _written(server: _Server) -> dict[str, Any]:
    """Single POSTs, data arrays, and raw COPY of as many rows."""
    step = server.bar.add_task("writing", total=4)
    figures: dict[str, Any] = {}
    for connections in (1, POST_CONNECTIONS):
        load = await send_all(server.root, _posts(server, ASKED_SECONDS), connections)
        figures[f"post_{connections}_per_s"] = _per_s(_expect(load, 201))
        server.bar.advance(step)
    count = 200_000
    past_us = server.start_us - 10 * count // THINGS * MINUTE_US
    requests = list(_bulk_requests(server, count, from_us=past_us))
    load = _expect(await send_all(server.root, iter(requests), CREATE_CONNECTIONS), 201)
    figures["data_array_obs_per_s"] = round(count / load.elapsed_s)
    figures["arrow_obs_per_s"] = None if server.folder is None else await _by_arrow(server, count)
    server.bar.advance(step)
    figures["copy_rows_per_s"] = (
        None if server.folder is None else round(await raw_copy(server.folder, count))
    )
    server.bar.advance(step)
    return figures


async def _by_arrow(server: _Server, observations: int) -> int:
    """Observations a second through the bulk door: rows like raw COPY's, one request, durable when answered.

    A request of one block goes before it, for which the server loads its reader of Arrow.
    """
    root = server.root.removesuffix("/v1.1")
    headers = {**server.headers, "content-type": "application/vnd.apache.arrow.stream"}
    for count in (ROWS_PER_REQUEST, observations):
        body = _arrow_stream(server, count)
        request = request_bytes("POST", root, "/bulk/observations", headers, body)
        load = _expect(await send_all(root, iter([request]), 1), 200)
    return round(observations / load.elapsed_s)


def _arrow_stream(server: _Server, observations: int) -> bytes:
    """Blocks of 1,000 observations of one datastream, a second apart, before all that is there."""
    import pyarrow as pa

    index = np.arange(observations)
    past_us = server.start_us - 20 * observations // THINGS * MINUTE_US - observations * SECOND_US
    columns = {
        "datastream_id": pa.array(
            np.asarray(server.datastreams)[index // ROWS_PER_REQUEST % DATASTREAMS], pa.int64()
        ),
        "phenomenon_time": pa.array(past_us + index * SECOND_US, pa.int64()).cast(pa.timestamp("us", "UTC")),
        "result": np.round(np.random.default_rng(1).normal(2.0, 0.5, observations), 3),
    }
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=ROWS_PER_COPY)
    stream: bytes = sink.getvalue().to_pybytes()
    return stream


def _posts(server: _Server, seconds: float) -> Iterator[bytes]:
    ends_s = time.perf_counter() + seconds
    while time.perf_counter() < ends_s:
        at_us = next(server.clock_us)
        body = b'{"phenomenonTime":"%s","result":%d.5}' % (format_instant(at_us).encode(), at_us // 1000 % 9)
        datastream = server.datastreams[at_us // 1000 % THINGS]
        yield server.request("POST", f"/Datastreams({datastream})/Observations", body)


async def _read(server: _Server) -> dict[str, Any]:
    """What a dashboard asks: the latest of one and of all, an hour of one, a count, twenty Things."""
    step = server.bar.add_task("reading", total=7)
    figures: dict[str, Any] = {}

    async def asked(name: str, quantile: float, requests: list[bytes]) -> None:
        load = _expect(await send_all(server.root, iter(requests), 1), 200)
        figures[name] = round(float(np.quantile(load.latencies_s, quantile)) * 1e3, 2)
        server.bar.advance(step)

    async def pressed(name: str, requests: list[bytes]) -> None:
        ends_s = time.perf_counter() + ASKED_SECONDS
        endless = itertools.takewhile(lambda _: time.perf_counter() < ends_s, itertools.cycle(requests))
        figures[name] = _per_s(_expect(await send_all(server.root, endless, READ_CONNECTIONS), 200))
        server.bar.advance(step)

    chosen = [server.datastreams[number * 7 % THINGS] for number in range(ASKED)]
    latest = [server.get(QUERIES["latest"].format(datastream=datastream)) for datastream in chosen]
    await asked("latest_p50_ms", 0.5, latest)
    await pressed("latest_8_per_s", latest)
    await asked("latest_of_all_p95_ms", 0.95, [server.get(QUERIES["latest_of_all"])] * ASKED)
    await asked("range_p50_ms", 0.5, [server.get(_an_hour(server, datastream)) for datastream in chosen])
    await asked("count_p50_ms", 0.5, [server.get(QUERIES["count"])] * 20)
    await asked("expand_20_p50_ms", 0.5, [server.get(QUERIES["expand_20"])] * ASKED)
    await pressed("expand_20_8_per_s", [server.get(QUERIES["expand_20"])])
    return figures


def _an_hour(server: _Server, datastream: int) -> str:
    begin = format_instant(server.start_us + HOUR_US)
    end = format_instant(server.start_us + 2 * HOUR_US)
    return QUERIES["range"].format(datastream=datastream, begin=begin, end=end)


async def _bytes_per_observation(server: _Server) -> float | None:
    """On disk, with indexes, of all that stands there."""
    if server.folder is None:
        return None
    connection = await asyncpg.connect(Postgres(server.folder).dsn)
    try:
        share: float = await connection.fetchval(
            "SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('observation_visible'))"
            " / (SELECT count(*) FROM observation_visible)::float8",
            timeout=3600,
        )
    finally:
        await connection.close()
    return round(share, 1)


def _per_s(load: Load) -> int:
    return round(len(load.latencies_s) / load.elapsed_s)


def _expect(load: Load, status: int) -> Load:
    if set(load.statuses) != {status}:
        raise Unavailable(f"the server answered {load.statuses}, not {status} alone")
    return load


def _progress() -> Progress:
    """Shown on stderr: stdout is for the figures."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, transient=True, console=Console(stderr=True))
