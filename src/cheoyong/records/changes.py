# SPDX-License-Identifier: Apache-2.0
"""Change and delete what the registry holds and single observations, in the caller's transaction.

The database keeps every row as it was (migrations/0004_what_was.sql), with what ``signed`` has said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import numpy as np

from cheoyong.domain.errors import Conflict, NotFound
from cheoyong.records.connection import Connection
from cheoyong.records.observations import Rows
from cheoyong.records.readings import Row
from cheoyong.records.registry import WRITABLE, Existing, rows_of, series_taken


async def signed(connection: Connection, by: str) -> None:
    """Say who makes the changes of this transaction."""
    await connection.execute("SELECT set_config('cheoyong.by', $1, true)", by)


async def lock(connection: Connection, noun: str, row_id: int) -> None:
    """Hold a row until the transaction ends, so that of two changes the second sees the first.

    Raises NotFound when it is not there (any more).
    """
    table, among = _rows_of(noun)
    found = await connection.fetchval(
        f"SELECT id FROM {table} WHERE id = $1::bigint{among} FOR UPDATE", row_id
    )
    if found is None:
        raise NotFound(f"there is no {noun.replace('_', ' ')} {row_id}")


async def update(connection: Connection, noun: str, row_id: int, values: Mapping[str, Any]) -> None:
    """Set columns of one row of the registry; raises Conflict when a series is taken."""
    if unknown := set(values) - WRITABLE[noun]:
        raise ValueError(f"not columns of {noun}: {unknown}")
    if not values:
        return
    terms = ", ".join(f"{name} = ${place}" for place, name in enumerate(values, start=2))
    table, among = _rows_of(noun)
    sql = f"UPDATE {table} SET {terms} WHERE id = $1::bigint{among}"
    try:
        await connection.execute(sql, row_id, *values.values())
    except asyncpg.UniqueViolationError:
        raise series_taken(values.get("series"), "") from None


async def delete(connection: Connection, noun: str, row_id: int) -> None:
    """Delete one row and what the standard deletes with it.

    A thing, sensor or observed property takes its datastreams with it, a datastream its observations
    (they are out of every reader's sight as soon as it is gone, and stay where they are), a feature its
    observations, a location the entries of who has been there. Raises Conflict for a feature below
    zero, which is the place of a thing.
    """
    if noun == "feature":
        if row_id < 0:
            raise Conflict(
                "this feature is the place where a thing stands", mend=f"delete Locations({-row_id})"
            )
        await connection.execute("DELETE FROM observation_changeable WHERE feature_id = $1::bigint", row_id)
    if noun == "observed_property":
        # Held first: a multi-datastream that is just being given this part is then seen, or is too late.
        await lock(connection, noun, row_id)
        await connection.execute(
            "DELETE FROM datastream WHERE id IN"
            " (SELECT datastream_id FROM datastream_part WHERE observed_property_id = $1::bigint)",
            row_id,
        )
    if noun == "location":
        await connection.execute(
            "DELETE FROM historical_location WHERE id IN"
            " (SELECT historical_location_id FROM historical_place WHERE location_id = $1::bigint)",
            row_id,
        )
    table, among = _rows_of(noun)
    done = await connection.execute(f"DELETE FROM {table} WHERE id = $1::bigint{among}", row_id)
    if done.endswith(" 0"):
        raise NotFound(f"there is no {noun.replace('_', ' ')} {row_id}")


async def hand_over(
    connection: Connection, column: str, owner_id: int, datastreams: Sequence[Existing]
) -> None:
    """Give datastreams (of either kind) another thing, sensor or observed property."""
    for datastream in datastreams:
        await lock(connection, datastream.noun, datastream.id)
        await update(connection, datastream.noun, datastream.id, {column: owner_id})


async def properties_of(connection: Connection, datastream_id: int) -> list[int]:
    """The ids of the observed properties of a multi-datastream's parts, in order."""
    rows = await connection.fetch(
        "SELECT observed_property_id AS id FROM datastream_part WHERE datastream_id = $1::bigint"
        " ORDER BY place",
        datastream_id,
    )
    return [row["id"] for row in rows]


async def has_observations(connection: Connection, datastream_id: int) -> bool:
    """Whether there is any observation of a datastream."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM observation_visible WHERE datastream_id = $1::bigint)", datastream_id
    )
    return found


_REVISE = """
UPDATE observation_changeable SET phenomenon_time = $2, result = $3, digest = $4, datastream_id = $5,
  phenomenon_end = $6, result_time = $7, feature_id = $8, detail = $9
WHERE id = $1
"""


async def observation(connection: Connection, observation_id: int) -> Row:
    """All columns of one observation, held until the transaction ends; raises NotFound."""
    row = await connection.fetchrow(
        "SELECT * FROM observation_changeable WHERE id = $1::bigint FOR UPDATE", observation_id
    )
    if row is None:
        raise NotFound(f"there is no observation {observation_id}")
    return row


async def revise(connection: Connection, observation_id: int, rows: Rows, revised_at: str | None) -> None:
    """Put another reading in an observation's place; ``rows`` has length 1.

    ``revised_at`` marks one whose verdict was on another value: it counts as not evaluated.
    Raises Conflict when its datastream has the very same observation already.
    """
    extra = rows.extras.get(0)
    detail = dict(extra.detail or {}) if extra else {}
    if revised_at is not None:
        detail["revised"] = revised_at
    number = float(rows.result[0])
    try:
        await connection.execute(
            _REVISE, observation_id,
            int(rows.phenomenon_us[0]), None if np.isnan(number) else number, int(rows.digest[0]),
            int(rows.datastream_id[0]),
            extra.phenomenon_end_us if extra else None, extra.result_time_us if extra else None,
            extra.feature_id if extra else None, detail or None,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise Conflict(
            "the datastream has this very observation already", mend="delete one of them"
        ) from None


def _rows_of(noun: str) -> tuple[str, str]:
    return ("observation_changeable", "") if noun == "observation" else rows_of(noun)
