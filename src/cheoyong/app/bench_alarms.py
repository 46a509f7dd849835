# SPDX-License-Identifier: Apache-2.0
"""How long an alarm takes under load: from the answer to what crosses a level to the stored fact."""

from __future__ import annotations

import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec
import numpy as np

from cheoyong.app.clock import real_us
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.http_load import request_bytes
from cheoyong.app.synthetic_city import LEVEL_M, register_gauges, write_synthetic_city
from cheoyong.app.under_test import UnderTest, installation_under_test
from cheoyong.domain.errors import Unavailable
from cheoyong.domain.instant import format_instant

LOAD_PER_S = 10_000  # observations
ROWS_PER_REQUEST, CONNECTIONS = 100, 4
CALM_GAUGES, PLAIN_STREAMS = 100, 400  # a fifth of the load is judged by the pipeline, all of it is watched
CROSSINGS_PER_S = 8
_WARM_S = 5.0
_POLL_S = 0.005
_LATEST_S = 30.0
_NEW_ALARMS = (
    "SELECT seq, body ->> 'series' AS series FROM fact WHERE kind = 'alarm' AND seq > $1 ORDER BY seq"
)


async def bench_alarms(seconds: float) -> dict[str, Any]:
    """Figures of one run against `cheoyong serve` with its own PostgreSQL and NATS; times in ms.

    Every crossing is another gauge's first value above its level. It counts as stored when another
    connection to the database reads the fact, looked for every 5 ms; both instants are of one clock.
    """
    crossings = max(int(seconds * CROSSINGS_PER_S), 1)
    with tempfile.TemporaryDirectory(prefix="cheoyong-city-") as name:
        city = write_synthetic_city(Path(name), crossings + CALM_GAUGES)
        async with installation_under_test(CHEOYONG_CITY=name) as under_test:
            found = await register_gauges(under_test.url, under_test.headers, city)
            plain = await _plain_streams(under_test)
            ids = {series: found[series] for series in city.gauges}
            calm = list(ids.values())[crossings:]
            crossing = dict(list(ids.items())[:crossings])
            return await _measured(under_test, plain, calm, crossing, seconds)


async def _plain_streams(under_test: UnderTest) -> list[int]:
    """Datastreams that are no gauges of the city: stored and watched, not judged."""
    nouns = ("Thing", "Sensor", "ObservedProperty")
    asked = {"$top": "1", "$expand": ",".join(nouns)}
    made = []
    async with httpx.AsyncClient(
        base_url=under_test.url, headers=under_test.headers, trust_env=False
    ) as client:
        (like,) = (await client.get("/v1.1/Datastreams", params=asked)).raise_for_status().json()["value"]
        body: dict[str, Any] = {noun: {"@iot.id": like[noun]["@iot.id"]} for noun in nouns}
        body |= {name: like[name] for name in ("observationType", "unitOfMeasurement")}
        for number in range(PLAIN_STREAMS):
            body |= {"name": f"plain-{number}", "description": "load of a bench"}
            answer = (await client.post("/v1.1/Datastreams", json=body)).raise_for_status()
            made.append(int(answer.headers["location"].rpartition("(")[2].rstrip(")")))
    return made


async def _measured(
    under_test: UnderTest, plain: list[int], calm: list[int], crossing: dict[str, int], seconds: float
) -> dict[str, Any]:
    stop, sent, stored = asyncio.Event(), [0] * CONNECTIONS, dict[str, float]()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(under_test, stored, len(crossing)))
        begun_s = time.perf_counter()
        for line in range(CONNECTIONS):
            group.create_task(_load(under_test, _bodies(plain, calm, line), stop, sent, line))
        await asyncio.sleep(_WARM_S)
        accepted = await _cross(under_test, crossing, seconds)
        loaded, elapsed_s = sum(sent), time.perf_counter() - begun_s
        try:
            await asyncio.wait_for(watching, _LATEST_S)
        except TimeoutError:
            missing = sorted(set(crossing) - set(stored))
            raise Unavailable(f"{len(missing)} alarms were not stored in {_LATEST_S:.0f} s") from None
        finally:
            stop.set()
    from_answer_ms = [(stored[series] - answered_s) * 1e3 for series, (_, answered_s) in accepted.items()]
    from_sent_ms = [(stored[series] - sent_s) * 1e3 for series, (sent_s, _) in accepted.items()]
    return {
        "alarm_p50_ms": _quantile(from_answer_ms, 0.5),
        "alarm_p99_ms": _quantile(from_answer_ms, 0.99),
        "alarm_from_sent_p99_ms": _quantile(from_sent_ms, 0.99),
        "alarms": len(crossing),
        "alarm_load_obs_per_s": round(loaded / elapsed_s),
        "alarm_load": f"CreateObservations, {ROWS_PER_REQUEST} rows a request, {CONNECTIONS} connections",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def _quantile(values_ms: list[float], share: float) -> float:
    return round(float(np.quantile(values_ms, share)), 1)


def _bodies(plain: list[int], calm: list[int], line: int) -> Iterator[bytes]:
    """Requests of one connection: each has a hundred rows of one datastream, every fifth a gauge's."""
    draw = np.random.default_rng(line)
    plain, calm = plain[line::CONNECTIONS], calm[line::CONNECTIONS]
    number, last_us = 0, 0
    while True:
        streams = calm if number % 5 == 0 else plain
        begin_us = max(real_us() - ROWS_PER_REQUEST * 1000, last_us)
        last_us = begin_us + ROWS_PER_REQUEST * 1000
        values = np.round(draw.normal(1.0, 0.1, ROWS_PER_REQUEST), 3).tolist()
        rows = [[format_instant(begin_us + n * 1000), value] for n, value in enumerate(values)]
        body = {"components": ["phenomenonTime", "result"], "dataArray": rows}
        yield msgspec.json.encode([{"Datastream": {"@iot.id": streams[number % len(streams)]}, **body}])
        number += 1


async def _load(
    under_test: UnderTest, bodies: Iterator[bytes], stop: asyncio.Event, sent: list[int], line: int
) -> None:
    """Send at an even pace until told to stop; who falls behind goes on without a pause."""
    address = urlsplit(under_test.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    due_s = time.perf_counter()
    while not stop.is_set():
        due_s += ROWS_PER_REQUEST * CONNECTIONS / LOAD_PER_S
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        path = "/v1.1/CreateObservations"
        writer.write(request_bytes("POST", under_test.url, path, under_test.headers, next(bodies)))
        await _answered(reader, ROWS_PER_REQUEST)
        sent[line] += ROWS_PER_REQUEST
    writer.close()


async def _cross(
    under_test: UnderTest, crossing: dict[str, int], seconds: float
) -> dict[str, tuple[float, float]]:
    """One gauge after the other rises above its level: when each was sent, and when it was answered (s)."""
    address = urlsplit(under_test.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    taken: dict[str, tuple[float, float]] = {}
    begun_s = time.perf_counter()
    for number, (series, datastream) in enumerate(crossing.items()):
        await asyncio.sleep(max(0.0, begun_s + number * seconds / len(crossing) - time.perf_counter()))
        body = {"phenomenonTime": format_instant(real_us()), "result": LEVEL_M + 0.3}
        path = f"/v1.1/Datastreams({datastream})/Observations"
        sent_s = time.perf_counter()
        writer.write(
            request_bytes("POST", under_test.url, path, under_test.headers, msgspec.json.encode(body))
        )
        await _answered(reader, 1)
        taken[series] = sent_s, time.perf_counter()
    writer.close()
    return taken


async def _answered(reader: asyncio.StreamReader, rows: int) -> None:
    """Read one answer; raises Unavailable when it is not 201."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
    body = await reader.readexactly(size)
    if head[9:12] != b"201":
        raise Unavailable(f"the server answered {head[9:12].decode()} to {rows} rows: {body[:200]!r}")


async def _watch(under_test: UnderTest, stored: dict[str, float], alarms: int) -> None:
    """Note when the first alarm fact of each series can be read."""
    connection = await asyncpg.connect(Postgres(under_test.folder).dsn)
    seq = 0
    try:
        while len(stored) < alarms:
            for row in await connection.fetch(_NEW_ALARMS, seq):
                seq = row["seq"]
                stored.setdefault(row["series"], time.perf_counter())
            await asyncio.sleep(_POLL_S)
    finally:
        await connection.close()
