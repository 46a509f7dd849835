# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: one bounded past an organisation, read by every open console at its own speed (F30).

A listener is a place in that past, not a queue, so ten thousand cost ten thousand numbers and a stuck one
holds up nobody. One that falls out of the past is let go. It comes back with the id of the last event it
has (Last-Event-ID) and goes on behind it; when that is gone too, or is of another start, it is told to
``reload``: the stream is a hint of what changed, the records are the truth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from secrets import token_hex
from typing import Any

import msgspec

from cheoyong.domain.errors import TooMany

EVENTS_KEPT_MAX = 1024
EVENTS_KEPT_BYTES_MAX = 8 << 20  # an event of 2,000 rows is about 160 kB
LISTENERS_MAX = 12_000
HEARTBEAT_S = 2.0
RELOAD = b"event: reload\ndata: {}\n\n"
_RETRY = b"retry: 1000\n\n"
_PIECE_BYTES = 16_384  # sent at a time: no more than this waits beyond the buffer of the line


class _Past:
    """The newest events of one organisation, numbered without a gap; ``changed`` wakes who waits."""

    def __init__(self) -> None:
        self.events: deque[bytes] = deque()
        self.first = 0
        self.bytes = 0
        self.changed = asyncio.Event()

    @property
    def end(self) -> int:
        """The number of the next event."""
        return self.first + len(self.events)

    def add(self, text: bytes) -> None:
        self.events.append(text)
        self.bytes += len(text)
        while len(self.events) > EVENTS_KEPT_MAX or (
            self.bytes > EVENTS_KEPT_BYTES_MAX and len(self.events) > 1
        ):
            self.bytes -= len(self.events.popleft())
            self.first += 1
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed.clear()

    def some_from(self, place: int) -> tuple[bytes, int]:
        """The events from a place on, one at least, a piece's worth at most; and the place after them."""
        parts: list[bytes] = []
        size = 0
        while place < self.end and (not parts or size + len(self.events[place - self.first]) <= _PIECE_BYTES):
            parts.append(self.events[place - self.first])
            size += len(parts[-1])
            place += 1
        return b"".join(parts), place


class EventHub:
    """Hands each event to every listener of its organisation; ``beat`` makes the event of a quiet time."""

    def __init__(self, beat: Callable[[], bytes]) -> None:
        self._beat = beat
        self._start = token_hex(4)
        self._pasts: dict[int, _Past] = {}
        self._listening = 0
        self._closed = False
        self.dropped = 0

    def __len__(self) -> int:
        """How many consoles listen."""
        return self._listening

    def tell(self, organisation_id: int, kind: str, body: Any) -> None:
        """Send one event. Nobody is waited for."""
        past = self._past(organisation_id)
        past.add(encode(kind, body, f"{self._start}-{past.end}"))

    def close(self) -> None:
        """Let every listener go."""
        self._closed = True
        for past in self._pasts.values():
            past.wake()

    def listen(self, organisation_id: int, after: str = "") -> AsyncGenerator[bytes, None]:
        """Events as they come, first those behind the event ``after``; bytes of text/event-stream.

        A beat follows two quiet seconds, so that a dead line is noticed. Raises TooMany beyond 12,000.
        """
        if self._listening >= LISTENERS_MAX:
            raise TooMany("as many listen as can be served", retry_after_s=10, where="events")
        return self._listen(self._past(organisation_id), after[:100])

    def _past(self, organisation_id: int) -> _Past:
        return self._pasts.setdefault(organisation_id, _Past())

    async def _listen(self, past: _Past, after: str) -> AsyncGenerator[bytes, None]:
        known = self._place_behind(past, after)
        place = past.end if known is None else known
        quiet = True  # begin with what time it is
        self._listening += 1
        try:
            yield _RETRY + (RELOAD if known is None else b"")
            while past.first <= place and not self._closed:
                if place == past.end:
                    if quiet:
                        yield self._beat()
                    quiet = not await _within(past.changed.wait(), HEARTBEAT_S)
                    continue
                text, place = past.some_from(place)
                for start in range(0, len(text), _PIECE_BYTES):
                    yield text[start : start + _PIECE_BYTES]
        finally:
            self._listening -= 1
            self.dropped += place < past.first

    def _place_behind(self, past: _Past, after: str) -> int | None:
        """Where to go on behind an event; the end for a newcomer, None when there is a gap in between."""
        if not after:
            return past.end
        start, _, number = after.partition("-")
        if start != self._start or not (number.isascii() and number.isdigit()):
            return None
        place = int(number) + 1
        return place if past.first <= place <= past.end else None


async def _within(waiting: Any, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True


def encode(kind: str, body: Any, cursor: str = "") -> bytes:
    r"""One event in the text/event-stream format (WHATWG HTML, 9.2).

    >>> encode("clock", {"now_us": 1})
    b'event: clock\ndata: {"now_us":1}\n\n'
    """
    head = f"id: {cursor}\n" if cursor else ""
    return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(body) + b"\n\n"
