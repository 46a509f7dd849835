# SPDX-License-Identifier: Apache-2.0
"""Keep what must run running: time itself, the embedded engines, the worker's process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys

import structlog

from cheoyong.app.clock import real_us
from cheoyong.app.folder import DataFolder
from cheoyong.app.house import House
from cheoyong.app.installation import Installation
from cheoyong.app.settings import Settings, environment_of
from cheoyong.domain.errors import CheoyongError

_WORKER_STOP_S = 8.0
_WORKER_RESTART_S = (
    0.5,
    1.0,
    2.0,
    5.0,
)  # no longer: nothing warns meanwhile, and a start costs seconds anyway
_ENGINES_LOOK_S = 0.5

_HEALTH_LOOK_S = 2.0

_log = structlog.get_logger()


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def tick(installation: Installation) -> None:
    """Note that time goes on, so that silence is heard; a simulated clock is ticked by its replay."""
    if installation.fact_clock.simulated:
        return
    while True:
        await asyncio.sleep(float(installation.settings.tick_s))
        try:
            await installation.intake.tick()
            installation.troubles.pop("tick", None)
        except (CheoyongError, OSError) as error:
            installation.troubles["tick"] = f"time could not be noted: {type(error).__name__}"
            _log.error("tick_failed", error=str(error))


async def tell_health(installation: Installation) -> None:
    """Tell the consoles when something degrades or comes back."""
    last: object = None
    while True:
        await asyncio.sleep(_HEALTH_LOOK_S)
        health = await installation.health()
        degraded = (health["ready"], [part["part"] for part in health["degraded"]])
        if degraded != last:
            last = degraded
            installation.hub.tell(installation.organisation_id, "health", health)


async def keep_engines(installation: Installation, house: House) -> None:
    """Start an embedded engine again that ended without us; pools and bus connect again by themselves."""
    engines = {"database process": house.postgres, "bus process": house.nats}
    while True:
        await asyncio.sleep(_ENGINES_LOOK_S)
        for part, engine in engines.items():
            if engine is None or engine.running:
                continue
            installation.troubles[part] = "it ended by itself and is being started again"
            _log.error("engine_died", part=part)
            starting = asyncio.create_task(asyncio.to_thread(engine.start))
            try:
                await asyncio.shield(starting)
                installation.troubles.pop(part)
            except asyncio.CancelledError:
                await asyncio.gather(starting, return_exceptions=True)  # or it would start behind our back
                raise
            except (CheoyongError, OSError) as error:
                _log.error("engine_not_started", part=part, error=str(error))


async def keep_worker(installation: Installation, folder: DataFolder, settings: Settings) -> None:
    """Keep one worker process alive; a worker that keeps dying is restarted ever more slowly, and shown."""
    deaths = 0
    installation.troubles["worker"] = "starting: its models are being trained"
    while True:
        process = await _start_worker(installation, folder, settings)
        started_us = real_us()
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _stop_worker(process)
            raise
        deaths = 0 if real_us() - started_us > 60_000_000 else deaths + 1
        installation.troubles["worker"] = f"the worker ended with {code}, {deaths} times in a minute"
        _log.error("worker_died", code=code, deaths=deaths)
        await asyncio.sleep(_WORKER_RESTART_S[min(max(deaths, 1), len(_WORKER_RESTART_S)) - 1])


async def _start_worker(
    installation: Installation, folder: DataFolder, settings: Settings
) -> asyncio.subprocess.Process:
    """A worker whose standard input is a pipe from us: when we die, however that is, it reads its end.

    One thread of linear algebra: sums of another order would be another model on every machine (F26), and
    at these sizes more threads only wait for each other.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cheoyong.app.worker_main", str(folder.root), str(installation.organisation_id),
        env={**environment_of(settings), "OPENBLAS_NUM_THREADS": "1"}, start_new_session=True,
        stdin=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _stop_worker(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _WORKER_STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
