# SPDX-License-Identifier: Apache-2.0
"""What paths, functions and arithmetic of a filter mean: values of the records, each with its kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.expression import Binary, Call, Node, Path, Unary, Value, bad
from cheoyong.faces.sensorthings.geometry import (
    GIVES,
    SHAPES_TAKEN,
    literal_shape,
    one_shape,
    relation_pattern,
    work_of,
)
from cheoyong.records.conditions import JSON_PATH_STEPS_MAX, Operator
from cheoyong.records.geometries import PLACES
from cheoyong.records.nouns import NOUNS, Kind
from cheoyong.records.scalars import FREE, FUNCTIONS, NUMBERS, Apply, Constant, Field, Measured, Scalar

COMPARISONS: Mapping[str, Operator] = {
    "eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<=",
}  # fmt: skip
WAY_STEPS_MAX = 6
_TIMES = (Kind.TIME, Kind.SPAN)
_ARITHMETIC = frozenset({"add", "sub", "mul", "div", "mod"})
_SHIFT = {"add": "later", "sub": "earlier"}
_SPOKEN = {
    Kind.TEXT: "text", Kind.BOOLEAN: "true or false", Kind.TIME: "a time", Kind.SPAN: "a time",
    Kind.DATE: "a date", Kind.TIME_OF_DAY: "a time of day", Kind.DURATION: "a duration",
    Kind.JSON: "a JSON value", Kind.VARIANT: "a result", None: "null",
}  # fmt: skip
# The functions of OGC 18-088, table "Built-in Query Functions", that are those of the records by name.
_PLAIN = frozenset(
    {
        "endswith", "startswith", "length", "indexof", "tolower", "toupper", "trim", "concat", "year",
        "month", "day", "hour", "minute", "second", "fractionalseconds", "date", "time",
        "totaloffsetminutes", "round", "floor", "ceiling", "contains",
    }
)  # fmt: skip
_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # of the years 1 to 9999


@dataclass(frozen=True, slots=True)
class Meaning:
    """Of which entity type a filter speaks, and what ``now()`` is."""

    entity: EntityType
    now_us: int


Valued = tuple[Scalar, Kind | None]


def spoken(kind: Kind | None) -> str:
    """A kind in words.

    >>> spoken(Kind.INTEGER)
    'a number'
    """
    return _SPOKEN.get(kind, "a number")


def comparable(left: Kind | None, right: Kind | None) -> bool:
    """Whether values of two kinds can be compared; null and JSON with what they may turn out to be."""
    if left is None or right is None:
        return True
    return _serves(left, right) or _serves(right, left)


def _serves(kind: Kind | None, wanted: Kind) -> bool:
    if kind is None or kind is wanted:
        return True
    if kind in FREE:
        return wanted in (*NUMBERS, Kind.TEXT, Kind.BOOLEAN, *FREE)
    return (kind in NUMBERS and wanted in NUMBERS) or (kind in _TIMES and wanted in _TIMES)


def scalar_of(node: Node, meaning: Meaning) -> Valued:
    """The value that a node stands for, and its kind.

    Raises InvalidInput or NotSupported with the position.
    """
    if isinstance(node, Value):
        return _value(node)
    if isinstance(node, Path):
        return field_of(node, meaning.entity)
    if isinstance(node, Call):
        return _call(node, meaning)
    if isinstance(node, Binary) and node.operator in _ARITHMETIC:
        return _arithmetic(node, meaning)
    if isinstance(node, Unary) and node.operator == "-":
        operand, kind = scalar_of(node.operand, meaning)
        gives = Kind.INTEGER if kind is Kind.INTEGER else Kind.NUMBER
        return _applied("negate", [(node.operand, (operand, kind))]), gives
    raise NotSupported(
        "comparing what is true or false is not served", where=f"$filter, character {node.at + 1}",
        mend="join conditions with and, or, not",
    )  # fmt: skip


def _value(node: Value) -> Valued:
    if node.spelt:
        raise NotSupported(f"a {node.spelt} value is not served", where=f"$filter, character {node.at + 1}")
    if isinstance(node.value, str) and "\0" in node.value:
        raise bad("text holds no character 0", node.at)
    return Constant(node.value, node.kind), node.kind


def field_of(path: Path, entity: EntityType) -> tuple[Field, Kind]:
    """The column that a path names, over links of the entity type if need be."""
    names, way = list(path.names), []
    while len(names) > 1 and names[0] in entity.navigations:
        navigation = entity.navigations[names.pop(0)]
        way.append(navigation.relation)
        entity = ENTITIES[navigation.target]
    if len(way) > WAY_STEPS_MAX:
        raise bad(f"a path goes over at most {WAY_STEPS_MAX} links", path.at)
    column, rest, kind = _column(names, path, entity)
    return Field(column, rest, tuple(way)), kind


def _column(names: list[str], path: Path, entity: EntityType) -> tuple[str, tuple[str, ...], Kind]:
    head, *rest = names
    where = f"$filter, character {path.at + 1}"
    columns = NOUNS[entity.noun].columns
    if head in ("id", "@iot.id") and not rest:
        return "id", (), Kind.INTEGER
    if head in entity.navigations:
        raise bad(f"{head} is a link: name a property below it", path.at)
    known = entity.properties.get(head)
    if known is None:
        raise InvalidInput(
            f"{entity.name} has no property {head!r:.40}",
            where=where,
            mend=f"use id, {', '.join((*entity.properties, *entity.navigations))}",
        )
    if len(rest) == 1 and rest[0] in known.inner:
        column = known.inner[rest[0]]
        return column, (), columns[column].kind
    if known.queried is None:
        raise NotSupported(f"{head} is not served in queries", where=where)
    kind = columns[known.queried].kind
    if rest and (kind is not Kind.JSON or len(rest) > JSON_PATH_STEPS_MAX):
        raise bad(f"there is nothing below {head}", path.at)
    return known.queried, tuple(rest), kind


def _call(node: Call, meaning: Meaning) -> Valued:
    name, arguments = node.name, node.arguments
    if name in ("now", "mindatetime", "maxdatetime"):
        _expect(node, 0)
        instants = {"now": meaning.now_us, "mindatetime": _EARLIEST_US, "maxdatetime": _LATEST_US}
        return Constant(instants[name], Kind.TIME), Kind.TIME
    if name == "substringof":  # the part comes first, as in OData 2
        _expect(node, 2)
        name, arguments = "contains", arguments[::-1]
    elif name == "substring":
        name = "substring of length" if len(arguments) == 3 else "substring"
    elif name in GIVES:
        return _geometric(node, meaning)
    elif name not in _PLAIN:
        raise _unknown(node)
    _expect(node, len(FUNCTIONS[name].takes))
    valued = [(argument, scalar_of(argument, meaning)) for argument in arguments]
    return _applied(name, valued), FUNCTIONS[name].gives


def _expect(node: Call, count: int) -> None:
    if len(node.arguments) != count:
        raise bad(f"{node.name} takes {count} arguments", node.at)


def _unknown(node: Call) -> InvalidInput | NotSupported:
    if node.name.endswith(("/any", "/all")):
        return NotSupported(
            f"the function {node.name} is not served", where=f"$filter, character {node.at + 1}"
        )
    return bad(f"there is no function {node.name!r:.40}", node.at)


def _geometric(node: Call, meaning: Meaning) -> Valued:
    """A function of the geometry of a row and of one that the filter spells out, or of that alone."""
    taken, relates = SHAPES_TAKEN[node.name], node.name == "st_relate"
    _expect(node, taken + relates)
    pattern = relation_pattern(node.arguments[2]) if relates else ""
    sides = [_shape(argument, meaning) for argument in node.arguments[:taken]]
    places = [side for side in sides if isinstance(side, Field)]
    shapes = [side for side in sides if not isinstance(side, Field)]
    gives = GIVES[node.name]
    if len(places) == 2:
        raise NotSupported(
            "a function of two stored geometries is not served", where=f"$filter, character {node.at + 1}",
            mend="spell one of them out: geography'POINT (129.3 35.5)'",
        )  # fmt: skip
    literal = shapes[0] if len(sides) == 2 else None
    work = work_of(node.name, literal, pattern, literal_first=not isinstance(sides[0], Field))
    if not places:
        return Constant(work(one_shape(shapes[-1]))[0], gives), gives
    way = places[0].way
    return Measured(_noun_at(way, meaning.entity), places[0].column, way, gives, work), gives


def _shape(node: Node, meaning: Meaning) -> Any:
    """The field of a stored geometry or the geometry of a literal."""
    if isinstance(node, Value) and node.spelt:
        return literal_shape(node)
    if not isinstance(node, Path):
        raise bad("a geometry was expected, such as location or geography'POINT (129.3 35.5)'", node.at)
    field, kind = field_of(node, meaning.entity)
    if field.path or (_noun_at(field.way, meaning.entity), field.column) not in PLACES:
        raise bad(f"a geometry was expected, not {spoken(kind)}", node.at)
    return field


def _noun_at(way: Sequence[str], entity: EntityType) -> str:
    noun = entity.noun
    for relation in way:
        noun = NOUNS[noun].relations[relation].target
    return noun


def _applied(name: str, arguments: Sequence[tuple[Node, Valued]]) -> Apply:
    scalars = []
    for (node, (scalar, kind)), wanted in zip(arguments, FUNCTIONS[name].takes, strict=True):
        if not _serves(kind, wanted):
            raise bad(f"{spoken(wanted)} was expected, not {spoken(kind)}", node.at)
        scalars.append(scalar)
    return Apply(name, tuple(scalars))


def _arithmetic(node: Binary, meaning: Meaning) -> Valued:
    sides = [(side, scalar_of(side, meaning)) for side in (node.left, node.right)]
    kinds = [kind for _, (_, kind) in sides]
    name = node.operator
    if kinds[0] in _TIMES and name in ("add", "sub"):
        of_two_times = kinds[1] in _TIMES and name == "sub"
        name = "between" if of_two_times else _SHIFT[name]
    elif name == "div" and kinds == [Kind.INTEGER, Kind.INTEGER]:
        name = "whole div"
    gives = FUNCTIONS[name].gives
    if name in ("add", "sub", "mul", "mod") and kinds == [Kind.INTEGER, Kind.INTEGER]:
        gives = Kind.INTEGER
    return _applied(name, sides), gives
