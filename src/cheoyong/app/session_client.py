# SPDX-License-Identifier: Apache-2.0
"""A person at the console, as a program: signs in by link, keeps the cookie, sends the anti-forgery word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from cheoyong.domain.errors import CheoyongError, Unavailable

TIMEOUT_S = 90.0


class SessionClient:
    """One signed-in person over HTTP."""

    def __init__(self, client: httpx.AsyncClient, cookie: str, csrf: str, login: str) -> None:
        self._client = client
        self._headers = {"cookie": cookie, "x-csrf-token": csrf}
        self.login = login

    @classmethod
    async def sign_in(cls, url: str, token: str) -> SessionClient:
        """Use a one-time link up; raises CheoyongError with the server's own words when it is refused."""
        client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        answer = _checked(await _sent(client.post("/api/session/link", json={"token": token})))
        # A cookie marked Secure is kept back by clients on plain http; on loopback we carry it ourselves.
        cookie = answer.headers["set-cookie"].partition(";")[0]
        body = answer.json()
        return cls(client, cookie, body["csrf"], body["person"]["login"])

    async def get(self, path: str) -> Any:
        """Body of a GET."""
        return _body(await _sent(self._client.get(path, headers=self._headers)))

    async def post(self, path: str, body: Any) -> Any:
        """Body of a POST."""
        content = msgspec.json.encode(body)
        headers = {**self._headers, "content-type": "application/json"}
        return _body(await _sent(self._client.post(path, content=content, headers=headers)))

    async def events(self) -> AsyncIterator[str]:
        """Kinds of the events on the console's stream as they come; first ``open``."""
        async with self._client.stream("GET", "/api/events", headers=self._headers) as answer:
            yield "open"
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    yield line.removeprefix("event: ")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _sent(request: Any) -> httpx.Response:
    try:
        response: httpx.Response = await request
    except httpx.HTTPError as error:
        raise Unavailable(
            f"the server does not answer: {type(error).__name__}", mend="cheoyong doctor"
        ) from error
    return response


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        try:
            problem = response.json()
        except ValueError:
            problem = {}
        raise CheoyongError(
            str(problem.get("detail", f"HTTP {response.status_code}")),
            where=str(problem.get("where", response.request.url.path)),
            mend=str(problem.get("mend", "")),
        )
    return response


def _body(response: httpx.Response) -> Any:
    content = _checked(response).content
    return msgspec.json.decode(content) if content else None
