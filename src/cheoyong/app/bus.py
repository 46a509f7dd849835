# SPDX-License-Identifier: Apache-2.0
"""The nervous system: hints and copies over NATS. Losing one loses nothing; the records are the truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

COMMITTED = "cheoyong.committed"  # observations were committed, or a command was written
FACTS = "cheoyong.facts"  # the worker or a person stated facts
PROGRESS = "cheoyong.progress"  # the worker has taken in up to a batch

BYTES_OF_ITEMS = 512 << 10  # in one message: half of what the broker takes

_log = structlog.get_logger()


class Bus:
    """One connection; publishes and hears JSON. Reconnects by itself, without end."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @classmethod
    async def connect(cls, options: dict[str, Any], name: str) -> Bus:
        """Connect with the keywords of ``nats.connect``."""

        async def noted(error: Exception) -> None:
            _log.warning("bus_trouble", error=str(error))

        ours: dict[str, Any] = {"max_reconnect_attempts": -1, "reconnect_time_wait": 0.5, "error_cb": noted}
        client = await nats.connect(**{**ours, "name": name, **options})
        return cls(client)

    async def tell(self, subject: str, body: Any) -> None:
        """Publish, unless the bus is away: then the hint is lost, which costs at most a second."""
        if self.client.is_connected:
            payload = msgspec.json.encode(body)
            if len(payload) > self.client.max_payload:
                _log.warning("bus_message_too_long", subject=subject, bytes=len(payload))
                return
            await self.client.publish(subject, payload)

    async def tell_all(self, subject: str, body: dict[str, Any], name: str, items: Iterable[Any]) -> None:
        """Publish ``body`` with the items under a name, in as many messages as they need."""
        some: list[msgspec.Raw] = []
        size = 0
        for item in items:
            encoded = msgspec.Raw(msgspec.json.encode(item))
            if some and size + len(bytes(encoded)) > BYTES_OF_ITEMS:
                await self.tell(subject, {**body, name: some})
                some, size = [], 0
            some.append(encoded)
            size += len(bytes(encoded))
        if some:
            await self.tell(subject, {**body, name: some})

    async def hear(self, subject: str, take: Callable[[Any], Awaitable[None] | None]) -> None:
        """Call ``take`` with each body published on a subject."""

        async def on(message: Msg) -> None:
            answer = take(msgspec.json.decode(message.data))
            if answer is not None:
                await answer

        await self.client.subscribe(subject, cb=on)

    async def close(self) -> None:
        """Flush and disconnect."""
        if not self.client.is_closed:
            await self.client.close()
