# SPDX-License-Identifier: Apache-2.0
"""Facts: added once, never changed; and what alarms and incidents they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from cheoyong.domain.fact import AlarmStep, Fact, IncidentStep
from cheoyong.records.connection import Connection
from cheoyong.respond.alarm_life import SHELVED, after

ALARMS_SHOWN_MAX = 500
_INSERT = """
INSERT INTO fact (id, organisation_id, kind, about_at, recorded_at, body, caused_by, observation_ids)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING seq
"""


async def add_facts(connection: Connection, facts: Iterable[Fact]) -> list[tuple[int, Fact]]:
    """Add facts and fold them into alarms and incidents; returns (seq, fact) of those that were new.

    A fact that is there already (a retry, a replay) changes nothing.
    """
    added = []
    for fact in facts:
        seq = await connection.fetchval(
            _INSERT, fact.id, fact.organisation_id, fact.kind, fact.about_us, fact.recorded_us,
            msgspec.to_builtins(fact.body), list(fact.caused_by), list(fact.observation_ids),
        )  # fmt: skip
        if seq is not None:
            await _fold(connection, fact)
            added.append((seq, fact))
    return added


async def _fold(connection: Connection, fact: Fact) -> None:
    if isinstance(fact.body, AlarmStep):
        await _fold_alarm(connection, fact, fact.body)
    elif isinstance(fact.body, IncidentStep):
        await _fold_incident(connection, fact, fact.body)


async def _fold_alarm(connection: Connection, fact: Fact, step: AlarmStep) -> None:
    """The alarm after the step; a person's step that comes too late is kept as a fact only."""
    before = await connection.fetchval("SELECT state FROM alarm WHERE id = $1 FOR UPDATE", step.alarm_id)
    state = after(before, step.step)
    if state is None:
        return
    await connection.execute(
        "INSERT INTO alarm (id, organisation_id, state, body, fact_id, changed_at, shelved_until)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE"
        " SET state = excluded.state, body = excluded.body, fact_id = excluded.fact_id,"
        "     changed_at = excluded.changed_at, shelved_until = excluded.shelved_until",
        step.alarm_id, fact.organisation_id, state, msgspec.to_builtins(step),
        fact.id, fact.recorded_us, step.until_us if state == SHELVED else None,
    )  # fmt: skip


async def _fold_incident(connection: Connection, fact: Fact, step: IncidentStep) -> None:
    await connection.execute(
        "INSERT INTO incident (id, organisation_id, state, taken_by, body, fact_id, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE"
        " SET state = excluded.state, body = excluded.body, fact_id = excluded.fact_id,"
        "     changed_at = excluded.changed_at,"
        "     taken_by = CASE WHEN excluded.taken_by = '' THEN incident.taken_by ELSE excluded.taken_by END",
        step.incident_id, fact.organisation_id, "closed" if step.step == "closed" else "open",
        step.by if step.step == "taken" else "", msgspec.to_builtins(step), fact.id, fact.recorded_us,
    )  # fmt: skip


async def facts_of_kind(
    connection: Connection, kind: str, *, series: str, from_us: int, to_us: int, limit: int = 500
) -> list[dict[str, Any]]:
    """Bodies of facts about one series in a span (µs), oldest first, at most ``limit``."""
    rows = await connection.fetch(
        "SELECT id, about_at, recorded_at, body FROM fact WHERE kind = $1 AND body ->> 'series' = $2"
        " AND organisation_id = current_organisation()"
        " AND about_at BETWEEN $3 AND $4 ORDER BY about_at, seq LIMIT $5",
        kind, series, from_us, to_us, limit,
    )  # fmt: skip
    return [{"id": row["id"], "recorded_us": row["recorded_at"], **row["body"]} for row in rows]


async def causes(connection: Connection, fact_id: UUID, *, depth_max: int = 12) -> list[dict[str, Any]]:
    """The fact and all facts behind it, newest first; the way back to the observations."""
    rows = await connection.fetch(
        "WITH RECURSIVE behind (id, depth) AS ("
        "  SELECT $1::uuid, 0 UNION SELECT cause, depth + 1 FROM behind JOIN fact USING (id),"
        "  unnest(fact.caused_by) cause WHERE depth < $2)"
        " SELECT DISTINCT ON (f.recorded_at, f.seq) f.id, f.kind, f.about_at, f.recorded_at, f.body,"
        " f.observation_ids FROM behind JOIN fact f USING (id) ORDER BY f.recorded_at DESC,"
        " f.seq DESC LIMIT 200",
        fact_id, depth_max,
    )  # fmt: skip
    return [dict(row) for row in rows]


async def open_alarms(connection: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Open alarms in order of need, at most 500, and how many of each state there are in all.

    New ones first, then those in hand, then those put aside; among these by crisis level, then the oldest.
    """
    rows = await connection.fetch(
        "SELECT state, body, fact_id FROM alarm WHERE state IN ('raised', 'acknowledged', 'shelved')"
        " ORDER BY array_position(ARRAY['raised', 'acknowledged', 'shelved'], state),"
        "          (body ->> 'crisis_level')::int DESC, (body ->> 'since_us')::bigint, id LIMIT $1",
        ALARMS_SHOWN_MAX,
    )
    counts = await connection.fetch(
        "SELECT state, count(*) AS alarms FROM alarm WHERE state IN ('raised', 'acknowledged', 'shelved')"
        " GROUP BY state"
    )
    shown = [{**row["body"], "state": row["state"], "fact_id": row["fact_id"]} for row in rows]
    return shown, {row["state"]: row["alarms"] for row in counts}


async def last_steps(connection: Connection, alarm_ids: Sequence[UUID]) -> list[tuple[str, AlarmStep]]:
    """State and last step of each of these alarms that is open."""
    rows = await connection.fetch(
        "SELECT state, body FROM alarm WHERE id = ANY($1::uuid[])"
        " AND state IN ('raised', 'acknowledged', 'shelved')",
        list(alarm_ids),
    )
    return [(row["state"], msgspec.convert(row["body"], AlarmStep)) for row in rows]


async def off_the_shelf(connection: Connection, organisation_id: int, now_us: int) -> list[AlarmStep]:
    """The last step of each alarm that was shelved until now or before."""
    rows = await connection.fetch(
        "SELECT body FROM alarm WHERE organisation_id = $1 AND state = 'shelved' AND shelved_until <= $2"
        " ORDER BY shelved_until, id",
        organisation_id, now_us,
    )  # fmt: skip
    return [msgspec.convert(row["body"], AlarmStep) for row in rows]


async def next_shelf_end(connection: Connection) -> int | None:
    """The earliest instant (µs) until which an alarm is shelved."""
    until_us: int | None = await connection.fetchval(
        "SELECT min(shelved_until) FROM alarm WHERE state = 'shelved'"
    )
    return until_us


async def alarms_of_other_series(
    connection: Connection, organisation_id: int, series: Sequence[str]
) -> list[tuple[AlarmStep, UUID]]:
    """Last step of each alarm of an organisation that is open and of none of ``series``; its fact's id."""
    rows = await connection.fetch(
        "SELECT body, fact_id FROM alarm WHERE organisation_id = $1"
        " AND state IN ('raised', 'acknowledged', 'shelved')"
        " AND NOT body ->> 'series' = ANY($2::text[]) ORDER BY id",
        organisation_id, list(series),
    )  # fmt: skip
    return [(msgspec.convert(row["body"], AlarmStep), row["fact_id"]) for row in rows]


async def incidents(connection: Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """Incidents, the open ones first, then the newest."""
    rows = await connection.fetch(
        "SELECT state, taken_by, body, fact_id, changed_at FROM incident"
        " ORDER BY state = 'closed', changed_at DESC, id LIMIT $1",
        limit,
    )
    return [
        {
            **row["body"],
            "state": row["state"],
            "by": row["taken_by"],
            "fact_id": row["fact_id"],
            "changed_us": row["changed_at"],
        }
        for row in rows
    ]


async def latest_of_kind(
    connection: Connection, kind: str, series: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The newest fact body of a kind for each series that has one."""
    rows = await connection.fetch(
        "SELECT s AS series, f.id, f.recorded_at, f.body FROM unnest($2::text[]) s, LATERAL ("
        " SELECT id, recorded_at, body FROM fact WHERE kind = $1 AND body ->> 'series' = s"
        " AND organisation_id = current_organisation() ORDER BY about_at DESC, seq DESC LIMIT 1) f",
        kind, list(series),
    )  # fmt: skip
    return {
        row["series"]: {"id": row["id"], "recorded_us": row["recorded_at"], **row["body"]} for row in rows
    }
