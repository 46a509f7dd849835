# SPDX-License-Identifier: Apache-2.0
"""R4: a read as known at an instant shows what a read at that instant showed, whatever happened since."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from bulk_world import START_US, Bulk, bulk_fixture, rows  # noqa: F401
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cheoyong.domain.instant import DAY_US, MINUTE_US, format_instant
from cheoyong.records.bulk import Place, Span, read_page
from cheoyong.records.connection import as_organisation

# What can happen to a datastream; the number picks the row it happens to, or the value.
_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "add late", "change", "move", "delete", "judge"]), st.integers(0, 5)),
    min_size=1,
    max_size=8,
)
_SHOWN = ["id", "datastream_id", "phenomenon_time", "result", "recorded_at", "flag", "tests", "parameters"]


async def tick(bulk: Bulk) -> None:
    """The facts live on the database's own clock here: what is changed is dated by it."""
    at = await bulk.owner.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    bulk.clock.now_us = max(at, bulk.clock.now_us)


async def happen(bulk: Bulk, stream: int, step: tuple[str, int], number: int) -> None:
    kind, pick = step
    await tick(bulk)
    ids = [row["id"] for row in await bulk.owner.fetch(
        "SELECT id FROM observation WHERE datastream_id = $1 ORDER BY id", stream)]  # fmt: skip
    if kind.startswith("add"):
        back_us = DAY_US if kind == "add late" else 0
        table = rows(stream, [float(pick), number + 0.5], from_us=START_US + number * MINUTE_US - back_us)
        await bulk.sent(table)
    elif ids:
        await happen_to(bulk, ids[pick % len(ids)], stream, kind, number)


async def happen_to(bulk: Bulk, row_id: int, stream: int, kind: str, number: int) -> None:
    address = f"/v1.1/Observations({row_id})"
    if kind == "judge":
        batch = await bulk.intake.tick() and await bulk.owner.fetchval("SELECT max(number) FROM batch")
        await bulk.owner.execute(
            "INSERT INTO quality VALUES ($1, $2, $3, $4, $5)", row_id, batch, stream, 3 + number % 2, number
        )
    elif kind == "delete":
        assert (await bulk.http.delete(address)).status_code == 200
    else:
        moved = {"phenomenonTime": format_instant(START_US - number * MINUTE_US)}
        change: dict[str, Any] = moved if kind == "move" else {"result": 100.0 + number}
        answer = await bulk.http.patch(address, json=change)
        assert answer.status_code == 200, answer.text


@settings(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(_STEPS)
async def test_R4_what_was_known_at_each_instant_is_what_was_shown_then(
    bulk: Bulk, steps: list[tuple[str, int]]
) -> None:
    _, stream = await bulk.stream()
    shown: list[tuple[int, pa.Table]] = []
    for number, step in enumerate(steps, 1):
        await happen(bulk, stream, step, number)
        await tick(bulk)
        table = await bulk.table(datastream=stream, columns=",".join(_SHOWN))
        shown.append((bulk.clock.now_us, table))
    for instant_us, table in shown:
        then = await bulk.table(
            datastream=stream, known_at=format_instant(instant_us), columns=",".join(_SHOWN)
        )
        assert then.to_pylist() == table.to_pylist()


async def test_R4_training_cannot_peek(bulk: Bulk) -> None:
    """The leak test: a value of an hour ago that came late is not there for a model of half an hour ago."""
    _, stream = await bulk.stream()
    await tick(bulk)
    await bulk.sent(rows(stream, [1.0]))
    await tick(bulk)
    trained_us = bulk.clock.now_us
    bulk.clock.now_us += 1
    await bulk.sent(rows(stream, [9.0], from_us=START_US - MINUTE_US))
    known = await bulk.table(datastream=stream, known_at=format_instant(trained_us))
    assert known["result"].to_pylist() == [1.0]
    assert max(known["recorded_at"].to_pylist()).timestamp() <= trained_us / 1e6
    assert len(await bulk.table(datastream=stream)) == 2


async def test_R4_a_verdict_of_later_is_not_known_before_it_was_given(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    await tick(bulk)
    await bulk.sent(rows(stream, [1.0]))
    before_us = bulk.clock.now_us
    bulk.clock.now_us += 2
    row_id = (await bulk.table(datastream=stream))["id"][0].as_py()
    await happen_to(bulk, row_id, stream, "judge", 2)
    for known_us, flag in ((before_us, 2), (bulk.clock.now_us - 1, 2), (bulk.clock.now_us, 3)):
        table = await bulk.table(datastream=stream, known_at=format_instant(known_us))
        assert table["flag"].to_pylist() == [flag]


async def test_R4_a_datastream_deleted_since_is_named_and_not_left_out_in_silence(bulk: Bulk) -> None:
    thing_id, stream = await bulk.stream()
    await tick(bulk)
    await bulk.sent(rows(stream, [1.0, 2.0]))
    await tick(bulk)
    then = format_instant(bulk.clock.now_us)
    assert (await bulk.http.delete(f"/v1.1/Datastreams({stream})")).status_code == 200
    answer = await bulk.get(thing=thing_id, known_at=then)
    assert answer.headers["cheoyong-deleted-datastreams-missing"] == str(stream)
    for whom, asked in ((1, {"thing": thing_id}), (2, {"thing": thing_id, "known_at": then})):
        answer = await bulk.get(organisation=whom, **asked)
        assert "cheoyong-deleted-datastreams-missing" not in answer.headers


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_R4_pages_as_known_at_join_to_the_whole(bulk: Bulk, limit: int) -> None:
    streams = [(await bulk.stream())[1] for _ in range(2)]
    await tick(bulk)
    for stream in streams:
        await bulk.sent(rows(stream, [1.0, 2.0, 3.0], step_us=0))
        await bulk.sent(rows(stream, [4.0, 5.0], from_us=START_US + MINUTE_US))
    await tick(bulk)
    then_us = bulk.clock.now_us
    before = await bulk.table(datastream=",".join(map(str, streams)))
    for number, row_id in enumerate(before["id"].to_pylist()[::2]):
        await happen_to(bulk, row_id, 0, ("delete", "change", "move")[number % 3], number)
    judged = dict.fromkeys(streams, False)
    after: Place | None = None
    ids: list[int] = []
    async with as_organisation(bulk.app_pool, 1) as connection:
        is_last = False
        while not is_last:
            page = await read_page(connection, judged, Span(0, 2**52, then_us), after, limit)
            ids += page.columns["id"].tolist()
            after, is_last = page.end, page.end is None
    assert ids == before["id"].to_pylist()
