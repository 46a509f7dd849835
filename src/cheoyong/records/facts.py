# SPDX-License-Identifier: Apache-2.0
"""Facts: added once, never changed; and what alarms and incidents they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from cheoyong.domain.fact import AlarmStep, Fact, IncidentStep
from cheoyong.records.alarms import fold_alarm
from cheoyong.records.connection import Connection

FACTS_PER_STATEMENT_MAX = 1_000
# Lists of lists go as texts: unnest would flatten them. The order of the list is the order of seq.
_INSERT = """
INSERT INTO fact (id, organisation_id, kind, about_at, recorded_at, body, caused_by, observation_ids)
SELECT id, organisation_id, kind, about_at, recorded_at, body, caused_by::uuid[], observation_ids::bigint[]
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[],
            $7::text[], $8::text[]) WITH ORDINALITY
     AS f (id, organisation_id, kind, about_at, recorded_at, body, caused_by, observation_ids, place)
ORDER BY place ON CONFLICT (id) DO NOTHING RETURNING id, seq
"""


async def add_facts(connection: Connection, facts: Iterable[Fact]) -> list[tuple[int, Fact]]:
    """Add facts and fold them into alarms and incidents; returns (seq, fact) of those that were new.

    A fact that is there already (a retry, a replay, or twice in ``facts``) changes nothing.
    """
    left = tuple(facts)
    added: list[tuple[int, Fact]] = []
    for first in range(0, len(left), FACTS_PER_STATEMENT_MAX):
        added += await _add(connection, left[first : first + FACTS_PER_STATEMENT_MAX])
    for _, fact in added:
        await _fold(connection, fact)
    return added


async def _add(connection: Connection, facts: Sequence[Fact]) -> list[tuple[int, Fact]]:
    columns = zip(
        *(
            (
                fact.id, fact.organisation_id, fact.kind, fact.about_us, fact.recorded_us,
                msgspec.to_builtins(fact.body), _list(fact.caused_by), _list(fact.observation_ids),
            )
            for fact in facts
        ),
        strict=True,
    )  # fmt: skip
    rows = await connection.fetch(_INSERT, *map(list, columns))
    seq_of = {row["id"]: row["seq"] for row in rows}
    return [(seq_of.pop(fact.id), fact) for fact in facts if fact.id in seq_of]


def _list(items: Iterable[object]) -> str:
    """As PostgreSQL reads a list.

    >>> _list((1, 2))
    '{1,2}'
    """
    return "{" + ",".join(map(str, items)) + "}"


async def _fold(connection: Connection, fact: Fact) -> None:
    if isinstance(fact.body, AlarmStep):
        await fold_alarm(connection, fact, fact.body)
    elif isinstance(fact.body, IncidentStep):
        await _fold_incident(connection, fact, fact.body)


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
