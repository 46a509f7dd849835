# SPDX-License-Identifier: Apache-2.0
"""The bus with a real nats-server: news of any size arrives, in pieces where it is too long for one."""

import asyncio

import pytest

from cheoyong.app.bus import BYTES_OF_ITEMS, FACTS, Bus
from cheoyong.app.engines.nats import Nats

pytestmark = pytest.mark.engines


async def test_what_is_too_long_for_one_message_comes_in_several_in_order(nats_server: Nats) -> None:
    teller = await Bus.connect(nats_server.connect_options(), "teller")
    listener = await Bus.connect(nats_server.connect_options(), "listener")
    heard: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    try:
        await listener.hear(FACTS, heard.put)
        await listener.client.flush()
        await teller.tell(FACTS, {"organisation": 1, "facts": ["x" * (2 << 20)]})  # lost, and only that
        items = [f"{number} " + "x" * 1_000 for number in range(3_000)]
        await teller.tell_all(FACTS, {"organisation": 1}, "facts", items)
        await teller.tell_all(FACTS, {"organisation": 2}, "facts", [])
        found: list[object] = []
        async with asyncio.timeout(60):
            while len(found) < len(items):
                message = await heard.get()
                assert message["organisation"] == 1
                assert isinstance(message["facts"], list)
                assert len(str(message["facts"])) < 2 * BYTES_OF_ITEMS
                found += message["facts"]
        assert found == items
        assert heard.empty()
    finally:
        await teller.close()
        await listener.close()
