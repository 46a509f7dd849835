# SPDX-License-Identifier: Apache-2.0
"""F13: alarms put aside for a while, on a real PostgreSQL: the end, the return, what comes too late."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.instant import SECOND_US, parse_instant
from cheoyong.domain.level import Status
from cheoyong.flow.state import Setup
from cheoyong.flow.worker import Worker
from cheoyong.links.city_pack import load_city
from cheoyong.records import alarms
from cheoyong.records.commands import ask
from cheoyong.records.connection import (
    APP,
    FLOW,
    ROLES,
    WRITER,
    Database,
    as_organisation,
    open_pool,
    prepare_codecs,
)
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

pytestmark = pytest.mark.engines
START_US = parse_instant("2016-10-05T00:00:00Z")
MINUTE_US = 60 * SECOND_US
ADVISORY = "advisory"


class Town:
    """One gauge, its writer, the worker, and a person at the desk; ten minutes pass at each step."""

    def __init__(self, owner: Any, writer: Any, flow: Any, app: Any) -> None:
        self.owner, self.app, self.flow = owner, app, flow
        self.writer = ObservationWriter(writer)
        self.now_us = START_US
        self.restart_worker()

    def restart_worker(self) -> None:
        self.worker = Worker(self.flow, Setup(1, load_city("ulsan"), (), Status.EXERCISE), self._told)

    @staticmethod
    async def _told(*_: object) -> None:
        """Nobody listens."""

    async def measure(self, value: float, minutes: int = 10) -> None:
        self.now_us += minutes * MINUTE_US
        result = np.array([value])
        rows = Rows(np.array([1]), np.array([self.now_us]), result, digest_of_numbers(result))
        await self.writer.store(rows, self.now_us)
        await self.worker.advance()

    async def asks(self, verb: str, minutes: int | None = None, *, reason: str = "") -> None:
        alarm = await self.alarm()
        async with as_organisation(self.app, 1) as connection:
            await ask(
                connection,
                1,
                verb,
                alarm["id"],
                by="kim",
                reason=reason,
                made_us=self.now_us,
                minutes=minutes,
            )
        await self.worker.advance()

    async def alarm(self) -> Any:
        return await self.owner.fetchrow(
            "SELECT id, state, shelved_until, body FROM alarm WHERE body ->> 'rule' = $1", ADVISORY
        )

    async def state(self) -> str:
        return str((await self.alarm())["state"])

    async def steps(self) -> list[str]:
        rows = await self.owner.fetch(
            "SELECT body ->> 'step' AS step FROM fact"
            " WHERE kind = 'alarm' AND body ->> 'rule' = $1 ORDER BY seq",
            ADVISORY,
        )
        return [row["step"] for row in rows]


@pytest.fixture
async def town(postgres: Postgres) -> AsyncIterator[Town]:
    dsn = postgres.new_database("flow_shelving")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    await owner.execute(
        "INSERT INTO organisation (name, created_at) VALUES ('Ours', now());"
        "INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't');"
        "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        " VALUES (1, 's', 's', 'text/html', '\"\"');"
        "INSERT INTO observed_property (organisation_id, name, definition, description)"
        " VALUES (1, 'p', 'p', 'p');"
        "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, series, registered_at)"
        " VALUES (1, 1, 1, 1, 'd', 'd', 'x', '{}', 'taehwa_stage_m', now())"
    )
    pools = [await open_pool(database, role) for role in (WRITER, FLOW, APP)]
    town = Town(owner, *pools)
    await town.measure(1.8)
    for value in (2.0, 3.2, 4.7):
        await town.measure(value)
    yield town
    for pool in pools:
        await pool.close()
    await owner.close()
    postgres.drop_database("flow_shelving")


async def test_F13_a_shelved_alarm_comes_back_as_new_when_its_time_is_over(town: Town) -> None:
    assert await town.state() == "raised"
    await town.asks("shelve", 30, reason="sensor under repair")
    alarm = await town.alarm()
    assert (alarm["state"], alarm["shelved_until"]) == ("shelved", town.now_us + 30 * MINUTE_US)
    assert (alarm["body"]["by"], alarm["body"]["reason"]) == ("kim", "sensor under repair")
    await town.measure(4.8)
    await town.measure(4.8)
    assert await town.state() == "shelved"
    await town.measure(4.8)
    alarm = await town.alarm()
    assert (alarm["state"], alarm["shelved_until"], alarm["body"]["by"]) == ("raised", None, "")
    assert await town.steps() == ["raised", "shelved", "unshelved"]


async def test_an_alarm_that_ends_on_the_shelf_is_over_and_does_not_come_back(town: Town) -> None:
    await town.asks("shelve", 60, reason="known")
    for _ in range(8):
        await town.measure(1.8)
    assert await town.state() == "cleared"
    assert await town.steps() == ["raised", "shelved", "cleared"]
    await town.asks("shelve", 60, reason="too late")
    await town.asks("acknowledge")
    assert await town.steps() == ["raised", "shelved", "cleared"]


async def test_a_person_can_take_it_off_the_shelf_and_then_acknowledge_it(town: Town) -> None:
    await town.asks("acknowledge")
    await town.asks("shelve", 60, reason="known")
    await town.asks("acknowledge")
    assert await town.state() == "shelved"
    await town.asks("unshelve")
    assert await town.state() == "raised"
    await town.asks("acknowledge")
    assert await town.state() == "acknowledged"
    assert await town.steps() == ["raised", "acknowledged", "shelved", "unshelved", "acknowledged"]


async def test_a_restart_neither_forgets_a_shelf_nor_ends_it_twice(town: Town) -> None:
    await town.asks("shelve", 15, reason="known")
    town.restart_worker()
    await town.measure(4.8)
    assert await town.state() == "shelved"
    town.restart_worker()
    await town.measure(4.8)
    town.restart_worker()
    await town.measure(4.8)
    assert await town.steps() == ["raised", "shelved", "unshelved"]


async def test_open_alarms_stand_in_order_of_need_with_their_number_in_all(town: Town) -> None:
    await town.asks("shelve", 60, reason="known")
    async with as_organisation(town.app, 1) as connection:
        shown, counts = await alarms.open_alarms(connection)
    assert [alarm["state"] for alarm in shown] == ["raised", "shelved"]
    assert counts == {"raised": 1, "shelved": 1}
    assert shown[1]["until_us"] == town.now_us + 60 * MINUTE_US
