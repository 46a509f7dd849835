# SPDX-License-Identifier: Apache-2.0
"""The console's pages as built by ``make console``; a plain page says how, when they are not there."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

from cheoyong.faces.access import PUBLIC, needs, permission_guard

FOLDER = Path(str(files("cheoyong.faces.console"))) / "static"
_MISSING = (
    "The console is not built. Run: make console\n관제 화면이 아직 없습니다. make console 을 실행하십시오.\n"
)


@get("/", opt=needs(PUBLIC))
async def root() -> Redirect:
    """The way to the console."""
    return Redirect("/console/")


@get(["/console", "/console/"], opt=needs(PUBLIC), media_type="text/html")
async def index() -> Response[Any]:
    """The console's one page."""
    page = FOLDER / "index.html"
    if not page.exists():
        return Response(_MISSING, status_code=503, media_type="text/plain")
    return Response(page.read_bytes(), media_type="text/html", headers={"cache-control": "no-cache"})


def routes() -> list[Any]:
    """The page and its assets, whose names carry a hash of their content and so are kept for a year."""
    handlers: list[Any] = [root, index]
    if (FOLDER / "assets").is_dir():
        handlers.append(
            create_static_files_router(
                path="/console/assets",
                directories=[FOLDER / "assets"],
                opt=needs(PUBLIC),
                guards=[permission_guard],
                cache_control=None,
            )
        )
    return handlers
