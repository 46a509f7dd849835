# SPDX-License-Identifier: Apache-2.0
"""Inspections that recur: what, of which thing, how often, last done by whom, due when.

Callers hold a connection from ``as_organisation``. That one was done is only ever added, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from cheoyong.domain.errors import NotFound, TooMany
from cheoyong.domain.instant import SECOND_US
from cheoyong.records.connection import Connection

INSPECTIONS_MAX = 500  # of an organisation
_STANDING = """
SELECT i.id, i.name, i.thing_id, coalesce(t.name, '') AS thing, i.every_s, i.begins_at,
       d.done_at, coalesce(d.by, '') AS by, coalesce(d.note, '') AS note
FROM inspection i LEFT JOIN thing t ON t.id = i.thing_id
LEFT JOIN LATERAL (SELECT done_at, by, note FROM inspection_done
  WHERE inspection_id = i.id ORDER BY done_at DESC, id DESC LIMIT 1) d ON true
WHERE i.ended_at IS NULL ORDER BY i.id LIMIT $1"""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One inspection; instants in µs, ``done_us`` None: never yet. ``thing`` empty: the site as a whole."""

    id: int
    name: str
    thing_id: int | None
    thing: str
    every_s: int
    begins_us: int
    done_us: int | None
    by: str
    note: str

    @property
    def due_us(self) -> int:
        """When it is next to be done.

        >>> Inspection(1, "doors", None, "", 86_400, 0, None, "", "").due_us == 86_400 * SECOND_US
        True
        """
        last_us = self.begins_us if self.done_us is None else self.done_us
        return last_us + self.every_s * SECOND_US


async def standing(connection: Connection) -> list[Inspection]:
    """Every inspection that is not ended, the most overdue first."""
    rows = await connection.fetch(_STANDING, INSPECTIONS_MAX)
    return sorted((Inspection(*row.values()) for row in rows), key=lambda one: (one.due_us, one.id))


async def plan(
    connection: Connection, organisation_id: int, name: str, thing_id: int | None, every_s: int, *,
    by: str, now_us: int,
) -> int:  # fmt: skip
    """Plan an inspection; first due one period from now. Its id.

    Raises NotFound for a thing that is not of the organisation, TooMany beyond 500 inspections.
    """
    if thing_id is not None and not await connection.fetchval("SELECT 1 FROM thing WHERE id = $1", thing_id):
        raise NotFound("there is no such thing", where="thing_id", mend="leave it out for the whole site")
    if await connection.fetchval("SELECT count(*) FROM inspection WHERE ended_at IS NULL") >= INSPECTIONS_MAX:
        raise TooMany(f"there are {INSPECTIONS_MAX} inspections", retry_after_s=3600, where="inspection")
    identity: int = await connection.fetchval(
        "INSERT INTO inspection (organisation_id, thing_id, name, every_s, begins_at, made_by)"
        " VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        organisation_id, thing_id, name, every_s, now_us, by,
    )  # fmt: skip
    return identity


async def done(
    connection: Connection, organisation_id: int, inspection_id: int, *, by: str, note: str, now_us: int
) -> None:
    """Note that a person has done it. Raises NotFound when there is none."""
    await _there(connection, inspection_id)
    await connection.execute(
        "INSERT INTO inspection_done (organisation_id, inspection_id, done_at, by, note)"
        " VALUES ($1, $2, $3, $4, $5)",
        organisation_id, inspection_id, now_us, by, note,
    )  # fmt: skip


async def end(connection: Connection, inspection_id: int, *, by: str, now_us: int) -> None:
    """It need not be done any more; what was done stays on record. Raises NotFound when there is none."""
    await _there(connection, inspection_id)
    await connection.execute(
        "UPDATE inspection SET ended_at = $2, ended_by = $3 WHERE id = $1", inspection_id, now_us, by
    )


async def _there(connection: Connection, inspection_id: int) -> None:
    found = await connection.fetchval(
        "SELECT 1 FROM inspection WHERE id = $1 AND ended_at IS NULL", inspection_id
    )
    if not found:
        raise NotFound("there is no such inspection", where="inspection", mend="see GET /api/today")
