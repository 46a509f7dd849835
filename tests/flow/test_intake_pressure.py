# SPDX-License-Identifier: Apache-2.0
"""F06: more comes than can be stored. What waits is bounded, gauges go first, nothing taken is dropped."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from cheoyong.domain.errors import TooMany
from cheoyong.flow.intake import ROWS_RESERVED, ROWS_WAITING_MAX, Intake
from cheoyong.records.observations import Rows, Stored, digest_of_numbers

GAUGE, METER = 1, 2  # datastreams: one the pipeline judges, one it does not


class SlowStore:
    """Stands in for the writer: a commit ends when the test lets it."""

    def __init__(self) -> None:
        self.go = asyncio.Semaphore(0)
        self.stored: list[np.ndarray] = []

    async def store(self, rows: Rows, recorded_us: int) -> Stored:
        await self.go.acquire()
        self.stored.append(rows.datastream_id)
        return Stored(len(self.stored), np.arange(len(rows), dtype=np.int64), len(rows))


def rows(datastream: int, count: int = 1) -> Rows:
    result = np.zeros(count)
    return Rows(np.full(count, datastream), np.arange(count), result, digest_of_numbers(result))


@pytest.fixture
async def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
async def intake(store: SlowStore) -> AsyncIterator[Intake]:
    made = Intake(store, lambda: 1, judged=lambda ids: bool((ids == GAUGE).any()))  # type: ignore[arg-type]
    made.start()
    yield made
    for _ in range(100):
        store.go.release()
    await made.stop()


async def busy(intake: Intake) -> list[asyncio.Task[object]]:
    """One commit on its way, and telemetry waiting behind it up to its bound."""
    tasks = [asyncio.create_task(intake.submit(rows(METER)))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for _ in range((ROWS_WAITING_MAX - ROWS_RESERVED) // 10_000):
        tasks.append(asyncio.create_task(intake.submit(rows(METER, 10_000))))
    await asyncio.sleep(0)
    return tasks


async def test_F06_telemetry_beyond_the_bound_is_told_to_wait_and_counted(intake: Intake) -> None:
    await busy(intake)
    assert intake.refused == 0
    for _ in range(10):
        with pytest.raises(TooMany) as refusal:
            await intake.submit(rows(METER, 1_000))
    assert refusal.value.retry_after_s >= 1
    assert intake.refused == 10_000
    assert intake.rows_waiting <= ROWS_WAITING_MAX


async def test_F06_a_gauge_of_the_city_finds_room_when_telemetry_does_not_and_goes_first(
    intake: Intake, store: SlowStore
) -> None:
    waiting = await busy(intake)
    alert = asyncio.create_task(intake.submit(rows(GAUGE)))
    await asyncio.sleep(0)
    store.go.release()  # the commit on its way
    store.go.release()  # the next one
    await asyncio.wait_for(alert, 60)
    assert (store.stored[1] == GAUGE).any(), "in the very next commit, before 300,000 rows of telemetry"
    assert not all(task.done() for task in waiting)


async def test_F06_gauges_too_are_bounded(intake: Intake) -> None:
    await busy(intake)
    for _ in range(ROWS_RESERVED // 10_000):
        asyncio.create_task(intake.submit(rows(GAUGE, 10_000)))  # noqa: RUF006
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await intake.submit(rows(GAUGE))
    assert intake.rows_waiting <= ROWS_WAITING_MAX


async def test_F06_what_was_let_in_is_stored_to_the_last_row_and_then_there_is_room_again(
    intake: Intake, store: SlowStore
) -> None:
    waiting = await busy(intake)
    for _ in range(50):
        store.go.release()
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert sum(map(len, store.stored)) == 1 + ROWS_WAITING_MAX - ROWS_RESERVED
    assert intake.rows_waiting == 0
    await asyncio.wait_for(intake.submit(rows(METER)), 60)


async def test_F06_stopping_under_pressure_commits_all_that_waits(intake: Intake, store: SlowStore) -> None:
    waiting = await busy(intake)
    waiting.append(asyncio.create_task(intake.submit(rows(GAUGE))))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(intake.stop())
    for _ in range(50):
        store.go.release()
    await asyncio.wait_for(stopping, 60)
    assert all(task.done() and task.exception() is None for task in waiting)
