# SPDX-License-Identifier: Apache-2.0
"""Who may come in over MQTT, and which topics are theirs: the answer to the broker's auth callout.

For every connection but the platform's own, nats-server asks on ``$SYS.REQ.USER.AUTH`` and waits; silence and
errors are refusals. Nobody is anonymous, and what is not granted is denied.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from cheoyong.domain.errors import CheoyongError, InvalidInput
from cheoyong.links.mqtt.token import claims_of, signed

_SUBJECT = "$SYS.REQ.USER.AUTH"
_SIGN_INS_AT_ONCE = 64
# The token says so too, but nats-server 2.15 does not hold a callout's user to it.
_DOORS = {"mqtt", "mqtt_websocket"}
_SESSION_S = 3600  # then the broker asks again, so a revoked key is out within the hour


@dataclass(frozen=True, slots=True)
class Grant:
    """One device: its name, the NATS subjects it may publish and subscribe (see ``parse.subject_of``).

    ``account`` is the NATS account it is placed in, "" for the one that the sign-in was made with.
    """

    name: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()
    account: str = ""


Authorise = Callable[[str, str], Awaitable[Grant | None]]


class SignIn:
    """Answers the broker. ``authorise(username, password)`` gives the grant, or None to refuse.

    ``admitted`` and ``refused`` count answers; ``last_trouble`` says why the last one failed on our side.
    """

    def __init__(
        self,
        bus: Client,
        *,
        issuer_seed: str,
        account: str,
        authorise: Authorise,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._seed = issuer_seed
        self._account = account
        self._authorise = authorise
        self._clock = clock
        self._subscription: Subscription | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_SIGN_INS_AT_ONCE)
        self.admitted = 0
        self.refused = 0
        self.last_trouble = ""

    async def start(self) -> None:
        """Begin to answer."""
        self._subscription = await self._bus.subscribe(_SUBJECT, queue="sign-in", cb=self._take)
        await self._bus.flush()

    async def stop(self) -> None:
        """Stop answering: nobody new comes in; those who are in stay."""
        if self._subscription is not None and not self._bus.is_closed:
            await self._subscription.unsubscribe()
        self._subscription = None
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _take(self, message: Msg) -> None:
        # In tasks of their own, a bounded number: one slow look-up must not hold up the other devices.
        await self._room.acquire()
        task = asyncio.create_task(self._answer(message))
        self._answering.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._room.release()

    async def _answer(self, message: Msg) -> None:
        try:
            request = claims_of(message.data.decode("ascii", "replace"))
            inner = _request_of(request)
        except InvalidInput as error:
            self.refused += 1
            self.last_trouble = str(error)
            return  # not from a broker: there is nobody to answer
        response = {
            "sub": inner["user_nkey"],
            "aud": inner["server_id"]["id"],
            "nats": {"type": "authorization_response", "version": 2, **await self._decide(inner)},
        }
        await message.respond(self._token(response).encode())

    async def _decide(self, inner: dict[str, Any]) -> dict[str, str]:
        options = inner.get("connect_opts") or {}
        if str((inner.get("client_info") or {}).get("type", "")).lower() not in _DOORS:
            self.refused += 1
            return {"error": "devices come in over MQTT only"}
        username, password = str(options.get("user", "")), str(options.get("pass", ""))
        try:
            grant = await self._authorise(username, password) if password else None
        except (CheoyongError, OSError, TimeoutError) as error:
            self.refused += 1
            self.last_trouble = f"{type(error).__name__}: {error}"
            return {"error": "sign-in is not available"}
        if grant is None:
            self.refused += 1
            return {"error": "not signed in"}
        self.admitted += 1
        account = grant.account or self._account
        return {"jwt": self._token(user_claims(grant, inner["user_nkey"], account, self._now_s()))}

    def _token(self, claims: dict[str, Any]) -> str:
        body = {**claims, "iat": self._now_s()}
        digest = hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=20).hexdigest()
        return signed({**body, "jti": digest}, self._seed)

    def _now_s(self) -> int:
        return int(self._clock())


def user_claims(grant: Grant, user_nkey: str, account: str, now_s: int) -> dict[str, Any]:
    """The claims of a user token: nothing but what is granted, for one hour from ``now_s`` (Unix time).

    >>> claims = user_claims(Grant("gauge", publish=("a.b",)), "U1", "CITY", 0)
    >>> claims["nats"]["pub"], claims["nats"]["sub"], claims["exp"]
    ({'allow': ['a.b']}, {'deny': ['>']}, 3600)
    """
    return {
        "sub": user_nkey,
        "aud": account,
        "name": grant.name,
        "exp": now_s + _SESSION_S,
        "nats": {
            "type": "user",
            "version": 2,
            "pub": _permission(grant.publish),
            "sub": _permission(grant.subscribe),
            "subs": 100,
            "data": -1,
            "payload": -1,  # not held over MQTT by nats-server 2.15: MqttSource refuses what is too large
            "allowed_connection_types": ["MQTT", "MQTT_WS"],
        },
    }


def _permission(subjects: tuple[str, ...]) -> dict[str, list[str]]:
    # To the broker an empty list of what is allowed means everything.
    return {"allow": list(subjects)} if subjects else {"deny": [">"]}


def _request_of(claims: dict[str, Any]) -> dict[str, Any]:
    inner = claims.get("nats")
    if not isinstance(inner, dict) or claims.get("aud") != "nats-authorization-request":
        raise InvalidInput("is not an authorization request", where="token")
    server = inner.get("server_id")
    if not isinstance(server, dict) or "id" not in server or not inner.get("user_nkey"):
        raise InvalidInput("names no server or user", where="token")
    if claims.get("iss") != server["id"]:
        raise InvalidInput("is not signed by the server it names", where="token")
    return inner
