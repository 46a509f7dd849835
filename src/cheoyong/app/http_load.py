# SPDX-License-Identifier: Apache-2.0
"""A frugal HTTP/1.1 load client for the benches: its own cost must not hide the server's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from urllib.parse import urlsplit


def request_bytes(method: str, url: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """One whole request, ready to be written again and again."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(url).netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(slots=True)
class Load:
    """What a run of requests came to: answers by status, and the latency of each in seconds."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0


class _Line(asyncio.Protocol):
    """One keep-alive connection: writes a request, waits for its answer, takes the next."""

    def __init__(self, requests: Iterator[bytes], load: Load, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._load = load
        self._done = done
        self._buffer = bytearray()
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one only in deed
        self._next()

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self._done.set_result(None)
            return
        self._sent_s = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take bytes until the answer is whole."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        at = self._buffer.find(b"content-length: ", 0, head_end)
        size = int(self._buffer[at + 16 : self._buffer.index(b"\r", at)]) if at >= 0 else 0
        if len(self._buffer) < head_end + 4 + size:
            return
        status = int(self._buffer[9:12])
        self._load.statuses[status] = self._load.statuses.get(status, 0) + 1
        self._load.latencies_s.append(time.perf_counter() - self._sent_s)
        del self._buffer[: head_end + 4 + size]
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        """A line that ends before its requests is an error of the run."""
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))


async def send_all(url: str, requests: Iterator[bytes], connections: int) -> Load:
    """Send requests over so many connections, each with one request in flight."""
    loop, load = asyncio.get_running_loop(), Load()
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    dones: list[asyncio.Future[None]] = [loop.create_future() for _ in range(connections)]
    started_s = time.perf_counter()
    for done in dones:
        await loop.create_connection(partial(_Line, requests, load, done), host, port)
    await asyncio.gather(*dones)
    load.elapsed_s = time.perf_counter() - started_s
    return load
