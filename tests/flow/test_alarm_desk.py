# SPDX-License-Identifier: Apache-2.0
"""The life of alarms on a real PostgreSQL: what waits, what time brings, rows, and restarts."""

from __future__ import annotations

from typing import Any

import pytest
from test_shelving import Town, town  # noqa: F401  (town is a fixture)

from cheoyong.records import alarms
from cheoyong.records.commands import ask
from cheoyong.records.connection import as_organisation
from cheoyong.respond.load import load

pytestmark = pytest.mark.engines


async def listed(town: Town) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, int]]:  # noqa: F811
    """Open alarms, the rows they stand in, and how many there are of each state."""
    async with as_organisation(town.app, 1) as connection:
        shown, counts = await alarms.open_alarms(connection)
        return shown, await alarms.open_rows(connection), counts


async def steps_of(town: Town, rule: str) -> list[tuple[str, str]]:  # noqa: F811
    rows = await town.owner.fetch(
        "SELECT body ->> 'step' AS step, body ->> 'priority' AS priority FROM fact"
        " WHERE kind = 'alarm' AND body ->> 'rule' = $1 ORDER BY seq",
        rule,
    )
    return [(row["step"], row["priority"]) for row in rows]


async def test_both_levels_of_the_gauge_are_one_row_and_the_lower_is_counted_though_suppressed(
    town: Town,  # noqa: F811
) -> None:
    shown, rows, counts = await listed(town)
    assert [(one["rule"], one["state"]) for one in shown] == [
        ("advisory", "raised"),
        ("attention", "suppressed"),
    ]
    assert counts == {"raised": 1, "suppressed": 1}
    assert [(row["alarms"], row["gauges"], row["states"]) for row in rows] == [
        (2, 1, {"raised": 1, "suppressed": 1})
    ]
    assert {one["row"] for one in shown} == {row["row_id"] for row in rows}


async def test_an_alarm_that_nobody_sees_escalates_once_by_the_clock_of_the_batches(town: Town) -> None:  # noqa: F811
    await town.measure(4.8)  # ten minutes: a medium alarm may wait eighteen
    assert await steps_of(town, "advisory") == [("raised", "medium")]
    town.restart_worker()
    await town.measure(4.8)
    town.restart_worker()
    for _ in range(4):
        await town.measure(4.8)
    assert await steps_of(town, "advisory") == [("raised", "medium"), ("escalated", "high")]
    await town.asks("acknowledge")
    assert (await steps_of(town, "advisory"))[-1] == ("acknowledged", "medium")
    await town.measure(4.8, minutes=120)
    assert len(await steps_of(town, "advisory")) == 3


async def test_the_facts_are_the_same_whether_batches_are_read_one_by_one_or_together(
    town: Town,  # noqa: F811
) -> None:
    values = [4.8, 5.6, 5.7, 5.2, 4.2, 3.1, 2.5, 2.4, 4.9, 5.0]
    start_us = town.now_us
    for value in values:
        await town.measure(value)
    one_by_one = await town.owner.fetch("SELECT id, body FROM fact WHERE kind = 'alarm' ORDER BY seq")
    told = await town.owner.fetch("SELECT row_id, told_at FROM alarm_told ORDER BY told_at, row_id")
    assert len(one_by_one) > 8
    await town.owner.execute(
        "DELETE FROM fact; DELETE FROM alarm; DELETE FROM alarm_row; DELETE FROM alarm_told;"
        " DELETE FROM bookmark; DELETE FROM alert; DELETE FROM incident; DELETE FROM quality"
    )
    town.restart_worker()
    while await town.worker.advance():
        pass
    together = await town.owner.fetch("SELECT id, body FROM fact WHERE kind = 'alarm' ORDER BY seq")
    assert [(row["id"], row["body"]) for row in together] == [(row["id"], row["body"]) for row in one_by_one]
    assert await town.owner.fetch("SELECT row_id, told_at FROM alarm_told ORDER BY told_at, row_id") == told
    assert start_us < town.now_us


async def test_what_is_over_unseen_is_shown_until_it_is_seen_or_a_day_is_over(town: Town) -> None:  # noqa: F811
    for _ in range(8):
        await town.measure(1.8)
    shown, _, counts = await listed(town)
    assert counts == {"returned": 1}, "the lower level was behind the higher"
    assert shown[0]["rule"] == "advisory"
    await town.measure(1.8, minutes=22 * 60)
    assert (await listed(town))[2] == {"returned": 1}
    await town.measure(1.8, minutes=180)
    assert (await listed(town))[2] == {}
    assert (await steps_of(town, "advisory"))[-1][0] == "lapsed"


async def test_out_of_service_has_no_end_but_a_persons_and_is_listed_all_the_while(town: Town) -> None:  # noqa: F811
    await town.asks("remove", reason="the gauge is being replaced")
    for _ in range(8):
        await town.measure(1.8, minutes=240)
    shown, rows, _ = await listed(town)
    out = next(one for one in shown if one["rule"] == "advisory")
    assert (out["state"], out["by"], out["reason"]) == (
        "out_of_service_calm",
        "kim",
        "the gauge is being replaced",
    )
    assert sum(row["alarms"] for row in rows) == len(shown)
    await town.asks("restore")
    assert await town.state() == "cleared"


async def test_a_row_is_acknowledged_as_a_whole(town: Town) -> None:  # noqa: F811
    alarm = await town.owner.fetchrow("SELECT row_id FROM alarm WHERE state = 'raised'")
    async with as_organisation(town.app, 1) as connection:
        await ask(connection, 1, "acknowledge", alarm["row_id"], by="kim", reason="", made_us=town.now_us)
    await town.worker.advance()
    assert (await listed(town))[2] == {"acknowledged": 1, "suppressed": 1}


async def test_the_load_counts_rows_told_and_names_what_is_raised_most_often(town: Town) -> None:  # noqa: F811
    for _ in range(5):  # the same alarm over and over, with nobody looking
        for value in (1.8, 1.8, 4.7, 4.8):
            await town.measure(value, minutes=5)
    async with as_organisation(town.app, 1) as connection:
        told_us, standing = await alarms.load_of(connection, town.now_us)
    found = load(told_us, standing, town.now_us)
    assert found.day == 1, "one row, told once"
    assert found.raised > 5
    assert found.actors[0].series == "taehwa_stage_m"
    _, rows, _ = await listed(town)
    assert len(rows) == 1
    assert rows[0]["times"] > 5


async def test_S09_another_organisation_sees_no_row_and_no_load(town: Town) -> None:  # noqa: F811
    await town.owner.execute("INSERT INTO organisation (name, created_at) VALUES ('Theirs', now())")
    async with as_organisation(town.app, 2) as connection:
        assert await alarms.open_rows(connection) == []
        assert await alarms.load_of(connection, town.now_us) == ([], alarms.Load())
        row = await town.owner.fetchval("SELECT id FROM alarm_row")
        assert await alarms.alarms_of_row(connection, row, skip=0, limit=30) == ([], 0)
