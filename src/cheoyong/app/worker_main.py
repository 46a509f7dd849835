# SPDX-License-Identifier: Apache-2.0
"""The worker's process: trains the hazards' models, then takes in batch after batch until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Protocol

import structlog

from cheoyong.app.bus import COMMITTED, FACTS, PROGRESS, Bus
from cheoyong.app.folder import DataFolder
from cheoyong.app.house import House
from cheoyong.app.installation import shown
from cheoyong.app.logs import configure_logs
from cheoyong.app.memory import settle_memory
from cheoyong.app.models import accustomed, neighbourly, train
from cheoyong.app.settings import read_settings
from cheoyong.domain.fact import Fact
from cheoyong.domain.level import Status
from cheoyong.flow.standing_stage import StandingStage
from cheoyong.flow.state import Setup
from cheoyong.flow.sweeping_stage import SweepingStage
from cheoyong.flow.watch_stage import WatchStage
from cheoyong.flow.worker import Row, Worker
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.records.connection import FLOW, open_pool

_CLOSE_S_MAX = 3.0

_log = structlog.get_logger()


class Stage(Protocol):
    """What works on beside the others until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""


async def run(folder: DataFolder, organisation_id: int) -> None:
    """Work until SIGTERM."""
    settings = read_settings(folder.root)
    house = House.of(folder, settings)
    house.attach()
    city = load_city(settings.city)
    status = Status.EXERCISE if settings.mode == "exercise" else Status.ACTUAL
    models, missing = train(city, city_folder(settings.city))  # without a model the levels still warn
    relations = neighbourly(city, city_folder(settings.city))  # they accuse gauges, and delay no level
    references = accustomed(models, city_folder(settings.city))
    setup = Setup(
        organisation_id, city, models, status,
        relations=relations, missing=missing, references=references,
    )  # fmt: skip
    _log.info("models_trained", models=[model.id for model in setup.models], judged=sorted(relations))
    bus = await Bus.connect(house.options(), "worker")
    pool = await open_pool(house.database, FLOW)

    async def announce(facts: list[tuple[int, Fact]], number: int, rows: list[Row]) -> None:
        news = (shown(*pair) for pair in facts)
        await bus.tell_all(FACTS, {"organisation": organisation_id}, "facts", news)
        body = {
            "number": number,
            "rows": [row._asdict() for row in rows],
            "screening": worker.screening(),
            "models_off": worker.models_off(),
            "inputs_drifting": worker.inputs_drifting(),
        }
        await bus.tell(PROGRESS, body)

    async def announce_unusual(facts: list[tuple[int, Fact]]) -> None:
        for owner in {fact.organisation_id for _, fact in facts}:
            theirs = (shown(*pair) for pair in facts if pair[1].organisation_id == owner)
            await bus.tell_all(FACTS, {"organisation": owner}, "facts", theirs)

    worker = Worker(pool, setup, announce)
    stages: list[Stage] = [worker, StandingStage(pool), SweepingStage(pool, settings.alarm_rows_days)]
    if settings.unusual_per_month:
        stages.append(WatchStage(pool, settings.unusual_per_month, announce_unusual))
    await bus.hear(COMMITTED, lambda _: worker.hint())
    tasks = [asyncio.create_task(stage.run()) for stage in stages]
    settle_memory()
    await announce([], 0, [])  # the models are trained: we are here
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await _stop_with_parent(stop)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in tasks:
        if task.done():
            task.result()  # what ended by itself ended by an error: show it, and let serve restart us
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await bus.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(pool.close(), _CLOSE_S_MAX)


class _ParentGone(asyncio.Protocol):
    """Notes the end of standard input, which `serve` holds open as long as it lives."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, error: Exception | None) -> None:
        """The parent has ended, however it ended."""
        self._stop.set()


async def _stop_with_parent(stop: asyncio.Event) -> None:
    if stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode):
        await asyncio.get_running_loop().connect_read_pipe(lambda: _ParentGone(stop), sys.stdin)


def main() -> None:
    """Entry of the process: ``python -m cheoyong.app.worker_main DATA ORGANISATION_ID``."""
    folder = DataFolder(Path(sys.argv[1]))
    configure_logs(read_settings(folder.root).log)
    asyncio.run(run(folder, int(sys.argv[2])))


if __name__ == "__main__":
    main()
