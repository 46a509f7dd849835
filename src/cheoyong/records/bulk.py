# SPDX-License-Identifier: Apache-2.0
"""Observations read in columns, a page at a time, as they are or as they were known at an instant.

Pages go by (datastream, time, id), each a short transaction of its own, under the row security of its
caller. What is read of a page comes by binary COPY into NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.quality import Flag
from cheoyong.records.archived_pages import PageReach
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.checks import UNCHECKED_FROM
from cheoyong.records.connection import POSTGRES_EPOCH_US, Connection

ROWS_PER_PAGE_MAX = 50_000
NOTHING = int(np.iinfo(np.int64).min)  # of a column of whole numbers that has no value in this row
_HEAD_BYTES, _TAIL_BYTES = 19, 2
_INSTANTS = ("phenomenon_time", "phenomenon_end", "result_time", "recorded_at")

# One row of COPY's binary format: the field count, then each field behind its length, big-endian; last the
# length of the detail, whose text follows.
_FIELDS = (
    ("id", ">i8"), ("datastream_id", ">i4"), ("phenomenon_time", ">i8"), ("result", ">f8"),
    ("phenomenon_end", ">i8"), ("result_time", ">i8"), ("feature_id", ">i8"), ("recorded_at", ">i8"),
)  # fmt: skip
_ROW = np.dtype(
    [("fields", ">i2")]
    + [part for name, kind in _FIELDS for part in ((f"{name}_size", ">i4"), (name, kind))]
    + [("detail_size", ">i4")]
)
_COLUMNS = """o.id, o.datastream_id, o.phenomenon_time, coalesce(o.result, 'NaN'),
  coalesce(o.phenomenon_end, '-infinity'), coalesce(o.result_time, '-infinity'),
  coalesce(o.feature_id, '-9223372036854775808'::bigint), coalesce(r.recorded_at, '-infinity'),
  coalesce(o.detail::text, '')"""
# The ids of a batch are its own; a tick (count 0) shares its first id with the batch after it.
_RECORDED = """LATERAL (
    SELECT CASE WHEN o.id < b.first_id + b.count THEN b.recorded_at END AS recorded_at
    FROM batch_visible b WHERE b.first_id <= o.id AND b.count > 0 ORDER BY b.first_id DESC LIMIT 1) r"""
_PLACE = """o.phenomenon_time >= CASE WHEN d.id = $2 THEN $3::timestamptz ELSE $5 END
      AND o.phenomenon_time < $6 AND (d.id <> $2 OR (o.phenomenon_time, o.id) > ($3, $4))"""
_NOW = f"""
SELECT {_COLUMNS} FROM unnest($1::int[]) d (id) CROSS JOIN LATERAL (
    SELECT o.* FROM observation_visible o WHERE o.datastream_id = d.id AND {_PLACE}
    ORDER BY o.phenomenon_time, o.id LIMIT $7) o
  LEFT JOIN {_RECORDED} ON true
LIMIT $7
"""
# The version of a row that held at $8 is what the first change after it kept, or the row as it is when there
# was none. Both sides are read in order and cut, so that a page costs what a page holds.
_THEN = f"""
SELECT {_COLUMNS} FROM unnest($1::int[]) d (id) CROSS JOIN LATERAL (
    (SELECT o.* FROM observation_visible o, {_RECORDED}
     WHERE o.datastream_id = d.id AND {_PLACE} AND r.recorded_at <= $8
       AND NOT EXISTS (SELECT FROM observation_past p WHERE p.observation_id = o.id AND p.changed_at > $8)
     ORDER BY o.phenomenon_time, o.id LIMIT $7)
    UNION ALL
    (SELECT o.* FROM observation_past p
       CROSS JOIN LATERAL jsonb_populate_record(NULL::observation_visible, p.was) o, {_RECORDED}
     WHERE p.datastream_id = d.id AND p.changed_at > $8 AND {_PLACE} AND r.recorded_at <= $8
       AND NOT EXISTS (SELECT FROM observation_past e WHERE e.observation_id = p.observation_id
                       AND e.changed_at > $8 AND e.seq < p.seq)
     ORDER BY o.phenomenon_time, o.id LIMIT $7)
    ORDER BY phenomenon_time, id LIMIT $7) o
  LEFT JOIN {_RECORDED} ON true
LIMIT $7
"""
_VERDICTS = """
SELECT DISTINCT ON (q.observation_id) q.observation_id, q.flag, q.tests FROM quality_visible q
WHERE q.observation_id = ANY ($1::bigint[]) ORDER BY q.observation_id, q.batch DESC"""
_VERDICTS_THEN = """
SELECT DISTINCT ON (q.observation_id) q.observation_id, q.flag, q.tests
FROM quality_visible q JOIN batch_visible b ON b.number = q.batch
WHERE q.observation_id = ANY ($1::bigint[]) AND b.recorded_at <= $2 ORDER BY q.observation_id, q.batch DESC"""
_OF_STREAM = """d.id, d.name, d.unit, d.observation_type, d.properties, d.series IS NOT NULL AS judged,
  d.thing_id, t.name AS thing, t.properties AS thing_properties, d.observed_property_id AS property_id,
  p.name AS property, p.definition"""
_CHOSEN = """($1::int[] IS NULL OR d.id = ANY ($1)) AND ($2::bigint[] IS NULL OR d.thing_id = ANY ($2))
  AND ($3::bigint[] IS NULL OR d.observed_property_id = ANY ($3) OR EXISTS (
    SELECT FROM datastream_part a WHERE a.datastream_id = d.id AND a.observed_property_id = ANY ($3)))"""
_STREAMS = f"""
SELECT {_OF_STREAM} FROM datastream d LEFT JOIN thing t ON t.id = d.thing_id
LEFT JOIN observed_property p ON p.id = d.observed_property_id
WHERE {_CHOSEN} ORDER BY d.id LIMIT $4"""
# Those that were deleted after an instant: what they had is not any organisation's to read any more.
_DELETED = f"""
SELECT d.id FROM registry_past x CROSS JOIN LATERAL jsonb_populate_record(NULL::datastream, x.was) d
WHERE x.noun = 'datastream' AND x.gone AND x.changed_at > $4 AND {_CHOSEN} ORDER BY d.id LIMIT $5"""

Column = NDArray[Any]
_KEY = ("datastream_id", "phenomenon_time", "id")


class Place(NamedTuple):
    """Where a reader is: the datastream, time (µs) and id of the last row it has."""

    datastream_id: int
    time_us: int
    id: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which datastreams are asked for: those that fit all lists that are not None."""

    datastream_ids: Sequence[int] | None = None
    thing_ids: Sequence[int] | None = None
    property_ids: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What of their observations: begin of the phenomenon time in [from, to), as known at (None: now)."""

    from_us: int
    to_us: int
    known_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """``n`` observations in order; ``columns`` by name, whole numbers and instants (µs) NOTHING where absent.

    ``details`` maps the place of the rows that say more to what they say. ``end``: where the next page
    begins; None on the last. A page may have few rows, or none, and still not be the last.
    """

    columns: Mapping[str, Column]
    details: Mapping[int, dict[str, Any]]
    end: Place | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.columns["id"])


async def chosen_streams(connection: Connection, choice: Choice, limit: int) -> list[Any]:
    """The caller's datastreams that were asked for, by id, at most ``limit``."""
    return list(await connection.fetch(_STREAMS, *_lists(choice), limit))


async def deleted_streams(
    connection: Connection, choice: Choice, known_at_us: int | None, limit: int
) -> list[int]:
    """Those of the choice that were there at an instant and are not any more, at most ``limit``."""
    if known_at_us is None:
        return []
    rows = await connection.fetch(_DELETED, *_lists(choice), known_at_us, limit)
    return [row["id"] for row in rows]


def _lists(choice: Choice) -> list[list[int] | None]:
    chosen = (choice.datastream_ids, choice.thing_ids, choice.property_ids)
    return [None if some is None else list(some) for some in chosen]


async def read_page(
    connection: Connection,
    judged: Mapping[int, bool],
    span: Span,
    after: Place | None,
    limit: int = ROWS_PER_PAGE_MAX,
    shelf: Shelf | None = None,
) -> Page:
    """The next rows of these datastreams after a place, archived ones of ``shelf`` among them.

    ``judged`` says of each of the caller's datastreams whether the checks have rules for it. The transaction
    must have read no observation yet.
    """
    start = after or Place(0, span.from_us, 0)
    ids = [one for one in sorted(judged) if one >= start.datastream_id]
    frontier = None
    if shelf is not None:
        reach = PageReach(span.from_us, span.to_us, start, limit)
        connection, frontier = await shelf.page(connection, ids, reach)
    if frontier is not None:
        ids = [one for one in ids if one <= frontier[0]]
    arguments = [ids, start.datastream_id, start.time_us, start.id, span.from_us, span.to_us, limit]
    statement = _NOW
    if span.known_at_us is not None:
        statement, arguments = _THEN, [*arguments, span.known_at_us]
    raw = bytearray()

    async def take(data: bytes) -> None:
        raw.extend(data)

    await connection.copy_from_query(statement, *arguments, output=take, format="binary")
    rows, details = _parsed(memoryview(raw)[_HEAD_BYTES:-_TAIL_BYTES])
    columns = {name: rows[name].astype(rows[name].dtype.newbyteorder("=")) for name, _ in _FIELDS}
    is_full = len(rows) == limit
    for name in _INSTANTS:
        there = columns[name] != NOTHING
        columns[name][there] += POSTGRES_EPOCH_US
    end = _last_place(columns) if is_full else None
    if frontier is not None:
        # Beyond it there may be archived rows that belong between: the next page reads from there.
        kept = _count_up_to(columns, frontier)
        end = end if is_full and kept == len(rows) else Place(*frontier)
        columns = {name: column[:kept] for name, column in columns.items()}
        details = {place: detail for place, detail in details.items() if place < kept}
    columns |= await _flags(connection, columns, details, judged, span.known_at_us)
    return Page(columns, details, end)


def _last_place(columns: Mapping[str, Column]) -> Place:
    return Place(*(int(columns[name][-1]) for name in _KEY))


def _count_up_to(columns: Mapping[str, Column], place: tuple[int, int, int]) -> int:
    """How many of the first rows, which are sorted, come no later than a place."""
    stream, time_us, row_id = (columns[name] for name in _KEY)
    beyond = (stream > place[0]) | (
        (stream == place[0]) & ((time_us > place[1]) | ((time_us == place[1]) & (row_id > place[2])))
    )
    return int(np.argmax(beyond)) if beyond.any() else len(beyond)


def _parsed(raw: memoryview) -> tuple[NDArray[np.void], dict[int, dict[str, Any]]]:
    """The rows of a COPY, and the details of those that have any."""
    width = _ROW.itemsize
    if len(raw) % width == 0:
        rows = np.frombuffer(raw, _ROW)
        if (rows["fields"] == len(_FIELDS) + 1).all() and not rows["detail_size"].any():
            return rows, {}
    starts, details, at = [], {}, 0
    while at < len(raw):
        starts.append(at)
        end = at + width
        size = int.from_bytes(raw[end - 4 : end])
        if size:
            details[len(starts) - 1] = msgspec.json.decode(raw[end : end + size])
        at = end + size
    places = np.array(starts)[:, None] + np.arange(width)
    return np.frombuffer(raw, np.uint8)[places].reshape(-1).view(_ROW), details


async def _flags(
    connection: Connection,
    columns: Mapping[str, Column],
    details: Mapping[int, dict[str, Any]],
    judged: Mapping[int, bool],
    known_at_us: int | None,
) -> dict[str, Column]:
    """Flag and tests of each row: a pass is written nowhere; it was checked and not spoken against."""
    ids = columns["id"]
    order = np.argsort(ids, kind="stable")
    arguments: list[Any] = [ids[order].tolist()]
    if known_at_us is None:
        verdicts = await connection.fetch(_VERDICTS, *arguments)
    else:
        verdicts = await connection.fetch(_VERDICTS_THEN, *arguments, known_at_us)
    unchecked_from = await connection.fetchval(f"SELECT {UNCHECKED_FROM}")
    with_rules = [one for one, has_rules in judged.items() if has_rules]
    passed = (ids < unchecked_from) & np.isin(columns["datastream_id"], with_rules)
    flag = np.where(passed, Flag.PASS, Flag.NOT_EVALUATED).astype(np.int8)
    tests = np.zeros(len(ids), np.int16)
    if verdicts:
        spoken = np.array([tuple(row) for row in verdicts], np.int64)
        places = order[np.searchsorted(ids, spoken[:, 0], sorter=order)]
        flag[places], tests[places] = spoken[:, 1], spoken[:, 2]
    for place, detail in details.items():
        if "revised" in detail:  # a verdict on what it said before is none on what it says now
            flag[place], tests[place] = Flag.NOT_EVALUATED, 0
    return {"flag": flag, "tests": tests}
