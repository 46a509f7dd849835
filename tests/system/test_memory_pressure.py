# SPDX-License-Identifier: Apache-2.0
"""F06: the whole program under a hard limit of memory, offered ten times what the database can commit."""

import asyncio
import json
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from serving import Person, Serving, administrator, data_array, new_key, register, send, wait_until

from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.domain.instant import HOUR_US, SECOND_US, format_instant
from cheoyong.flow.intake import ROWS_WAITING_MAX

pytestmark = pytest.mark.engines
ROOM_BYTES = 600 << 20  # of address space beyond what the program takes when nothing happens
ROWS_A_BODY = 10_000
LARGE_BODY_BYTES = 15 << 20
NOW_US = time.time_ns() // 1000 // HOUR_US * HOUR_US


@dataclass
class Pressed:
    """An installation whose server process may take up only so much memory."""

    serving: Serving
    admin: Person
    key: str
    gauge: int
    meter: int
    level_m: float = 0.0
    heard: list[str] = field(default_factory=list)

    @property
    def pid(self) -> int:
        assert self.serving.process is not None
        return self.serving.process.pid

    def memory(self, name: str) -> int:
        """``VmSize``, ``VmRSS`` or ``VmHWM`` of the server process, bytes."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) * 1024

    def forget_peak(self) -> int:
        """Begin to measure the peak of resident memory anew; returns what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        return self.memory("VmHWM")

    def figure(self, name: str) -> float:
        text = httpx.get(f"{self.serving.url}/metrics", trust_env=False, timeout=60).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def degraded(self) -> list[str]:
        health = httpx.get(f"{self.serving.url}/health", trust_env=False, timeout=60).json()
        return [part["part"] for part in health["degraded"]]


@pytest.fixture(scope="module")
def pressed(outside: Path) -> Iterator[Pressed]:
    serving = Serving(outside / "pressed").start()
    try:
        admin = administrator(serving)
        key = new_key(admin)
        with serving.client(key) as device:
            gauge = register(device, "taehwa", series="taehwa_stage_m")[1]
            meter = register(device, "meter")[1]
            made = Pressed(serving, admin, key, gauge, meter)
            assert send(device, data_array(meter, [(0, 1.0)])).status_code == 201
            wait_until(lambda: not made.degraded(), "the worker")
            found = next(g for g in admin.get("/api/map").json()["gauges"] if g["series"] == "taehwa_stage_m")
            made.level_m = max(level["limit"] for level in found["levels"])
        limit = made.memory("VmSize") + ROOM_BYTES
        resource.prlimit(made.pid, resource.RLIMIT_AS, (limit, limit))
        yield made
    finally:
        serving.clear_away()


@contextmanager
def database_at_a_tenth(serving: Serving) -> Iterator[None]:
    """Writers of observations are locked out nine tenths of the time; readers are not."""
    done = threading.Event()

    async def pulse() -> None:
        connection = await asyncpg.connect(Postgres(DataFolder(serving.root)).dsn)
        try:
            while not done.is_set():
                async with connection.transaction():
                    await connection.execute("LOCK TABLE observation IN SHARE MODE")
                    await asyncio.to_thread(done.wait, 0.9)
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(pulse()))
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(120)


def telemetry(meter: int) -> bytes:
    """A body of 10,000 rows; ``~`` stands for the value, so that each sender sends values of its own."""
    times = (format_instant(NOW_US - 90 * HOUR_US + row * SECOND_US) for row in range(ROWS_A_BODY))
    rows = ",".join(f'["{when}",~]' for when in times)
    head = f'[{{"Datastream":{{"@iot.id":{meter}}},"components":["phenomenonTime","result"],"dataArray":['
    return f"{head}{rows}]}}]".encode()


@asynccontextmanager
async def flood(pressed: Pressed, senders: int) -> AsyncIterator[dict[int, int]]:
    """Telemetry without pause from many connections; yields how often which status came back."""
    answers: dict[int, int] = {}
    template, stop = telemetry(pressed.meter), asyncio.Event()

    async def one(number: int, client: httpx.AsyncClient) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            body = template.replace(b"~", str(number * 100_000 + turn).encode())
            answer = await client.post("/v1.1/CreateObservations", content=body)
            answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
            if answer.status_code == 201:
                answers[-number] = answers.get(-number, 0) + len(answer.json())
            else:
                assert int(answer.headers.get("retry-after", 0)) >= 1, answer.text
                await asyncio.sleep(0.2)  # less than it was asked to wait, as a rude sender does

    limits = httpx.Limits(max_connections=senders, max_keepalive_connections=senders)
    async with httpx.AsyncClient(
        base_url=pressed.serving.url, headers={"authorization": f"Bearer {pressed.key}"},
        trust_env=False, timeout=120, limits=limits,
    ) as client:  # fmt: skip
        tasks = [asyncio.create_task(one(number, client)) for number in range(1, senders + 1)]
        try:
            yield answers
        finally:
            stop.set()
            await asyncio.gather(*tasks)


@asynccontextmanager
async def console(pressed: Pressed) -> AsyncIterator[list[dict[str, Any]]]:
    """What a console hears on its event stream, as it comes."""
    heard: list[dict[str, Any]] = []

    async def listen(stream: httpx.Response) -> None:
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                heard.append(json.loads(line.removeprefix("data: ")))

    async with (
        httpx.AsyncClient(base_url=pressed.serving.url, trust_env=False, timeout=60) as client,
        client.stream("GET", "/api/events", headers={"authorization": f"Bearer {pressed.key}"}) as stream,
    ):
        task = asyncio.create_task(listen(stream))
        try:
            yield heard
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], Any], what: str, patience_s: float = 120) -> float:
    """Seconds until it is true."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < patience_s, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def alarms(heard: list[dict[str, Any]]) -> list[Any]:
    return [e["body"]["step"] for e in heard if e.get("kind") == "alarm" and e["body"]["cause"] == "level"]


async def raise_alarm(pressed: Pressed, at_us: int, value: float) -> httpx.Response:
    """A gauge posts one value, and again until it is taken, as a device does."""
    body = {"phenomenonTime": format_instant(at_us), "result": value}
    async with httpx.AsyncClient(base_url=pressed.serving.url, trust_env=False, timeout=60) as client:
        return await client.post(
            f"/v1.1/Datastreams({pressed.gauge})/Observations",
            json=body,
            headers={"authorization": f"Bearer {pressed.key}"},
        )


async def test_F06_under_ten_times_what_can_be_committed_an_alarm_gets_through_and_nothing_taken_is_lost(
    pressed: Pressed,
) -> None:
    calm_bytes = pressed.forget_peak()
    with database_at_a_tenth(pressed.serving):
        async with flood(pressed, 48) as answers, console(pressed) as heard:
            await until(lambda: answers.get(429, 0) > 20, "refusals", 20)
            waiting = await asyncio.to_thread(pressed.figure, "cheoyong_rows_waiting")
            assert waiting <= ROWS_WAITING_MAX
            assert "intake" in await asyncio.to_thread(pressed.degraded)
            assert await asyncio.to_thread(pressed.figure, "cheoyong_bodies_refused_total") > 0, "unread"
            for step, value in enumerate((0.5, pressed.level_m + 0.5, pressed.level_m + 0.6)):
                taken = await raise_alarm(pressed, NOW_US - (3 - step) * HOUR_US, value)
                assert taken.status_code == 201, taken.text
            refused_before = answers[429]
            await until(lambda: "raised" in alarms(heard), "the alarm on the event stream")
            await until(lambda: answers[429] > refused_before, "the pressure still to be there")
    assert set(answers) - {201, 429} <= set(range(-48, 0)), answers
    assert pressed.memory("VmHWM") - calm_bytes < ROOM_BYTES
    assert pressed.serving.process is not None and pressed.serving.process.poll() is None
    taken_rows = sum(count for status, count in answers.items() if status < 0)
    stored = pressed.serving.count(f"SELECT count(*) FROM observation WHERE datastream_id = {pressed.meter}")
    assert stored == taken_rows + 1
    with pressed.serving.client(pressed.key) as device:
        assert send(device, data_array(pressed.meter, [(SECOND_US, 1.0)])).status_code == 201
    wait_until(lambda: "intake" not in pressed.degraded(), "health as before")
    assert "unforeseen" not in pressed.serving.said()


async def test_F06_many_large_bodies_at_once_are_not_all_held_and_a_gauge_still_gets_in(
    pressed: Pressed,
) -> None:
    calm_bytes = pressed.forget_peak()
    url = httpx.URL(pressed.serving.url)
    head = (
        f"POST /v1.1/CreateObservations HTTP/1.1\r\nhost: {url.host}\r\n"
        f"authorization: Bearer {pressed.key}\r\ncontent-length: {LARGE_BODY_BYTES}\r\n\r\n"
    ).encode()
    body = b"[" + b" " * (LARGE_BODY_BYTES - 2) + b"]"

    async def half() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(head + body[: -(1 << 16)])
        await writer.drain()
        return reader, writer

    before = await asyncio.to_thread(pressed.figure, "cheoyong_bodies_refused_total")
    lines = await asyncio.gather(*(half() for _ in range(40)))
    taken = await raise_alarm(pressed, NOW_US, 0.5)
    assert taken.status_code == 201, taken.text
    assert await asyncio.to_thread(pressed.figure, "cheoyong_bodies_refused_total") > before

    async def other_half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(body[-(1 << 16) :])
        await writer.drain()
        answer = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        return answer

    answers = await asyncio.gather(*(other_half(*line) for line in lines))
    codes = [int(answer.split()[1]) for answer in answers]
    assert set(codes) == {201, 429}
    assert codes.count(201) >= 4, "the budget is used"
    assert all(b"retry-after: 1" in answer for answer in answers if answer.split()[1] == b"429")
    assert pressed.memory("VmHWM") - calm_bytes < 300 << 20, "of 600 MB that were sent"
    assert pressed.serving.process is not None and pressed.serving.process.poll() is None
    with pressed.serving.client(pressed.key) as device:
        assert send(device, data_array(pressed.meter, [(2 * SECOND_US, 1.0)])).status_code == 201


@pytest.mark.faults
async def test_F06_the_way_of_an_alarm_under_pressure_timed(
    pressed: Pressed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty values of a gauge under pressure; from the post until the console hears of the judged value."""
    took_s = []
    with database_at_a_tenth(pressed.serving):
        async with flood(pressed, 48) as answers, console(pressed) as heard:
            await until(lambda: answers.get(429, 0) > 20, "refusals", 20)
            for step in range(20):
                at_us = NOW_US + (step + 1) * SECOND_US  # not the instant of the test before
                began = time.monotonic()
                assert (await raise_alarm(pressed, at_us, 0.5)).status_code == 201
                await until(lambda at_us=at_us: told(heard, at_us), "the value on the event stream")
                took_s.append(time.monotonic() - began)
    with capsys.disabled():
        print(f"\nF06: alert path p50 {sorted(took_s)[10]:.2f} s, slowest of 20 {max(took_s):.2f} s")
    assert max(took_s) <= 30.0  # F06 asks for 5 s at the 99th percentile: bench tells, this finds a stall


def told(heard: list[dict[str, Any]], at_us: int) -> bool:
    return any(row["time_us"] == at_us for event in heard for row in event.get("rows", ()))
