# SPDX-License-Identifier: Apache-2.0
"""The log of commits as a worker reads it: batches in commit order, never stepping over one in flight.

Sequence numbers are not commit order, so a batch is read only when its transaction is older than
every transaction still running (pg_snapshot_xmin), and the bookmark is (transaction, number).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.observation import ObservationBatch
from cheoyong.records.connection import POSTGRES_EPOCH_US, Connection

BATCHES_PER_READ_MAX = 512
ROWS_PER_READ_MAX = 200_000

_COPIED_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("id_size", ">i4"), ("id", ">i8"),
        ("datastream_size", ">i4"), ("datastream", ">i4"),
        ("time_size", ">i4"), ("time", ">i8"),
        ("result_size", ">i4"), ("result", ">f8"),
    ]
)  # fmt: skip
Table = NDArray[np.void]
_HEAD_BYTES, _TAIL_BYTES = 19, 2


class Bookmark(NamedTuple):
    """The last batch a worker has taken in: its transaction and its number."""

    xid: int
    number: int


START = Bookmark(0, 0)


@dataclass(frozen=True, slots=True)
class _Span:
    mark: Bookmark
    recorded_us: int
    first_id: int
    end_id: int


async def settled_before(connection: Connection) -> int:
    """The transaction before which all are over: what is read up to it stays as it is.

    Taken before the datastreams are looked up, it keeps a batch whose datastream was registered a moment
    later from being read without it.
    """
    xid: int = await connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())")
    return xid


async def next_recorded_us(connection: Connection, after: Bookmark, before: int) -> int | None:
    """When the first of the next batches was recorded, µs; None when there is none."""
    recorded_us: int | None = await connection.fetchval(
        "SELECT recorded_at FROM batch WHERE (xid, number) > ($1::xid8, $2) AND xid < $3::xid8"
        " ORDER BY xid, number LIMIT 1",
        after.xid, after.number, before,
    )  # fmt: skip
    return recorded_us


async def read_batches(
    connection: Connection, after: Bookmark, before: int, datastream_ids: Sequence[int] | None
) -> list[tuple[Bookmark, ObservationBatch]]:
    """The next batches after a bookmark, with the rows of ``datastream_ids`` (None: all), in commit order.

    ``before`` comes from ``settled_before``. Bounded to 512 batches and about 200,000 rows; an empty list
    means there is nothing new.
    """
    rows = await connection.fetch(
        "SELECT xid, number, recorded_at, first_id, count FROM batch"
        " WHERE (xid, number) > ($1::xid8, $2) AND xid < $3::xid8 ORDER BY xid, number LIMIT $4",
        after.xid, after.number, before, BATCHES_PER_READ_MAX,
    )  # fmt: skip
    spans = _bounded(
        _Span(
            Bookmark(row["xid"], row["number"]),
            row["recorded_at"],
            row["first_id"],
            row["first_id"] + row["count"],
        )
        for row in rows
    )
    table = await _observations(connection, spans, datastream_ids)
    return [(span.mark, _batch(span, table)) for span in spans]


def _bounded(spans: Iterable[_Span]) -> list[_Span]:
    taken: list[_Span] = []
    count = 0
    for span in spans:
        if taken and count + span.end_id - span.first_id > ROWS_PER_READ_MAX:
            break
        taken.append(span)
        count += span.end_id - span.first_id
    return taken


async def _observations(
    connection: Connection, spans: list[_Span], datastream_ids: Sequence[int] | None
) -> Table:
    """Rows of the spans, sorted by id; one query a run of adjoining ids."""
    pieces = []
    of_these = "" if datastream_ids is None else " AND datastream_id = ANY($3::int[])"
    chosen = () if datastream_ids is None else (list(datastream_ids),)
    for first, end in _runs([(span.first_id, span.end_id) for span in spans if span.end_id > span.first_id]):
        raw = bytearray()

        async def take(data: bytes, raw: bytearray = raw) -> None:
            raw.extend(data)

        await connection.copy_from_query(
            "SELECT id, datastream_id, phenomenon_time, coalesce(result, 'NaN') FROM observation"
            f" WHERE id >= $1 AND id < $2{of_these}",
            first, end, *chosen, output=take, format="binary",
        )  # fmt: skip
        pieces.append(np.frombuffer(bytes(raw[_HEAD_BYTES:-_TAIL_BYTES]), _COPIED_ROW))
    table = np.concatenate(pieces) if pieces else np.empty(0, _COPIED_ROW)
    return table[np.argsort(table["id"], kind="stable")]


def _runs(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Adjoining half-open ranges joined.

    >>> _runs([(10, 12), (1, 5), (5, 9)])
    [(1, 9), (10, 12)]
    """
    joined: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((first, end))
    return joined


def _batch(span: _Span, table: Table) -> ObservationBatch:
    first, end = np.searchsorted(table["id"], [span.first_id, span.end_id])
    rows = table[first:end]
    return ObservationBatch(
        number=span.mark.number,
        recorded_us=span.recorded_us,
        id=rows["id"].astype(np.int64),
        datastream_id=rows["datastream"].astype(np.int64),
        phenomenon_us=rows["time"].astype(np.int64) + POSTGRES_EPOCH_US,
        result=rows["result"].astype(np.float64),
    )
