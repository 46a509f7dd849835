# SPDX-License-Identifier: Apache-2.0
"""The functions of geometry in OGC 18-088 (``geo.…``, ``st_…``), judged by shapely (GEOS).

Everything is planar in the coordinates as sent, longitude and latitude of WGS 84: so ``geo.distance`` and
``geo.length`` are in **degrees**. OData defines both in the coordinate reference system that the SRID
names, which is 4326 here, and FROST-Server, the reference implementation, answers in degrees too: the
filters that clients send today (``lt 0.5``) keep their meaning. A degree of latitude is about 111 km.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import shapely

from cheoyong.domain.errors import NotSupported
from cheoyong.faces.sensorthings.expression import Value, bad
from cheoyong.records.nouns import Kind

Shapes: TypeAlias = Any  # array of shapely geometries or None, shape (n,)
Answers: TypeAlias = list[float | bool | None]
Work: TypeAlias = Callable[[Shapes], Answers]

_DISTANCE, _LENGTH, _RELATE = "geo.distance", "geo.length", "st_relate"
_PREDICATES: Mapping[str, Callable[[Any, Any], Any]] = {
    "geo.intersects": shapely.intersects,
    "st_equals": shapely.equals,
    "st_disjoint": shapely.disjoint,
    "st_touches": shapely.touches,
    "st_within": shapely.within,
    "st_overlaps": shapely.overlaps,
    "st_crosses": shapely.crosses,
    "st_intersects": shapely.intersects,
    "st_contains": shapely.contains,
}
GIVES: Mapping[str, Kind] = {
    _DISTANCE: Kind.NUMBER, _LENGTH: Kind.NUMBER, _RELATE: Kind.BOOLEAN,
    **dict.fromkeys(_PREDICATES, Kind.BOOLEAN),
}  # fmt: skip
SHAPES_TAKEN: Mapping[str, int] = {name: 1 if name == _LENGTH else 2 for name in GIVES}
_SRIDS = ("4326", "0")  # 0: none said
_SRID = re.compile(r"\s*SRID=(\d{1,9})\s*;", re.IGNORECASE)
_PATTERN = re.compile(r"[012TF*]{9}", re.IGNORECASE)
_ROW_WEIGHT, _PIECE_WEIGHT = 10, 60_000  # in positions
_LINES = ("LineString", "LinearRing", "MultiLineString")


def literal_shape(node: Value) -> Any:
    """The geometry of a literal ``geography'POINT (129.3 35.5)'``; ``SRID=4326;`` may stand before it.

    Raises InvalidInput with the literal's position when it is not well-known text or not valid,
    NotSupported for another reference system.
    """
    text = str(node.value).partition("'")[2][:-1].replace("''", "'")
    named = _SRID.match(text)
    if named and named[1] not in _SRIDS:
        raise NotSupported("only SRID 4326 is served", where=f"$filter, character {node.at + 1}")
    if "\0" in text:
        raise bad("text holds no character 0", node.at)
    try:
        with np.errstate(all="ignore"):  # beyond floating point: not valid, said below
            shape = shapely.from_wkt(text[named.end() :] if named else text)
    except (shapely.errors.ShapelyError, NotImplementedError) as error:
        raise bad(f"not well-known text such as POINT (129.3 35.5): {error!s:.120}", node.at) from None
    if shape is None or shape.is_empty:
        raise bad("an empty geometry is nowhere", node.at)
    if not shapely.is_valid(shape):
        raise bad(f"not a valid geometry: {shapely.is_valid_reason(shape):.120}", node.at)
    return shape


def relation_pattern(node: Any) -> str:
    """The pattern of a DE-9IM matrix, nine of ``0 1 2 T F *``, that ``st_relate`` takes."""
    if not isinstance(node, Value) or not isinstance(node.value, str) or not _PATTERN.fullmatch(node.value):
        raise bad("a pattern of nine of 0 1 2 T F * was expected, such as 'T*F**F***'", node.at)
    return node.value.upper()


def shapes_of(texts: Sequence[str]) -> Shapes:
    """The geometries of GeoJSON texts; None for what is none, is empty or is not valid.

    Of a Feature its geometry, of a FeatureCollection all of them as one.

    >>> shapes_of(['{"type": "Point", "coordinates": [129.3, 35.5]}', '"the bridge"']).tolist()
    [<POINT (129.3 35.5)>, None]
    """
    with np.errstate(all="ignore"):  # a number beyond floating point makes its geometry none
        shapes = shapely.from_geojson(np.array(texts, object), on_invalid="ignore")
        shapes[~shapely.is_valid(shapes) | shapely.is_empty(shapes)] = None
    return shapes


def one_shape(shape: Any) -> Shapes:
    """An array of one geometry."""
    return np.array([shape], object)


def pieces_of(shapes: Shapes) -> list[slice]:
    """The array in pieces of some 5,000 points, or fewer rows of more positions: a step that ends soon.

    >>> pieces_of(shapely.points([[0, 0]] * 6_000))
    [slice(0, 5454, None), slice(5454, 6000, None)]
    """
    weight = np.cumsum(_ROW_WEIGHT + shapely.get_num_coordinates(shapes))
    ends = np.flatnonzero(np.diff(weight // _PIECE_WEIGHT)) + 1
    edges = [0, *ends.tolist(), len(shapes)]
    return [slice(start, end) for start, end in pairwise(edges)]


def work_of(name: str, literal: Any, pattern: str, *, literal_first: bool) -> Work:
    """The function to apply to geometries: its other argument is the literal (none for a length).

    >>> work_of("geo.distance", shapely.Point(0, 0), "", literal_first=False)(shapely.points([[3, 4]]))
    [5.0]
    """
    if literal is not None:
        shapely.prepare(literal)

    def work(shapes: Shapes) -> Answers:
        sides = (literal, shapes) if literal_first else (shapes, literal)
        with np.errstate(all="ignore"):
            if name == _LENGTH:
                found = np.array([_length(shape) for shape in shapes], float)
            elif name == _DISTANCE:
                found = shapely.distance(*sides)
            elif name == _RELATE:
                found = shapely.relate_pattern(*sides, pattern)
            else:
                found = _PREDICATES[name](*sides)
        known = ~shapely.is_missing(shapes) & np.isfinite(found)
        return [value if is_known else None for value, is_known in zip(found.tolist(), known, strict=True)]

    return work


def _length(shape: Any) -> float:
    """Of lines only, those in a collection too: a point and an area have none."""
    if shape is None:
        return math.nan
    if shape.geom_type == "GeometryCollection":
        return sum(map(_length, shape.geoms), 0.0)
    return float(shape.length) if shape.geom_type in _LINES else 0.0
