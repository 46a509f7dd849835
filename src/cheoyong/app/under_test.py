# SPDX-License-Identifier: Apache-2.0
"""An installation of its own to be measured: started in a process of its own, signed in to, deleted after."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from cheoyong.app.demo import demo_folder
from cheoyong.app.folder import DataFolder
from cheoyong.app.session_client import SessionClient
from cheoyong.domain.errors import Unavailable

_START_S_MAX = 90.0


@dataclass(frozen=True, slots=True)
class UnderTest:
    """A live installation: where it is, its data folder, a writing key, and its administrator signed in."""

    url: str
    folder: DataFolder
    key: str
    admin: SessionClient

    @property
    def headers(self) -> dict[str, str]:
        """What a device of this key sends with each request."""
        return {"authorization": f"Bearer {self.key}", "content-type": "application/json"}


@asynccontextmanager
async def installation_under_test(**environment: str) -> AsyncIterator[UnderTest]:
    """Start one on free ports with embedded engines, wait until nothing is degraded, stop it at the end.

    ``environment``: CHEOYONG_ settings it is started with, over those of this process.

    Raises Unavailable when it does not start.
    """
    async with demo_folder(None) as folder:
        process, ready = await _start(folder, environment)
        try:
            await _until_calm(ready["url"])
            admin = await SessionClient.sign_in(ready["url"], ready["first_link"].rpartition("/")[2])
            key = (await admin.post("/api/keys", {"name": "bench", "can_write": True}))["text"]
            yield UnderTest(ready["url"], folder, key, admin)
            await admin.close()
        finally:
            process.terminate()
            await process.wait()


async def _start(
    folder: DataFolder, environment: dict[str, str]
) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cheoyong", "serve", "--data", str(folder.root), "--port", "0", "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), _START_S_MAX)
    if not line:
        raise Unavailable("the installation under test did not start", mend="run cheoyong doctor")
    return process, msgspec.json.decode(line)


async def _until_calm(url: str) -> None:
    """A worker that still trains its models would share the cores."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client, asyncio.timeout(_START_S_MAX):
        while (await client.get("/health")).json()["degraded"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
