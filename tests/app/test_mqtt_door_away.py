# SPDX-License-Identifier: Apache-2.0
"""The MQTT door while PostgreSQL comes up again: a device is told so at once and signs in a moment later."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from cheoyong.app.mqtt_door import MqttDoor
from cheoyong.domain.errors import Unavailable


@pytest.mark.parametrize(
    "trouble",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.AdminShutdownError("terminating connection"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_sign_in_while_the_records_are_away_is_answered_as_unavailable(
    trouble: Exception,
) -> None:
    async def key(_: str) -> None:
        raise trouble

    stand_in: Any = SimpleNamespace(client=None, issuer_seed="", account="", key=key)
    door: Any = MqttDoor(stand_in, stand_in, stand_in, stand_in)
    with pytest.raises(Unavailable):
        await door._authorise("gauge", "a key")
