# SPDX-License-Identifier: Apache-2.0
"""Conditions on a noun's rows, and their SQL: values travel as parameters only.

Logic has two values, as in OData: a comparison with NULL is false, except that NULL equals NULL and
differs from everything else. What is said of related rows holds when there are such rows of which it
holds.
"""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from cheoyong.records.among import among_sql
from cheoyong.records.nouns import NOUNS, Column, Kind, Noun
from cheoyong.records.scalars import (
    FREE,
    Apply,
    Constant,
    Field,
    Measured,
    Parameters,
    Rows,
    Scalar,
    out_of_json,
)

__all__ = [
    "Always", "Apply", "Compare", "Condition", "Constant", "Every", "Field", "Holds", "Measured", "Not",
    "Operator", "Order", "Parameters", "Scalar", "Some", "condition_sql", "order_sql", "whole_order",
]  # fmt: skip

Operator = Literal["=", "<>", "<", "<=", ">", ">="]
JSON_PATH_STEPS_MAX = 16
_PYTHON: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "=": operators.eq, "<": operators.lt, "<=": operators.le, ">": operators.gt, ">=": operators.ge,
}  # fmt: skip
_MIRRORED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether two values stand in this order to each other."""

    left: Scalar
    operator: Operator
    right: Scalar


@dataclass(frozen=True, slots=True)
class Holds:
    """Whether a Boolean value is true."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Always:
    """Known without looking."""

    holds: bool


Condition: TypeAlias = Compare | Holds | Every | Some | Not | Always


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a field or a function of geometry; NULL comes first ascending and last descending.

    Of many related rows the smallest counts ascending, the largest descending.
    """

    field: Field | Measured
    descending: bool = False


def order_sql(noun: Noun, orders: Sequence[Order], parameters: Parameters, *, of_all: bool = False) -> str:
    """The ORDER BY list, made total by the id; ``of_all``: not of one other row's only.

    The place of NULL is said only where there can be one: else the index would not fit.
    """
    terms = []
    for order in whole_order(noun, orders, of_all=of_all):
        way = "DESC" if order.descending else "ASC"
        if order.field.way or isinstance(order.field, Measured):
            sql, nullable = _worked_out(noun, order, way, parameters), True
        else:
            column = noun.columns[order.field.column]
            sql, nullable = _sortable(column, order.field, parameters), column.nullable
        null_place = "" if not nullable else " NULLS LAST" if order.descending else " NULLS FIRST"
        terms.append(f"{sql}{' DESC' if order.descending else ''}{null_place}")
    return ", ".join(terms)


def whole_order(noun: Noun, orders: Sequence[Order], *, of_all: bool = False) -> tuple[Order, ...]:
    """What is asked for, or the noun's order, and what makes it total."""
    unasked = ("id",) if orders else noun.order_of_all if of_all else noun.default_order
    return (*orders, *(Order(Field(name)) for name in unasked))


def _sortable(column: Column, field: Field, parameters: Parameters) -> str:
    if field.path:
        return f"({column.sql} #> {parameters.add(list(field.path), 'text[]')})"
    return f'{column.sql} COLLATE "C"' if column.kind is Kind.TEXT else column.sql


def _worked_out(noun: Noun, order: Order, way: str, parameters: Parameters) -> str:
    rows = Rows(noun, parameters)
    if isinstance(order.field, Measured):
        sql = rows.sql(order.field, order.field.gives)
    else:
        sql = _sortable(rows.column(order.field), order.field, parameters)
    if not rows.sources:
        return sql
    return (
        f"(SELECT {sql} FROM {', '.join(rows.sources)} WHERE {' AND '.join(rows.links)}"
        f" ORDER BY 1 {way} NULLS LAST LIMIT 1)"
    )


def condition_sql(noun: Noun, condition: Condition, parameters: Parameters) -> str:
    """The SQL of a condition on the rows ``n`` of ``noun``; it is true or false, never NULL."""
    if isinstance(condition, Every | Some):
        word = " AND " if isinstance(condition, Every) else " OR "
        return "(" + word.join(condition_sql(noun, part, parameters) for part in condition.parts) + ")"
    if isinstance(condition, Not):
        return f"(NOT {condition_sql(noun, condition.part, parameters)})"
    if isinstance(condition, Always):
        return "true" if condition.holds else "false"
    found = _found(condition)
    if found is not None:
        measured, ids = found
        return f"({among_sql(_name(noun), measured.way, ids, parameters)})"
    rows = Rows(noun, parameters)
    if isinstance(condition, Holds):
        sql = f"({rows.sql(condition.value, Kind.BOOLEAN)} IS TRUE)"
    else:
        sql = _compare(rows, condition)
    if not rows.sources:
        return sql
    return f"EXISTS (SELECT FROM {', '.join(rows.sources)} WHERE {' AND '.join([*rows.links, sql])})"


def _found(condition: Compare | Holds) -> tuple[Measured, list[int]] | None:
    """The rows whose geometry meets a condition, when that is known before any row is looked at.

    What differs from a value, or is null, may have no geometry at all: that is seen row by row.
    """
    if isinstance(condition, Holds):
        measured, wanted = condition.value, True
        accept: Callable[[Any], bool] = bool
    else:
        left, sign, right = condition.left, condition.operator, condition.right
        if isinstance(left, Constant):
            left, sign, right = right, _MIRRORED[sign], left
        measured, wanted = left, isinstance(right, Constant) and (right.kind is None) is (sign == "<>")
        accept = _accepting(sign, right.value if isinstance(right, Constant) else None)
    if not wanted or not isinstance(measured, Measured):
        return None
    return measured, [row for row, value in measured.known().items() if accept(value)]


def _accepting(sign: Operator, limit: Any) -> Callable[[Any], bool]:
    return lambda value: limit is None or bool(_PYTHON[sign](value, limit))


def _name(noun: Noun) -> str:
    return next(name for name, known in NOUNS.items() if known is noun)


def _compare(rows: Rows, compare: Compare) -> str:
    left, operator, right = compare.left, compare.operator, compare.right
    if isinstance(left, Constant) or (rows.kind(right) is Kind.SPAN and rows.kind(left) is not Kind.SPAN):
        left, operator, right = right, _MIRRORED[operator], left
    if isinstance(right, Constant) and right.kind is None:
        return _with_null(rows, left, operator)
    if isinstance(left, Field) and rows.kind(left) is Kind.SPAN:
        return _span(rows, rows.column(left), operator, right)
    if isinstance(left, Field) and isinstance(right, Constant):
        return _with_constant(rows, left, operator, right)
    return _of_two(rows, left, operator, right)


def _with_null(rows: Rows, left: Scalar, operator: Operator) -> str:
    if operator not in ("=", "<>"):
        return "false"  # nothing is before or after NULL; no parameter may be left unused
    kind = rows.kind(left)
    if kind is None:
        absent = "true"
    elif isinstance(left, Field) and kind is Kind.JSON:
        absent = f"coalesce({rows.json(left)} = 'null'::jsonb, true)"
    elif isinstance(left, Field) and kind is Kind.VARIANT:
        column = rows.column(left)
        absent = f"({column.sql} IS NULL AND {column.json_sql} IS NULL)"
    elif isinstance(left, Field):
        absent = f"({rows.column(left).sql} IS NULL)"
    else:
        absent = f"({rows.sql(left, kind)} IS NULL)"
    return absent if operator == "=" else f"(NOT {absent})"


def _with_constant(rows: Rows, left: Field, operator: Operator, right: Constant) -> str:
    """A plain column is compared as it is, so that its index serves."""
    column = rows.column(left)
    kind = right.kind or Kind.TEXT
    if left.path or column.kind in FREE:
        value = rows.sql(right, kind)
        return _two_valued(_collated(rows.sql(left, kind), kind), operator, value, nullable=True)
    if column.kind is Kind.INTEGER and kind is Kind.INTEGER:
        value = rows.parameters.add(right.value, Kind.INTEGER.value)
        return _two_valued(column.sql, operator, value, nullable=column.nullable)
    value = rows.sql(right, column.kind)
    return _two_valued(
        _collated(rows.sql(left, column.kind), column.kind), operator, value, nullable=column.nullable
    )


def _of_two(rows: Rows, left: Scalar, operator: Operator, right: Scalar) -> str:
    kinds = rows.kind(left), rows.kind(right)
    known = [kind for kind in kinds if kind is not None and kind not in FREE]
    if not known and isinstance(left, Field) and isinstance(right, Field):
        return _both_free(rows.json(left), operator, rows.json(right))
    kind = Kind.TIME if known[0] is Kind.SPAN else known[0]
    first, second = _collated(rows.sql(left, kind), kind), rows.sql(right, kind)
    if operator in ("=", "<>") and len(known) == len(kinds):
        word = "IS NOT DISTINCT FROM" if operator == "=" else "IS DISTINCT FROM"
        return f"({first} {word} {second})"
    if operator in ("=", "<>"):
        return _one_free(rows, compare=(left, right), sql=(first, second), negated=operator == "<>")
    return _two_valued(first, operator, second, nullable=True)


def _one_free(rows: Rows, compare: tuple[Scalar, Scalar], sql: tuple[str, str], *, negated: bool) -> str:
    """A JSON value of another kind is NULL where a number or text is looked for, but not null itself."""
    free = 0 if rows.kind(compare[0]) in FREE else 1
    both_null = f"{_with_null(rows, compare[free], '=')} AND {sql[1 - free]} IS NULL"
    same = f"(({sql[0]} = {sql[1]}) IS TRUE OR ({both_null}))"
    return f"(NOT {same})" if negated else same


def _both_free(left: str, operator: Operator, right: str) -> str:
    if operator in ("=", "<>"):
        # A JSON null and what is not there are both null.
        word = "IS NOT DISTINCT FROM" if operator == "=" else "IS DISTINCT FROM"
        return f"(nullif({left}, 'null') {word} nullif({right}, 'null'))"
    same = " OR ".join(
        f"({_collated(out_of_json(left, kind), kind)} {operator} {out_of_json(right, kind)}) IS TRUE"
        for kind in (Kind.NUMBER, Kind.TEXT, Kind.BOOLEAN)
    )
    return f"({same})"


def _collated(sql: str, kind: Kind) -> str:
    """Text is compared by code points."""
    return f'{sql} COLLATE "C"' if kind is Kind.TEXT else sql


def _two_valued(sql: str, operator: Operator, value: str, *, nullable: bool) -> str:
    if not nullable:
        return f"({sql} {operator} {value})"
    if operator == "<>":
        return f"(({sql} = {value}) IS NOT TRUE)"
    return f"(({sql} {operator} {value}) IS TRUE)"


def _span(rows: Rows, column: Column, operator: Operator, right: Scalar) -> str:
    """A span is before another when it ends before that begins, after when it begins after that ends.

    It is equal when both ends are; an instant is a span that ends where it begins.
    """
    at = end_at = rows.sql(right, Kind.TIME)
    if isinstance(right, Field) and rows.kind(right) is Kind.SPAN:
        end_at = rows.column(right).end_sql
    begin, end = column.sql, column.end_sql
    if operator in (">", ">="):
        sql = f"({begin} {operator} {end_at})"
    elif operator in ("<", "<="):
        # The first half follows from the second and is there for the index.
        sql = f"({begin} {operator} {at} AND {end} {operator} {at})"
    else:
        equals = "=" if isinstance(right, Constant) else "IS NOT DISTINCT FROM"  # null equals null
        sql = f"({begin} {equals} {at} AND {end} {equals} {end_at})"
    if column.nullable or not isinstance(right, Constant):
        sql = f"({sql} IS TRUE)"
    return f"(NOT {sql})" if operator == "<>" else sql
