# SPDX-License-Identifier: Apache-2.0
"""F30 on the whole program: hundreds listen, some are stuck; the others hear everything."""

import asyncio
import json
import resource
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from serving import data_array, register, send

from cheoyong.domain.instant import DAY_US, HOUR_US, SECOND_US
from conftest import Live

pytestmark = pytest.mark.engines
START_US = time.time_ns() // 1000 // HOUR_US * HOUR_US - 20 * DAY_US
ROWS = 200  # an event of about 16 kB
MANY = 10_000


@dataclass
class Listener:
    """A console's end of the event stream, on a socket of its own."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    values: list[float] = field(default_factory=list)
    last_id: str = ""
    told_to_reload: bool = False

    @classmethod
    async def opened(cls, live: Live, series: str, *, last_id: str = "", stuck: bool = False) -> "Listener":
        host, port = live.serving.url.removeprefix("http://").split(":")
        line = socket.socket()
        if stuck:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=line, limit=1 << 20)
        again = f"last-event-id: {last_id}\r\n" if last_id else ""
        request = f"GET /api/events HTTP/1.1\r\nhost: {host}:{port}\r\n{again}"
        writer.write(f"{request}authorization: Bearer {live.key}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 OK" in head, head
        if stuck:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        return cls(reader, writer, last_id=last_id)

    async def hear(self, series: str, until: float) -> "Listener":
        """Take in events until the value ``until`` of a series was told."""
        held = b""
        while not self.values or self.values[-1] != until:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            assert size, "the stream ended"
            held += (await self.reader.readexactly(size + 2))[:-2]
            while b"\n\n" in held:
                event, _, held = held.partition(b"\n\n")
                self._take(event.decode(), series)
        return self

    def _take(self, event: str, series: str) -> None:
        kind = ""
        for line in event.splitlines():
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                kind = value
                self.told_to_reload |= kind == "reload"
            elif name == "data" and kind == "observations":
                rows = [row["value"] for row in json.loads(value)["rows"] if row["series"] == series]
                self.values += rows


def memory(live: Live) -> int:
    assert live.serving.process is not None
    text = Path(f"/proc/{live.serving.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:"))) * 1024


async def figure(live: Live, name: str) -> float:
    text = (await asyncio.to_thread(live.device.get, "/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def observe(live: Live, stream: int, first: int, count: int) -> None:
    rows = [(START_US + n * SECOND_US, n / 1000.0) for n in range(first, first + count)]
    answer = await asyncio.to_thread(send, live.device, data_array(stream, rows))
    assert answer.status_code == 201, answer.text
    await asyncio.to_thread(live.serving.caught_up)


@pytest.fixture(scope="module")
def stream(live: Live) -> int:
    """The datastream of a gauge, at values below all its levels."""
    return register(live.device, "listened", series="myeongjeong_stage_m")[1]


async def test_F30_three_hundred_listeners_hear_everything_while_twenty_are_stuck(
    live: Live, stream: int
) -> None:
    series, rounds = "myeongjeong_stage_m", 6
    await asyncio.to_thread(live.serving.caught_up)
    brisk = await asyncio.gather(*(Listener.opened(live, series) for _ in range(280)))
    stuck = await asyncio.gather(*(Listener.opened(live, series, stuck=True) for _ in range(20)))
    assert await figure(live, "cheoyong_consoles ") >= 300
    calm_bytes = memory(live)
    for round_ in range(rounds):
        await observe(live, stream, round_ * ROWS, ROWS)
        last = (round_ * ROWS + ROWS - 1) / 1000.0
        # A reader that did not read would hold up nobody but itself: all the others are at the end.
        await asyncio.gather(*(one.hear(series, last) for one in brisk))
    everything = [n / 1000.0 for n in range(rounds * ROWS)]
    assert all(one.values == everything for one in brisk)
    assert memory(live) - calm_bytes < 100 << 20
    for one in stuck:
        one.writer.transport.abort()  # type: ignore[attr-defined]
    some = brisk[0]
    await observe(live, stream, rounds * ROWS, 10)
    back = await Listener.opened(live, series, last_id=some.last_id)
    last = (rounds * ROWS + 9) / 1000.0
    await asyncio.wait_for(back.hear(series, last), 60)
    assert back.values == [(rounds * ROWS + n) / 1000.0 for n in range(10)], "nothing missed, nothing twice"
    assert not back.told_to_reload
    lost = await Listener.opened(live, series, last_id="0badcafe-3")
    assert b"event: reload" in await asyncio.wait_for(lost.reader.readuntil(b"\n\n\r\n"), 60)
    for one in (*brisk, back, lost):
        one.writer.close()
    async with asyncio.timeout(60):
        while await figure(live, "cheoyong_consoles ") > 0:
            await asyncio.sleep(0.05)


async def test_F30_an_answer_of_many_megabytes_that_nobody_reads_holds_up_nobody(
    live: Live, stream: int
) -> None:
    """The large answer waits in the buffers of one connection; requests beside it are answered."""
    host, port = live.serving.url.removeprefix("http://").split(":")
    request = (
        f"GET /v1.1/Datastreams({stream})/Observations?$top=2147483647 HTTP/1.1\r\nhost: {host}:{port}\r\n"
        f"authorization: Bearer {live.key}\r\n\r\n"
    ).encode()
    stuck = []
    for _ in range(10):
        line = socket.create_connection((host, int(port)))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.sendall(request)
        stuck.append(line)
    for _ in range(20):
        assert (await asyncio.to_thread(live.device.get, "/v1.1/Things?$top=1")).status_code == 200
    for line in stuck:
        line.close()


@pytest.mark.faults
async def test_F30_ten_thousand_listeners_and_two_hundred_stuck_ones_that_are_let_go(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    """Needs 12,000 open files for the test and as many for the program."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard >= 12_000, f"the system allows {hard} open files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    series = "samho_stage_m"
    stream = register(live.device, "listened by many", series=series)[1]
    before = memory(live)
    listeners: list[Listener] = []
    for start in range(0, MANY, 200):
        wave = (Listener.opened(live, series, stuck=start == 0) for _ in range(200))
        listeners += await asyncio.gather(*wave)
    opened = memory(live)
    brisk, took_s = listeners[200:], []
    assert await figure(live, "cheoyong_consoles ") >= len(brisk)
    for round_ in range(10):
        began = time.monotonic()
        await observe(live, stream, round_ * 10, 10)
        last = (round_ * 10 + 9) / 1000.0
        await asyncio.gather(*(one.hear(series, last) for one in brisk))
        took_s.append(time.monotonic() - began)
    everything = [n / 1000.0 for n in range(100)]
    assert all(one.values == everything for one in brisk)
    told = memory(live)
    async with asyncio.timeout(60):
        while await figure(live, "cheoyong_consoles ") > len(brisk):
            await asyncio.sleep(0.5)
    with capsys.disabled():
        print(
            f"\nF30: {MANY} listeners: {(opened - before) / MANY / 1024:.1f} kB each, after events"
            f" {(told - before) / MANY / 1024:.1f} kB each; a post until all {len(brisk)} have heard:"
            f" {sorted(took_s)[5]:.2f} s median, {max(took_s):.2f} s at most"
        )
    for one in listeners:
        one.writer.transport.abort()  # type: ignore[attr-defined]
