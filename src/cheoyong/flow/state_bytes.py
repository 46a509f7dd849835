# SPDX-License-Identifier: Apache-2.0
"""The pipeline's state as bytes and back, exactly; never pickle, so a database cannot run code in us."""

from __future__ import annotations

import msgspec

from cheoyong.detect.snapshot import dump, load
from cheoyong.flow.state import Known, PipelineState
from cheoyong.respond.incident import IncidentState

VERSION = 1


class _Stored(msgspec.Struct, array_like=True):
    version: int
    screen: bytes
    incidents: list[IncidentState]
    alarms: list[tuple[str, str, Known]]
    forecasts: list[tuple[str, Known]]
    faults: list[tuple[str, Known]] = []  # not in a state written before gauges were diagnosed
    held: list[tuple[str, str, Known]] = []
    models_off: list[tuple[str, str, Known]] = []  # not in a state written before models could be off


def to_bytes(state: PipelineState) -> bytes:
    """MessagePack of the whole state, the version first."""
    stored = _Stored(
        VERSION,
        dump(state.screen),
        list(state.incidents.values()),
        [(series, level, known) for (series, level), known in state.alarms.items()],
        list(state.forecasts.items()),
        list(state.faults.items()),
        [(series, level, known) for (series, level), known in state.held.items()],
        [(hazard, series, known) for (hazard, series), known in state.models_off.items()],
    )
    return msgspec.msgpack.encode(stored)


def from_bytes(raw: bytes) -> PipelineState:
    """The state of ``to_bytes``; msgspec.ValidationError for a version or shape that is not ours."""
    stored = msgspec.msgpack.decode(raw, type=_Stored)
    if stored.version != VERSION:
        raise msgspec.ValidationError(f"pipeline state of version {stored.version}, expected {VERSION}")
    return PipelineState(
        load(stored.screen),
        {(incident.series, incident.hazard): incident for incident in stored.incidents},
        {(series, level): known for series, level, known in stored.alarms},
        dict(stored.forecasts),
        dict(stored.faults),
        {(series, level): known for series, level, known in stored.held},
        {(hazard, series): known for hazard, series, known in stored.models_off},
    )
