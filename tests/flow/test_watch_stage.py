# SPDX-License-Identifier: Apache-2.0
"""The watch on a real PostgreSQL: facts of the owner's only, none lost or doubled by a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.fact import Fact
from cheoyong.domain.instant import parse_instant
from cheoyong.flow.watch_stage import WatchStage
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
from cheoyong.records.watching import detections

pytestmark = pytest.mark.engines
START_US = parse_instant("2026-01-01T00:00:00Z")
STEP_US = 300_000_000
BURST = range(900, 906)


class Streams:
    """Two organisations with a stream each; the second's bursts."""

    def __init__(self, owner: Any, writer: Any, flow: Any, app: Any) -> None:
        self.owner, self.flow, self.app = owner, flow, app
        self.writer = ObservationWriter(writer)
        self.values = np.random.default_rng(5).normal(size=(1300, 2))
        self.values[BURST, 1] += 60.0
        self.told: list[Fact] = []
        self.restart()

    def restart(self) -> None:
        self.stage = WatchStage(self.flow, 1.0, self._tell)

    async def _tell(self, facts: list[tuple[int, Fact]]) -> None:
        self.told += [fact for _, fact in facts]

    async def send(self, first: int, end: int) -> None:
        place = np.repeat(np.arange(first, end), 2)
        result = self.values[first:end].ravel()
        stream = np.tile([1, 2], end - first)
        rows = Rows(stream, START_US + place * STEP_US, result, digest_of_numbers(result))
        await self.writer.store(rows, START_US + end * STEP_US)

    async def facts(self) -> list[tuple[int, int]]:
        rows = await self.owner.fetch(
            "SELECT organisation_id, about_at FROM fact WHERE kind = 'detection' ORDER BY seq"
        )
        return [(row["organisation_id"], (row["about_at"] - START_US) // STEP_US) for row in rows]


@pytest.fixture
async def streams(postgres: Postgres) -> AsyncIterator[Streams]:
    dsn = postgres.new_database("flow_watch")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    for number in (1, 2):
        await owner.execute(
            f"INSERT INTO organisation (name, created_at) VALUES ('o{number}', now());"
            f"INSERT INTO thing (organisation_id, name, description) VALUES ({number}, 't', 't');"
            "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
            f" VALUES ({number}, 's', 's', 'text/html', '\"\"');"
            "INSERT INTO observed_property (organisation_id, name, definition, description)"
            f" VALUES ({number}, 'p', 'p', 'p');"
            "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
            " description, observation_type, unit, registered_at)"
            f" VALUES ({number}, {number}, {number}, {number}, 'd{number}', 'd', 'x', '{{}}', now())"
        )
    pools = [await open_pool(database, role) for role in (WRITER, FLOW, APP)]
    yield Streams(owner, *pools)
    for pool in pools:
        await pool.close()
    await owner.close()
    postgres.drop_database("flow_watch")


async def test_what_is_unusual_is_a_fact_of_its_owner_and_of_no_other(streams: Streams) -> None:
    await streams.send(0, 1300)
    await streams.stage.advance()
    burst = [(owner, place) for owner, place in await streams.facts() if place in BURST]
    assert burst
    assert {owner for owner, _ in burst} == {2}
    assert len(streams.told) == len(await streams.facts())
    async with as_organisation(streams.app, 2) as connection:
        mine = await detections(connection, 0)
    assert {one["name"] for one in mine} == {"d2"}
    async with as_organisation(streams.app, 1) as connection:
        assert "d2" not in {one["name"] for one in await detections(connection, 0)}


async def test_a_crash_between_two_keepings_loses_and_doubles_nothing(streams: Streams) -> None:
    for first in range(0, 1300, 100):
        await streams.send(first, first + 100)
        await streams.stage.advance()
        if first == 400:
            await streams.stage.keep()
        if first in (200, 700, 1000):
            streams.restart()  # without keeping: what came since is looked at again
    crashed = await streams.facts()
    await streams.owner.execute("DELETE FROM fact; DELETE FROM bookmark; DELETE FROM watch_state")
    streams.restart()
    while await streams.stage.advance():
        pass
    assert sorted(await streams.facts()) == sorted(crashed)
    assert crashed


async def test_the_memory_of_a_deleted_stream_goes_with_it(streams: Streams) -> None:
    await streams.send(0, 10)
    await streams.stage.advance()
    await streams.owner.execute("DELETE FROM datastream WHERE id = 1")
    await streams.stage.keep()
    kept = [
        row["datastream_id"] for row in await streams.owner.fetch("SELECT datastream_id FROM watch_state")
    ]
    assert kept == [2]
