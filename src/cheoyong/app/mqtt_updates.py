# SPDX-License-Identifier: Apache-2.0
"""Tells MQTT subscribers what was committed: hints, at most once; the truth is read over HTTP.

Who listens to what is asked of the broker once a second; while nobody does, nothing is read or rendered.
What is told is read under the organisation that hears it, by the row security every request is under, and is
published where that organisation's account alone can hear it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import asyncpg
import msgspec
import numpy as np
import structlog

from cheoyong.app.bus import Bus
from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.nats_config import UPDATES_ACCOUNT, updates_prefix
from cheoyong.domain.errors import CheoyongError
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.reading import Reader
from cheoyong.faces.sensorthings.updates import ROOT, Wanted, entity_said, said, set_topics
from cheoyong.records.connection import Connection
from cheoyong.records.news import NewsReader
from cheoyong.records.observations import Rows, Stored
from cheoyong.records.reading_pool import ReadingPool
from cheoyong.records.readings import Step, Way, find

ASKED_EVERY_S = 1.0
SUBSCRIPTIONS_MAX = 50_000  # of all organisations; those beyond are not told
ENTITIES_PER_S = 2_000  # of one organisation; of more the oldest are dropped and counted
_AT_ONCE = 500
_ASKING_SHARE = 20  # asking takes a twentieth of the time at most

_log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
# By table; a datastream is of one of two kinds, and is found as that one only.
_SETS: dict[str, tuple[str, ...]] = {entity.noun: (name,) for name, entity in ENTITIES.items()} | {
    "datastream": ("Datastreams", "MultiDatastreams")
}
Waiting = tuple[str, int, bool]  # entity set, id, whether it was changed (else it is new)


class MqttUpdates:
    """Publishes updates to every organisation that listens.

    ``accounts`` gives each organisation's account name by its id; ``root`` is the service root for links.
    """

    def __init__(
        self, bus: Bus, nats: Nats, reading: ReadingPool, accounts: Callable[[], dict[int, str]], root: str
    ) -> None:
        self._bus = bus
        self._nats = nats
        self._reading = reading
        self._accounts = accounts
        self._root = root
        self._wanted: dict[int, Wanted] = {}
        self._waiting: dict[int, deque[Waiting]] = {}
        self._news: dict[int, NewsReader] = {}
        self._wake = asyncio.Event()
        self.sent = 0
        self.dropped = 0
        self.trouble = ""

    def committed(self, stored: Stored, rows: Rows) -> None:
        """Observations were committed: those that are new and wanted wait to be told."""
        if not self._wanted or not len(rows) or not stored.new:
            return
        new = stored.ids == np.arange(stored.first_id, stored.first_id + len(rows))
        for organisation_id, wanted in self._wanted.items():
            heard = new if wanted.every_stream else new & np.isin(rows.datastream_id, list(wanted.streams))
            # Whose they are the reading decides: another's are not there for it.
            ids = stored.ids[heard]
            self.dropped += max(0, len(ids) - ENTITIES_PER_S)
            self._put(organisation_id, [("Observations", int(i), False) for i in ids[-ENTITIES_PER_S:]])

    async def look(self, wanted: Iterable[int]) -> None:
        """Find the entities that were created or changed, for organisations that want to hear of any."""
        self._news = {one: self._news.get(one, NewsReader()) for one in wanted}
        for organisation_id, reader in self._news.items():
            async with self._reading.alone(organisation_id) as connection:
                news = await reader.look(connection)
            self._put(
                organisation_id,
                [(name, found.id, found.changed) for found in news for name in _SETS.get(found.noun, ())],
            )

    def _put(self, organisation_id: int, items: Sequence[Waiting]) -> None:
        waiting = self._waiting.setdefault(organisation_id, deque(maxlen=ENTITIES_PER_S))
        self.dropped += max(0, len(waiting) + len(items) - ENTITIES_PER_S)
        waiting.extend(items)
        if items:
            self._wake.set()

    async def run(self) -> None:
        """Ask and tell until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask_on())
            group.create_task(self._tell_on())

    async def _ask_on(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                wanted = await self.ask()
                await self.look(wanted)
                self._wanted = wanted
                self.trouble = ""
            except (CheoyongError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, KeyError) as error:
                self._note(error)
            spent_s = time.monotonic() - began_s
            await asyncio.sleep(max(ASKED_EVERY_S, _ASKING_SHARE * spent_s))

    async def ask(self) -> dict[int, Wanted]:
        """By organisation, who listens to what; raises Unavailable while the broker does not say."""
        page = f"subsz?subs=1&limit={SUBSCRIPTIONS_MAX}&acc={UPDATES_ACCOUNT}"
        listed = (await asyncio.to_thread(self._nats.figures, page)).get("subscriptions_list") or []
        subjects = [entry["subject"] for entry in listed]
        found: dict[int, Wanted] = {}
        for organisation_id, account in self._accounts().items():
            prefix = updates_prefix(account)
            wanted = Wanted.of(s.removeprefix(prefix) for s in subjects if s.startswith(prefix))
            if wanted:
                found[organisation_id] = wanted
        return found

    async def _tell_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            began_s = time.monotonic()
            for organisation_id in list(self._waiting):
                try:
                    await self._tell(organisation_id)
                except Exception as error:  # noqa: BLE001  (edge of a stage: hints were lost, and are counted)
                    self._note(error)
            # Each organisation has had its share of this second.
            await asyncio.sleep(max(0.05, min(1.0, 20 * (time.monotonic() - began_s))))

    async def _tell(self, organisation_id: int) -> None:
        waiting = self._waiting.pop(organisation_id)
        wanted = self._wanted.get(organisation_id)
        account = self._accounts().get(organisation_id)
        if wanted is None or account is None:
            return
        by_kind: dict[tuple[str, bool], list[int]] = {}
        for set_name, row_id, changed in waiting:
            by_kind.setdefault((set_name, changed), []).append(row_id)
        for (set_name, changed), ids in by_kind.items():
            for start in range(0, len(ids), _AT_ONCE):
                some = list(dict.fromkeys(ids[start : start + _AT_ONCE]))
                try:
                    await self._tell_some(organisation_id, account, wanted, set_name, some, changed)
                except (CheoyongError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                    self.dropped += len(some)
                    self._note(error)

    async def _tell_some(
        self, organisation_id: int, account: str, wanted: Wanted, set_name: str, ids: list[int], changed: bool
    ) -> None:
        async with self._reading.alone(organisation_id) as connection:
            shown = await Reader(connection, self._root).those(ENTITIES[set_name], ids)
            paths = await _paths(connection, wanted, set_name, [row["id"] for row, _ in shown])
        for row, entity in shown:
            if set_name == "Observations":
                multi = "MultiDatastream@iot.navigationLink" in entity
                topics = set_topics(set_name, row["datastream_key"], multi=multi)
            else:
                topics = set_topics(set_name)
            topics += [path for path, member in paths.get(row["id"], ()) if not member]
            messages = list(said(wanted, topics, entity))
            if changed:
                own = f"{ROOT}{set_name}({row['id']})"
                messages += entity_said(wanted, own, set_name, entity)
                led = paths.get(row["id"], ())
                messages += [(path, {member: entity.get(member)}) for path, member in led if member]
            for topic, value in messages:
                await self._bus.client.publish(f"{updates_prefix(account)}{topic}", _encode(value))
                self.sent += 1

    def _note(self, error: Exception) -> None:
        trouble = f"{type(error).__name__}: {error}"
        if trouble != self.trouble:
            _log.warning("mqtt_updates_trouble", error=trouble)
        self.trouble = trouble


async def _paths(
    connection: Connection, wanted: Wanted, set_name: str, ids: Sequence[int]
) -> dict[int, list[tuple[str, str]]]:
    """By id of an entity: the topics over several entities that lead to it, and the property each ends at."""
    found: dict[int, list[tuple[str, str]]] = {}
    for topic, address in wanted.paths.items():
        if address.entity.set_name != set_name or address.ending or address.raw:
            continue
        way = address.way
        if way.single():
            row_id = await find(connection, way)
            led = [] if row_id is None else [row_id]
        else:
            last = way.steps[-1].relation
            ways = [Way(way.start, (*way.steps[:-1], Step(last, row_id))) for row_id in ids]
            led = [row_id for one in ways if (row_id := await find(connection, one)) is not None]
        for row_id in set(led) & set(ids):
            found.setdefault(row_id, []).append((topic, address.member))
    return found
