# SPDX-License-Identifier: Apache-2.0
"""S07: every route of an app against every role. Call ``await check_every_route(app)`` with the whole app."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar

from cheoyong.domain.access import Principal, Role
from cheoyong.domain.errors import NotSignedIn
from cheoyong.faces.access import PUBLIC, SIGNED_IN, route_permissions

ROLES = [*Role, "unheard-of"]
_FILLED = {"int": "1", "uuid": "00000000-0000-7000-8000-000000000000"}


class OneRole:
    """A gate that lets one principal in, or nobody."""

    def __init__(self) -> None:
        self.role: str | None = None

    async def principal(self, scope: Any) -> Principal:
        if self.role is None:
            raise NotSignedIn("nobody is signed in")
        return Principal(1, self.role, "x", "x", UUID(int=1), "x", False)

    async def session(self, scope: Any) -> Any:
        raise NotSignedIn("this gate knows no sessions")


async def check_every_route(app: Litestar) -> int:
    """Assert that each route names a permission and refuses each role without it; returns the refusals seen.

    The app's own gate is replaced for the time. Routes are called only as those who must be refused, so
    nothing is changed.
    """
    routes = list(route_permissions(app))
    unmapped = [f"{method} {path}" for method, path, permission in routes if permission is None]
    assert not unmapped, f"routes without a permission or guard: {unmapped}"
    kept, gate, refusals = app.state.gate, OneRole(), 0
    app.state.gate = gate
    try:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://city.test") as client:
            for method, path, permission in routes:
                if permission != PUBLIC and method not in ("ASGI", "WEBSOCKET"):
                    refusals += await _refusals(client, gate, method, path, permission)
    finally:
        app.state.gate = kept
    return refusals


async def _refusals(client: httpx.AsyncClient, gate: OneRole, method: str, path: str, permission: Any) -> int:
    url, seen = _filled(path), 0
    for role in [None, *ROLES]:
        gate.role = role
        allowed = role is not None and (permission == SIGNED_IN or (await gate.principal({})).can(permission))
        if not allowed:
            answer = await client.request(method, url, json={})
            expected = 401 if role is None else 403
            assert answer.status_code == expected, f"{method} {path} as {role}: {answer.status_code}"
            seen += 1
    return seen


def _filled(path: str) -> str:
    parts = [
        _FILLED.get(part[1:-1].partition(":")[2], "x") if part.startswith("{") else part
        for part in path.split("/")
    ]
    return "/".join(parts)
