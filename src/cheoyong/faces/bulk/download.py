# SPDX-License-Identifier: Apache-2.0
"""Observations out in columns: what was asked for, and the answer page by page as fast as it is read.

A page is read while the one before it is on its way; no connection to the database is held in between. A
reader who goes away ends what is being read for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from cheoyong import __version__
from cheoyong.domain.errors import InvalidInput, NotFound, TooLarge, TooMany
from cheoyong.domain.instant import EARLIEST_US, LATEST_US, format_instant, parse_instant
from cheoyong.faces.bulk.rendering import COLUMNS, FORMATS, Written, record_batch, schema_of
from cheoyong.records.archived_reading import Shelf
from cheoyong.records.bulk import (
    ROWS_PER_PAGE_MAX,
    Choice,
    Page,
    Place,
    Span,
    chosen_streams,
    deleted_streams,
    read_page,
)
from cheoyong.records.connection import Pool, as_organisation

STREAMS_MAX = 10_000
DESCRIBED_MAX = 200  # datastreams that the metadata of an answer tells of one by one
DOWNLOADS_MAX = 6  # at once in a process; each holds two pages
LIMIT_MAX = 2**53
_IDS_MAX = 1_000
_CHOICES = ("datastream", "thing", "observed_property")
PARAMETERS = (*_CHOICES, "from", "to", "known_at", "format", "columns", "after", "limit")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request for observations."""

    choice: Choice
    span: Span
    format: str
    columns: Sequence[str]
    after: Place | None
    limit: int | None
    query: str


class Lacking(NamedTuple):
    """What an answer does not have, though it was asked for: datastreams deleted since."""

    streams: Sequence[int]

    def told(self) -> dict[str, str]:
        """By name; empty where nothing is lacking."""
        return {"deleted-datastreams-missing": ",".join(map(str, self.streams))}


class Answer(NamedTuple):
    """The bytes of an answer as they come, and what its head says."""

    pieces: AsyncIterator[bytes]
    media_type: str
    headers: dict[str, str]


def asked(pairs: Sequence[tuple[str, str]]) -> Wanted:
    """What a query asks for. Raises InvalidInput naming the parameter.

    >>> asked([("datastream", "7,8"), ("from", "2016-10-05T00:00:00Z")]).choice.datastream_ids
    [7, 8]
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in PARAMETERS:
            raise InvalidInput(
                "there is no such parameter", where=name[:100], mend=f"use {', '.join(PARAMETERS)}"
            )
        if name in given:
            raise InvalidInput("the parameter is there twice", where=name, mend="join values with commas")
        given[name] = value
    lists = [_ids(name, given[name]) if name in given else None for name in _CHOICES]
    if lists == [None, None, None]:
        raise InvalidInput(
            "nothing says which observations", where="datastream", mend=f"say one of {', '.join(_CHOICES)}"
        )
    known_at = parse_instant(given["known_at"], where="known_at") if "known_at" in given else None
    span = Span(_instant(given, "from", EARLIEST_US), _instant(given, "to", LATEST_US), known_at)
    limit = _whole("limit", given["limit"], LIMIT_MAX) if "limit" in given else None
    after = _place(given["after"]) if "after" in given else None
    query = "&".join(f"{name}={given[name]}" for name in PARAMETERS if name in given)
    return Wanted(Choice(*lists), span, _format(given), _columns(given), after, limit, query)


def _instant(given: Mapping[str, str], name: str, otherwise: int) -> int:
    return parse_instant(given[name], where=name) if name in given else otherwise


def _ids(name: str, text: str) -> list[int]:
    values = text.split(",")
    if len(values) > _IDS_MAX:
        raise InvalidInput(f"more than {_IDS_MAX:,} ids", where=name, mend="ask in several requests")
    most = 2**31 - 1 if name == "datastream" else 2**63 - 1
    return [_whole(name, value, most) for value in values]


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise InvalidInput(f"{text!r:.40} is not a whole number from 1 on", where=name, mend=f"{name}=7")
    return int(text)


def _format(given: Mapping[str, str]) -> str:
    chosen = given.get("format", "arrow")
    if chosen not in FORMATS:
        raise InvalidInput(
            f"there is no format {chosen!r:.40}", where="format", mend=f"use {' or '.join(FORMATS)}"
        )
    return chosen


def _columns(given: Mapping[str, str]) -> Sequence[str]:
    if "columns" not in given:
        return list(COLUMNS)
    names = given["columns"].split(",")
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or len(set(names)) < len(names):
        raise InvalidInput(
            f"no such column, or twice: {','.join(unknown or names)[:100]}", where="columns",
            mend=f"use {', '.join(COLUMNS)}",
        )  # fmt: skip
    return names


def _place(text: str) -> Place:
    parts = text.split(",")
    if len(parts) != len(Place._fields):
        raise InvalidInput(
            "it is not datastream,time,id", where="after", mend="after=7,2016-10-05T03:30:00Z,1234"
        )
    stream, time, row_id = parts
    return Place(
        _whole("after", stream, 2**31 - 1), parse_instant(time, where="after"),
        _whole("after", row_id, 2**63 - 1),
    )  # fmt: skip


class Downloads:
    """The way out of one process; ``pool`` signs in as cheoyong_app, ``shelf`` has the archives."""

    def __init__(self, pool: Pool, now_us: Callable[[], int], shelf: Shelf | None = None) -> None:
        self._pool = pool
        self._shelf = shelf
        self._now_us = now_us
        self.running = 0  # answers that are on their way

    async def answer(self, organisation_id: int, wanted: Wanted) -> Answer:
        """The answer to a request, its first page read, so that what is wrong is said before it begins.

        Raises NotFound for a datastream that is not there or another organisation's, TooLarge for more than
        10,000 of them, TooMany when six downloads go on already.
        """
        if self.running >= DOWNLOADS_MAX:
            raise TooMany("as many downloads go on as can", retry_after_s=5)
        async with as_organisation(self._pool, organisation_id) as connection:
            streams = await chosen_streams(connection, wanted.choice, STREAMS_MAX + 1)
            lacking = Lacking(
                await deleted_streams(connection, wanted.choice, wanted.span.known_at_us, DESCRIBED_MAX),
            )
        _check(streams, wanted.choice)
        judged = {row["id"]: row["judged"] for row in streams}

        async def page(after: Place | None, limit: int) -> Page:
            async with as_organisation(self._pool, organisation_id) as connection:
                return await read_page(connection, judged, wanted.span, after, limit, self._shelf)

        first = await page(wanted.after, _next_limit(wanted.limit))
        schema = schema_of(wanted.columns, _metadata(wanted, streams, lacking, self._now_us()))
        media_type, _ = FORMATS[wanted.format]
        pieces = self._counted(_pieces(first, page, wanted, schema))
        return Answer(pieces, media_type, _headers(wanted, first, lacking))

    async def _counted(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self.running += 1  # only now: an answer that is never begun is never ended
        try:
            async for piece in pieces:
                yield piece
        finally:
            self.running -= 1


def _check(streams: Sequence[Any], choice: Choice) -> None:
    if len(streams) > STREAMS_MAX:
        raise TooLarge(f"over {STREAMS_MAX:,} datastreams", mend="ask for some of them at a time")
    missing = set(choice.datastream_ids or ()) - {row["id"] for row in streams}
    if missing and choice.thing_ids is None and choice.property_ids is None:
        raise NotFound(
            f"there is no Datastreams({min(missing)})", where="datastream", mend="list /v1.1/Datastreams"
        )


def _next_limit(left: int | None) -> int:
    return ROWS_PER_PAGE_MAX if left is None else min(left, ROWS_PER_PAGE_MAX)


async def _pieces(
    first: Page, read: Callable[[Place | None, int], Awaitable[Page]], wanted: Wanted, schema: Any
) -> AsyncIterator[bytes]:
    """The bytes of all pages; the next is read while one is written and sent."""
    sink = Written()
    writer = await asyncio.to_thread(FORMATS[wanted.format][1], sink, schema)
    page, left = first, wanted.limit
    coming: asyncio.Task[Page] | None = None
    try:
        while True:
            left = None if left is None else left - len(page)
            # A task of its own: it is cancelled once, and ends its transaction in peace.
            more = page.end is not None and left != 0 and not _is_one_page(wanted)
            coming = asyncio.create_task(_read(read, page.end, _next_limit(left))) if more else None
            if len(page):
                await asyncio.to_thread(_write, writer, page, schema)
                yield sink.taken()
            if coming is None:
                break
            page = await asyncio.shield(coming)
        await asyncio.to_thread(writer.close)
        yield sink.taken()
    finally:
        if coming is not None:
            coming.cancel()


async def _read(
    read: Callable[[Place | None, int], Awaitable[Page]], after: Place | None, limit: int
) -> Page:
    return await read(after, limit)


def _write(writer: Any, page: Page, schema: Any) -> None:
    writer.write_batch(record_batch(page, schema))


def _headers(wanted: Wanted, first: Page, lacking: Lacking) -> dict[str, str]:
    name = f"observations.{'arrows' if wanted.format == 'arrow' else 'parquet'}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    headers |= {f"cheoyong-{name}": value for name, value in lacking.told().items() if value}
    if first.end is not None and _is_one_page(wanted):
        headers["cheoyong-next-after"] = token(first.end)
    return headers


def _is_one_page(wanted: Wanted) -> bool:
    """Whether the head of the answer says where the next one begins."""
    return wanted.limit is not None and wanted.limit <= ROWS_PER_PAGE_MAX


def token(place: Place) -> str:
    """What to say as ``after`` to go on behind a row.

    >>> token(Place(7, 1_475_638_200_000_000, 1234))
    '7,2016-10-05T03:30:00Z,1234'
    """
    return f"{place.datastream_id},{format_instant(place.time_us)},{place.id}"


def _metadata(wanted: Wanted, streams: Sequence[Any], lacking: Lacking, now_us: int) -> dict[str, str]:
    """What goes into the schema of an answer: the values are JSON where they are more than a word."""
    known_at_us = wanted.span.known_at_us
    told = {
        "software": f"cheoyong {__version__}",
        "query": wanted.query,
        "made_at": format_instant(now_us),
        "known_at": "" if known_at_us is None else format_instant(known_at_us),
        "time_zone": "UTC",
        "sorted_by": "datastream_id,phenomenon_time,id",
        "flags": "QARTOD: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing",
        "datastream_count": str(len(streams)),
        **lacking.told(),
    }
    if len(streams) <= DESCRIBED_MAX:
        told["datastreams"] = msgspec.json.encode([_described(row) for row in streams]).decode()
    return told


def _described(row: Any) -> dict[str, Any]:
    of_stream, of_thing = row["properties"] or {}, row["thing_properties"] or {}
    said = {**of_thing, **of_stream}
    return {
        "id": row["id"],
        "name": row["name"],
        "unit": row["unit"],
        "observation_type": row["observation_type"],
        "observed_property": {
            "id": row["property_id"],
            "name": row["property"],
            "definition": row["definition"],
        },
        "thing": {"id": row["thing_id"], "name": row["thing"]},
        "owner": said.get("owner"),
        "licence": said.get("licence", said.get("license")),
        "has_rules": row["judged"],
    }
