# SPDX-License-Identifier: Apache-2.0
"""Bodies made to hurt: what they claim is looked at before it is believed, and no row of them is stored."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import numpy as np
import pyarrow as pa
import pytest
from bulk_world import UTC_US, Bulk, arrow, bulk_fixture, parquet, rows  # noqa: F401
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cheoyong.faces.bulk.framing import DECODED_BYTES_MAX
from cheoyong.faces.bulk.upload import ARROW_STREAM, MEDIA_TYPES, PARQUET

WHOLE = arrow(rows(1, [1.0, 2.0, 3.0]))


async def refused(bulk: Bulk, content: bytes, media_type: str = ARROW_STREAM) -> tuple[int, str]:
    before = await bulk.owner.fetchval("SELECT count(*) FROM observation")
    answer = await bulk.send(content, media_type)
    assert await bulk.owner.fetchval("SELECT count(*) FROM observation") == before
    return answer.status_code, answer.json()["detail"]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"PAR1", b"ARROW1\0\0", b"not a table" * 100])
async def test_S18_what_is_no_table_is_refused(bulk: Bulk, media_type: str, content: bytes) -> None:
    status, _ = await refused(bulk, content, media_type)
    assert status in (400, 413)


@pytest.mark.parametrize("end", [1, 7, 8, 100, -1, -9, -40])
async def test_a_body_that_is_cut_off_is_told_so(bulk: Bulk, end: int) -> None:
    _, stream = await bulk.stream()
    whole = arrow(rows(stream, [1.0, 2.0]))
    end = end if end > 0 else len(whole) - 8 + end  # before the end mark
    assert await refused(bulk, whole[:end]) == (400, "the body ends in the middle of a message")


async def test_a_body_without_its_end_mark_is_whole_when_its_last_message_is(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    answer = await bulk.send(arrow(rows(stream, [1.0, 2.0]))[:-8], ARROW_STREAM)
    assert answer.json()["stored"] == 2


async def test_S18_a_record_batch_that_unpacks_to_more_than_the_bound_is_not_unpacked(bulk: Bulk) -> None:
    count = DECODED_BYTES_MAX // 8
    zeros = pa.array(np.zeros(count))
    table = rows(1, [0.0]).slice(0, 0).schema
    batch = pa.record_batch(
        [
            pa.array(np.ones(count, np.int64)),
            pa.array(np.zeros(count, np.int64)).cast(UTC_US),
            zeros,
        ],
        schema=table,
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    content = sink.getvalue().to_pybytes()
    assert len(content) < 4 << 20, "a bomb"
    status, detail = await refused(bulk, content)
    assert status == 413
    assert "unpacks to" in detail


async def test_packed_record_batches_of_usual_size_are_taken(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    for codec in ("zstd", "lz4"):
        options = pa.ipc.IpcWriteOptions(compression=codec)
        answer = await bulk.send(arrow(rows(stream, [0.5] * 5000), options=options), ARROW_STREAM)
        assert answer.json()["rows"] == 5000


async def test_S18_a_message_that_claims_more_than_the_bound_is_refused_at_its_head(bulk: Bulk) -> None:
    claims = struct.pack("<II", 0xFFFFFFFF, 1 << 30)
    assert (await refused(bulk, claims + b"x" * 64))[0] == 413


async def test_S18_a_parquet_file_that_unpacks_beyond_its_readers_memory_is_refused(bulk: Bulk) -> None:
    _, stream = await bulk.stream(kind="Observation")
    long = "x" * (4 << 20)  # once in the dictionary, and by every row
    content = parquet(rows(stream, [long] * 500), compression="zstd")
    assert len(content) < 1 << 20, "a bomb"
    status, _ = await refused(bulk, content, PARQUET)
    assert status == 413
    answer = await bulk.send(parquet(rows(stream, ["fine"])), PARQUET)
    assert answer.json()["stored"] == 1, "the door is as it was"


@settings(max_examples=40, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=16))
async def test_a_damaged_stream_is_answered_and_never_an_error_of_ours(
    bulk: Bulk, place: int, junk: bytes
) -> None:
    damaged = WHOLE[:place] + junk + WHOLE[place + len(junk) :]
    answer = await bulk.send(damaged, ARROW_STREAM)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text


async def test_F06_others_are_let_in_while_a_long_upload_goes_on(bulk: Bulk) -> None:
    """A body on this path is held to take up its share only, however long it says it is."""
    _, stream = await bulk.stream()
    begun, gate = asyncio.Event(), asyncio.Event()
    content = arrow(rows(stream, [1.0]))

    async def slowly() -> AsyncIterator[bytes]:
        yield content[:50]
        begun.set()
        await gate.wait()
        yield content[50:]

    head = {"content-type": ARROW_STREAM, "content-length": str(len(content))}
    task = asyncio.create_task(bulk.http.post("/bulk/observations", content=slowly(), headers=head))
    await begun.wait()
    for value in (2.0, 3.0):
        assert (await bulk.send(rows(stream, [value]))).status_code == 200
    gate.set()
    assert (await task).json()["stored"] == 1


async def test_F18_what_was_stored_of_an_upload_that_broke_off_is_not_doubled_by_the_next(bulk: Bulk) -> None:
    _, stream = await bulk.stream()
    content = arrow(rows(stream, [float(n) for n in range(60_000)], step_us=1_000_000), 30_000)
    half = len(content) * 2 // 3
    _, writer = await asyncio.open_connection(*bulk.url.removeprefix("http://").split(":"))
    head = f"POST /bulk/observations HTTP/1.1\r\nhost: x\r\ncontent-type: {ARROW_STREAM}\r\n"
    writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content[:half])
    await writer.drain()
    async with asyncio.timeout(60):
        while not await bulk.owner.fetchval(
            "SELECT count(*) FROM observation WHERE datastream_id = $1", stream
        ):
            await asyncio.sleep(0)
    writer.close()
    account = (await bulk.send(content)).json()
    assert (account["rows"], account["stored"] + account["already_there"]) == (60_000, 60_000)
    assert account["already_there"] >= 25_000
    found = await bulk.owner.fetchval("SELECT count(*) FROM observation WHERE datastream_id = $1", stream)
    assert found == 60_000
