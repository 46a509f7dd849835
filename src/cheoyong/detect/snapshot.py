# SPDX-License-Identifier: Apache-2.0
"""The screening state as bytes and back: one version byte, MessagePack, raw columns; no pickle.

Whole (``dump``, ``load``), or in parts, so that only what has changed needs to be written: what all
datastreams share (``dump_head``), and of each its window and episodes (``dump_stream``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.alarm import Tracks
from cheoyong.detect.level import Run
from cheoyong.detect.screen import Counts, State
from cheoyong.detect.silence import Clock, Silence
from cheoyong.detect.window import COLUMNS, POINTS, Windows
from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.domain.observation import Int64s

VERSION = 1
ROWS_MAX = 1_000_000
POINT_BYTES = 8 + 8 + 8 + 1 + 2 + 2
RUNS_MAX = POINTS + 1  # episodes kept of one rule of one datastream

T = TypeVar("T", bound=np.generic)
S = TypeVar("S", bound=msgspec.Struct)
_Columns = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
_NO_COLUMNS: _Columns = (b"", b"", b"", b"", b"", b"")


class _Snapshot(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    rows: int
    datastreams: bytes
    count: bytes
    columns: _Columns
    runs: dict[int, dict[str, list[Run]]]
    steps: bytes
    age_us: bytes
    heard_us: bytes
    silent: bytes
    clock: Clock
    counts: Counts


class _Stream(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    count: int
    columns: _Columns
    runs: dict[str, list[Run]]


def dump(state: State) -> bytes:
    """The state as bytes: at most POINT_BYTES × POINTS a datastream, its episodes and 41 bytes more.

    >>> load(dump(State())).datastreams.tolist()
    []
    """
    rows = np.arange(len(state.datastreams))
    runs = {row: state.tracks.runs[row] for row in sorted(state.tracks.runs)}
    return _dump(state, state.windows.count[: len(rows)], _points(state.windows, rows), runs)


def dump_head(state: State) -> bytes:
    """What is left when the windows and episodes of the datastreams are left out: 41 bytes of each."""
    return _dump(state, np.zeros(len(state.datastreams), np.int64), _NO_COLUMNS, {})


def dump_stream(state: State, row: int) -> bytes:
    """The window and the episodes of the datastream in one row of the state."""
    count = int(state.windows.count[row])
    columns = _points(state.windows, np.array([row]))
    return msgspec.msgpack.encode(_Stream(count, columns, state.tracks.runs.get(row, {})))


def _dump(state: State, count: Int64s, columns: _Columns, runs: dict[int, dict[str, list[Run]]]) -> bytes:
    snapshot = _Snapshot(
        rows=len(state.datastreams),
        datastreams=_raw(state.datastreams),
        count=_raw(count),
        columns=columns,
        runs=runs,
        steps=_raw(state.tracks.steps),
        age_us=_raw(state.silence.age_us),
        heard_us=_raw(state.silence.heard_us),
        silent=_raw(state.silence.silent),
        clock=state.clock,
        counts=state.counts,
    )
    return bytes([VERSION]) + msgspec.msgpack.encode(snapshot)


def _points(windows: Windows, rows: Int64s) -> _Columns:
    """All points of these rows, row by row, the oldest first."""
    count = windows.count[rows]
    row = np.repeat(rows, count)
    index = windows.at(row, np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count))
    return tuple(_raw(getattr(windows, name)[index]) for name in COLUMNS)  # type: ignore[return-value]


def load(data: bytes, streams: Mapping[int, bytes] | None = None) -> State:
    """The state that ``dump`` wrote, or ``dump_head`` and, by datastream id, ``dump_stream``.

    A datastream without its part is empty, a part without its datastream is no matter. Raises InvalidInput
    for anything else, TooLarge above ROWS_MAX.

    >>> load(b"not a state")
    Traceback (most recent call last):
    cheoyong.domain.errors.InvalidInput: screening state: version 110 is not known here (expected 1)
    """
    if not data or data[0] != VERSION:
        found = data[0] if data else "(none)"
        raise _bad(f"version {found} is not known here", f"expected {VERSION}")
    snapshot = _decoded(memoryview(data)[1:], _Snapshot)
    if snapshot.rows > ROWS_MAX:
        raise TooLarge(f"more than {ROWS_MAX} datastreams", where="screening state")
    rows = snapshot.rows
    datastreams = _column(snapshot.datastreams, np.int64, rows)
    if streams:
        snapshot = _with(snapshot, [streams.get(one) for one in datastreams.tolist()])
    silence = Silence(
        _column(snapshot.age_us, np.int64, rows),
        _column(snapshot.heard_us, np.int64, rows),
        _column(snapshot.silent, np.uint8, rows).astype(np.bool_),
    )
    tracks = _tracks(snapshot)
    return State(datastreams, _windows(snapshot), tracks, silence, snapshot.clock, snapshot.counts)


def _decoded(data: bytes | memoryview, kind: type[S]) -> S:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _bad(str(error)) from None


def _with(head: _Snapshot, parts: Sequence[bytes | None]) -> _Snapshot:
    """The snapshot that ``dump`` would have written of a head and the parts of its rows."""
    empty = _Stream(0, _NO_COLUMNS, {})
    streams = [empty if part is None else _decoded(part, _Stream) for part in parts]
    count = np.array([one.count for one in streams], np.int64)
    columns = tuple(b"".join(pieces) for pieces in zip(*(one.columns for one in streams), strict=True))
    runs = {row: one.runs for row, one in enumerate(streams) if one.runs}
    return msgspec.structs.replace(head, count=_raw(count), columns=columns, runs=runs)


def _windows(snapshot: _Snapshot) -> Windows:
    windows = Windows()
    windows.grow(snapshot.rows)
    count = _column(snapshot.count, np.int64, snapshot.rows)
    if ((count < 0) | (count > POINTS)).any():
        raise _bad("a window is longer than its bound")
    points = int(count.sum())
    row = np.repeat(np.arange(snapshot.rows), count)
    index = row * POINTS + np.arange(points) - np.repeat(np.cumsum(count) - count, count)
    for name, raw in zip(COLUMNS, snapshot.columns, strict=True):
        column = getattr(windows, name)
        column[index] = _column(raw, column.dtype.type, points)
    time_us = windows.time_us[index]
    if ((np.diff(time_us) <= 0) & (np.diff(row) == 0)).any():
        raise _bad("a window is not in order of time")
    windows.count[: snapshot.rows] = count
    return windows


def _tracks(snapshot: _Snapshot) -> Tracks:
    tracks = Tracks(runs=snapshot.runs)
    tracks.grow(snapshot.rows)
    tracks.steps = _column(snapshot.steps, np.int64, snapshot.rows)
    for row, rules in snapshot.runs.items():
        if not 0 <= row < snapshot.rows or any(not 0 < len(runs) <= RUNS_MAX for runs in rules.values()):
            raise _bad("an episode belongs to no datastream, or too many to one")
        tracks.settle(row)
    return tracks


def _raw(column: NDArray[T]) -> bytes:
    return column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes()


def _column(raw: bytes, kind: type[T], length: int) -> NDArray[T]:
    dtype = np.dtype(kind).newbyteorder("<")
    if length < 0 or len(raw) != length * dtype.itemsize:
        raise _bad("a column has the wrong length")
    return np.frombuffer(raw, dtype).astype(kind)


def _bad(detail: str, mend: str = "") -> InvalidInput:
    return InvalidInput(detail, where="screening state", mend=mend)
