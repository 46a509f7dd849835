# SPDX-License-Identifier: Apache-2.0
"""Engines the city brings itself: refused at start when they cannot keep what we acknowledge.

::

    await check_postgres(dsn) -> list[str]        remarks; ConfigurationError or Unavailable
    await check_nats(connect_options) -> list[str]
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from cheoyong.domain.errors import ConfigurationError, Unavailable

POSTGRES_FLOOR = 15
NATS_FLOOR = (2, 11)  # per-message TTL, which the MQTT message stream is made with
_CONNECT_S_MAX = 5.0
_MUST_BE_ON = ("fsync", "full_page_writes")


async def check_postgres(dsn: str) -> list[str]:
    """Judge a given PostgreSQL; remarks that do not stop the start.

    Raises Unavailable when it does not answer; ConfigurationError when it is older than 15 or would
    acknowledge what a power cut can take back. The DSN itself is never repeated: it may carry a password.
    """
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_S_MAX)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(
            f"does not let us in: {type(error).__name__}",
            where="PostgreSQL",
            mend="check CHEOYONG_DATABASE_URL",
        ) from error
    try:
        return await _judge_postgres(connection)
    finally:
        await connection.close(timeout=_CONNECT_S_MAX)


async def check_nats(connect_options: dict[str, Any]) -> list[str]:
    """Judge a given NATS; remarks that do not stop the start.

    Raises Unavailable when it does not answer, ConfigurationError when it is too old or without JetStream.
    """
    import nats
    from nats.errors import Error as NatsError

    quick = {"connect_timeout": _CONNECT_S_MAX, "allow_reconnect": False, "error_cb": _silent}
    try:
        # nats-py tries a server that is away again and again, whatever it is told: the time is ours to bound.
        async with asyncio.timeout(_CONNECT_S_MAX):
            bus = await nats.connect(**{**connect_options, **quick})
        if not bus.is_connected:  # it also returns when the server closed the door without a word
            raise ConnectionError("closed")
    except (OSError, TimeoutError, ValueError, NatsError) as error:
        raise Unavailable(
            f"does not let us in: {type(error).__name__}", where="NATS", mend="check CHEOYONG_NATS_URL"
        ) from error
    try:
        return await _judge_nats(bus)
    finally:
        await bus.close()


def shown(url: str) -> str:
    """A URL without its secrets, for people and logs.

    >>> shown("nats://city:secret@bus.example:4222?token=x")
    'nats://bus.example:4222'
    """
    parts = urlsplit(url)
    place = parts.netloc.rsplit("@", 1)[-1]
    return f"{parts.scheme}://{place}{parts.path}"


async def _judge_postgres(connection: Any) -> list[str]:
    number = connection.get_server_version().major
    if number < POSTGRES_FLOOR:
        raise ConfigurationError(
            f"is version {number}", where="PostgreSQL", mend=f"use version {POSTGRES_FLOOR} or later"
        )
    for name in _MUST_BE_ON:
        if await connection.fetchval(f"SHOW {name}") != "on":
            raise ConfigurationError(f"{name} is off", where="PostgreSQL", mend=f"set {name} = on")
    commit = await connection.fetchval("SHOW synchronous_commit")
    if commit == "off":
        raise ConfigurationError(
            "synchronous_commit is off: an acknowledged observation could be lost",
            where="PostgreSQL",
            mend="ALTER DATABASE ... SET synchronous_commit = on",
        )
    remarks = []
    if await connection.fetchval("SHOW data_checksums") != "on":
        remarks.append("PostgreSQL keeps no data checksums: a flipped bit would go unseen")
    return remarks


async def _judge_nats(bus: Any) -> list[str]:
    from nats.errors import Error as NatsError

    version = bus.connected_server_version
    if (version.major, version.minor) < NATS_FLOOR:
        floor = ".".join(map(str, NATS_FLOOR))
        raise ConfigurationError(f"is version {version}", where="NATS", mend=f"use version {floor} or later")
    try:
        await bus.jetstream(timeout=_CONNECT_S_MAX).account_info()
    except (NatsError, TimeoutError) as error:
        raise ConfigurationError(
            "has no JetStream for our account", where="NATS", mend="enable JetStream for the account"
        ) from error
    return ["whether JetStream syncs each write (sync_interval: always) cannot be seen from here: check it"]


async def _silent(_error: Exception) -> None:
    """Our caller is told by the exception; nothing is printed beside it."""
