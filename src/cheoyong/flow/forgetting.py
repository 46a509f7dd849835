# SPDX-License-Identifier: Apache-2.0
"""Gauges that are watched no more: their alarms are withdrawn, and their state is given up.

A datastream ends when it is deleted, when it is given another series, or when the city pack no longer
names its series. What was open then would never be cleared, and its silence would alarm for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cheoyong.detect.forget import forget
from cheoyong.detect.rules import Gauges
from cheoyong.domain.fact import Fact, make_fact
from cheoyong.flow.respond_stage import open_alarms, respond
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.records.alarms import alarms_of_other_series
from cheoyong.records.connection import Connection

REASON = "its gauge is watched no more"


async def forget_gone(
    connection: Connection,
    setup: Setup,
    state: PipelineState,
    gauges: Gauges,
    changed: Collection[int],
    now_us: int,
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """The state without datastreams that are no gauge now, and the facts that take their alarms back.

    ``changed`` are datastreams that were another gauge before. An incident loses the evidence of the
    withdrawn alarms; what a forecast expected stays until a person closes it: no longer looking is not calm.
    """
    known = state.screen.datastreams.tolist()
    gone = [number for number in known if number not in gauges or number in changed]
    if not gone:
        return state, ()
    kept = {gauges[number][1].series for number in set(known).difference(gone)}
    withdrawn = tuple(
        make_fact(
            replace(step, step="withdrawn", by="", reason=REASON),
            key=f"{step.alarm_id}:withdrawn:gone:{now_us}",
            organisation_id=setup.organisation_id,
            about_us=now_us,
            recorded_us=now_us,
            caused_by=(cause,),
        )
        for step, cause in await alarms_of_other_series(connection, setup.organisation_id, sorted(kept))
    )
    state = replace(
        state,
        screen=forget(state.screen, gone),
        alarms=open_alarms(state.alarms, withdrawn),
        faults={series: fault for series, fault in state.faults.items() if series in kept},
    )
    state, steps = respond(setup, state, withdrawn, now_us)
    return state, (*withdrawn, *steps)
