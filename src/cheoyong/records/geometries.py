# SPDX-License-Identifier: Apache-2.0
"""Read the geometries of a noun's rows as GeoJSON text, piece by piece and bounded.

A plain PostgreSQL knows no geometry: what is true of one is worked out outside and goes back into a
statement as ``scalars.Measured``. Callers hold a connection from ``as_organisation``; row security decides
whose geometries these are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from cheoyong.domain.errors import TooLarge
from cheoyong.records.connection import Connection
from cheoyong.records.nouns import NOUNS

GEOMETRIES_MAX = 200_000
CHARACTERS_MAX = 200_000_000
_PIECE_ROWS = 5_000
# The columns that hold a geometry or a feature around one.
PLACES = frozenset(
    {
        ("location", "location"),
        ("feature", "feature"),
        ("datastream", "observed_area"),
        ("multi_datastream", "observed_area"),
    }
)


async def read_geometries(
    connection: Connection, noun: str, column: str
) -> AsyncIterator[tuple[list[int], list[str]]]:
    """The ids of the rows that have this column, and what it holds as JSON text, up to 5,000 at a time.

    Raises TooLarge beyond 200,000 rows or 200,000,000 characters.
    """
    if (noun, column) not in PLACES:
        raise ValueError(f"{noun}.{column} holds no geometry")
    sql = NOUNS[noun].columns[column].sql
    statement = f"SELECT n.id, ({sql})::text AS shape FROM {NOUNS[noun].source} n WHERE {sql} IS NOT NULL"
    cursor = await connection.cursor(statement)
    rows_read = characters = 0
    while rows := await cursor.fetch(_PIECE_ROWS):
        rows_read += len(rows)
        characters += sum(len(row["shape"]) for row in rows)
        if rows_read > GEOMETRIES_MAX or characters > CHARACTERS_MAX:
            raise TooLarge(
                f"a function of geometry looks at no more than {GEOMETRIES_MAX:,} geometries"
                f" and {CHARACTERS_MAX:,} characters of them",
                where=column,
            )
        yield [row["id"] for row in rows], [row["shape"] for row in rows]
