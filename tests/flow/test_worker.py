# SPDX-License-Identifier: Apache-2.0
"""The worker against a real PostgreSQL: what no stage can take is set aside, and what follows is not."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import numpy as np
import pytest

from cheoyong.app.engines.postgres import Postgres
from cheoyong.domain.errors import ConfigurationError
from cheoyong.domain.fact import Forecast
from cheoyong.domain.instant import HOUR_US, parse_instant
from cheoyong.domain.level import Status
from cheoyong.domain.observation import ObservationBatch, Series
from cheoyong.flow.pipeline import Outcome, step
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.flow.state_bytes import from_parts, to_bytes
from cheoyong.flow.worker import STAGE, Worker
from cheoyong.links.city_pack import load_city
from cheoyong.records import stage_parts
from cheoyong.records.connection import (
    FLOW,
    ROLES,
    WRITER,
    Database,
    as_organisation,
    open_pool,
    prepare_codecs,
)
from cheoyong.records.migrate import migrate
from cheoyong.records.model_states import models_off
from cheoyong.records.observations import ObservationWriter, Rows, digest_of_numbers

pytestmark = pytest.mark.engines
SERIES = "taehwa_stage_m"
START_US = parse_instant("2016-10-05T00:00:00Z")
POISON = 2.5


class Stumbling:
    """A model with a defect: one value makes it raise what nobody foresaw."""

    id, series, inputs, window_s = "stumbling", SERIES, (SERIES,), 3600

    def forecast(self, recent: Mapping[str, Series], issued_us: int) -> Forecast | None:
        if POISON in recent[SERIES].value:
            raise ZeroDivisionError("a defect of ours")
        return None


@pytest.fixture
async def pools(postgres: Postgres) -> AsyncIterator[tuple[Any, Any, Any]]:
    dsn = postgres.new_database("flow_worker")
    database = Database(dsn.replace("postgres@", "", 1).split("&passfile")[0], dict.fromkeys(ROLES, "test"))
    await migrate(dsn, database)
    owner = await asyncpg.connect(dsn)
    await prepare_codecs(owner)
    for statement in (
        "INSERT INTO organisation (name, created_at) VALUES ('Ours', now())",
        "INSERT INTO thing (organisation_id, name, description) VALUES (1, 't', 't')",
        "INSERT INTO sensor (organisation_id, name, description, encoding_type, metadata)"
        " VALUES (1, 's', 's', 'text/html', '\"\"')",
        "INSERT INTO observed_property (organisation_id, name, definition, description)"
        " VALUES (1, 'p', 'p', 'p')",
        "INSERT INTO datastream (organisation_id, thing_id, sensor_id, observed_property_id, name,"
        " description, observation_type, unit, series, registered_at)"
        f" VALUES (1, 1, 1, 1, 'd', 'd', 'x', '{{}}', '{SERIES}', now())",
    ):
        await owner.execute(statement)
    writer, flow = await open_pool(database, WRITER), await open_pool(database, FLOW)
    yield owner, writer, flow
    await writer.close()
    await flow.close()
    await owner.close()
    postgres.drop_database("flow_worker")


def one(hour: int, value: float) -> Rows:
    result = np.array([value])
    return Rows(np.array([1]), np.array([START_US + hour * HOUR_US]), result, digest_of_numbers(result))


async def take_in(
    flow: Any, writer: Any, values: tuple[float, ...], models: tuple[Stumbling, ...]
) -> tuple[Worker, list[int]]:
    """A worker that has taken in one batch an hour with these values; the batches' numbers."""
    store = ObservationWriter(writer)
    numbers = []
    for hour, value in enumerate(values):
        stored = await store.store(one(hour, value), START_US + hour * HOUR_US)
        numbers.append(stored.number)
    reached = asyncio.Event()

    async def announce(facts: object, number: int, rows: object) -> None:
        if number >= numbers[-1]:
            reached.set()

    worker = Worker(flow, Setup(1, load_city("ulsan"), models, Status.EXERCISE), announce)
    task = asyncio.create_task(worker.run())
    await asyncio.wait_for(reached.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return worker, numbers


async def test_a_model_that_raises_stops_no_batch_and_its_being_off_and_on_again_are_stored(
    pools: tuple[Any, Any, Any],
) -> None:
    owner, writer, flow = pools
    worker, numbers = await take_in(flow, writer, (1.5, POISON, 1.6, 5.0), (Stumbling(),))
    assert (worker.failures, worker.set_aside) == (0, set())
    told = await owner.fetch("SELECT recorded_at, body FROM fact WHERE kind = 'model' ORDER BY seq")
    assert [row["body"]["step"] for row in told] == ["off"]
    assert told[0]["body"]["reason"] == "ZeroDivisionError: a defect of ours"
    assert told[0]["recorded_at"] == START_US + HOUR_US
    assert worker.models_off() == [{"hazard": "river", "series": SERIES, "cause": "failed"}]
    async with as_organisation(flow, 1) as connection:
        (shown,) = await models_off(connection)
    assert (shown["series"], shown["cause"], shown["since_us"]) == (SERIES, "failed", START_US + HOUR_US)
    raised = await owner.fetch("SELECT body FROM fact WHERE kind = 'alarm' AND body ->> 'cause' = 'level'")
    assert "advisory" in {row["body"]["rule"] for row in raised}
    (mark,) = await owner.fetch("SELECT batch FROM bookmark WHERE stage = 'pipeline'")
    assert mark["batch"] == numbers[-1]


async def test_a_batch_that_no_stage_can_take_is_set_aside_shown_and_reads_as_not_evaluated(
    pools: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, writer, flow = pools
    monkeypatch.setattr("cheoyong.flow.worker._TROUBLE_S", 0.01)

    def stumbling(setup: Setup, state: PipelineState, batch: ObservationBatch, *rest: Any) -> Outcome:
        if POISON in batch.result:
            raise ZeroDivisionError("a defect of ours")
        return step(setup, state, batch, *rest)

    monkeypatch.setattr("cheoyong.flow.worker.step", stumbling)
    worker, numbers = await take_in(flow, writer, (1.5, POISON, 1.6), ())
    assert worker.set_aside == {numbers[1]}
    assert worker.screening()["batches_set_aside"] == 1
    flags = await owner.fetch("SELECT batch, flag FROM quality")
    assert [(row["batch"], row["flag"]) for row in flags] == [(numbers[1], 2)]


async def test_F12_a_whole_batch_of_wrong_values_is_judged_and_a_late_one_revises_older_verdicts(
    pools: tuple[Any, Any, Any],
) -> None:
    owner, writer, flow = pools
    store, worker = ObservationWriter(writer), new_worker(flow)
    for hour, value in enumerate((1.0, 1.1, 1.1, 7.9, 1.5, 1.3)):  # a jump that nothing bears out
        await store.store(one(hour, value), START_US + hour * HOUR_US)
    await worker.advance()
    of_the_jump = (
        "SELECT flag FROM quality JOIN observation o ON o.id = observation_id"
        " WHERE result = 7.9 ORDER BY batch DESC LIMIT 1"
    )
    assert await owner.fetchval(of_the_jump) == 3
    near = np.array([7.5])
    late = Rows(np.array([1]), np.array([START_US + 5 * HOUR_US // 2]), near, digest_of_numbers(near))
    await store.store(late, START_US + 6 * HOUR_US)
    count = 60_000  # looked up one by one, they took longer than any statement may
    time_us = START_US + 6 * HOUR_US + np.arange(count) * 1_000
    wrong = Rows(np.ones(count, np.int64), time_us, np.full(count, 99.0), digest_of_numbers(time_us / 1e6))
    await store.store(wrong, START_US + 7 * HOUR_US)
    await worker.advance()
    assert await owner.fetchval(of_the_jump) == 1, "a late neighbour spoke for it"
    judged = "SELECT count(*) FROM quality q JOIN observation o ON o.id = q.observation_id WHERE result = 99"
    assert await owner.fetchval(f"{judged} AND flag = 4 AND q.datastream_id = o.datastream_id") == count


async def test_F29_what_the_release_before_remembered_whole_is_taken_over_in_parts(
    pools: tuple[Any, Any, Any],
) -> None:
    owner, writer, flow = pools
    store, before = ObservationWriter(writer), new_worker(flow)
    for hour, value in enumerate((1.5, 3.2, 4.6)):
        await store.store(one(hour, value), START_US + hour * HOUR_US)
    await before.advance()
    whole = to_bytes(before._state)
    assert to_bytes(from_parts(whole, {})) == whole
    await owner.execute("DELETE FROM stage_part")
    await owner.execute("INSERT INTO stage_part VALUES ('pipeline', 'stream:77', '')")  # not of this state
    await owner.execute("UPDATE bookmark SET state = $1", whole)
    await store.store(one(3, 4.7), START_US + 3 * HOUR_US)
    after = new_worker(flow)
    await after.advance()
    head = await owner.fetchval("SELECT state FROM bookmark")
    kept = await stage_parts.parts(owner, STAGE)
    assert len(head) < 1_000 and set(kept) >= {"stream:1", "alarms"} and "stream:77" not in kept
    assert to_bytes(from_parts(head, kept)) == to_bytes(after._state)
    raised = "SELECT count(*) FROM fact WHERE kind = 'alarm' AND body ->> 'step' = 'raised'"
    assert await owner.fetchval(raised) == 2, "attention and advisory, each once"
    await owner.execute("UPDATE bookmark SET state = $1", b"\x92\x03\xc4\x00")  # of a release to come
    with pytest.raises(ConfigurationError, match="version 3"):
        await new_worker(flow).advance()


def new_worker(flow: Any) -> Worker:
    async def nobody(*_: object) -> None:
        """Nobody listens."""

    return Worker(flow, Setup(1, load_city("ulsan"), (), Status.EXERCISE), nobody)
