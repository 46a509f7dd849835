# SPDX-License-Identifier: Apache-2.0
"""Registry rows with the place each stands at, for services that answer by place: three collections.

Each is one statement, ``c`` its rows, with columns ``id``, ``place`` (what is stored, None when it is no
GeoJSON), ``name`` and its own. A thing with several locations stands at the first; a datastream stands where
its thing does. Only datastreams of one value at a time are in it.

Callers hold a connection from ``as_organisation``; row security decides what exists for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cheoyong.domain.errors import TooLarge
from cheoyong.records.connection import Connection
from cheoyong.records.nouns import NOUNS

CollectionName = Literal["things", "datastreams", "features-of-interest"]
COLLECTIONS: tuple[CollectionName, ...] = get_args(CollectionName)
PLACES_MAX, CHARACTERS_MAX = 200_000, 200_000_000
_PIECE_ROWS = 5_000
Row = Any  # asyncpg.Record: columns by name

_GEOJSON = "('application/geo+json', 'application/vnd.geo+json')"
_PLACE_OF_THING = f"""
  LEFT JOIN LATERAL (
    SELECT CASE WHEN l.encoding_type IN {_GEOJSON} THEN l.location END AS place
    FROM thing_location t JOIN location l ON l.id = t.location_id
    WHERE t.thing_id = n.id ORDER BY l.id LIMIT 1) p ON true"""
_THINGS = f"""
  SELECT n.id, n.name, n.description, n.properties, p.place
  FROM thing n {_PLACE_OF_THING}"""
_FEATURES = f"""
  SELECT n.id, n.name, n.description, n.properties,
         CASE WHEN n.encoding_type IN {_GEOJSON} THEN n.feature END AS place
  FROM feature n"""
_DATASTREAMS = f"""
  SELECT d.id, d.name, d.description, d.properties, d.series, d.observation_type, d.unit,
         n.id AS thing_id, n.name AS thing, s.name AS sensor, o.name AS observed_property,
         o.definition AS observed_property_definition, p.place
  FROM datastream d JOIN thing n ON n.id = d.thing_id JOIN sensor s ON s.id = d.sensor_id
  JOIN observed_property o ON o.id = d.observed_property_id {_PLACE_OF_THING}
  WHERE d.part_types IS NULL"""

_FLAG = NOUNS["observation"].columns["flag"].sql  # said of the row ``n``
_OTHER = NOUNS["observation"].columns["result"].json_sql
_LATEST = f"""
  LEFT JOIN LATERAL (
    SELECT n.phenomenon_time AS latest_time, n.result AS latest_result, {_OTHER} AS latest_other,
           {_FLAG} AS latest_flag
    FROM observation_visible n WHERE n.datastream_id = c.id
    ORDER BY n.phenomenon_time DESC, n.id DESC LIMIT 1) l ON true"""

# $1 ids, $2 a name; of datastreams $3 to $6 more texts and $7, $8 the span. NULL: not asked.
_NAMED = "($1::bigint[] IS NULL OR c.id = ANY ($1)) AND ($2::text IS NULL OR c.name = $2)"
_OF_DATASTREAM = """
  ($3::text IS NULL OR c.series = $3) AND ($4::text IS NULL OR c.observed_property = $4)
  AND ($5::text IS NULL OR c.unit ->> 'symbol' = $5) AND ($6::text IS NULL OR c.thing = $6)
  AND ($7::timestamptz IS NULL OR EXISTS (
    SELECT FROM observation_visible n
    WHERE n.datastream_id = c.id AND n.phenomenon_time BETWEEN $7 AND $8))"""
_THING_ROWS = f"FROM ({_THINGS}) c WHERE {_NAMED}"
_FEATURE_ROWS = f"FROM ({_FEATURES}) c WHERE {_NAMED}"
_DATASTREAM_ROWS = f"FROM ({_DATASTREAMS}) c WHERE {_NAMED} AND {_OF_DATASTREAM}"
_PAGE = "AND c.id > $3 ORDER BY c.id LIMIT $4"
_DATASTREAM_PAGE = "AND c.id > $9 ORDER BY c.id LIMIT $10"


@dataclass(frozen=True, slots=True)
class _Statements:
    page: str
    count: str
    places: str


_STATEMENTS: Mapping[CollectionName, _Statements] = {
    "things": _Statements(
        f"SELECT c.* {_THING_ROWS} {_PAGE}",
        f"SELECT count(*) {_THING_ROWS}",
        f"SELECT c.id, c.place::text {_THING_ROWS} AND c.place IS NOT NULL",
    ),
    "features-of-interest": _Statements(
        f"SELECT c.* {_FEATURE_ROWS} {_PAGE}",
        f"SELECT count(*) {_FEATURE_ROWS}",
        f"SELECT c.id, c.place::text {_FEATURE_ROWS} AND c.place IS NOT NULL",
    ),
    "datastreams": _Statements(
        f"SELECT * FROM (SELECT c.* {_DATASTREAM_ROWS} {_DATASTREAM_PAGE}) c {_LATEST} ORDER BY c.id",
        f"SELECT count(*) {_DATASTREAM_ROWS}",
        f"SELECT c.id, c.place::text {_DATASTREAM_ROWS} AND c.place IS NOT NULL",
    ),
}
# The ends of what was measured: two looks into the index for each datastream, however much there is, and once
# there are archives the ends that are kept of it: those know of archived ones.
_EXTENT = """
SELECT least(min(f.at), min(s.first)) AS first, greatest(max(t.at), max(s.last)) AS last FROM datastream d
LEFT JOIN LATERAL (SELECT n.phenomenon_time AS at FROM observation_visible n
  WHERE n.datastream_id = d.id ORDER BY n.phenomenon_time, n.id LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT n.phenomenon_time AS at FROM observation_visible n
  WHERE n.datastream_id = d.id ORDER BY n.phenomenon_time DESC, n.id DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT min(v.first_at) AS first, max(v.last_at) AS last FROM standing_visible v
  WHERE v.datastream_id = d.id AND v.count > 0
    AND EXISTS (SELECT FROM archive a WHERE a.state <> 'closing')) s ON true
WHERE d.part_types IS NULL"""

#: Properties that can be asked for by their exact text, by collection.
EQUALS: Mapping[CollectionName, tuple[str, ...]] = {
    "things": ("name",),
    "features-of-interest": ("name",),
    "datastreams": ("name", "series", "observedProperty", "unit", "thing"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of these ids (None: all), with these exact texts, observed in a span (µs since 1970).

    Texts that :data:`EQUALS` does not name for a collection, and for others than datastreams the span, are
    passed over.
    """

    ids: Sequence[int] | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    span_us: tuple[int, int] | None = None

    def values(self, name: CollectionName) -> list[Any]:
        """The parameters of a collection's statements, from $1."""
        found: list[Any] = [None if self.ids is None else list(self.ids), *map(self.equals.get, EQUALS[name])]
        if name == "datastreams":
            found.extend((None, None) if self.span_us is None else self.span_us)
        return found


async def page(
    connection: Connection, name: CollectionName, wanted: Wanted, *, after: int, limit: int
) -> list[Row]:
    """At most ``limit`` rows with an id above ``after``, by id; datastreams with their latest observation."""
    rows: list[Row] = await connection.fetch(_STATEMENTS[name].page, *wanted.values(name), after, limit)
    return rows


async def count(connection: Connection, name: CollectionName, wanted: Wanted) -> int:
    """How many rows there are in all."""
    return int(await connection.fetchval(_STATEMENTS[name].count, *wanted.values(name)))


async def places(
    connection: Connection, name: CollectionName, wanted: Wanted
) -> AsyncIterator[tuple[list[int], list[str]]]:
    """Ids and places (GeoJSON text) of rows that have one, up to 5,000 at a time.

    Raises TooLarge beyond 200,000 places or 200,000,000 characters of them.
    """
    cursor = await connection.cursor(_STATEMENTS[name].places, *wanted.values(name))
    seen = characters = 0
    while rows := await cursor.fetch(_PIECE_ROWS):
        seen += len(rows)
        characters += sum(len(row["place"]) for row in rows)
        if seen > PLACES_MAX or characters > CHARACTERS_MAX:
            raise TooLarge(
                f"a question of place looks at no more than {PLACES_MAX:,} places"
                f" and {CHARACTERS_MAX:,} characters of them",
                where=name, mend="ask by property as well",
            )  # fmt: skip
        yield [row["id"] for row in rows], [row["place"] for row in rows]


async def observed_span_us(connection: Connection) -> tuple[int, int] | None:
    """The times of the first and the last observation of all datastreams of one value; None without any."""
    row = await connection.fetchrow(_EXTENT)
    return None if row["first"] is None else (row["first"], row["last"])
