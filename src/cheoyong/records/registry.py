# SPDX-License-Identifier: Apache-2.0
"""Write the registry: whole trees of things, sensors and datastreams, in the caller's transaction.

Foreign keys look past row security, so every link to an existing row is first seen through it: a row
of another organisation does not exist here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from cheoyong.domain.errors import Conflict, InvalidInput, NotFound
from cheoyong.records.connection import Connection

WRITABLE: Mapping[str, frozenset[str]] = {
    "thing": frozenset({"name", "description", "properties"}),
    "location": frozenset({"name", "description", "encoding_type", "location", "properties"}),
    "historical_location": frozenset({"moved_at", "thing_id"}),
    "sensor": frozenset({"name", "description", "encoding_type", "metadata", "properties"}),
    "observed_property": frozenset({"name", "definition", "description", "properties"}),
    "feature": frozenset({"name", "description", "encoding_type", "feature", "properties"}),
    "datastream": frozenset(
        {
            "name", "description", "observation_type", "unit", "observed_area", "properties", "series",
            "registered_at", "thing_id", "sensor_id", "observed_property_id",
        }
    ),
    "multi_datastream": frozenset(
        {
            "name", "description", "observation_type", "unit", "part_types", "observed_area", "properties",
            "registered_at", "thing_id", "sensor_id",
        }
    ),
}  # fmt: skip
# Nouns that are not simply a table's rows: the table, and what holds for those of its rows.
_AMONG = {
    "datastream": ("datastream", " AND part_types IS NULL"),
    "multi_datastream": ("datastream", " AND part_types IS NOT NULL"),
}


@dataclass(slots=True)
class Draft:
    """A row to be: its values, the rows it needs first, and those that need it.

    ``needs`` maps a foreign key column to a draft or to the id of an existing row; ``children`` are
    (foreign key column in the child, child); ``places`` (of a thing) and ``things`` (of a location)
    are linked both ways; ``parts`` are the observed properties of a multi-datastream, in order.
    ``where`` is what the sender calls it, for error messages; ``id`` is set when it is stored.
    ``payload`` is left to the caller.
    """

    noun: str
    where: str
    values: dict[str, Any]
    needs: dict[str, Draft | Existing] = field(default_factory=dict)
    children: list[tuple[str, Draft]] = field(default_factory=list)
    places: list[Draft | Existing] = field(default_factory=list)
    things: list[Draft | Existing] = field(default_factory=list)
    parts: list[Draft | Existing] = field(default_factory=list)
    payload: list[Any] = field(default_factory=list)
    id: int = 0


@dataclass(frozen=True, slots=True)
class Existing:
    """A row that is there already, as the sender named it."""

    noun: str
    id: int
    where: str


async def insert(
    connection: Connection, organisation_id: int, draft: Draft, *, at_us: int | None = None
) -> int:
    """Store a draft with all that hangs on it; returns its id.

    ``at_us`` is when things move to the places that are linked here; None: now by the database's clock.

    Raises NotFound for a link to nothing, Conflict when a series is taken.
    """
    for column, needed in draft.needs.items():
        draft.values[column] = await _resolve(connection, organisation_id, needed, at_us)
    draft.id = await _insert_row(connection, organisation_id, draft)
    if draft.parts:
        parts = [await _resolve(connection, organisation_id, part, at_us) for part in draft.parts]
        await compose(connection, organisation_id, draft.id, parts, draft.where)
    for column, child in draft.children:
        child.values[column] = draft.id
        await insert(connection, organisation_id, child, at_us=at_us)
    places = [await _resolve(connection, organisation_id, place, at_us) for place in draft.places]
    if draft.noun == "historical_location":
        await _look_back(connection, organisation_id, draft, places)
    elif places:
        await _move(connection, organisation_id, draft.id, places, at_us)
    for thing in draft.things:
        thing_id = await _resolve(connection, organisation_id, thing, at_us)
        await _move(connection, organisation_id, thing_id, [draft.id], at_us)
    return draft.id


async def _move(
    connection: Connection,
    organisation_id: int,
    thing_id: int,
    location_ids: Sequence[int],
    at_us: int | None,
) -> None:
    """A thing is at one place at a time; since when it is there is written down."""
    await _stand_only(connection, organisation_id, thing_id, location_ids)
    history_id = await connection.fetchval(
        "INSERT INTO historical_location (organisation_id, thing_id, moved_at)"
        " VALUES ($1, $2, coalesce($3::timestamptz, clock_timestamp())) RETURNING id",
        organisation_id, thing_id, at_us,
    )  # fmt: skip
    await place_history(connection, organisation_id, history_id, location_ids)


async def _stand_only(
    connection: Connection, organisation_id: int, thing_id: int, location_ids: Sequence[int]
) -> None:
    """The places it was at before are unlinked, not deleted."""
    # Of two moves at once the second waits for the first: a thing is not left at two places.
    await connection.execute("SELECT id FROM thing WHERE id = $1 FOR NO KEY UPDATE", thing_id)
    await connection.execute("DELETE FROM thing_location WHERE thing_id = $1", thing_id)
    for location_id in location_ids:
        await stand(connection, organisation_id, thing_id, location_id)


async def place_history(
    connection: Connection, organisation_id: int, history_id: int, location_ids: Sequence[int]
) -> None:
    """Say at which locations a thing was, in place of what was said before."""
    await connection.execute("DELETE FROM historical_place WHERE historical_location_id = $1", history_id)
    await connection.execute(
        "INSERT INTO historical_place (historical_location_id, location_id, organisation_id)"
        " SELECT DISTINCT $1::bigint, l, $2::int FROM unnest($3::bigint[]) l",
        history_id, organisation_id, list(location_ids),
    )  # fmt: skip


async def _look_back(
    connection: Connection, organisation_id: int, draft: Draft, location_ids: Sequence[int]
) -> None:
    """A place that someone writes down later; when none is newer, it is where the thing is."""
    await place_history(connection, organisation_id, draft.id, location_ids)
    newest = await connection.fetchval(
        "SELECT id FROM historical_location WHERE thing_id = $1 ORDER BY moved_at DESC, id DESC LIMIT 1",
        draft.values["thing_id"],
    )
    if newest == draft.id:
        await _stand_only(connection, organisation_id, draft.values["thing_id"], location_ids)


async def compose(
    connection: Connection, organisation_id: int, datastream_id: int, property_ids: Sequence[int], where: str
) -> None:
    """Say of which observed properties the parts of a multi-datastream are, in place of what was said before.

    Raises InvalidInput when one stands there twice: the set of them would be shorter than the parts.
    """
    if len(set(property_ids)) < len(property_ids):
        raise InvalidInput(
            "an observed property is there twice",
            where=f"{where}.ObservedProperties".lstrip("."),
            mend="give each part a property of its own",
        )
    await connection.execute("DELETE FROM datastream_part WHERE datastream_id = $1::bigint", datastream_id)
    await connection.execute(
        "INSERT INTO datastream_part (datastream_id, place, observed_property_id, organisation_id)"
        " SELECT $1::bigint, l.place, l.id, $2::int FROM unnest($3::bigint[]) WITH ORDINALITY l (id, place)",
        datastream_id, organisation_id, list(property_ids),
    )  # fmt: skip


async def move(
    connection: Connection,
    organisation_id: int,
    thing_id: int,
    *places: Draft | Existing,
    at_us: int | None = None,
) -> list[int]:
    """Put a thing at a new place, which is its only one then; returns the ids of its locations.

    Several ``places`` are as many ways of saying where that is.
    """
    await require(connection, Existing("thing", thing_id, "Thing"))
    location_ids = [await _resolve(connection, organisation_id, place, at_us) for place in places]
    await _move(connection, organisation_id, thing_id, location_ids, at_us)
    return location_ids


async def stand(connection: Connection, organisation_id: int, thing_id: int, location_id: int) -> None:
    """Link a thing to one more location (another way of saying where it is)."""
    await connection.execute(
        "INSERT INTO thing_location (thing_id, location_id, organisation_id) VALUES ($1, $2, $3)"
        " ON CONFLICT DO NOTHING",
        thing_id, location_id, organisation_id,
    )  # fmt: skip


async def require(connection: Connection, existing: Existing) -> int:
    """The id itself when the row exists for this organisation; raises NotFound otherwise."""
    table, among = rows_of(existing.noun)
    found = await connection.fetchval(f"SELECT id FROM {table} WHERE id = $1::bigint{among}", existing.id)
    if found is None:
        name = existing.noun.replace("_", " ")
        raise NotFound(f"there is no {name} {existing.id}", where=existing.where)
    return existing.id


async def remove(connection: Connection, noun: str, ids: list[int]) -> None:
    """Take back rows that were just stored (and, by cascade, what hangs on them)."""
    table, among = rows_of(noun)
    await connection.execute(f"DELETE FROM {table} WHERE id = ANY($1::bigint[]){among}", ids)


def rows_of(noun: str) -> tuple[str, str]:
    """The table that a noun's rows stand in, and the SQL that goes on after a condition to hold it to them.

    Raises ValueError for what is no noun of the registry.

    >>> rows_of("multi_datastream")
    ('datastream', ' AND part_types IS NOT NULL')
    """
    if noun not in WRITABLE:
        raise ValueError(f"no such noun: {noun}")
    return _AMONG.get(noun, (noun, ""))


async def _resolve(
    connection: Connection, organisation_id: int, needed: Draft | Existing, at_us: int | None
) -> int:
    if isinstance(needed, Existing):
        return await require(connection, needed)
    return needed.id or await insert(connection, organisation_id, needed, at_us=at_us)


async def _insert_row(connection: Connection, organisation_id: int, draft: Draft) -> int:
    names = [name for name in draft.values if name in WRITABLE[draft.noun]]
    if len(names) != len(draft.values):
        raise ValueError(f"not columns of {draft.noun}: {set(draft.values) - set(names)}")
    places = ", ".join(f"${number}" for number in range(2, len(names) + 2))
    table, _ = rows_of(draft.noun)
    sql = f"INSERT INTO {table} (organisation_id, {', '.join(names)}) VALUES ($1, {places}) RETURNING id"
    try:
        row_id: int = await connection.fetchval(sql, organisation_id, *(draft.values[name] for name in names))
    except asyncpg.UniqueViolationError:
        raise series_taken(draft.values.get("series"), draft.where) from None
    return row_id


def series_taken(series: str | None, where: str) -> Conflict:
    """The error of a second datastream for one series."""
    return Conflict(
        f"the series {series!r} has a datastream already",
        where=f"{where}.properties.series".lstrip("."),
        mend="give it another name or use the datastream there is",
    )
