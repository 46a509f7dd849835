# SPDX-License-Identifier: Apache-2.0
"""Alarms as their steps add up, and the rows of the operator's list they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from cheoyong.domain.fact import AlarmStep, Fact
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.connection import Connection
from cheoyong.respond.alarm_life import CLEARED, OPEN, RAISED, SHELVED, UNSEEN, WITHDRAWN, after
from cheoyong.respond.annunciation import Standing
from cheoyong.respond.grouping import KEPT_US, WINDOW_US, Row
from cheoyong.respond.load import ACTORS_MAX, DAY_US, STALE_US, Actor
from cheoyong.respond.load import Standing as Load
from cheoyong.respond.priority import wait_us

ALARMS_SHOWN_MAX = 500
ROWS_SHOWN_MAX = 500
DUE_MAX = 2_000
SEEN_AT_ONCE_MAX = 10_000  # alarms of one row acknowledged by one command
RETURNED_KEPT_US = 24 * 3600 * SECOND_US
# Steps with observations behind them: the last of these is where the way back begins.
_OF_THE_GAUGE = (RAISED, CLEARED, WITHDRAWN)
# The order of need: what asks to be seen, then what is in hand, then what is put aside.
_ORDER = [
    "raised",
    "returned",
    "acknowledged",
    "suppressed",
    "shelved",
    "out_of_service",
    "out_of_service_calm",
]
_IS_OPEN = (  # in these words, which are those of the index
    "state IN ('raised', 'returned', 'acknowledged', 'suppressed', 'shelved',"
    " 'out_of_service', 'out_of_service_calm')"
)
_NEED = (
    "array_position($1::text[], state), (body ->> 'crisis_level')::int DESC,"
    " array_position(ARRAY['high', 'medium', 'low'], body ->> 'priority'), (body ->> 'since_us')::bigint, id"
)


async def fold_alarm(connection: Connection, fact: Fact, step: AlarmStep) -> None:
    """The alarm after the step; a person's step that comes too late is kept as a fact only."""
    before = await connection.fetchval("SELECT state FROM alarm WHERE id = $1 FOR UPDATE", step.alarm_id)
    state = after(before, step.step)
    if state is None:
        return
    due_us = fact.recorded_us + wait_us(step.priority) if _waits(state, step) else None
    ended_on_shelf = before == SHELVED and state in (CLEARED, WITHDRAWN)
    await connection.execute(
        "INSERT INTO alarm"
        " (id, organisation_id, state, body, fact_id, changed_at, shelved_until, row_id, escalate_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE"
        " SET state = excluded.state, body = excluded.body,"
        "     fact_id = CASE WHEN $11 THEN excluded.fact_id ELSE alarm.fact_id END,"
        "     changed_at = excluded.changed_at, row_id = coalesce(excluded.row_id, alarm.row_id),"
        "     shelved_until = CASE WHEN $10 THEN alarm.shelved_until ELSE excluded.shelved_until END,"
        "     escalate_at = excluded.escalate_at",
        step.alarm_id, fact.organisation_id, state, msgspec.to_builtins(step), fact.id, fact.recorded_us,
        step.until_us if state == SHELVED else None, step.row, due_us, ended_on_shelf,
        step.step in _OF_THE_GAUGE,
    )  # fmt: skip


def _waits(state: str, step: AlarmStep) -> bool:
    """Whether somebody has to look at it, and the time for that runs."""
    return state == RAISED and step.step != "escalated"


async def picture_of(
    connection: Connection, organisation_id: int, steps: Sequence[AlarmStep]
) -> dict[UUID, Standing]:
    """The alarms that bear on these steps: themselves, and of their gauges the open ones and the last ones.

    Of a gauge that chatters no more than that is read, however often it was raised.
    """
    tags = sorted({(step.series, step.cause, step.rule) for step in steps})
    series, causes, rules = (list(column) for column in zip(*tags, strict=True))
    rows = await connection.fetch(
        "WITH tag AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS t (series, cause, rule))"
        " SELECT state, body, changed_at, shelved_until FROM alarm WHERE id IN ("
        "  SELECT unnest($5::uuid[])"
        f"  UNION SELECT id FROM alarm WHERE organisation_id = $1 AND {_IS_OPEN}"
        "   AND body ->> 'series' = ANY($2::text[])"
        "  UNION SELECT l.id FROM tag t CROSS JOIN LATERAL ("
        "   SELECT id FROM alarm WHERE organisation_id = $1 AND body ->> 'series' = t.series"
        "   AND body ->> 'cause' = t.cause AND body ->> 'rule' = t.rule"
        "   ORDER BY changed_at DESC, id DESC LIMIT 1) l"
        "  UNION SELECT l.id FROM (SELECT DISTINCT series FROM tag) t CROSS JOIN LATERAL ("
        "   SELECT id FROM alarm WHERE organisation_id = $1 AND body ->> 'series' = t.series"
        "   ORDER BY changed_at DESC, id DESC LIMIT 1) l)"
        " ORDER BY changed_at, id",
        organisation_id, series, causes, rules, [step.alarm_id for step in steps],
    )  # fmt: skip
    found = (
        Standing(row["state"], _step(row["body"]), row["changed_at"], row["shelved_until"]) for row in rows
    )
    return {one.step.alarm_id: one for one in found}


async def rows_to_join(
    connection: Connection, organisation_id: int, keys: Sequence[str], known: Sequence[UUID], now_us: int
) -> dict[UUID, Row]:
    """Rows begun within ten minutes, those of ``known`` alarms, and those kept that carry one of the keys."""
    rows = await connection.fetch(
        "SELECT r.*, n.open, n.unseen FROM alarm_row r CROSS JOIN LATERAL ("
        "  SELECT count(*) AS open, count(*) FILTER (WHERE a.state = ANY($2::text[])) AS unseen"
        f"  FROM alarm a WHERE a.organisation_id = $1 AND a.row_id = r.id AND {_IS_OPEN}) n"
        " WHERE r.organisation_id = $1 AND (r.begun_at > $3 OR r.id = ANY($4::uuid[])"
        "  OR r.keys && $5::text[] AND (r.joined_at > $6 OR r.id IN ("
        f"   SELECT row_id FROM alarm WHERE organisation_id = $1 AND {_IS_OPEN})))"
        " ORDER BY r.begun_at, r.id",
        organisation_id, list(UNSEEN), now_us - WINDOW_US, list(known), list(keys),
        now_us - KEPT_US,
    )  # fmt: skip
    return {
        row["id"]: Row(
            row["id"], row["kind"], tuple(row["keys"]), row["since_at"], row["begun_at"], row["joined_at"],
            row["open"], row["unseen"],
        )
        for row in rows
    }  # fmt: skip


async def keep_rows(
    connection: Connection, organisation_id: int, rows: Iterable[Row], told: Iterable[tuple[UUID, int]]
) -> None:
    """Write down rows that are new or wider, and when rows were told."""
    await connection.executemany(
        "INSERT INTO alarm_row (id, organisation_id, kind, keys, since_at, begun_at, joined_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, joined_at = excluded.joined_at",
        [
            (r.id, organisation_id, r.kind, list(r.keys), r.since_us, r.begun_us, r.joined_us)
            for r in rows
        ],
    )  # fmt: skip
    await connection.executemany(
        "INSERT INTO alarm_told (row_id, organisation_id, told_at) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING",
        [(row, organisation_id, at_us) for row, at_us in told],
    )


async def open_alarms(connection: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Open alarms in order of need, at most 500, and how many of each state there are in all.

    The first of every row come before the second of any, so that no row is left out for a long one.
    """
    rows = await connection.fetch(
        "SELECT state, body, fact_id, row_id FROM ("
        f"  SELECT *, row_number() OVER (PARTITION BY row_id ORDER BY {_NEED}) AS place"
        "   FROM alarm WHERE state = ANY($1::text[])) a"
        f" ORDER BY place > 1, {_NEED} LIMIT $2",
        _ORDER, ALARMS_SHOWN_MAX,
    )  # fmt: skip
    counts = await connection.fetch(
        "SELECT state, count(*) AS alarms FROM alarm WHERE state = ANY($1::text[]) GROUP BY state", _ORDER
    )
    shown = sorted((_shown(row) for row in rows), key=_by_need)
    return shown, {row["state"]: row["alarms"] for row in counts}


def _by_need(alarm: Mapping[str, Any]) -> tuple[int, int, int]:
    return _ORDER.index(alarm["state"]), -int(alarm["crisis_level"]), int(alarm["since_us"])


async def open_rows(connection: Connection) -> list[dict[str, Any]]:
    """Rows in which alarms are open: what makes them one, how many of each state, since when, how grave."""
    rows = await connection.fetch(
        "SELECT a.row_id, r.kind, r.begun_at, min((a.body ->> 'since_us')::bigint) AS since_us,"
        " max((a.body ->> 'crisis_level')::int) AS crisis_level,"
        " min(array_position(ARRAY['high', 'medium', 'low'], a.body ->> 'priority')) AS priority,"
        " sum((a.body ->> 'times')::int) AS times, count(DISTINCT a.body ->> 'series') AS gauges,"
        " count(*) AS alarms, array_agg(a.state) AS states"
        " FROM alarm a LEFT JOIN alarm_row r ON r.id = a.row_id WHERE a.state = ANY($1::text[])"
        " GROUP BY a.row_id, r.kind, r.begun_at ORDER BY crisis_level DESC, since_us, a.row_id LIMIT $2",
        _ORDER, ROWS_SHOWN_MAX,
    )  # fmt: skip
    return [
        {
            "row_id": row["row_id"],
            "kind": row["kind"] or "gauge",
            "begun_us": row["begun_at"],
            "since_us": row["since_us"],
            "crisis_level": row["crisis_level"],
            "priority": ("high", "medium", "low")[(row["priority"] or 3) - 1],
            "times": row["times"],
            "gauges": row["gauges"],
            "alarms": row["alarms"],
            "states": {state: row["states"].count(state) for state in _ORDER if state in row["states"]},
        }
        for row in rows
    ]


async def alarms_of_row(
    connection: Connection, row_id: UUID, *, skip: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of a row's open alarms, the root first, and how many there are."""
    rows = await connection.fetch(
        f"SELECT state, body, fact_id, row_id, count(*) OVER () AS alarms FROM alarm"
        f" WHERE row_id = $2 AND state = ANY($1::text[]) ORDER BY {_NEED} OFFSET $3 LIMIT $4",
        _ORDER, row_id, skip, limit,
    )  # fmt: skip
    return [_shown(row) for row in rows], rows[0]["alarms"] if rows else 0


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row["body"], "state": row["state"], "fact_id": row["fact_id"], "row": row["row_id"]}


async def last_steps(connection: Connection, subjects: Sequence[UUID]) -> list[tuple[str, AlarmStep]]:
    """State and last step of each open alarm that is one of these, or stands in one of these rows."""
    rows = await connection.fetch(
        "SELECT state, body FROM alarm WHERE (id = ANY($1::uuid[]) OR row_id = ANY($1::uuid[]))"
        " AND state = ANY($2::text[]) ORDER BY id LIMIT $3",
        list(subjects), list(OPEN), SEEN_AT_ONCE_MAX,
    )  # fmt: skip
    return [(row["state"], _step(row["body"])) for row in rows]


async def due(connection: Connection, organisation_id: int, now_us: int) -> list[tuple[str, AlarmStep]]:
    """Alarms for which time has come, each with what it has come for: ``shelf``, ``wait`` or ``returned``."""
    rows = await connection.fetch(
        "SELECT why, body FROM ("
        " SELECT 'shelf' AS why, shelved_until AS at, id, body FROM alarm"
        "  WHERE organisation_id = $1 AND state = 'shelved' AND shelved_until <= $2"
        " UNION ALL SELECT 'wait', escalate_at, id, body FROM alarm"
        "  WHERE organisation_id = $1 AND escalate_at <= $2"
        " UNION ALL SELECT 'returned', changed_at, id, body FROM alarm"
        "  WHERE organisation_id = $1 AND state = 'returned' AND changed_at <= $3) d"
        " ORDER BY at, why, id LIMIT $4",
        organisation_id, now_us, now_us - RETURNED_KEPT_US, DUE_MAX,
    )  # fmt: skip
    return [(row["why"], _step(row["body"])) for row in rows]


async def next_due(connection: Connection) -> int | None:
    """The earliest instant (µs) at which time comes for an alarm."""
    row = await connection.fetchrow(
        "SELECT (SELECT min(shelved_until) FROM alarm WHERE state = 'shelved') AS shelf,"
        " (SELECT min(escalate_at) FROM alarm WHERE escalate_at IS NOT NULL) AS wait,"
        " (SELECT min(changed_at) FROM alarm WHERE state = 'returned') AS returned"
    )
    if row is None:
        return None
    lapses_us = None if row["returned"] is None else row["returned"] + RETURNED_KEPT_US
    return min((at for at in (row["shelf"], row["wait"], lapses_us) if at is not None), default=None)


async def alarms_of_other_series(
    connection: Connection, organisation_id: int, series: Sequence[str]
) -> list[tuple[AlarmStep, UUID]]:
    """Last step of each alarm of an organisation that is open and of none of ``series``; its fact's id."""
    rows = await connection.fetch(
        "SELECT body, fact_id FROM alarm WHERE organisation_id = $1 AND state = ANY($3::text[])"
        " AND NOT body ->> 'series' = ANY($2::text[]) ORDER BY id",
        organisation_id, list(series), list(OPEN),
    )  # fmt: skip
    return [(_step(row["body"]), row["fact_id"]) for row in rows]


async def load_of(connection: Connection, now_us: int) -> tuple[list[int], Load]:
    """What the load is worked out from: when rows were told within a day, what stands and what was raised."""
    told = await connection.fetch(
        "SELECT told_at FROM alarm_told WHERE told_at > $1 AND told_at <= $2 ORDER BY told_at",
        now_us - DAY_US, now_us,
    )  # fmt: skip
    stands = await connection.fetchrow(
        "SELECT count(*) AS open, count(*) FILTER (WHERE (body ->> 'since_us')::bigint < $2) AS stale"
        " FROM alarm WHERE state = ANY($1::text[])",
        list(OPEN), now_us - STALE_US,
    )  # fmt: skip
    often = await connection.fetch(
        "SELECT body ->> 'series' AS series, body ->> 'rule' AS rule, count(*) AS raised,"
        " (sum(count(*)) OVER ())::bigint AS total FROM fact"
        " WHERE kind = 'alarm' AND organisation_id = current_organisation()"
        " AND recorded_at > $1 AND recorded_at <= $2 AND body ->> 'step' = 'raised'"
        " GROUP BY 1, 2 ORDER BY raised DESC, series, rule LIMIT $3",
        now_us - DAY_US, now_us, ACTORS_MAX,
    )  # fmt: skip
    actors = tuple(Actor(row["series"], row["rule"], row["raised"]) for row in often)
    raised = often[0]["total"] if often else 0
    return [row["told_at"] for row in told], Load(stands["open"], stands["stale"], raised, actors)


def _step(body: Mapping[str, Any]) -> AlarmStep:
    return msgspec.convert(body, AlarmStep)
