# SPDX-License-Identifier: Apache-2.0
"""Go on after a row: the keys of an order whose place a row has, and the SQL of all that comes after it.

Counting off rows that were shown costs as many rows as there were; a place is found by the index. Rows
that come or go meanwhile shift a count, never a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cheoyong.records.nouns import Column, Kind, Noun
from cheoyong.records.scalars import Field, Measured, Parameters

OWN_PLACE = "own_place"  # the column in which a row carries its place in the order of a relation
_PLAIN = re.compile(r"n\.\w+")
_TYPES = {
    Kind.INTEGER: "bigint", Kind.NUMBER: "float8", Kind.VARIANT: "float8", Kind.TEXT: "text",
    Kind.BOOLEAN: "boolean", Kind.TIME: "timestamptz", Kind.SPAN: "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """One term of an order: the column a row carries it in, its SQL, what it holds; NULL is the smallest."""

    column: str
    sql: str
    kind: Kind
    descending: bool = False
    nullable: bool = False


def keys_of(
    noun: Noun, terms: Iterable[tuple[Field | Measured, bool]], own_order: str = ""
) -> tuple[Key, ...] | None:
    """The keys of an order, up to the id, which makes it total; None when one term is worked out.

    ``terms``: each field and whether it descends, the id among them. ``own_order``: the SQL of the order
    that a relation gives its rows, before all terms.

    >>> from cheoyong.records.nouns import NOUNS
    >>> terms = [(Field("moved_at"), True), (Field("id"), False)]
    >>> [(key.sql, key.descending) for key in keys_of(NOUNS["historical_location"], terms)]
    [('n.moved_at', True), ('n.id', False)]
    >>> keys_of(NOUNS["thing"], [(Field("properties", ("floor",)), False)]) is None
    True
    """
    keys = [Key(OWN_PLACE, own_order, Kind.INTEGER)] if own_order else []
    for field, descending in terms:
        column = _plain(noun, field)
        if column is None or not isinstance(field, Field):
            return None
        sql = f'{column.sql} COLLATE "C"' if column.kind is Kind.TEXT else column.sql
        if all(key.sql != sql for key in keys):
            keys.append(Key(field.column, sql, column.kind, descending, column.nullable))
        if field.column == "id":
            break
    return tuple(keys)


def _plain(noun: Noun, field: Field | Measured) -> Column | None:
    """The stored column that a field is, if it is one."""
    if not isinstance(field, Field) or field.way or field.path:
        return None
    column = noun.columns[field.column]
    return column if column.kind in _TYPES and _PLAIN.fullmatch(column.sql) else None


def after_sql(keys: Sequence[Key], values: Sequence[Any], parameters: Parameters) -> str:
    """What holds for the rows that come after the one with these values.

    An index whose first columns these are is entered at the place itself.

    >>> keys = Key("name", "n.name", Kind.TEXT, nullable=True), Key("id", "n.id", Kind.INTEGER)
    >>> after_sql(keys, [None, 7], Parameters())
    '(n.name IS NOT NULL OR n.id > $1::bigint)'
    >>> after_sql(keys[1:], [7], Parameters())
    'n.id > $1::bigint'
    """
    first, value = keys[0], values[0]
    if _of_one_direction(keys) and len(keys) > 1:
        placed = [_added(key, given, parameters) for key, given in zip(keys, values, strict=True)]
        columns = ", ".join(key.sql for key in keys)
        return f"ROW({columns}) {'<' if first.descending else '>'} ROW({', '.join(placed)})"
    if value is None:
        return _after_null(keys, values, parameters)
    place = _added(first, value, parameters)
    sign = "<" if first.descending else ">"
    if len(keys) == 1:
        sql = f"{first.sql} {sign} {place}"
    else:
        rest = after_sql(keys[1:], values[1:], parameters)
        # The first half follows from the second and is there for the index.
        sql = f"({first.sql} {sign}= {place} AND ({first.sql} {sign} {place} OR {rest}))"
    return f"({sql} OR {first.sql} IS NULL)" if first.descending and first.nullable else sql


def _after_null(keys: Sequence[Key], values: Sequence[Any], parameters: Parameters) -> str:
    first = keys[0]
    rest = after_sql(keys[1:], values[1:], parameters) if len(keys) > 1 else "false"
    if first.descending:
        return f"({first.sql} IS NULL AND {rest})"
    return f"({first.sql} IS NOT NULL OR {rest})"


def _of_one_direction(keys: Sequence[Key]) -> bool:
    return all(not key.nullable and key.descending == keys[0].descending for key in keys)


def _added(key: Key, value: Any, parameters: Parameters) -> str:
    return parameters.add(value, _TYPES[key.kind])
