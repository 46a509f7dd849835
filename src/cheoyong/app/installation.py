# SPDX-License-Identifier: Apache-2.0
"""One running installation: pools, clocks, intake, desk and bus, wired together once, here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from cheoyong.app.bus import COMMITTED, FACTS, PROGRESS, Bus
from cheoyong.app.clock import Clock, SimulatedClock, WorldClock, real_us
from cheoyong.app.floods import Floods
from cheoyong.app.folder import DataFolder
from cheoyong.app.mqtt_updates import MqttUpdates
from cheoyong.app.replay_control import ReplayControl
from cheoyong.app.settings import Settings
from cheoyong.detect.silence import BACK_HELD_US
from cheoyong.domain.city import CityPack
from cheoyong.domain.fact import AlertContent, Fact
from cheoyong.domain.instant import SECOND_US
from cheoyong.faces.cap.render import render_cap
from cheoyong.faces.console.events import EventHub, encode
from cheoyong.flow.alert_desk import AlertDesk, Clocks
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Intake
from cheoyong.records.connection import APP, DOOR, FLOW, WRITER, Database, Pool, open_pool
from cheoyong.records.observations import ObservationWriter, Rows, Stored
from cheoyong.records.reading_pool import ReadingPool, open_reading_pool

SETTLE_S_MAX = 60.0
SILENT_WORKER_S = 30.0
PRESSED_S = 10.0  # how long a refusal is shown
DRAFT_WAITS = "a draft waits for a person"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pools:
    """One pool a role, and one of the faces' role that only reads."""

    app: Pool
    door: Pool
    writer: Pool
    flow: Pool
    reading: ReadingPool

    @classmethod
    async def open(cls, database: Database) -> Pools:
        """Open all five."""
        app, door, writer, flow = [await open_pool(database, role) for role in (APP, DOOR, WRITER, FLOW)]
        return cls(app, door, writer, flow, await open_reading_pool(database))

    async def close(self) -> None:
        """Close all five, waiting at most five seconds."""
        pools = (self.app, self.door, self.writer, self.flow, self.reading)
        await asyncio.wait_for(asyncio.gather(*(pool.close() for pool in pools)), 5.0)


class Installation:
    """What faces and links are given. It is their ``Site`` and the console's ``ConsoleDesk``."""

    def __init__(
        self,
        settings: Settings,
        city: CityPack,
        layers: Mapping[str, Any],
        organisation_id: int,
        pools: Pools,
        bus: Bus,
        last_us: int,
        folder: DataFolder,
    ) -> None:
        self.settings = settings
        self.city = city
        self.map_layers = layers
        self.organisation_id = organisation_id
        self.pools = pools
        self.pool = pools.app
        self.bus = bus
        self.mode = settings.mode
        self.unusual_per_month = float(settings.unusual_per_month)
        self.hub = EventHub(lambda: encode("clock", self.clock()))
        self.fact_clock: Clock = SimulatedClock(last_us) if self.mode == "exercise" else WorldClock()
        # A clock that was set back a little while we were stopped stands until the world has caught up (F07).
        held_us = last_us if last_us - real_us() <= BACK_HELD_US else 0
        self.directory = Directory(pools.flow)
        self.intake = Intake(
            ObservationWriter(pools.writer),
            self.facts_us,
            self._committed,
            held_us,
            self.directory.any_judged,
        )
        self.pressed_at_s = float("-inf")  # when a body was last refused for want of memory
        self.replay = ReplayControl(
            self.fact_clock if isinstance(self.fact_clock, SimulatedClock) else None,
            self.intake.tick,
            self.settle,
            self.tell_clock,
        )
        self.alerts = AlertDesk(
            pools.app, city, Clocks(self.facts_us, real_us), self._render, self._announce_people
        )
        self.floods = Floods(folder, settings, city, self._tell_ours)
        self._last_number = 0
        self._taken_number = 0
        self._progressed = asyncio.Event()
        self._last_progress_us = real_us()
        self.mqtt_port: int | None = None
        self.updates: MqttUpdates | None = None
        self.troubles: dict[str, str] = {}
        self.screening: dict[str, int] = {}
        self.models_off: list[dict[str, str]] = []
        self.inputs_drifting = 0
        self._waiting_drafts: set[str] = set()

    def note_pressure(self) -> None:
        """Somebody was refused because too much is in flight; shown for ten seconds."""
        self.pressed_at_s = time.monotonic()

    def now_us(self) -> int:
        """The machine's own time: sign-ins and keys never live on a replay's clock."""
        return real_us()

    def facts_us(self) -> int:
        """The clock the facts live on."""
        return self.fact_clock.now_us()

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.city.time_zone)

    def _render(self, content: AlertContent, sent_us: int) -> bytes:
        return render_cap(content, sent_us=sent_us, zone=self._zone)

    # Events -------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Hear the worker on the bus and pass it on to the consoles."""
        await self.bus.hear(FACTS, self._hear_facts)
        await self.bus.hear(PROGRESS, self._hear_progress)

    async def _committed(self, stored: Stored, rows: Rows, recorded_us: int) -> None:
        self._last_number = stored.number
        if self.updates is not None:
            self.updates.committed(stored, rows)
        # What the pipeline does not look at needs no hint: the worker passes over it within a second.
        if len(rows) == 0 or self.directory.any_judged(rows.datastream_id):
            await self.bus.tell(COMMITTED, stored.number)

    async def nudge(self) -> None:
        """Tell the worker that there is something to do."""
        await self.bus.tell(COMMITTED, 0)

    async def _announce_people(self, facts: list[tuple[int, Fact]]) -> None:
        await self.bus.tell(
            FACTS, {"organisation": self.organisation_id, "facts": [shown(*pair) for pair in facts]}
        )

    def _hear_facts(self, body: Any) -> None:
        for fact in body["facts"]:
            self.hub.tell(body["organisation"], "fact", fact)
            if fact["kind"] == "alert":
                self._mind_replay(fact["body"])

    def _mind_replay(self, step: Any) -> None:
        """Hold a replay while a draft of the machine waits for people; go on when the last is dealt with."""
        if step["step"] == "drafted" and not step["by"]:
            self._waiting_drafts.add(step["alert_id"])
            self.replay.hold(DRAFT_WAITS)
        elif step["step"] in ("published", "rejected", "superseded", "expired"):
            self._waiting_drafts.discard(step["alert_id"])
            if not self._waiting_drafts:
                self.replay.release(DRAFT_WAITS)

    def _hear_progress(self, body: Any) -> None:
        self._taken_number = max(self._taken_number, body["number"])
        self._last_progress_us = real_us()
        self.screening = body["screening"]
        self.inputs_drifting = body.get("inputs_drifting", 0)
        self.models_off = body.get("models_off", [])  # a worker of the release before does not say
        self.troubles.pop("worker", None)  # it works again
        self._progressed.set()
        if body["rows"]:
            self.hub.tell(self.organisation_id, "observations", {"rows": body["rows"]})

    def _tell_ours(self, kind: str, body: Any) -> None:
        self.hub.tell(self.organisation_id, kind, body)

    def tell_clock(self) -> None:
        """Show every console what time it is."""
        self.hub.tell(self.organisation_id, "clock", self.clock())

    def clock(self) -> dict[str, Any]:
        """Clock, mode and replay as the console shows them."""
        return {
            "now_us": self.facts_us(),
            "mode": self.mode,
            "simulated": self.fact_clock.simulated,
            "replay": self.replay.shown(),
        }

    async def settle(self) -> int:
        """Wait until the worker has taken in what was committed, at most a minute; the batch it reached."""
        wanted = self._last_number
        async with asyncio.timeout(SETTLE_S_MAX):
            while self._taken_number < wanted:
                self._progressed.clear()
                await self.nudge()
                try:
                    await asyncio.wait_for(self._progressed.wait(), 1.0)
                except TimeoutError:
                    continue
        return self._taken_number

    # Health -------------------------------------------------------------------------------------

    async def health(self) -> dict[str, Any]:
        """Live (we answer), ready (we can store), degraded and why."""
        degraded = [{"part": part, "why": why} for part, why in sorted(self.troubles.items())]
        ready = await self._database_answers()
        if not ready:
            degraded.append({"part": "database", "why": "PostgreSQL does not answer"})
        if not self.bus.client.is_connected:
            degraded.append(
                {"part": "bus", "why": "NATS does not answer: consoles update late, MQTT is closed"}
            )
        if self.fact_clock.step_s:
            why = f"the machine's clock stepped by {self.fact_clock.step_s:.0f} s and is not believed"
            degraded.append({"part": "clock", "why": f"{why}: set it right and start again"})
        if aside := self.screening.get("batches_set_aside"):
            why = (
                f"{aside} batches could not be judged and were set aside; their values read as not evaluated"
            )
            degraded.append({"part": "pipeline", "why": why})
        for off in self.models_off:
            why = f"AI off: {off['hazard']} for {off['series']} is {off['cause']}; levels alarm without it"
            degraded.append({"part": f"model {off['hazard']} {off['series']}", "why": why})
        if time.monotonic() - max(self.pressed_at_s, self.intake.refused_at_s) < PRESSED_S:
            why = f"more comes than can be stored; {self.intake.refused} observations were told to come again"
            degraded.append({"part": "intake", "why": why})
        behind = self._last_number - self._taken_number
        silent_s = (real_us() - self._last_progress_us) / SECOND_US
        if behind > 0 and silent_s > SILENT_WORKER_S:
            degraded.append({"part": "worker", "why": f"{behind} batches behind for {silent_s:.0f} s"})
        return {"live": True, "ready": ready, "degraded": degraded, "batches_behind": max(0, behind)}

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(2.0):
                return bool(await self.pools.door.fetchval("SELECT true"))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("database_away", error=str(error))
            return False


def shown(seq: int, fact: Fact) -> dict[str, Any]:
    """A fact as consoles hear of it."""
    return {
        "seq": seq,
        "id": fact.id,
        "kind": fact.kind,
        "about_us": fact.about_us,
        "recorded_us": fact.recorded_us,
        "body": fact.body,
    }
