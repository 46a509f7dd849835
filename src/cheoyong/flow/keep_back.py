# SPDX-License-Identifier: Apache-2.0
"""An option that is scored and off live: the level alarms of faulty gauges are kept back.

One is raised after all should the gauge turn out to be right while the level still stands.
"""

from __future__ import annotations

from dataclasses import replace

from cheoyong.domain.fact import AlarmStep, Fact, make_fact
from cheoyong.flow.state import PipelineState, Setup, fact_of, known


def kept_back(
    setup: Setup, state: PipelineState, alarms: tuple[Fact, ...], recorded_us: int
) -> tuple[PipelineState, tuple[Fact, ...]]:
    """Alarms without those of the levels of faulty gauges; and those kept back of gauges found right."""
    held = dict(state.held)
    faulty = {series for series, one in state.faults.items() if one.alarm and one.alarm.step == "raised"}
    through = []
    for fact in alarms:
        body = fact.body
        if not isinstance(body, AlarmStep) or body.cause not in ("level", "threshold"):
            through.append(fact)
            continue
        key = (body.series, body.rule)
        if body.step == "raised" and body.series in faulty:
            held[key] = known(fact)
        elif key in held:
            del held[key]  # it ended, or was withdrawn, before anybody was told
        else:
            through.append(fact)
    for key in [key for key in held if key[0] not in faulty]:
        kept = fact_of(setup, held.pop(key))
        through.append(
            make_fact(
                kept.body,
                key=f"{key[0]}:{key[1]}:{kept.id}:believed",
                organisation_id=setup.organisation_id,
                about_us=kept.about_us,
                recorded_us=recorded_us,
            )
        )
    return replace(state, held=held), tuple(through)
