# SPDX-License-Identifier: Apache-2.0
"""Conditions on a noun's columns, and their SQL: values travel as parameters only.

Logic has two values, as in OData: a comparison with NULL is false, except that NULL equals NULL and
differs from everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from cheoyong.records.nouns import Column, Kind, Noun

Operator = Literal["=", "<>", "<", "<=", ">", ">="]
JSON_PATH_STEPS_MAX = 16


@dataclass(frozen=True, slots=True)
class Field:
    """A column by name, and the path into it when it holds JSON."""

    column: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A value: int, float, str, bool, None, or an instant (int µs) with ``kind`` TIME."""

    value: int | float | str | bool | None
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether a field stands in this order to a constant."""

    field: Field
    operator: Operator
    constant: Constant


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


Condition: TypeAlias = Compare | Every | Some | Not | Always


class Parameters:
    """The values of one statement; each gets its number and type.

    >>> parameters = Parameters()
    >>> parameters.add(3, "bigint"), parameters.add("x", "text"), parameters.values
    ('$1::bigint', '$2::text', [3, 'x'])
    """

    def __init__(self) -> None:
        self.values: list[Any] = []

    def add(self, value: Any, sql_type: str) -> str:
        """The placeholder that stands for ``value``."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a field; NULL comes first ascending and last descending."""

    field: Field
    descending: bool = False


def order_sql(noun: Noun, orders: Sequence[Order], parameters: Parameters) -> str:
    """The ORDER BY list, made total by the id.

    The place of NULL is said only where there can be one: else the index would not fit.
    """
    terms = []
    for order in (*orders, *(Order(Field(name)) for name in _tie_break(noun, orders))):
        column = noun.columns[order.field.column]
        sql = _sortable(column, order.field, parameters)
        null_place = "" if not column.nullable else " NULLS LAST" if order.descending else " NULLS FIRST"
        terms.append(f"{sql}{' DESC' if order.descending else ''}{null_place}")
    return ", ".join(terms)


def _tie_break(noun: Noun, orders: Sequence[Order]) -> tuple[str, ...]:
    return ("id",) if orders else noun.default_order


def _sortable(column: Column, field: Field, parameters: Parameters) -> str:
    if field.path:
        return f"({column.sql} #> {parameters.add(list(field.path), 'text[]')})"
    return f'{column.sql} COLLATE "C"' if column.kind is Kind.TEXT else column.sql


def condition_sql(noun: Noun, condition: Condition, parameters: Parameters) -> str:
    """The SQL of a condition on the rows ``n`` of ``noun``; it is true or false, never NULL."""
    if isinstance(condition, Compare):
        return _compare(noun.columns[condition.field.column], condition, parameters)
    if isinstance(condition, Every | Some):
        word = " AND " if isinstance(condition, Every) else " OR "
        return "(" + word.join(condition_sql(noun, part, parameters) for part in condition.parts) + ")"
    if isinstance(condition, Not):
        return f"(NOT {condition_sql(noun, condition.part, parameters)})"
    return "true" if condition.holds else "false"


def _compare(column: Column, compare: Compare, parameters: Parameters) -> str:
    if compare.constant.kind is None and compare.operator not in ("=", "<>"):
        return "false"  # nothing is before or after NULL; no parameter may be left unused
    if compare.field.path or column.kind is Kind.JSON:
        path = parameters.add(list(compare.field.path), "text[]")
        return _in_json(f"({column.sql} #> {path})", compare, parameters)
    if column.kind is Kind.VARIANT and compare.constant.kind in (Kind.TEXT, Kind.BOOLEAN):
        return _in_json(column.json_sql, compare, parameters)
    if compare.constant.kind is None:
        return _with_null(column.sql, column, compare.operator)
    if column.kind is Kind.SPAN:
        return _span(column, compare, parameters)
    sql, value = _typed(column, compare.constant, parameters)
    return _two_valued(sql, compare.operator, value, nullable=column.nullable)


def _typed(column: Column, constant: Constant, parameters: Parameters) -> tuple[str, str]:
    """Both sides in one type; an integer is compared with a fraction as a number."""
    if column.kind in (Kind.NUMBER, Kind.VARIANT):
        return column.sql, parameters.add(float(constant.value or 0), Kind.NUMBER.value)
    if column.kind is Kind.INTEGER and constant.kind is Kind.NUMBER:
        return f"{column.sql}::float8", parameters.add(constant.value, Kind.NUMBER.value)
    if column.kind is Kind.TEXT:
        return f'{column.sql} COLLATE "C"', parameters.add(constant.value, Kind.TEXT.value)
    return column.sql, parameters.add(constant.value, column.kind.value)


def _two_valued(sql: str, operator: Operator, value: str, *, nullable: bool) -> str:
    if not nullable:
        return f"({sql} {operator} {value})"
    if operator == "<>":
        return f"(({sql} = {value}) IS NOT TRUE)"
    return f"(({sql} {operator} {value}) IS TRUE)"


def _with_null(sql: str, column: Column, operator: Operator) -> str:
    absent = f"({sql} IS NULL)"
    if column.kind is Kind.VARIANT:
        absent = f"({sql} IS NULL AND {column.json_sql} IS NULL)"
    return absent if operator == "=" else f"(NOT {absent})"


def _span(column: Column, compare: Compare, parameters: Parameters) -> str:
    """A span is before an instant when it ends before it, after when it begins after, equal when it is it."""
    at = parameters.add(compare.constant.value, Kind.TIME.value)
    begin, end = column.sql, column.end_sql
    if compare.operator in (">", ">="):
        return f"({begin} {compare.operator} {at})"
    if compare.operator in ("<", "<="):
        # The first half follows from the second and is there for the index.
        return f"({begin} {compare.operator} {at} AND {end} {compare.operator} {at})"
    equal = f"({begin} = {at} AND {end} = {at})"
    return equal if compare.operator == "=" else f"(NOT {equal})"


_JSON_TYPE = {
    Kind.INTEGER: ("number", "float8"),
    Kind.NUMBER: ("number", "float8"),
    Kind.BOOLEAN: ("boolean", "boolean"),
}


def _in_json(sql: str, compare: Compare, parameters: Parameters) -> str:
    constant = compare.constant
    if constant.kind is None:
        absent = f"coalesce({sql} = 'null'::jsonb, true)"
        return absent if compare.operator == "=" else f"(NOT {absent})"
    if constant.kind is Kind.TEXT:
        value = parameters.add(constant.value, "text")
        text = f"(CASE jsonb_typeof({sql}) WHEN 'string' THEN {sql} #>> '{{}}' END COLLATE \"C\")"
        return _two_valued(text, compare.operator, value, nullable=True)
    json_type, sql_type = _JSON_TYPE[constant.kind]
    number = float(constant.value or 0) if sql_type == "float8" else constant.value
    typed = f"(CASE jsonb_typeof({sql}) WHEN '{json_type}' THEN ({sql})::{sql_type} END)"
    return _two_valued(typed, compare.operator, parameters.add(number, sql_type), nullable=True)
