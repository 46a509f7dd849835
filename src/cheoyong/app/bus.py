# SPDX-License-Identifier: Apache-2.0
"""The nervous system: hints and copies over NATS. Losing one loses nothing; the records are the truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import nats
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

COMMITTED = "cheoyong.committed"  # observations were committed, or a command was written
FACTS = "cheoyong.facts"  # the worker or a person stated facts
PROGRESS = "cheoyong.progress"  # the worker has taken in up to a batch

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
            await self.client.publish(subject, msgspec.json.encode(body))

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
