# SPDX-License-Identifier: Apache-2.0
"""Malformed requests by the thousand: never an error of ours, never the end of the service.

The time that one may take is bounded by the limit of a statement of the database (30 s); what is asserted
is that an answer comes within twice that, not that it is fast. A failure names its seed and number;
``hostile.requests`` makes it again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from hostile import Hostile, requests

from conftest import Hammered

pytestmark = pytest.mark.engines
SEED, COUNT = 18_088, 6_000
CONNECTIONS = 6
ANSWER_S_MAX = 60.0
PLAIN = b"GET /v1.1/Things?$top=1 HTTP/1.1\r\nHost: %b\r\nAuthorization: Bearer %b\r\n\r\n"


@dataclass
class Hammer:
    """Sends raw requests over a few connections that are kept, as long as the server keeps them."""

    port: int
    key: str
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def run(self, hostile: Iterable[Hostile]) -> None:
        """Send all, a plain request after each fifty of a connection."""
        shared = iter(hostile)
        await asyncio.gather(*(self._connection(shared) for _ in range(CONNECTIONS)))

    async def _connection(self, shared: Iterator[Hostile]) -> None:
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for number, one in enumerate(shared):
            line = await self._sent(line, one.raw(self.host, self.key), str(one))
            if number % 50 == 49:
                before = self.statuses[200]
                line = await self._sent(
                    line, PLAIN % (self.host.encode(), self.key.encode()), "a plain request"
                )
                if self.statuses[200] == before:
                    self.failures.append(f"a plain request is not answered after {one}")
        if line is not None:
            line[1].close()

    async def _sent(
        self, line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, raw: bytes, told: str
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection for the next one, None when the server has closed it."""
        reader, writer = line or await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                writer.write(raw)
                status, goes_on = await _answer(reader)
        except TimeoutError:
            self.failures.append(f"no answer in {ANSWER_S_MAX:.0f} s: {told}")
            writer.close()
            return None
        except (ConnectionError, asyncio.IncompleteReadError):
            # It may say no before it has read a body to its end, and close; but not say nothing at all.
            self.statuses[0] += 1
            writer.close()
            return None
        self.statuses[status] += 1
        if status >= 500 and status != 501:
            self.failures.append(f"{status}: {told}")
        if goes_on:
            return reader, writer
        writer.close()
        return None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the connection goes on."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
    status = int(first.split()[1])
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif status != 204:
        await reader.read()
        return status, False
    return status, headers.get("connection", "").lower() != "close"


async def hammered_with(hammered: Hammered, hostile: Iterable[Hostile]) -> Counter[int]:
    port = int(hammered.serving.url.rpartition(":")[2])
    hammer = Hammer(port, hammered.key)
    await hammer.run(hostile)
    assert hammer.failures == [], hammer.statuses
    plain = await asyncio.to_thread(hammered.http.get, "/v1.1/Datastreams?$expand=Observations($top=1)")
    assert plain.status_code == 200
    unforeseen = (await asyncio.to_thread(hammered.http.get, "/metrics")).text
    assert "cheoyong_unforeseen_errors_total{" not in unforeseen
    return hammer.statuses


async def test_malformed_requests_by_the_thousand_are_never_an_error_of_ours(hammered: Hammered) -> None:
    statuses = await hammered_with(hammered, requests(SEED, COUNT, hammered.ids))
    assert sum(statuses.values()) >= COUNT
    # The generator is of use only as long as it gets past the door, both ways.
    assert min(statuses[200], statuses[201], statuses[400], statuses[404]) > COUNT // 100, statuses
    assert statuses[0] < COUNT // 50, statuses


@pytest.mark.faults
@pytest.mark.timeout(1800)
async def test_malformed_requests_of_a_new_seed_are_never_an_error_of_ours(hammered: Hammered) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    await hammered_with(hammered, requests(seed, 20 * COUNT, hammered.ids))


def test_a_seed_gives_the_same_requests_again(hammered: Hammered) -> None:
    first, again = (list(requests(7, 200, hammered.ids)) for _ in range(2))
    assert first == again
    assert len({one.target + one.body for one in first}) > 150
    assert list(requests(8, 200, hammered.ids)) != first


async def test_the_hammer_itself_sees_an_error_and_a_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a fake server that answers 500 to a quarter of the requests and nothing to another."""
    monkeypatch.setitem(globals(), "ANSWER_S_MAX", 0.2)
    answers = iter([b"500 x", b"501 x", b"200 OK", b""] * 10)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while await reader.readline() not in (b"\r\n", b""):
                pass
            if answer := next(answers):
                writer.write(b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    hammer = Hammer(server.sockets[0].getsockname()[1], "key")
    await hammer.run(Hostile(0, n, "GET", b"/", "", b"") for n in range(20))
    server.close()
    assert sum("no answer" in failure for failure in hammer.failures) == 5
    assert sum(failure.startswith("500") for failure in hammer.failures) == 5
    assert (len(hammer.failures), hammer.statuses[501]) == (10, 5)
