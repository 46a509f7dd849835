# SPDX-License-Identifier: Apache-2.0
"""Headers: what a browser may load, embed and tell others (OWASP secure headers); by what host we go."""

from __future__ import annotations

import re
from typing import Any

from cheoyong.domain.errors import ConfigurationError

# MapLibre 6, uPlot and Svelte set styles through the CSSOM, which style-src does not govern: no
# 'unsafe-inline' (tried in Chromium 156). The map's worker is a file of ours; its icons are data and blobs.
_LOADABLE = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{kind} {sources}" for kind, sources in _LOADABLE.items())
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_NO_STORE = (b"cache-control", b"no-store")
_HSTS = (b"strict-transport-security", b"max-age=31536000")


_PUBLIC_URL = re.compile(r"(https?)://([a-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-f:.]{2,45}\](:[0-9]{1,5})?)/?")


class KnownAs:
    """Plain ASGI middleware: the program goes by its one public address, whatever Host a request names.

    ``public_url`` is ``https://city.example``, or empty: then each request says itself in its Host header
    how it reached us. X-Forwarded-Host and Forwarded are never read. Raises ConfigurationError for what is
    no address of that form.
    """

    def __init__(self, app: Any, public_url: str) -> None:
        self.app = app
        self._known = _PUBLIC_URL.fullmatch(public_url.lower()) if public_url else None
        if public_url and self._known is None:
            raise ConfigurationError(
                "it is no address without a path", where="public_url", mend="write https://city.example"
            )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if self._known is not None and scope["type"] == "http":
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            host = (b"host", self._known[2].encode("ascii"))
            scope = {**scope, "scheme": self._known[1], "headers": [host, *others]}
        await self.app(scope, receive, send)


class SecurityHeaders:
    """Plain ASGI middleware; a header the app has set itself is left alone.

    Answers under ``/api`` are never cached unless they say otherwise. HSTS is added over https only.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = list(HEADERS)
        if scope["path"].startswith("/api"):
            wanted.append(_NO_STORE)
        if scope.get("scheme") == "https":
            wanted.append(_HSTS)

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                present = list(message.get("headers", ()))
                names = {name.lower() for name, _ in present}
                message = {**message, "headers": present + [pair for pair in wanted if pair[0] not in names]}
            await send(message)

        await self.app(scope, receive, send_with_headers)
