# SPDX-License-Identifier: Apache-2.0
"""Ended alarms leave the tables after a time; what stands, the last of each rule and every fact stay."""

from __future__ import annotations

from typing import Any

import pytest
from test_shelving import Town, town  # noqa: F401  (a fixture)

from cheoyong.domain.instant import DAY_US
from cheoyong.flow.sweeping_stage import SweepingStage
from cheoyong.records.old_alarms import PIECE_ROWS

pytestmark = pytest.mark.engines
DAYS = 90
_ALARMS = """
INSERT INTO alarm (id, organisation_id, state, body, fact_id, changed_at, row_id)
SELECT gen_random_uuid(), 1, $1, body || jsonb_build_object('series', $2::text), fact_id,
  changed_at - $3 * interval '1 day' - n * interval '1 second', gen_random_uuid()
FROM alarm, generate_series(1, $4::int) n
WHERE body ->> 'rule' = 'advisory' AND body ->> 'series' = 'taehwa_stage_m' AND state = 'raised'
"""
_ROWS = """
INSERT INTO alarm_row SELECT row_id, organisation_id, 'gauge', '{}', changed_at, changed_at, changed_at
FROM alarm ON CONFLICT DO NOTHING;
INSERT INTO alarm_told SELECT row_id, organisation_id, changed_at FROM alarm ON CONFLICT DO NOTHING
"""


async def counts(town: Town) -> dict[str, int]:  # noqa: F811
    tables = ("alarm", "alarm_row", "alarm_told", "fact")
    return {table: await town.owner.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def test_ended_alarms_are_swept_in_pieces_and_no_fact_is_lost(town: Town) -> None:  # noqa: F811
    standing = await counts(town)
    old = PIECE_ROWS + 200
    await town.owner.execute(_ALARMS, "cleared", "taehwa_stage_m", DAYS + 1, old)
    await town.owner.execute(_ALARMS, "withdrawn", "old_stage_m", DAYS + 1, 50)  # the last of them stays
    await town.owner.execute(_ALARMS, "acknowledged", "old_stage_m", DAYS + 100, 1)  # nobody's to sweep
    await town.owner.execute(_ALARMS, "cleared", "young_stage_m", DAYS - 1, 30)
    await town.owner.execute(_ROWS)
    stage = SweepingStage(town.flow, DAYS)
    pieces = []
    while swept := await stage.advance():
        assert swept <= 3 * PIECE_ROWS
        pieces.append(swept)
    assert len(pieces) > 1 and stage.swept == sum(pieces)
    left = {name: standing[name] + 1 + 1 + 30 for name in ("alarm", "alarm_row")}
    now = await counts(town)
    assert {name: now[name] for name in left} == left
    told_before = (
        "SELECT count(*) FROM alarm_told"
        f" WHERE told_at < (SELECT max(told_at) - interval '{DAYS} day' FROM alarm_told)"
    )
    assert await town.owner.fetchval(told_before) == 0 and now["alarm_told"] > standing["alarm_told"] + 29
    assert now["fact"] == standing["fact"]
    ends = "SELECT max(changed_at) FROM alarm WHERE state = 'withdrawn'"
    clock: Any = await town.owner.fetchval("SELECT changed_at FROM alarm WHERE body ->> 'rule' = 'advisory'"
                                           " AND state = 'raised'")  # fmt: skip
    assert clock - await town.owner.fetchval(ends) == (DAYS + 1) * DAY_US + 1_000_000, "the last, not any"
    for value in (4.4, 4.0, 3.6):
        await town.measure(value)
    raised = (
        "SELECT count(*) FROM alarm"
        " WHERE state = 'raised' AND body ->> 'series' = 'taehwa_stage_m' AND body ->> 'rule' = 'advisory'"
    )
    assert await town.owner.fetchval(raised) == 0, "what stands goes its way"


async def test_nothing_is_swept_before_any_time_was_told(town: Town) -> None:  # noqa: F811
    await town.owner.execute(_ALARMS, "cleared", "taehwa_stage_m", 1000, 2)
    await town.owner.execute("UPDATE bookmark SET now_at = NULL")
    assert await SweepingStage(town.flow, DAYS).advance() == 0
