# SPDX-License-Identifier: Apache-2.0
"""M3: thresholds people set, on a real PostgreSQL: from when on, and what becomes of alarms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import Conflict
from cheoyong.domain.instant import MINUTE_US, parse_instant
from cheoyong.domain.level import Status
from cheoyong.flow.state import Setup
from cheoyong.flow.worker import Worker
from cheoyong.links.city_pack import load_city
from cheoyong.records import thresholds
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
from cheoyong.records.thresholds import Threshold

pytestmark = pytest.mark.engines
START_US = parse_instant("2016-10-05T00:00:00Z")
HOT = Threshold(
    0, UUID(int=7), 1, 2, "rack 1", "°C", "hot", 60.0, False, 2.0, 0.0, "high", False, 0,
    "kim", "as the maker says", START_US,
)  # fmt: skip
RIVER, RACK = 1, 2
_numbers = count()


class Site:
    """A gauge of the city, a rack that is none, their writer and the worker; a minute passes at each step."""

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

    async def measure(self, stream: int, *values: float, judged: bool = True) -> None:
        for value in values:
            self.now_us += MINUTE_US
            result = np.array([value])
            rows = Rows(np.array([stream]), np.array([self.now_us]), result, digest_of_numbers(result))
            await self.writer.store(rows, self.now_us)
            if judged:
                await self.worker.advance()

    async def set(self, new: Threshold) -> Threshold:
        async with as_organisation(self.app, 1) as connection:
            return await thresholds.add(connection, 1, new)

    async def steps(self) -> list[tuple[str, str, int]]:
        rows = await self.owner.fetch(
            "SELECT body ->> 'step' AS step, body ->> 'rule' AS rule, about_at, body FROM fact"
            " WHERE kind = 'alarm' AND body ->> 'cause' = 'threshold' ORDER BY seq"
        )
        return [(r["step"], r["rule"], (r["about_at"] - START_US) // MINUTE_US) for r in rows]


@pytest.fixture
async def site(postgres: Postgres) -> AsyncIterator[Site]:
    dsn = postgres.new_database(f"flow_thresholds_{next(_numbers)}")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    await owner.execute(
        "INSERT INTO organisation (name, created_at) VALUES ('Ours', now()), ('Theirs', now());"
        "INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't');"
        "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        " VALUES (1, 's', 's', 'text/html', '\"\"');"
        "INSERT INTO observed_property (organisation_id, name, definition, description)"
        " VALUES (1, 'p', 'p', 'p');"
        "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, series, registered_at)"
        " VALUES (1, 1, 1, 1, 'river', 'd', 'x/OM_Measurement', '{}', 'taehwa_stage_m', now()),"
        " (1, 1, 1, 1, 'rack 1', 'd', 'x/OM_Measurement', '{}', NULL, now())"
    )
    pools = [await open_pool(database, role) for role in (WRITER, FLOW, APP)]
    yield Site(owner, *pools)
    for pool in pools:
        await pool.close()
    await owner.close()


async def test_M3_a_threshold_alarms_on_a_stream_that_is_no_gauge_from_the_next_batch_on(site: Site) -> None:
    await site.measure(RACK, 70.0, 71.0)  # minutes 1 and 2, before it is set
    made = await site.set(HOT)
    await site.measure(RACK, 59.0, 61.0, 59.0, 57.0)  # 3 to 6
    rule = f"threshold-{made.id}"
    assert await site.steps() == [("raised", rule, 4), ("cleared", rule, 6)]
    (row,) = await site.owner.fetch("SELECT in_force_at FROM threshold")
    assert row["in_force_at"] == START_US + 3 * MINUTE_US
    body = await site.owner.fetchval("SELECT body FROM fact WHERE kind = 'alarm' ORDER BY seq LIMIT 1")
    assert (body["series"], body["value"], body["limit"]) == ("datastream/2", 61.0, 60.0)


async def test_M3_what_was_recorded_before_it_was_set_is_not_judged_by_it_however_late(site: Site) -> None:
    await site.measure(RACK, 70.0, 50.0, 71.0, 50.0, judged=False)  # the worker is behind
    await site.set(replace(HOT, made_us=site.now_us + 1))
    await site.measure(RACK, 72.0, judged=False)
    for _ in range(3):  # a read ends where the threshold begins
        await site.worker.advance()
    assert [(step, minute) for step, _, minute in await site.steps()] == [("raised", 5)]


async def test_M3_a_new_version_ends_the_alarm_of_the_old_and_judges_by_its_own_limit(site: Site) -> None:
    first = await site.set(HOT)
    await site.measure(RACK, 61.0)
    second = await site.set(replace(HOT, version=2, bound=65.0, reason="too many"))
    await site.measure(RACK, 62.0, 66.0)
    ended = await site.set(replace(HOT, version=3, ended=True, reason="rack removed"))
    await site.measure(RIVER, 1.8)
    await site.measure(RACK, 90.0)
    one, two = f"threshold-{first.id}", f"threshold-{second.id}"
    lived = [step for step in await site.steps() if step != ("withdrawn", one, 4)]
    assert lived == [("raised", one, 1), ("cleared", one, 2), ("raised", two, 3), ("withdrawn", two, 4)]
    assert ended.version == 3


async def test_F26_M3_the_same_batches_judged_again_in_one_go_give_the_same_alarms(site: Site) -> None:
    await site.set(HOT)
    await site.measure(RACK, 61.0, 62.0, 55.0)
    await site.set(replace(HOT, version=2, bound=50.0, below=True, reason="freezing matters"))
    await site.measure(RACK, 55.0, 49.0)
    await site.set(replace(HOT, version=3, bound=70.0, reason="back"))
    await site.measure(RACK, 71.0, 60.0, 72.0)
    lived = await site.steps()
    ids = [row["id"] for row in await site.owner.fetch("SELECT id FROM fact ORDER BY seq")]
    await site.owner.execute("DELETE FROM fact; DELETE FROM alarm; DELETE FROM bookmark")
    site.restart_worker()
    while await site.worker.advance():
        pass
    by_values = [step for step, _, _ in lived if step in ("raised", "cleared")]
    assert by_values == ["raised", "cleared"] * 3 + ["raised"]
    assert await site.steps() == lived
    assert [row["id"] for row in await site.owner.fetch("SELECT id FROM fact ORDER BY seq")] == ids


async def test_M3_a_threshold_on_a_gauge_of_the_city_stands_beside_its_levels_and_opens_no_incident(
    site: Site,
) -> None:
    await site.measure(RIVER, 1.8)
    await site.set(replace(HOT, datastream_id=RIVER, bound=2.0, unit="m", hysteresis=0.1))
    await site.measure(RIVER, 2.1, 2.2)
    assert [step for step, _, _ in await site.steps()] == ["raised"]
    assert await site.owner.fetchval("SELECT count(*) FROM fact WHERE kind IN ('incident', 'alert')") == 0
    await site.measure(RIVER, *[4.7] * 15)
    levels = await site.owner.fetch(
        "SELECT body ->> 'rule' AS rule FROM alarm WHERE body ->> 'cause' = 'level'"
    )
    assert "advisory" in {row["rule"] for row in levels}


async def test_M3_when_its_stream_is_deleted_the_alarm_is_taken_back_and_the_record_stays(site: Site) -> None:
    await site.set(HOT)
    await site.measure(RACK, 61.0)
    await site.owner.execute("DELETE FROM datastream WHERE id = 2")
    await site.measure(RIVER, 1.8)
    assert [step for step, _, _ in await site.steps()] == ["raised", "withdrawn"]
    kept = await site.owner.fetchrow("SELECT datastream_id, stream_name, by, reason FROM threshold")
    assert tuple(kept.values()) == (None, "rack 1", "kim", "as the maker says")


async def test_M3_versions_follow_each_other_and_are_never_overwritten(site: Site) -> None:
    await site.set(HOT)
    with pytest.raises(Conflict):
        await site.set(HOT)
    with pytest.raises(Conflict):
        await site.set(replace(HOT, version=3))
    async with as_organisation(site.app, 1) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute("UPDATE threshold SET bound = 1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute("DELETE FROM threshold")
    async with as_organisation(site.app, 2) as connection:
        assert await thresholds.standing(connection) == []
