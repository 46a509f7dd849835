# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: one hub fans out to every open console; a slow one is let go, not waited for.

A console that was let go, or lost its line, reconnects and asks for the whole state again: the stream
is a hint of what changed, the records are the truth.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec

EVENTS_WAITING_MAX = 512
LISTENERS_MAX = 2_000
HEARTBEAT_S = 2.0


class EventHub:
    """Hands each event to every listener of its organisation; ``beat`` makes the event of a quiet time."""

    def __init__(self, beat: Callable[[], bytes]) -> None:
        self._beat = beat
        self._listeners: dict[asyncio.Queue[bytes | None], int] = {}
        self.dropped = 0

    def __len__(self) -> int:
        """How many consoles listen."""
        return len(self._listeners)

    def tell(self, organisation_id: int, kind: str, body: Any, *, seq: int | None = None) -> None:
        """Send one event; listeners that are 512 events behind are let go."""
        text = encode(kind, body, seq)
        for queue, organisation in list(self._listeners.items()):
            if organisation == organisation_id:
                self._put(queue, text)

    def _put(self, queue: asyncio.Queue[bytes | None], text: bytes) -> None:
        if queue.qsize() >= EVENTS_WAITING_MAX - 1:
            self._listeners.pop(queue, None)
            self.dropped += 1
            queue.put_nowait(None)
            return
        queue.put_nowait(text)

    def close(self) -> None:
        """Let every listener go."""
        for queue in self._listeners:
            queue.put_nowait(None)
        self._listeners.clear()

    async def listen(self, organisation_id: int) -> AsyncGenerator[bytes, None]:
        """Events as they come, and a beat after two quiet seconds so that a dead line is noticed."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(EVENTS_WAITING_MAX)
        self._listeners[queue] = organisation_id
        try:
            yield b"retry: 1000\n\n"
            while True:
                try:
                    text = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield self._beat()
                    continue
                if text is None:
                    return
                yield text
        finally:
            self._listeners.pop(queue, None)


def encode(kind: str, body: Any, seq: int | None = None) -> bytes:
    r"""One event in the text/event-stream format (WHATWG HTML, 9.2).

    >>> encode("clock", {"now_us": 1})
    b'event: clock\ndata: {"now_us":1}\n\n'
    """
    head = f"id: {seq}\n" if seq is not None else ""
    return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(body) + b"\n\n"
