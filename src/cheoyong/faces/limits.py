# SPDX-License-Identifier: Apache-2.0
"""How often anyone may ask: a rate a purpose, one number a caller, bounded memory, a steady clock.

The rule is the generic cell rate algorithm (ITU-T I.371, virtual scheduling): each caller has one time,
when its next request is due; a request may come at most the burst's worth ahead of it. With ``count``
requests a period of which ``burst`` may come at once, no period ever sees more than ``count``.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from prometheus_client import Counter

from cheoyong.domain.errors import ConfigurationError, TooMany

CALLERS_MAX = 50_000  # about 10 MB; beyond it the one longest silent is forgotten
BODIES_BYTES_MAX = 96 << 20  # of all request bodies in flight; what is made of one takes about four times it
BODIES_BYTES_RESERVED = 16 << 20  # of them for small bodies: a gauge's value gets in beside bulk uploads
SMALL_BODY_BYTES = 64 << 10
STREAMED_BYTES = 24 << 20  # the most that one body on a streamed path is held to take up
STREAMED_PATHS = ("/bulk/",)  # behind these a body is worked off as it comes and never stands whole in memory
BODIES_REFUSED = Counter("cheoyong_bodies_refused_total", "Requests refused because too much is in flight")
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOCAL = "local"  # a unix socket has no address
_HOPS_MAX = 20


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` in any ``period_s`` seconds, ``burst`` (< count) of them at once."""

    count: int
    period_s: float
    burst: int

    @property
    def interval_s(self) -> float:
        """Seconds between two requests once the burst is spent.

        >>> Rate(10, 60.0, 5).interval_s
        12.0
        """
        return self.period_s / (self.count - self.burst)


RATES: Mapping[str, Rate] = {
    "sign_in_address": Rate(30, 60.0, 20),  # attempts from one address
    "sign_in_account": Rate(10, 60.0, 5),  # attempts on one login, from wherever
    "refused_address": Rate(120, 60.0, 60),  # unknown keys and dead sessions from one address
    "person": Rate(1200, 10.0, 400),  # requests of one signed-in person
    "key": Rate(60_000, 1.0, 30_000),  # requests of one API key: a runaway device, not a fast one
    "address": Rate(60_000, 1.0, 30_000),  # requests of one address, whoever they speak for
    "organisation": Rate(120_000, 1.0, 60_000),  # requests of all its keys and people together
    "everyone": Rate(240_000, 1.0, 120_000),  # requests of all there are
}


class Limits:
    """Counts requests by purpose and caller.

    ``trusted_proxies`` are addresses or networks (``"10.0.0.0/8"``) whose X-Forwarded-For is believed;
    by default nobody's is. ``clock_s`` is monotonic. Raises ConfigurationError for what is no network.

    >>> limits = Limits(clock_s=lambda: 0.0)
    >>> for _ in range(5): limits.spend("sign_in_account", "kim")
    >>> limits.spend("sign_in_account", "kim")
    Traceback (most recent call last):
    cheoyong.domain.errors.TooMany: sign_in_account: too many requests (wait 12 s)
    """

    def __init__(
        self,
        trusted_proxies: Sequence[str] = (),
        rates: Mapping[str, Rate] = RATES,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        callers_max: int = CALLERS_MAX,
    ) -> None:
        try:
            self._trusted = [ip_network(entry, strict=False) for entry in trusted_proxies]
        except ValueError as error:
            raise ConfigurationError(str(error), where="trusted_proxies", mend="write 10.0.0.0/8") from None
        self._rates = rates
        self._clock_s = clock_s
        self._callers_max = callers_max
        self._due_s: OrderedDict[tuple[str, str], float] = OrderedDict()

    def spend(self, purpose: str, caller: str) -> None:
        """Count one request; raises TooMany with the seconds to wait when it comes too early."""
        rate, now_s = self._rates[purpose], self._clock_s()
        key = (purpose, caller[:100])
        due_s = max(self._due_s.get(key, now_s), now_s)
        wait_s = due_s - now_s - rate.interval_s * (rate.burst - 1)
        if wait_s > 1e-9:
            raise TooMany("too many requests", retry_after_s=wait_s, where=purpose)
        self._due_s[key] = due_s + rate.interval_s
        self._due_s.move_to_end(key)
        if len(self._due_s) > self._callers_max:
            self._due_s.popitem(last=False)

    @property
    def callers(self) -> int:
        """Callers remembered now; never more than the bound."""
        return len(self._due_s)

    def address(self, scope: Mapping[str, Any]) -> str:
        """The caller's address as text; an IPv6 caller is its /64, which is one subscriber.

        X-Forwarded-For is read from the right and only as far as the hops are trusted proxies, so
        what a caller writes into it themselves is never believed.
        """
        peer = scope.get("client")
        address = _parsed(peer[0]) if peer else None
        if address is None:
            return _LOCAL
        if self._trusted and self._is_trusted(address):
            address = self._behind(address, scope)
        return _subscriber(address)

    def _behind(
        self, address: IPv4Address | IPv6Address, scope: Mapping[str, Any]
    ) -> IPv4Address | IPv6Address:
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for hop in reversed(",".join(lines).split(",")[-_HOPS_MAX:]):
            named = _parsed(hop.strip())
            if named is None:
                break
            address = named
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


class LimitAddresses:
    """Plain ASGI middleware: counts every HTTP request by its address before anything else is done."""

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on; raises TooMany (place it inside ``ProblemEdge``)."""
        if scope["type"] in ("http", "websocket"):
            self.limits.spend("address", self.limits.address(scope))
            self.limits.spend("everyone", "")
        await self.app(scope, receive, send)


class BoundBodies:
    """Plain ASGI middleware: request bodies in flight take up a bounded amount of memory (F06).

    A body counts from when the app first asks for it (so after it has asked who is there) until it is
    answered, with the length it announces, or as it comes when it announces none. ``refused`` is called
    at each refusal. While ``full`` says that what is read could not be kept, a body over 64 KiB is refused
    unread, or where it has come to; its sender's connection is drained. Below the paths ``streamed``
    bodies are never held whole, and the face bounds itself.
    """

    def __init__(
        self,
        app: Any,
        refused: Callable[[], None] = lambda: None,
        *,
        bytes_max: int = BODIES_BYTES_MAX,
        streamed: tuple[str, ...] = (),
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self.app = app
        self._full = full
        self._streamed = streamed
        self.bytes_max = bytes_max
        self.held = 0
        self._refused = refused

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on; its ``receive`` raises TooMany when there is no room for the body."""
        counted = scope["type"] == "http" and scope["method"] not in _BODILESS
        if not counted or scope["path"].startswith(self._streamed):
            await self.app(scope, receive, send)
            return
        came = held = 0
        streamed = scope["path"].startswith(STREAMED_PATHS)

        async def counted_receive() -> Any:
            nonlocal came, held
            if not streamed and max(came, _announced(scope)) > SMALL_BODY_BYTES and self._full():
                raise self._refusal("more comes than can be stored")
            if not held:
                count = _announced(scope)
                if streamed:  # as much as it says, but no more than is ever held of it; 1: it says nothing
                    count = STREAMED_BYTES if count == 1 else min(count, STREAMED_BYTES)
                held = self._hold(min(count, self.bytes_max - BODIES_BYTES_RESERVED), 0)
            message = await receive()
            came += len(message.get("body", b""))
            if came > held and not streamed:
                held += self._hold(came - held, held)
            return message

        try:
            await self.app(scope, counted_receive, send)
        finally:
            self.held -= held

    def _hold(self, count: int, already: int) -> int:
        reserved = 0 if already + count <= SMALL_BODY_BYTES else BODIES_BYTES_RESERVED
        others = self.held - already
        # Alone, a body may be as large as the app behind takes it.
        if others and self.held + count > self.bytes_max - reserved:
            raise self._refusal("too much is on its way at once")
        self.held += count
        return count

    def _refusal(self, why: str) -> TooMany:
        BODIES_REFUSED.inc()
        self._refused()
        return TooMany(why, retry_after_s=1, where="body")


def _announced(scope: Mapping[str, Any]) -> int:
    """The body's length as its sender gives it, 1 when not: what comes is counted then."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 16:
            return max(1, int(value))
    return 1


@lru_cache(4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _subscriber(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), 64), strict=False))
