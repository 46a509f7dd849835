# SPDX-License-Identifier: Apache-2.0
"""`cheoyong demo`: an exercise installation in a folder of its own, and one scenario replayed into it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cheoyong.app.exercise import read_access
from cheoyong.app.folder import DataFolder
from cheoyong.app.replay import Driver
from cheoyong.app.report import Report, report
from cheoyong.app.serve import Ready, running
from cheoyong.app.session_client import SessionClient
from cheoyong.app.settings import Settings
from cheoyong.domain.errors import CheoyongError, ConfigurationError
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.scenario.parse import Scenario, Step, steps
from cheoyong.links.scenario.source import load_scenario

HEADLESS_SPEED = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay: scenario, speed (simulated seconds a second, None: the scenario's), last instant (µs).

    ``headless``: nobody is at the console, so act as the two exercise people.
    """

    scenario: str
    speed: float | None = None
    until_us: int | None = None
    headless: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """How the demo speaks: ``ready`` once, ``step`` after each step of how many, ``event`` in words."""

    ready: Callable[[Ready, Scenario], None]
    step: Callable[[Step, int], None]
    event: Callable[[int, str], None]


@asynccontextmanager
async def demo_folder(given: Path | None) -> AsyncIterator[DataFolder]:
    """The folder asked for, which must be new; or one of our own that is deleted afterwards."""
    if given is not None:
        if (given / "pg").exists():
            raise ConfigurationError(
                "this folder has data already, and an exercise must not mix with it",
                where=str(given),
                mend="give a new folder, or none",
            )
        yield DataFolder(given)
        return
    root = Path(tempfile.gettempdir()) / f"cheoyong-demo-{secrets.token_hex(6)}"
    folder = DataFolder(root)
    try:
        yield folder
    finally:
        for path in {folder.root, folder.run}:
            shutil.rmtree(path, ignore_errors=True)


async def demo(
    plan: Plan, settings: Settings, data: Path | None, telling: Telling, stop: asyncio.Event
) -> Report:
    """Start, replay, report; with a person at the console it stays until ``stop`` is set."""
    async with demo_folder(data) as folder:
        with folder.locked():
            async with running(folder, settings) as ready:
                result = await play(plan, settings.city, ready, telling, stop)
                if not plan.headless:
                    await stop.wait()
                return result


async def play_into(
    plan: Plan, url: str, folder: DataFolder, city: str, telling: Telling, stop: asyncio.Event
) -> Report:
    """Replay into an exercise installation that runs on ``folder`` and listens at ``url``."""
    try:
        access = read_access(folder)
    except FileNotFoundError:
        raise ConfigurationError(
            "no installation in exercise mode has run here",
            where=str(folder.root),
            mend="start cheoyong serve --mode exercise with the same --data",
        ) from None
    return await play(plan, city, Ready(url, None, "", access), telling, stop)


async def play(plan: Plan, city_name: str, ready: Ready, telling: Telling, stop: asyncio.Event) -> Report:
    """Replay one scenario into a running exercise installation and report."""
    city = load_city(city_name)
    scenario = load_scenario(city_folder(city_name), plan.scenario)
    telling.ready(ready, scenario)
    if ready.exercise is None:
        raise ConfigurationError("only an installation in exercise mode can be replayed into")
    operator = await SessionClient.sign_in(ready.url, ready.exercise.driver_operator)
    approver = await SessionClient.sign_in(ready.url, ready.exercise.driver_approver)
    driver = Driver(ready.url, ready.exercise.key, operator, city, scenario)
    async with contextlib.AsyncExitStack() as stack:
        for client in (operator, approver, driver):
            stack.push_async_callback(client.close)
        speed = plan.speed or (HEADLESS_SPEED if plan.headless else scenario.speed)
        await driver.begin(speed=speed, hold_for_people=not plan.headless)
        total = len(steps(scenario, city))
        seen = Seen(telling, operator, approver if plan.headless else None)

        async def steps_until_done() -> None:
            async for step in driver.run(until_us=plan.until_us, paced=not plan.headless):
                telling.step(step, total)
                await seen.look(step.at_us)

        await _until(steps_until_done(), stop)
        return await report(ready.url, operator, driver, city, scenario)


async def _until(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Work until it is done or ``stop`` is set; a replay may stand still for hours while a person thinks."""
    tasks = {asyncio.create_task(work), asyncio.create_task(stop.wait())}
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()


class Seen:
    """Follows what happens, tells it once, and in a headless run acts as the two exercise people."""

    def __init__(self, telling: Telling, operator: SessionClient, approver: SessionClient | None) -> None:
        self._telling = telling
        self._operator = operator
        self._approver = approver
        self._told: set[tuple[str, str]] = set()

    async def look(self, at_us: int) -> None:
        """Tell what is new since the last look; approve what waits."""
        state = await self._operator.get("/api/state")
        for alarm in state["alarms"]:
            what = " ".join(("alarm:", alarm["series"], alarm["cause"], alarm["rule"]))
            self._tell(at_us, "alarm", alarm["alarm_id"], what)
        for incident in state["incidents"]:
            said = (incident["hazard"], incident["level"], "at", incident["series"], incident["step"])
            key = "".join((incident["incident_id"], incident["step"], incident["level"]))
            self._tell(at_us, "incident", key, " ".join(("incident:", *said)))
        for alert in sorted(state["alerts"], key=lambda a: a["changed_us"]):
            key = f"{alert['alert_id']}{alert['state']}"
            self._tell(at_us, "alert", key, f"{alert['kind']} {alert['level']}: {alert['state']}")
            if self._approver and alert["state"] == "drafted":
                await self._publish(at_us, alert["alert_id"])

    def _tell(self, at_us: int, kind: str, key: str, what: str) -> None:
        if (kind, key) not in self._told:
            self._told.add((kind, key))
            self._telling.event(at_us, what)

    async def _publish(self, at_us: int, alert_id: str) -> None:
        """Submit as the operator, approve as the second person by typing the head-count."""
        assert self._approver is not None
        try:
            path = f"/api/alerts/{alert_id}"
            read: dict[str, Any] = await self._operator.get(path)
            await self._operator.post(f"{path}/submit", {"content_hash": read["content_hash"]})
            read = await self._approver.get(path)
            typed = str(read["people"])
            await self._approver.post(
                f"{path}/approve", {"content_hash": read["content_hash"], "typed": typed}
            )
            self._tell(
                at_us,
                "alert",
                f"{alert_id}published",
                f"{read['kind']} {read['level']}: published by two people",
            )
        except CheoyongError as error:
            self._tell(at_us, "alert", f"{alert_id}refused", f"not published: {error}")
