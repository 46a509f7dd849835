# SPDX-License-Identifier: Apache-2.0
"""Running until told to stop: Ctrl-C or SIGTERM once stops cleanly, a second time at once (L7)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

from cheoyong.cli.words import say

T = TypeVar("T")
EXIT_ERROR, EXIT_AT_ONCE = 2, 130


def run_until_stopped(work: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Run ``work(stop)``; an error of ours is one line on stderr and exit code 2."""
    from cheoyong.domain.errors import CheoyongError

    async def body() -> T:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _asked, stop)
        return await work(stop)

    import uvloop

    try:
        return uvloop.run(body())
    except CheoyongError as error:
        typer.echo(f"{say('error')}: {error}", err=True)
        raise typer.Exit(EXIT_ERROR) from None


def _asked(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(EXIT_AT_ONCE)  # asked twice: now, whatever is left; the next start recovers
    stop.set()
    print(say("stopping"), file=sys.stderr)
