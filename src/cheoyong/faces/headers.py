# SPDX-License-Identifier: Apache-2.0
"""Security headers on every answer: what a browser may load, embed and tell others (OWASP secure headers)."""

from __future__ import annotations

from typing import Any

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
