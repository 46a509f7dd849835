# SPDX-License-Identifier: Apache-2.0
"""Before a statement runs: work out the functions of geometry that its filters and orders ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.faces.sensorthings.geometry import pieces_of, shapes_of
from cheoyong.faces.sensorthings.options import Options
from cheoyong.records.conditions import Compare, Condition, Every, Holds, Not, Order, Some
from cheoyong.records.connection import Connection
from cheoyong.records.geometries import read_geometries
from cheoyong.records.scalars import Apply, Measured, Scalar

FUNCTIONS_MAX = 8  # of one request
WORK_S_MAX = 10.0
_Shaped = tuple[list[int], Any]  # ids of rows and their geometries


def is_measured(options: Options) -> bool:
    """Whether there is a function of geometry to be worked out, for which a transaction is needed."""
    return next(_wanted(options), None) is not None


async def with_measures(connection: Connection, options: Options) -> Options:
    """The same options, with the values of all functions of geometry in them, expanded ones too.

    ``connection`` is in a transaction of an organisation: only its own geometries are looked at. Raises
    InvalidInput for more than 8 functions, TooLarge when there are too many geometries or it takes over 10 s.
    """
    wanted = list(_wanted(options))
    if not wanted:
        return options
    if len(wanted) > FUNCTIONS_MAX:
        raise InvalidInput(f"more than {FUNCTIONS_MAX} functions of geometry", where="$filter")
    try:
        async with asyncio.timeout(WORK_S_MAX):
            measured = await _measured(connection, wanted)
    except TimeoutError:
        raise TooLarge(
            f"judging the geometries takes more than {WORK_S_MAX:.0f} s", where="$filter",
            mend="use a geometry of fewer points",
        ) from None  # fmt: skip
    return _Filling(measured).options(options)


async def _measured(connection: Connection, wanted: Sequence[Measured]) -> dict[int, Measured]:
    """Each function by its identity, with its values; the geometries of a column are read once."""
    read: dict[tuple[str, str], _Shaped] = {}
    measured = {}
    for term in wanted:
        key = term.noun, term.column
        if key not in read:
            read[key] = await _shaped(connection, *key)
        measured[id(term)] = replace(term, values=await _values(term, *read[key]))
    return measured


async def _shaped(connection: Connection, noun: str, column: str) -> _Shaped:
    ids: list[int] = []
    pieces = [np.empty(0, object)]
    async for some, texts in read_geometries(connection, noun, column):
        ids += some
        pieces.append(await asyncio.to_thread(shapes_of, texts))
    return ids, np.concatenate(pieces)


async def _values(term: Measured, ids: Sequence[int], shapes: Any) -> dict[int, float | bool]:
    """In pieces, in a thread: others are served meanwhile, and the time limit can end it."""
    values = {}
    for piece in pieces_of(shapes):
        found = await asyncio.to_thread(term.work, shapes[piece])
        values.update({row: value for row, value in zip(ids[piece], found, strict=True) if value is not None})
    return values


def _wanted(options: Options) -> Iterator[Measured]:
    if options.condition is not None:
        yield from measured_in(options.condition)
    yield from (order.field for order in options.order if isinstance(order.field, Measured))
    for inner in options.expand.values():
        yield from _wanted(inner)


def measured_in(condition: Condition) -> Iterator[Measured]:
    """The functions of geometry that a condition holds, without their values yet."""
    if isinstance(condition, Every | Some):
        for part in condition.parts:
            yield from measured_in(part)
    elif isinstance(condition, Not):
        yield from measured_in(condition.part)
    elif isinstance(condition, Compare):
        yield from _in_scalars((condition.left, condition.right))
    elif isinstance(condition, Holds):
        yield from _in_scalars((condition.value,))


def _in_scalars(scalars: Iterable[Scalar]) -> Iterator[Measured]:
    for scalar in scalars:
        if isinstance(scalar, Measured):
            yield scalar
        elif isinstance(scalar, Apply):
            yield from _in_scalars(scalar.arguments)


@dataclass(frozen=True, slots=True)
class _Filling:
    """Puts the functions with values in the place of those without."""

    measured: dict[int, Measured]

    def options(self, options: Options) -> Options:
        condition = None if options.condition is None else self._condition(options.condition)
        order = tuple(self._order(item) for item in options.order)
        expand = {name: self.options(inner) for name, inner in options.expand.items()}
        return replace(options, condition=condition, order=order, expand=expand)

    def _order(self, order: Order) -> Order:
        field = order.field
        return replace(order, field=self.measured[id(field)]) if isinstance(field, Measured) else order

    def _condition(self, condition: Condition) -> Condition:
        if isinstance(condition, Every | Some):
            return replace(condition, parts=tuple(map(self._condition, condition.parts)))
        if isinstance(condition, Not):
            return Not(self._condition(condition.part))
        if isinstance(condition, Compare):
            return replace(condition, left=self._scalar(condition.left), right=self._scalar(condition.right))
        return Holds(self._scalar(condition.value)) if isinstance(condition, Holds) else condition

    def _scalar(self, scalar: Scalar) -> Scalar:
        if isinstance(scalar, Measured):
            return self.measured[id(scalar)]
        if isinstance(scalar, Apply):
            return replace(scalar, arguments=tuple(map(self._scalar, scalar.arguments)))
        return scalar
