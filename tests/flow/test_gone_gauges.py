# SPDX-License-Identifier: Apache-2.0
"""The worker on a real PostgreSQL when gauges are deleted or become others while their alarms are open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.domain.level import Status
from cheoyong.flow.forgetting import REASON
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.flow.state_bytes import from_parts, to_bytes
from cheoyong.flow.worker import STAGE, Worker
from cheoyong.links.city_pack import load_city
from cheoyong.records import stage_parts
from cheoyong.records.connection import FLOW, ROLES, WRITER, Database, open_pool, prepare_codecs
from cheoyong.records.migrate import migrate
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

pytestmark = pytest.mark.engines
START_US = parse_instant("2016-10-05T00:00:00Z")
TAEHWA, SAMHO, GUYEONG = 1, 2, 3
SERIES = {TAEHWA: "taehwa_stage_m", SAMHO: "samho_stage_m", GUYEONG: "guyeong_stage_m"}
RISE = (2.0, 3.2, 4.6)  # crosses attention (3.0 m) and advisory (4.5 m)


@dataclass
class World:
    """Three gauges, their writer and the worker that watches them; one hour passes at each step."""

    owner: Any
    writer: ObservationWriter
    flow: Any
    hour: int = 0

    def __post_init__(self) -> None:
        self.restart_worker()

    def restart_worker(self) -> None:
        self.worker = Worker(self.flow, Setup(1, load_city("ulsan"), (), Status.EXERCISE), self._told)

    @staticmethod
    async def _told(*_: object) -> None:
        """Nobody listens."""

    async def hour_passes(self, *values: tuple[int, float]) -> None:
        """Store (datastream, value) pairs of this hour, or a tick, and let the worker take them in."""
        now_us = START_US + self.hour * HOUR_US
        self.hour += 1
        result = np.array([value for _, value in values])
        datastream = np.array([number for number, _ in values], np.int64)
        time_us = np.full(len(values), now_us)
        await self.writer.store(Rows(datastream, time_us, result, digest_of_numbers(result)), now_us)
        await self.worker.advance()
        assert to_bytes(await self.kept()) == to_bytes(self.worker._state), "a restart knows the same"

    async def kept(self) -> PipelineState:
        """What a worker that starts now would remember."""
        head = await self.owner.fetchval("SELECT state FROM bookmark")
        return from_parts(head, await stage_parts.parts(self.owner, STAGE))

    async def flood_at_taehwa_and_silence_elsewhere(self) -> None:
        await self.hour_passes((TAEHWA, 1.8), (SAMHO, 1.0), (GUYEONG, 1.0))
        for value in RISE:
            await self.hour_passes((TAEHWA, value))

    async def open(self) -> set[tuple[str, str]]:
        rows = await self.owner.fetch("SELECT body FROM alarm WHERE state NOT IN ('cleared', 'withdrawn')")
        return {(row["body"]["series"], row["body"]["rule"]) for row in rows}

    async def watched(self) -> list[int]:
        return sorted((await self.kept()).screen.datastreams.tolist())


OF_THE_GAUGE = ("raised", "cleared", "withdrawn")  # not what follows from them
ALL_OPEN = {
    ("taehwa_stage_m", "attention"),
    ("taehwa_stage_m", "advisory"),
    ("samho_stage_m", "silence"),
    ("guyeong_stage_m", "silence"),
}


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    dsn = postgres.new_database("flow_forgetting")
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
        " VALUES (1, 'p', 'p', 'p')"
    )
    for series in SERIES.values():
        await registered(owner, series)
    writer, flow = await open_pool(database, WRITER), await open_pool(database, FLOW)
    yield World(owner, ObservationWriter(writer), flow)
    await writer.close()
    await flow.close()
    await owner.close()
    postgres.drop_database("flow_forgetting")


async def registered(owner: Any, series: str) -> int:
    number: int = await owner.fetchval(
        "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, series, registered_at)"
        " VALUES (1, 1, 1, 1, 'd', 'd', 'x', '{}', $1, now()) RETURNING id",
        series,
    )
    return number


@pytest.mark.parametrize("restarted", [False, True], ids=["while it runs", "while it is down"])
async def test_alarms_of_a_deleted_gauge_are_withdrawn_its_state_is_given_up_and_it_never_alarms_again(
    world: World, restarted: bool
) -> None:
    await world.flood_at_taehwa_and_silence_elsewhere()
    assert await world.open() == ALL_OPEN
    await world.owner.execute("DELETE FROM datastream WHERE id = ANY($1)", [TAEHWA, SAMHO])
    if restarted:
        world.restart_worker()
    await world.hour_passes()
    assert await world.open() == {("guyeong_stage_m", "silence")}
    assert await world.watched() == [GUYEONG]
    said = await world.owner.fetch(
        "SELECT f.body, f.recorded_at, c.body AS cause FROM fact f JOIN fact c ON c.id = f.caused_by[1]"
        " WHERE f.body ->> 'step' = 'withdrawn' ORDER BY f.seq"
    )
    assert {(row["body"]["series"], row["body"]["rule"]) for row in said} == ALL_OPEN - await world.open()
    for row in said:
        assert row["body"]["reason"] == REASON and row["recorded_at"] == START_US + 4 * HOUR_US
        assert row["cause"]["step"] == "raised" and row["cause"]["alarm_id"] == row["body"]["alarm_id"]
    facts = await world.owner.fetchval("SELECT count(*) FROM fact WHERE kind = 'alarm'")
    for _ in range(12):
        await world.hour_passes()
    assert await world.owner.fetchval("SELECT count(*) FROM fact WHERE kind = 'alarm'") == facts
    assert world.worker.failures == 0


async def test_a_gauge_that_is_registered_anew_is_watched_from_its_beginning(world: World) -> None:
    await world.flood_at_taehwa_and_silence_elsewhere()
    await world.owner.execute("DELETE FROM datastream WHERE id = $1", TAEHWA)
    again = await registered(world.owner, SERIES[TAEHWA])
    await world.hour_passes((again, 4.7))
    assert await world.open() == ALL_OPEN, "the old ones were withdrawn, and the new gauge reads a flood"
    steps = await world.owner.fetch(
        "SELECT body ->> 'rule' AS rule, body ->> 'step' AS step FROM fact"
        " WHERE body ->> 'series' = 'taehwa_stage_m' AND kind = 'alarm' ORDER BY seq"
    )
    for level in ("attention", "advisory"):
        told = [row["step"] for row in steps if row["rule"] == level and row["step"] in OF_THE_GAUGE]
        assert told == ["raised", "withdrawn", "raised"]
    await world.hour_passes((again, 1.0))
    await world.owner.execute("UPDATE alarm SET state = 'cleared' WHERE state = 'returned'")  # seen by then
    assert await world.open() == ALL_OPEN - {("taehwa_stage_m", "attention"), ("taehwa_stage_m", "advisory")}


async def test_a_datastream_that_becomes_another_gauge_leaves_no_alarm_of_the_old_one(world: World) -> None:
    await world.flood_at_taehwa_and_silence_elsewhere()
    await world.owner.execute("UPDATE datastream SET series = 'myeongjeong_stage_m' WHERE id = $1", TAEHWA)
    await world.hour_passes((TAEHWA, 1.0))
    assert await world.open() == {("samho_stage_m", "silence"), ("guyeong_stage_m", "silence")}
    assert await world.watched() == [TAEHWA, SAMHO, GUYEONG]


async def test_the_incident_of_a_deleted_gauge_loses_what_the_withdrawn_alarms_said(world: World) -> None:
    await world.flood_at_taehwa_and_silence_elsewhere()
    assert await world.owner.fetchval("SELECT state FROM incident") == "open"
    await world.owner.execute("DELETE FROM datastream WHERE id = $1", TAEHWA)
    for _ in range(9):  # half an hour of calm eases it, six hours close it
        await world.hour_passes()
    assert await world.owner.fetchval("SELECT state FROM incident") == "closed"
