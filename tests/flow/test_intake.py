# SPDX-License-Identifier: Apache-2.0
"""The intake with a writer the test commands: every waiting writer is answered, whatever the store says."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import numpy as np
import pytest

from cheoyong.domain.errors import InvalidInput, NotFound, OutOfSpace, TooMany, Unavailable
from cheoyong.flow import intake as intake_module
from cheoyong.flow.intake import ROWS_WAITING_MAX, Intake
from cheoyong.records.observations import GONE, Rows, Stored, digest_of_numbers


class Store:
    """Stands in for the writer: fails as told, remembers what it stored and when."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        self.refuses: Callable[[Rows], bool] = lambda _: False
        self.groups: list[list[float]] = []
        self.instants: list[int] = []
        self.calls = 0

    async def store(self, rows: Rows, recorded_us: int) -> Stored:
        self.calls += 1
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)
        if self.refuses(rows):
            raise asyncpg.UntranslatableCharacterError("no such character")
        self.groups.append(rows.result.tolist())
        self.instants.append(recorded_us)
        first = sum(map(len, self.groups[:-1]))
        return Stored(len(self.groups), np.arange(first, first + len(rows), dtype=np.int64), len(rows))


def rows(*results: float) -> Rows:
    result = np.array(results, np.float64)
    count = len(results)
    return Rows(np.full(count, 7), np.arange(count, dtype=np.int64), result, digest_of_numbers(result))


@pytest.fixture
async def store() -> Store:
    return Store()


@pytest.fixture
async def clock() -> list[int]:
    return [1_000]


@pytest.fixture
async def intake(store: Store, clock: list[int], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Intake]:
    monkeypatch.setattr(intake_module, "_RETRY_AFTER_S", (0.0, 0.0, 0.0))
    made = Intake(store, lambda: clock[0])  # type: ignore[arg-type]
    made.start()
    yield made
    await made.stop()


async def test_writers_that_come_together_share_a_commit_and_get_their_own_ids(
    intake: Intake, store: Store
) -> None:
    answers = await asyncio.gather(*(intake.submit(rows(float(n), n + 0.5)) for n in range(50)))
    assert len(store.groups) < 50
    everything = [value for group in store.groups for value in group]
    for number, ids in enumerate(answers):
        assert [everything[i] for i in ids.tolist()] == [number, number + 0.5]


async def test_a_writer_whose_datastream_was_deleted_meanwhile_is_refused_and_its_neighbours_are_not(
    intake: Intake, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stored(rows: Rows, _: int) -> Stored:
        ids = np.where(rows.result < 0, GONE, np.arange(len(rows)))
        return Stored(1, ids, int(np.count_nonzero(ids != GONE)))

    monkeypatch.setattr(store, "store", stored)
    sent = [intake.submit(rows(*values)) for values in ((1.0,), (2.0, -1.0), (3.0,))]
    first, partly_gone, last = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(partly_gone, NotFound)
    assert isinstance(first, np.ndarray) and isinstance(last, np.ndarray)
    assert (intake.observations, intake.duplicates) == (3, 0)


async def test_F07_the_instant_of_recording_never_falls_when_the_clock_does(
    intake: Intake, store: Store, clock: list[int]
) -> None:
    for reading in (1_000, 5_000, 2_000, 1_000, 5_001, 0):
        clock[0] = reading
        await intake.submit(rows(1.0))
    assert store.instants == [1_000, 5_000, 5_000, 5_000, 5_001, 5_001]


async def test_F07_nor_does_it_fall_behind_the_last_one_before_the_start(store: Store) -> None:
    intake = Intake(store, lambda: 10, None, 99)  # type: ignore[arg-type]
    intake.start()
    await intake.tick()
    await intake.stop()
    assert store.instants == [99]


@pytest.mark.parametrize(
    "lost",
    [asyncpg.ConnectionDoesNotExistError, asyncpg.AdminShutdownError, asyncpg.CannotConnectNowError,
     asyncpg.QueryCanceledError, asyncpg.TooManyConnectionsError, asyncpg.InterfaceError,
     asyncpg.SerializationError, OSError, TimeoutError],
)  # fmt: skip
async def test_F18_a_commit_of_unknown_outcome_is_tried_again(
    intake: Intake, store: Store, lost: type[Exception]
) -> None:
    store.failures = [lost("gone"), lost("gone")]
    assert (await intake.submit(rows(1.0))).tolist() == [0]
    assert store.calls == 3


async def test_a_store_that_stays_away_is_told_and_the_next_writer_is_served(
    intake: Intake, store: Store
) -> None:
    store.failures = [OSError()] * 4
    with pytest.raises(Unavailable):
        await intake.submit(rows(1.0))
    assert (await intake.submit(rows(2.0))).tolist() == [0]


async def test_a_full_disk_is_told(intake: Intake, store: Store) -> None:
    store.failures = [asyncpg.DiskFullError("full")]
    with pytest.raises(OutOfSpace):
        await intake.submit(rows(1.0))
    assert (await intake.submit(rows(2.0))).tolist() == [0]


async def test_one_value_that_cannot_be_kept_refuses_its_own_writer_only(
    intake: Intake, store: Store
) -> None:
    store.refuses = lambda group: 13.0 in group.result
    answers = await asyncio.gather(
        *(intake.submit(rows(float(n))) for n in range(30)), return_exceptions=True
    )
    refused = [n for n, answer in enumerate(answers) if isinstance(answer, InvalidInput)]
    assert refused == [13]
    assert sorted(value for group in store.groups for value in group) == [n for n in range(30) if n != 13]


async def test_an_error_no_one_foresaw_answers_its_group_and_ends_nothing(
    intake: Intake, store: Store
) -> None:
    store.failures = [KeyError("unforeseen"), asyncpg.UndefinedTableError("gone")]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await intake.submit(rows(1.0))
    assert intake.failures == 2
    assert (await intake.submit(rows(2.0))).tolist() == [0]


async def test_a_hint_that_cannot_be_given_does_not_end_the_intake(store: Store) -> None:
    async def untold(*_: object) -> None:
        raise RuntimeError("the bus is away")

    intake = Intake(store, lambda: 1, untold)  # type: ignore[arg-type]
    intake.start()
    for _ in range(3):
        await intake.submit(rows(1.0))
    await intake.stop()
    assert intake.failures == intake.commits == 3


async def test_what_waits_is_bounded(store: Store) -> None:
    intake = Intake(store, lambda: 1)  # type: ignore[arg-type]  (not started: nothing is taken away)
    waiting = asyncio.create_task(intake.submit(rows(*[0.0] * ROWS_WAITING_MAX)))
    await asyncio.sleep(0)
    with pytest.raises(TooMany):
        await intake.submit(rows(1.0))
    waiting.cancel()
