# SPDX-License-Identifier: Apache-2.0
"""Bench of ingest: durable and queryable over HTTP, beside raw COPY of the same rows in the same run."""

from __future__ import annotations

import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import msgspec
import numpy as np
from rich.progress import Progress

from cheoyong.app.clock import real_us
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.app.http_load import Load, request_bytes, send_all
from cheoyong.app.replay import thing_of
from cheoyong.app.session_client import SessionClient
from cheoyong.app.under_test import UnderTest, installation_under_test
from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import SECOND_US, format_instant
from cheoyong.links.city_pack import load_city
from cheoyong.records.observations import Rows, copy_bytes, digest_of_numbers

DATASTREAMS = 100
ROWS_PER_REQUEST = 1_000
ROWS_PER_COPY = 50_000
CONNECTIONS_BULK, CONNECTIONS_SINGLE = 4, 16
LATENCY_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class _Bench:
    """The installation under test and what was made there to measure it with."""

    url: str
    headers: dict[str, str]
    admin: SessionClient
    datastreams: list[int]
    gauge: int


async def bench_ingest(observations: int, seconds: float) -> dict[str, Any]:
    """All figures of one run; every step is shown on stderr."""
    observations -= observations % ROWS_PER_COPY
    async with installation_under_test() as under_test:
        bench = await _prepare(under_test)
        with Progress(transient=True, console=_stderr()) as bar:
            task = bar.add_task("", total=5)

            def step(name: str) -> None:
                bar.update(task, advance=1, description=name)

            step("raw COPY")
            copy_first = await raw_copy(under_test.folder, observations)
            step("dataArray over HTTP")
            bulk = await _bulk(bench, observations)
            step("raw COPY again")
            copy_second = await raw_copy(under_test.folder, observations)
            step("single POSTs")
            single = await _single(bench, seconds)
            step("observation to browser")
            latencies_s = await _to_browser(bench)
    return _figures(observations, (copy_first, copy_second), bulk, single, latencies_s, _help_s())


def _figures(
    observations: int,
    copies: tuple[float, float],
    bulk: float,
    single: Load,
    latencies_s: list[float],
    help_s: list[float],
) -> dict[str, Any]:
    copy = statistics.mean(copies)
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "observations": observations,
        "copy_rows_per_s": round(copy),
        "copy_spread": round(abs(copies[0] - copies[1]) / copy, 3),
        "data_array_obs_per_s": round(bulk),
        "data_array_share_of_copy": round(bulk / copy, 3),
        "post_16_per_s": round(len(single.latencies_s) / single.elapsed_s),
        "post_16_p99_ms": round(float(np.quantile(single.latencies_s, 0.99)) * 1e3, 2),
        "observation_to_browser_p50_ms": round(float(np.quantile(latencies_s, 0.5)) * 1e3, 1),
        "observation_to_browser_p99_ms": round(float(np.quantile(latencies_s, 0.99)) * 1e3, 1),
        "help_s": round(statistics.median(help_s), 3),
    }


async def _prepare(under_test: UnderTest) -> _Bench:
    """A hundred datastreams and one gauge of the city."""
    async with httpx.AsyncClient(
        base_url=under_test.url, headers=under_test.headers, trust_env=False
    ) as client:
        gauge = next(iter(load_city("ulsan").gauges.values()))
        things = [thing_of(gauge)]
        for number in range(DATASTREAMS):
            thing = thing_of(gauge)
            thing["Datastreams"][0] |= {"name": f"bench-{number}", "properties": {}}
            things.append(thing)
        for thing in things:
            (await client.post("/v1.1/Things", json=thing)).raise_for_status()
        query = {"$select": "id,name", "$top": str(DATASTREAMS + 1), "$orderby": "id"}
        found = (await client.get("/v1.1/Datastreams", params=query)).json()["value"]
    ids = [int(entity["@iot.id"]) for entity in found]
    return _Bench(under_test.url, under_test.headers, under_test.admin, ids[1:], ids[0])


def _values(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.round(np.random.default_rng(1).normal(2.0, 0.5, count), 3)


async def raw_copy(folder: DataFolder, observations: int) -> float:
    """Rows a second that COPY alone takes into a table made like the real one, its indexes included."""
    connection = await asyncpg.connect(Postgres(folder).dsn)
    try:
        await connection.execute("DROP TABLE IF EXISTS bench_copy")
        await connection.execute("CREATE TABLE bench_copy (LIKE observation INCLUDING ALL)")
        payloads = list(_payloads(observations))
        started_s = time.perf_counter()
        for payload in payloads:

            async def pieces(payload: bytes = payload) -> Any:
                for start in range(0, len(payload), 1 << 18):
                    yield payload[start : start + (1 << 18)]

            await connection.copy_to_table(
                "bench_copy", source=pieces(), format="binary",
                columns=("id", "phenomenon_time", "result", "digest", "datastream_id"),
            )  # fmt: skip
        elapsed_s = time.perf_counter() - started_s
        await connection.execute("DROP TABLE bench_copy")
    finally:
        await connection.close()
    return observations / elapsed_s


def _payloads(observations: int) -> Iterator[bytes]:
    """The same rows as the requests carry: blocks of 1,000 of one datastream, a second apart."""
    values = _values(observations)
    base_us = real_us() - real_us() % SECOND_US - observations * SECOND_US
    for start in range(0, observations, ROWS_PER_COPY):
        index = np.arange(start, start + ROWS_PER_COPY)
        block = index // ROWS_PER_REQUEST
        rows = Rows(
            block % DATASTREAMS + 1,
            base_us + index * SECOND_US,
            values[index],
            digest_of_numbers(values[index]),
        )
        yield copy_bytes(index + 1, rows)


async def _bulk(bench: _Bench, observations: int) -> float:
    """Observations a second, durable when answered; then counted over HTTP, so they are queryable."""
    requests = list(_bulk_requests(bench, observations))
    load = await send_all(bench.url, iter(requests), CONNECTIONS_BULK)
    if set(load.statuses) != {201}:
        raise Unavailable(f"the server answered {load.statuses}")
    async with httpx.AsyncClient(
        base_url=bench.url, headers=bench.headers, trust_env=False, timeout=60
    ) as client:
        answer = await client.get("/v1.1/Observations", params={"$count": "true", "$top": "0"})
    stored = answer.json()["@iot.count"]
    if stored < observations:
        raise Unavailable(f"{stored} of {observations} observations can be queried")
    return observations / load.elapsed_s


def _bulk_requests(bench: _Bench, observations: int) -> Iterator[bytes]:
    values = _values(observations).tolist()
    base_us = real_us() - real_us() % SECOND_US - observations * SECOND_US
    for start in range(0, observations, ROWS_PER_REQUEST):
        rows = [
            [format_instant(base_us + i * SECOND_US), values[i]]
            for i in range(start, start + ROWS_PER_REQUEST)
        ]
        body = [
            {
                "Datastream": {"@iot.id": bench.datastreams[start // ROWS_PER_REQUEST % DATASTREAMS]},
                "components": ["phenomenonTime", "result"],
                "dataArray": rows,
            }
        ]
        yield request_bytes(
            "POST", bench.url, "/v1.1/CreateObservations", bench.headers, msgspec.json.encode(body)
        )


async def _single(bench: _Bench, seconds: float) -> Load:
    """Single POSTs at 16 connections for so long; each is durable when answered."""
    ends_s = time.perf_counter() + seconds
    base_us = real_us()

    def requests() -> Iterator[bytes]:
        number = 0
        while time.perf_counter() < ends_s:
            number += 1
            body = b'{"phenomenonTime":"%s","result":%d.5}' % (
                format_instant(base_us + number * 1000).encode(), number % 100,
            )  # fmt: skip
            path = f"/v1.1/Datastreams({bench.datastreams[number % DATASTREAMS]})/Observations"
            yield request_bytes("POST", bench.url, path, bench.headers, body)

    load = await send_all(bench.url, requests(), CONNECTIONS_SINGLE)
    if set(load.statuses) != {201}:
        raise Unavailable(f"the server answered {load.statuses}")
    return load


async def _to_browser(bench: _Bench) -> list[float]:
    """Seconds from sending an observation of a gauge to hearing of it, judged, on the console's stream."""
    arrived: asyncio.Queue[float] = asyncio.Queue()
    listening = asyncio.create_task(_listen(bench, arrived))
    latencies_s = []
    try:
        async with httpx.AsyncClient(base_url=bench.url, headers=bench.headers, trust_env=False) as client:
            await asyncio.wait_for(arrived.get(), 10.0)  # the stream is open
            for number in range(LATENCY_SAMPLES):
                body = {"phenomenonTime": format_instant(real_us()), "result": 1.0 + number / 1000}
                sent_s = time.perf_counter()
                answer = await client.post(f"/v1.1/Datastreams({bench.gauge})/Observations", json=body)
                answer.raise_for_status()
                latencies_s.append(await asyncio.wait_for(arrived.get(), 30.0) - sent_s)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return latencies_s


async def _listen(bench: _Bench, arrived: asyncio.Queue[float]) -> None:
    async for event in bench.admin.events():
        if event in ("open", "observations"):
            arrived.put_nowait(time.perf_counter())


def _help_s() -> list[float]:
    """How long `cheoyong --help` takes, five times."""
    import subprocess

    taken = []
    for _ in range(5):
        started_s = time.perf_counter()
        subprocess.run([sys.executable, "-m", "cheoyong", "--help"], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - started_s)
    return taken


def _stderr() -> Any:
    from rich.console import Console

    return Console(stderr=True)
