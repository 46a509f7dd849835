# SPDX-License-Identifier: Apache-2.0
"""Values worked out of a row: columns, constants and functions of them, and their SQL.

A value that does not exist, or is not of the kind a function needs (text in a JSON property where a
number is added), is NULL, and so is what is worked out of it. Each template uses each argument once, so
that nesting does not multiply the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Any, TypeAlias

from cheoyong.records.nouns import NOUNS, Column, Kind, Noun

NUMBERS = (Kind.INTEGER, Kind.NUMBER)
FREE = (Kind.JSON, Kind.VARIANT)  # what they hold is known row by row only


@dataclass(frozen=True, slots=True)
class Field:
    """A column by name, the path into it when it holds JSON, the relations that lead to its row."""

    column: str
    path: tuple[str, ...] = ()
    way: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A value: int, float, str, bool, None, or an instant (int µs) with ``kind`` TIME."""

    value: int | float | str | bool | date | time | timedelta | None
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of ``FUNCTIONS`` and its arguments."""

    function: str
    arguments: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A function of the geometry that a row holds in a column, worked out outside of the database.

    ``work`` makes a number, a Boolean or None of each geometry; ``values`` holds what it made, by the id of
    the row (rows without one have no value) and must be there when SQL is written.
    """

    noun: str
    column: str
    way: tuple[str, ...]
    gives: Kind
    work: Callable[[Any], Sequence[float | bool | None]]
    values: Mapping[int, float | bool] | None = None

    def known(self) -> Mapping[int, float | bool]:
        """The values; ValueError when nobody has worked them out."""
        if self.values is None:
            raise ValueError(f"{self.noun}.{self.column} was not measured")
        return self.values


Scalar: TypeAlias = Field | Constant | Apply | Measured


@dataclass(frozen=True, slots=True)
class Function:
    """What a function takes and gives, and its SQL with a place for each argument.

    ``bounded_sql``: what it is instead where its work may grow with the product of two long texts.
    """

    takes: tuple[Kind, ...]
    gives: Kind
    sql: str
    bounded_sql: str = ""


def _of_text(gives: Kind, sql: str, count: int = 1) -> Function:
    return Function((Kind.TEXT,) * count, gives, sql)


# PostgreSQL looks for one text in another in as many steps as the product of their lengths, and cannot be
# interrupted meanwhile: no time limit would end it. OFFSET keeps each argument from being worked out twice.
PART_CHARACTERS_MAX = 1_000
_STEPS_MAX = 100_000_000
_FOUND = "strpos({0}, {1})"
_FOUND_IN_BOUNDS = (
    f"(SELECT CASE WHEN length(t.a)::bigint * length(t.b) <= {_STEPS_MAX} THEN strpos(t.a, t.b) END"
    " FROM (SELECT {0} AS a, {1} AS b OFFSET 0) t)"
)


def _searching(gives: Kind, template: str) -> Function:
    return Function(
        (Kind.TEXT, Kind.TEXT),
        gives,
        template.replace("found", _FOUND),
        template.replace("found", _FOUND_IN_BOUNDS),
    )


def _of_time(part: str) -> Function:
    return Function((Kind.TIME,), Kind.INTEGER, f"extract({part} FROM {{0}} AT TIME ZONE 'UTC')::float8")


def _of_number(sql: str) -> Function:
    return Function((Kind.NUMBER,), Kind.NUMBER, sql)


def _of_two(sql: str, gives: Kind = Kind.NUMBER) -> Function:
    return Function((Kind.NUMBER, Kind.NUMBER), gives, sql)


_SECOND = "extract(second FROM {0} AT TIME ZONE 'UTC')"
_FIRST = "least(greatest(trunc({1}), 0), 1e9)::int + 1"
FUNCTIONS: Mapping[str, Function] = {
    "contains": _searching(Kind.BOOLEAN, "(found > 0)"),
    "startswith": _of_text(Kind.BOOLEAN, "starts_with({0}, {1})", 2),
    "endswith": _of_text(Kind.BOOLEAN, "starts_with(reverse({0}), reverse({1}))", 2),
    "indexof": _searching(Kind.INTEGER, "(found - 1)::float8"),
    "substring": Function((Kind.TEXT, Kind.NUMBER), Kind.TEXT, f"substr({{0}}, {_FIRST})"),
    "substring of length": Function(
        (Kind.TEXT, Kind.NUMBER, Kind.NUMBER),
        Kind.TEXT,
        f"substr({{0}}, {_FIRST}, least(greatest(trunc({{2}}), 0), 1e9)::int)",
    ),
    "length": _of_text(Kind.INTEGER, "char_length({0})::float8"),
    "tolower": _of_text(Kind.TEXT, "lower({0})"),
    "toupper": _of_text(Kind.TEXT, "upper({0})"),
    "trim": _of_text(Kind.TEXT, r"btrim({0}, E' \t\n\r\f\v')"),
    "concat": _of_text(Kind.TEXT, "({0} || {1})", 2),
    "year": _of_time("year"),
    "month": _of_time("month"),
    "day": _of_time("day"),
    "hour": _of_time("hour"),
    "minute": _of_time("minute"),
    "second": Function((Kind.TIME,), Kind.INTEGER, f"floor({_SECOND})::float8"),
    "fractionalseconds": Function((Kind.TIME,), Kind.NUMBER, f"mod({_SECOND}, 1)::float8"),
    "date": Function((Kind.TIME,), Kind.DATE, "({0} AT TIME ZONE 'UTC')::date"),
    "time": Function((Kind.TIME,), Kind.TIME_OF_DAY, "({0} AT TIME ZONE 'UTC')::time"),
    # Times are kept as instants, and shown in UTC: no offset outlives its arrival.
    "totaloffsetminutes": Function(
        (Kind.TIME,), Kind.INTEGER, "(CASE WHEN {0} IS NOT NULL THEN 0 END)::float8"
    ),
    # By way of decimals: halves are rounded away from zero, floats alone would go to the even side.
    "round": _of_number("round(({0})::numeric)::float8"),
    "floor": _of_number("floor({0})"),
    "ceiling": _of_number("ceil({0})"),
    "negate": _of_number("(- {0})"),
    "add": _of_two("({0} + {1})"),
    "sub": _of_two("({0} - {1})"),
    "mul": _of_two("({0} * {1})"),
    "div": _of_two("({0} / nullif({1}, 0))"),
    "whole div": _of_two("trunc({0} / nullif({1}, 0))", Kind.INTEGER),
    "mod": _of_two("mod(({0})::numeric, nullif({1}, 0)::numeric)::float8"),
    "later": Function((Kind.TIME, Kind.DURATION), Kind.TIME, "({0} + {1})"),
    "earlier": Function((Kind.TIME, Kind.DURATION), Kind.TIME, "({0} - {1})"),
    "between": Function((Kind.TIME, Kind.TIME), Kind.DURATION, "({0} - {1})"),
}


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


@dataclass(slots=True)
class Rows:
    """The rows one condition looks at: its own, ``n``, and those that relations lead to from there.

    One way leads to one row at a time: all that is said of it in a comparison is said of the same row.
    """

    noun: Noun
    parameters: Parameters
    joined: dict[tuple[str, ...], tuple[str, Noun]] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def column(self, item: Field) -> Column:
        """A field's column, its SQL on the row it belongs to."""
        alias, noun = self._reached(item.way)
        column = noun.columns[item.column]
        if alias == "n":
            return column
        return replace(
            column,
            sql=_on(column.sql, alias),
            end_sql=_on(column.end_sql, alias),
            json_sql=_on(column.json_sql, alias),
        )

    def _reached(self, way: tuple[str, ...]) -> tuple[str, Noun]:
        if not way:
            return "n", self.noun
        if way not in self.joined:
            before, noun = self._reached(way[:-1])
            link, alias = noun.relations[way[-1]], f"r{len(self.joined)}"
            target = NOUNS[link.target]
            self.sources.append(f"{target.source} {alias}")
            if link.many:
                self.links.append(_on(link.condition, alias).format(parent=f"{before}.id"))
            else:
                self.links.append(f"{alias}.id = {_on(link.key, before)}")
            self.joined[way] = alias, target
        return self.joined[way]

    def kind(self, scalar: Scalar) -> Kind | None:
        """What a value is; None for null."""
        if isinstance(scalar, Constant):
            return scalar.kind
        if isinstance(scalar, Apply):
            return FUNCTIONS[scalar.function].gives
        if isinstance(scalar, Measured):
            return scalar.gives
        return Kind.JSON if scalar.path else self.column(scalar).kind

    def sql(self, scalar: Scalar, kind: Kind) -> str:
        """A value as one of this kind, NULL when it is none; numbers are double precision."""
        if isinstance(scalar, Constant):
            return self._constant(scalar, kind)
        if isinstance(scalar, Measured):
            return self._measured(scalar)
        if isinstance(scalar, Apply):
            function = FUNCTIONS[scalar.function]
            arguments = [
                self.sql(part, wanted) for part, wanted in zip(scalar.arguments, function.takes, strict=True)
            ]
            bounded = function.bounded_sql and not _is_short_part(scalar.arguments)
            return (function.bounded_sql if bounded else function.sql).format(*arguments)
        column = self.column(scalar)
        if scalar.path or column.kind in FREE:
            return self._out_of_json(column, scalar, kind)
        if column.kind is Kind.INTEGER and kind in NUMBERS:
            return f"({column.sql})::float8"
        return column.sql

    def _measured(self, measured: Measured) -> str:
        """Looked up by the row's id: an object's members are found by halving, an array's are not."""
        alias, _ = self._reached(measured.way)
        values = {str(row): value for row, value in measured.known().items()}
        return f"({self.parameters.add(values, 'jsonb')} ->> ({alias}.id)::text)::{measured.gives.value}"

    def _constant(self, constant: Constant, kind: Kind) -> str:
        if kind in NUMBERS:
            value = constant.value
            number = float(value) if isinstance(value, int | float) else None
            return self.parameters.add(number, Kind.NUMBER.value)
        return self.parameters.add(constant.value, kind.value)

    def json(self, item: Field) -> str:
        """A field that is free in what it holds, as JSON."""
        column = self.column(item)
        if column.kind is Kind.VARIANT:
            return f"coalesce(to_jsonb({column.sql}), {column.json_sql})"
        return f"({column.sql} #> {self.parameters.add(list(item.path), 'text[]')})"

    def _out_of_json(self, column: Column, item: Field, kind: Kind) -> str:
        if column.kind is Kind.VARIANT:
            if kind in NUMBERS:
                return column.sql
            return out_of_json(column.json_sql, kind)
        return out_of_json(self.json(item), kind)


def _is_short_part(arguments: Sequence[Scalar]) -> bool:
    """Whether a short text that the filter spells out is looked for in one that is stored."""
    whole, part = arguments
    return (
        isinstance(whole, Field)
        and isinstance(part, Constant)
        and isinstance(part.value, str)
        and len(part.value) <= PART_CHARACTERS_MAX
    )


def out_of_json(sql: str, kind: Kind) -> str:
    """The text, number or Boolean that a JSON value is; NULL when it is something else."""
    if kind is Kind.TEXT:
        return f"(CASE jsonb_typeof({sql}) WHEN 'string' THEN {sql} #>> '{{}}' END)"
    name, sql_type = ("boolean", "boolean") if kind is Kind.BOOLEAN else ("number", "float8")
    return f"(CASE jsonb_typeof({sql}) WHEN '{name}' THEN ({sql})::{sql_type} END)"


_OWN = re.compile(r"\bn\.")


def _on(sql: str, alias: str) -> str:
    """The SQL of a noun's own row ``n`` on a row of another name."""
    return _OWN.sub(f"{alias}.", sql)
