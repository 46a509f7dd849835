# SPDX-License-Identifier: Apache-2.0
"""The items of a collection: which are asked for, a page of them, one of them, how far they reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.faces.features.collections import FeatureCollection, feature_of
from cheoyong.faces.ogc_common.asking import (
    Box,
    Span,
    bbox_of,
    limit_of,
    require_crs84,
    require_json,
    span_of,
)
from cheoyong.faces.ogc_common.shapes import bounds_of, shapes_of, within_box
from cheoyong.records import places
from cheoyong.records.connection import Connection
from cheoyong.records.places import Wanted

PARAMETERS = ("bbox", "datetime", "limit", "after", "f", "bbox-crs", "crs")
EVERYWHERE = [-180.0, -90.0, 180.0, 90.0]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for items asks: a box, a span, exact texts, a page."""

    box: Box | None
    span: Span | None
    equals: dict[str, str]
    limit: int
    after: int


def asked_items(values: dict[str, str], collection: FeatureCollection) -> Asked:
    """The query parameters of ``/items``; raises InvalidInput."""
    require_json(values, "geojson")
    require_crs84(values)
    require_crs84(values, "bbox-crs")
    return Asked(
        bbox_of(values),
        span_of(values),
        {name: values[name] for name in places.EQUALS[collection.id] if name in values},
        limit_of(values),
        _after(values.get("after", "0")),
    )


def _after(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput("it is no place to go on from", where="after", mend="follow the link next")
    return int(text)


async def read_page(
    connection: Connection, collection: FeatureCollection, asked: Asked
) -> tuple[list[dict[str, Any]], int, int | None]:
    """The features of a page, how many match in all, and after which id the next page begins, if any."""
    span_us = (asked.span.from_us, asked.span.to_us) if asked.span else None
    wanted = Wanted(None, asked.equals, span_us if collection.observed else None)
    if asked.box is not None:
        wanted = Wanted(await _within(connection, collection, wanted, asked.box))
    rows = await places.page(
        connection, collection.id, wanted, after=asked.after, limit=asked.limit + 1
    )  # one more, to see whether there is a next page
    matched = await places.count(connection, collection.id, wanted) if wanted.ids is None else len(wanted.ids)
    shown = rows[: asked.limit]
    goes_on = shown[-1]["id"] if len(rows) > asked.limit else None
    return [feature_of(collection, row) for row in shown], matched, goes_on


async def _within(
    connection: Connection, collection: FeatureCollection, wanted: Wanted, box: Box
) -> list[int]:
    found: list[int] = []
    async for ids, stored in places.places(connection, collection.id, wanted):
        found.extend(np.array(ids)[within_box(shapes_of(stored), box)].tolist())
    return found


async def read_one(connection: Connection, collection: FeatureCollection, text: str) -> dict[str, Any] | None:
    """One feature by its id; None when there is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    rows = await places.page(connection, collection.id, Wanted([int(text)]), after=0, limit=1)
    return feature_of(collection, rows[0]) if rows else None


async def extent(connection: Connection, collection: FeatureCollection) -> dict[str, Any]:
    """The extent of a collection as the standard writes it; beyond 200,000 places: everywhere."""
    edges: list[list[float]] = []
    try:
        async for _, stored in places.places(connection, collection.id, Wanted()):
            edges.extend(filter(None, [bounds_of(shapes_of(stored))]))
    except TooLarge:
        edges = [EVERYWHERE]
    return {"spatial": {"bbox": [_around(edges)]}} if edges else {}


def _around(edges: list[list[float]]) -> list[float]:
    west, south, east, north = zip(*edges, strict=True)
    return [min(west), min(south), max(east), max(north)]
