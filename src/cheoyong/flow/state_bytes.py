# SPDX-License-Identifier: Apache-2.0
"""The pipeline's state as bytes and back, exactly; never pickle, so a database cannot run code in us.

In parts, so that a commit writes what it changed: a head with what changes every time, one part for each
datastream (its window and episodes), one for each of the other things remembered (incidents, alarms, …).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from cheoyong.detect.screen import State as ScreenState
from cheoyong.detect.snapshot import dump, dump_head, dump_stream, load
from cheoyong.domain.errors import ConfigurationError
from cheoyong.flow.state import Known, PipelineState
from cheoyong.learn.band_record import BandRecord
from cheoyong.learn.input_drift import InputRecord
from cheoyong.respond.incident import IncidentState

VERSION, VERSION_OF_PARTS = 1, 2
_STREAM = "stream:"


class _Stored(msgspec.Struct, array_like=True):
    version: int
    screen: bytes
    incidents: list[IncidentState]
    alarms: list[tuple[str, str, Known]]
    forecasts: list[tuple[str, Known]]
    faults: list[tuple[str, Known]] = []  # not in a state written before gauges were diagnosed
    held: list[tuple[str, str, Known]] = []
    models_off: list[tuple[str, str, Known]] = []  # not in a state written before models could be off
    records: list[tuple[str, str, BandRecord]] = []  # not in a state written before bands were judged
    inputs: list[tuple[str, InputRecord]] = []  # nor before inputs were minded
    drifts: list[tuple[str, str, Known]] = []


class _Head(msgspec.Struct, array_like=True):
    version: int
    screen: bytes


class _Version(msgspec.Struct, array_like=True):
    version: int


class Parts(NamedTuple):
    """A state in parts: what always changes, what is remembered of all, what of each datastream."""

    head: bytes
    others: dict[str, bytes]
    streams: dict[str, bytes]


def to_parts(state: PipelineState, touched: Collection[int] | None) -> Parts:
    """The parts to keep; of the datastreams those ``touched`` (ids; None: all) since they were last kept."""
    stored = _stored(state, b"")
    others = {name: msgspec.msgpack.encode(getattr(stored, name)) for name in _Stored.__struct_fields__[2:]}
    known = state.screen.datastreams
    rows = np.arange(len(known)) if touched is None else np.flatnonzero(np.isin(known, list(touched)))
    streams = {stream_part(int(known[row])): dump_stream(state.screen, row) for row in rows.tolist()}
    head = msgspec.msgpack.encode(_Head(VERSION_OF_PARTS, dump_head(state.screen)))
    return Parts(head, others, streams)


def from_parts(head: bytes, parts: Mapping[str, bytes]) -> PipelineState:
    """The state of ``to_parts``, or of ``to_bytes`` as an earlier release kept it.

    Raises ConfigurationError for one that a later release has written.
    """
    version = msgspec.msgpack.decode(head, type=_Version).version
    if version == VERSION:
        return from_bytes(head)
    if version != VERSION_OF_PARTS:
        raise ConfigurationError(
            f"what the worker remembers is of version {version}, and this program knows {VERSION_OF_PARTS}",
            mend="start the newer program, or restore the backup made before the upgrade",
        )
    screen = msgspec.msgpack.decode(head, type=_Head).screen
    names = _Stored.__struct_fields__[2:]
    others = [msgspec.Raw(parts.get(name, b"\x90")) for name in names]  # nothing kept: an empty list
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode([VERSION, b"", *others]), type=_Stored)
    streams = {int(name[len(_STREAM) :]): part for name, part in parts.items() if is_stream(name)}
    return _state(stored, load(screen, streams))


def stream_part(datastream_id: int) -> str:
    """The name of a datastream's part."""
    return f"{_STREAM}{datastream_id}"


def is_stream(part: str) -> bool:
    """Whether a part is that of a datastream."""
    return part.startswith(_STREAM)


def to_bytes(state: PipelineState) -> bytes:
    """MessagePack of the whole state, the version first."""
    return msgspec.msgpack.encode(_stored(state, dump(state.screen)))


def from_bytes(raw: bytes) -> PipelineState:
    """The state of ``to_bytes``; msgspec.ValidationError for a version or shape that is not ours."""
    stored = msgspec.msgpack.decode(raw, type=_Stored)
    if stored.version != VERSION:
        raise msgspec.ValidationError(f"pipeline state of version {stored.version}, expected {VERSION}")
    return _state(stored, load(stored.screen))


def _stored(state: PipelineState, screen: bytes) -> _Stored:
    return _Stored(
        VERSION,
        screen,
        list(state.incidents.values()),
        [(series, level, known) for (series, level), known in state.alarms.items()],
        list(state.forecasts.items()),
        list(state.faults.items()),
        [(series, level, known) for (series, level), known in state.held.items()],
        [(hazard, series, known) for (hazard, series), known in state.models_off.items()],
        [(hazard, series, record) for (hazard, series), record in state.records.items()],
        list(state.inputs.items()),
        [(series, sign, known) for (series, sign), known in state.drifts.items()],
    )


def _state(stored: _Stored, screen: ScreenState) -> PipelineState:
    return PipelineState(
        screen,
        {(incident.series, incident.hazard): incident for incident in stored.incidents},
        {(series, level): known for series, level, known in stored.alarms},
        dict(stored.forecasts),
        dict(stored.faults),
        {(series, level): known for series, level, known in stored.held},
        {(hazard, series): known for hazard, series, known in stored.models_off},
        {(hazard, series): record for hazard, series, record in stored.records},
        dict(stored.inputs),
        {(series, sign): known for series, sign, known in stored.drifts},
    )
