# SPDX-License-Identifier: Apache-2.0
"""The gate of every face: who a request speaks for, and whether its route may be taken.

::

    gate = Gate(door, site, limits)
    principal = await gate.principal(scope)      any ASGI scope; raises NotSignedIn, Forbidden, TooMany
    principal = await gate.key(text)             an API key by itself (MQTT)
    @get("/x", opt=needs("approve"))             a Litestar route names its permission …
    Litestar(guards=[permission_guard], ...)     … and the guard refuses every route that names none
    principal_of(request)                        in a handler, after the guard

The guard takes the gate from ``app.state.gate``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler, WebsocketRouteHandler
from litestar.routes import HTTPRoute

from cheoyong.domain.access import Permission, Principal
from cheoyong.domain.errors import Forbidden, NotSignedIn
from cheoyong.faces.limits import Limits
from cheoyong.faces.site import EXERCISE, Site
from cheoyong.records.connection import Pool
from cheoyong.records.keys import find_key
from cheoyong.records.sessions import OpenSession, find_session
from cheoyong.records.tokens import token_hash

COOKIE = "__Host-cheoyong"  # the prefix makes browsers insist on Secure, Path=/ and no Domain
PUBLIC, SIGNED_IN = "public", "signed_in"  # permissions of routes that need none, or any principal
KEY_KEPT_S = 0.5  # a revoked key is refused after this at the latest
KEYS_KEPT_MAX = 4096
_HEADER_BYTES_MAX = 4096
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_SCOPE_KEY = "cheoyong.principal"
_ANSWERED = frozenset({PUBLIC, SIGNED_IN, *Permission})

Scope = Mapping[str, Any]
Connection = ASGIConnection[Any, Any, Any, Any]


class Gate:
    """Tells whom a request speaks for.

    An Authorization header (``Bearer cyk_…``, or ``Basic`` with the key as password and any user) comes
    first; else the session cookie. Keys are remembered for half a second, so that a fast sender does not ask
    the database at each request; sessions are looked up each time. ``limits=None`` counts nothing.
    """

    def __init__(
        self,
        door: Pool,
        site: Site,
        limits: Limits | None = None,
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door = door
        self._site = site
        self._limits = limits
        self._clock_s = clock_s
        self._keys: OrderedDict[bytes, tuple[float, asyncio.Task[Principal | None]]] = OrderedDict()

    async def principal(self, scope: Scope) -> Principal:
        """The principal of a request. Raises NotSignedIn, Forbidden (forged), TooMany."""
        headers = _headers(scope)
        authorization = headers.get(b"authorization")
        if authorization is None:
            return self._counted((await self.session(scope)).principal)
        principal = await self.key(_key_text(authorization))
        if principal is None:
            raise self._refused(scope, "this key is unknown or revoked", "use a key in force")
        if self._limits is not None:
            self._limits.spend("key", str(principal.api_key_id))
        return self._counted(principal)

    def _counted(self, principal: Principal) -> Principal:
        if self._limits is not None:
            self._limits.spend("organisation", str(principal.organisation_id))
        return principal

    async def session(self, scope: Scope) -> OpenSession:
        """The browser session of a request, checked against forgery when its method changes anything."""
        token = cookie_token(scope)
        if token is None:
            raise NotSignedIn("nobody is signed in", mend="sign in, or send an API key")
        session = await find_session(self._door, token, self._site.now_us())
        if session is None or (session.principal.exercise and self._site.mode != EXERCISE):
            raise self._refused(scope, "this sign-in has ended", "sign in again")
        if scope.get("method", "GET") not in _SAFE_METHODS or scope["type"] == "websocket":
            require_same_origin(scope)
        if scope.get("method", "GET") not in _SAFE_METHODS:
            _require_csrf(scope, session)
        if self._limits is not None:
            self._limits.spend("person", str(session.principal.person_id))
        return session

    async def key(self, text: str) -> Principal | None:
        """Whom an API key speaks for, or None; at most half a second behind the database."""
        digest, now_s = token_hash(text[:_HEADER_BYTES_MAX]), self._clock_s()
        kept = self._keys.get(digest)
        if kept is None or kept[0] <= now_s or (kept[1].done() and kept[1].exception() is not None):
            kept = (now_s + KEY_KEPT_S, asyncio.create_task(find_key(self._door, text)))
            self._keys[digest] = kept
            self._keys.move_to_end(digest)
            if len(self._keys) > KEYS_KEPT_MAX:
                self._keys.popitem(last=False)
        return await asyncio.shield(kept[1])  # one caller who leaves does not fail the others

    def _refused(self, scope: Scope, detail: str, mend: str) -> NotSignedIn:
        if self._limits is not None:
            self._limits.spend("refused_address", self._limits.address(scope))
        return NotSignedIn(detail, mend=mend)


def cookie_token(scope: Scope) -> str | None:
    """The session token of the request's cookie, or None."""
    raw = _headers(scope).get(b"cookie", b"")
    if COOKIE.encode() not in raw or len(raw) > _HEADER_BYTES_MAX:
        return None
    try:
        cookie = SimpleCookie(raw.decode("latin-1")).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie else None


def require_same_origin(scope: Scope) -> None:
    """Raises Forbidden when the request says it comes from a page of another origin."""
    headers = _headers(scope)
    origin = headers.get(b"origin")
    if origin is None and headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin"):
        return
    host = headers.get(b"host", b"").lower()
    if origin is None or origin.lower().partition(b"://")[2] != host or not host:
        raise Forbidden(
            "the request comes from another site", where="Origin", mend="use this site's own page"
        )


def _require_csrf(scope: Scope, session: OpenSession) -> None:
    sent = _headers(scope).get(b"x-csrf-token", b"")
    if not hmac.compare_digest(sent, session.csrf.encode()):
        raise Forbidden(
            "the anti-forgery word is missing or wrong",
            where="X-CSRF-Token",
            mend="take csrf from GET /api/session",
        )


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _key_text(authorization: bytes) -> str:
    """The key inside an Authorization header; an empty text when there is none."""
    kind, _, value = authorization[:_HEADER_BYTES_MAX].partition(b" ")
    if kind.lower() == b"bearer":
        return value.strip().decode("latin-1")
    if kind.lower() == b"basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2].decode("latin-1")
        except binascii.Error:
            return ""
    return ""


def needs(permission: str) -> dict[str, str]:
    """The ``opt`` of a Litestar route: the permission it needs, ``PUBLIC`` or ``SIGNED_IN``.

    >>> needs("approve")
    {'permission': 'approve'}
    """
    if permission not in _ANSWERED:
        raise ValueError(f"{permission} is not in the policy")
    return {"permission": str(permission)}


async def permission_guard(connection: Connection, handler: BaseRouteHandler) -> None:
    """Refuse a route that names no permission, and a principal who lacks the one it names."""
    permission = handler.opt.get("permission")
    if _only_lists_methods(handler):
        return
    if permission not in _ANSWERED:
        raise Forbidden("this route is not in the policy", where="route", mend="report this")
    if permission == PUBLIC:
        return
    state = connection.scope["state"]
    if _SCOPE_KEY not in state:  # the guard may stand on a router and on the app above it
        state[_SCOPE_KEY] = await connection.app.state.gate.principal(connection.scope)
    if permission != SIGNED_IN:
        state[_SCOPE_KEY].require(permission)


def principal_of(connection: Connection) -> Principal:
    """Whom the guard let through; raises NotSignedIn on a public route."""
    principal = connection.scope["state"].get(_SCOPE_KEY)
    if not isinstance(principal, Principal):
        raise NotSignedIn("nobody is signed in")
    return principal


def route_permissions(app: Litestar) -> Iterator[tuple[str, str, str | None]]:
    """Every route of an app as (method, path, permission); None when it is unmapped or unguarded.

    A method is ``ASGI`` for a mounted app, ``WEBSOCKET`` for a socket. The OPTIONS answers that Litestar
    makes by itself only list methods and are left out.
    """
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else [route.route_handler]:
            if not _only_lists_methods(handler):
                permission = handler.opt.get("permission")
                answered = permission in _ANSWERED and _is_guarded(handler)
                for method in _methods(handler):
                    yield method, route.path, permission if answered else None


def _methods(handler: BaseRouteHandler) -> list[str]:
    if isinstance(handler, HTTPRouteHandler):
        return sorted(str(method) for method in handler.http_methods)
    return ["WEBSOCKET" if isinstance(handler, WebsocketRouteHandler) else "ASGI"]


def _only_lists_methods(handler: BaseRouteHandler) -> bool:
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}


def _is_guarded(handler: BaseRouteHandler) -> bool:
    return any(permission_guard in (layer.guards or ()) for layer in handler.ownership_layers)
