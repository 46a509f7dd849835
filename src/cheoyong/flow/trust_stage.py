# SPDX-License-Identifier: Apache-2.0
"""TRUST: a model whose 90 % band has held too little of what came is off until it holds again.

It is still asked and its forecasts are kept, as those of a model in shadow: they open no incident and draft
no warning. Only a band that is too narrow costs a model its say; one that is too wide hides nothing. And it
is not taken while an incident of the gauge is open: a storm is no time to change who speaks.
"""

from __future__ import annotations

from collections.abc import Mapping

from cheoyong.detect.rules import Gauges
from cheoyong.detect.screen import usable
from cheoyong.domain.fact import Fact, Forecast
from cheoyong.domain.observation import ObservationBatch
from cheoyong.flow.diagnose_stage import named_faults
from cheoyong.flow.model_stage import NARROW, Answer, Place, off_fact, on_fact
from cheoyong.flow.state import PipelineState, Setup
from cheoyong.learn.band_record import BandRecord, come_due, expecting
from cheoyong.respond.incident import Phase

NARROW_BELOW = 0.85
HELD_FROM = 0.87
DAYS_MIN = 10


def judge_bands(
    setup: Setup, state: PipelineState, batch: ObservationBatch, gauges: Gauges
) -> tuple[dict[Place, BandRecord], tuple[Fact, ...]]:
    """Records with what has come due, and models that lost their say or have it again.

    A gauge that is diagnosed as faulty judges nobody.
    """
    news = {gauges[key][1].series: key for key in set(batch.datastream_id.tolist()) if key in gauges}
    broken = named_faults(state.faults)
    records, facts = dict(state.records), []
    for place, record in state.records.items():
        _, series = place
        if series in news and series not in broken:
            records[place] = come_due(record, usable(state.screen, news[series]))
            if records[place] is not record:
                facts.append(_verdict(setup, state, place, records[place], batch.recorded_us))
    return records, tuple(fact for fact in facts if fact is not None)


def with_bands(
    records: Mapping[Place, BandRecord], setup: Setup, forecasts: tuple[Fact, ...]
) -> dict[Place, BandRecord]:
    """Records with the bands of new forecasts."""
    after = dict(records)
    for fact in forecasts:
        if isinstance(fact.body, Forecast):
            place = setup.hazard_of.get(fact.body.series, ""), fact.body.series
            after[place] = expecting(after.get(place, BandRecord()), fact.body)
    return after


def _verdict(
    setup: Setup, state: PipelineState, place: Place, record: BandRecord, now_us: int
) -> Fact | None:
    off = state.models_off.get(place)
    cause = off.model.cause if off and off.model else ""
    enough = record.days >= DAYS_MIN
    if off and cause == NARROW and (not enough or record.share >= HELD_FROM):
        return on_fact(setup, place, off, record.model, now_us)
    incident = state.incidents.get((place[1], place[0]))
    quiet = incident is None or incident.phase in (Phase.NONE, Phase.DISMISSED)
    if not cause and enough and quiet and record.share < NARROW_BELOW:
        said = f"its 90 % band held {record.share:.0%} of {record.judged} values of the last thirty days"
        return off_fact(setup, None, place, Answer(record.model, place[1], None, NARROW, said), now_us)
    return None
