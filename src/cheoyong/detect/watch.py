# SPDX-License-Identifier: Apache-2.0
"""All streams under the screening engine: which row of its memory is whose, what is unusual in a batch."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cheoyong.detect.anomaly.state import STREAM, Streams, new_streams
from cheoyong.domain.observation import Int64s, ObservationBatch

STREAMS_MAX = 250_000  # 0.9 GB; what comes beyond is not watched, and counted
_GROWN_BY = 1024


def make_ready() -> None:
    """Load or compile the engine now, so that the first batch does not hold everybody up for seconds."""
    from cheoyong.detect.anomaly.engine import screen_batch

    nothing = np.empty(0, np.int64)
    screen_batch(new_streams(1), nothing, nothing, np.empty(0), 0.0)


def _unpacked(kept: bytes) -> bytes:
    """A memory as it was taken; those of earlier versions are not packed. Nothing for what is neither."""
    if len(kept) == STREAM.itemsize:
        return kept
    try:
        return zlib.decompressobj().decompress(kept, STREAM.itemsize + 1)
    except zlib.error:
        return b""


@dataclass(frozen=True, slots=True)
class Unusual:
    """One observation that alarmed: its place in the batch, and the p-value by the stream's own past."""

    index: int
    p: float


@dataclass(slots=True)
class Watch:
    """The memory of the engine, a row for each datastream; ``touched`` are rows changed since ``taken``.

    An observation older than the newest of its stream is left out (``late``), so that what is learnt does not
    depend on how arrivals are cut into batches.
    """

    streams: Streams = field(default_factory=lambda: new_streams(0))
    row_of: dict[int, int] = field(default_factory=dict)
    touched: set[int] = field(default_factory=set)
    late: int = 0
    beyond: int = 0

    def missing(self, batch: ObservationBatch) -> list[int]:
        """The datastreams of a batch that have no row yet."""
        return [number for number in np.unique(batch.datastream_id).tolist() if number not in self.row_of]

    def add(self, datastream_ids: Sequence[int], known: Mapping[int, bytes]) -> None:
        """Give each a row: as it was taken before, or of which nothing is known."""
        for number in datastream_ids:
            if len(self.row_of) >= STREAMS_MAX:
                return
            row = len(self.row_of)
            if row >= len(self.streams):
                self.streams = np.concatenate([self.streams, new_streams(_GROWN_BY)])
            before = _unpacked(known.get(number, b""))
            if len(before) == STREAM.itemsize:  # of another length: of another version, and of no use
                self.streams[row] = np.frombuffer(before, STREAM)[0]
            self.row_of[number] = row

    def look(self, batch: ObservationBatch, alarms_per_month: float) -> list[Unusual]:
        """What is unusual in a batch whose datastreams have been added; the streams learn from all of it."""
        from cheoyong.detect.anomaly.engine import screen_batch

        ids, place = np.unique(batch.datastream_id, return_inverse=True)
        row = np.array([self.row_of.get(number, -1) for number in ids.tolist()], np.int64)[place]
        self.beyond += int(np.count_nonzero(row < 0))
        order = np.lexsort((batch.id, batch.phenomenon_us, row))
        order = order[row[order] >= 0]
        order = order[self._on_time(row[order], batch.phenomenon_us[order])]
        if not len(order):
            return []
        rows, values = row[order], batch.result[order]
        self.touched.update(np.unique(rows).tolist())
        at_us = batch.phenomenon_us[order]
        p, alarmed = screen_batch(self.streams, rows, at_us, values, alarms_per_month)
        found = [Unusual(int(order[i]), float(p[i])) for i in np.flatnonzero(alarmed)]
        return sorted(found, key=lambda one: one.index)

    def _on_time(self, row: Int64s, at_us: Int64s) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        on_time = (self.streams["seen"][row] == 0) | (at_us >= self.streams["at_us"][row])
        self.late += int(np.count_nonzero(~on_time))
        return np.asarray(on_time)

    def taken(self) -> dict[int, bytes]:
        """The memory of each datastream that changed since this was asked last, packed to about a half."""
        of_row = {row: number for number, row in self.row_of.items() if row in self.touched}
        changed = {of_row[row]: zlib.compress(self.streams[row].tobytes(), 1) for row in sorted(self.touched)}
        self.touched.clear()
        return changed
