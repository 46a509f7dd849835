# SPDX-License-Identifier: Apache-2.0
"""What a ``$filter`` tree and a ``$orderby`` list mean for one entity type, as conditions of the records."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.expression import Binary, Call, Node, Path, Unary, Value, bad, parse
from cheoyong.records.conditions import (
    JSON_PATH_STEPS_MAX,
    Always,
    Compare,
    Condition,
    Constant,
    Every,
    Field,
    Not,
    Operator,
    Order,
    Some,
)
from cheoyong.records.nouns import NOUNS, Kind

ORDER_TERMS_MAX = 10
_OPERATORS: dict[str, Operator] = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MIRRORED: dict[str, str] = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt,
    "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_PATH = re.compile(r"@?[^\W\d][\w.]*(/[^\W\d][\w.]*)*")
_NUMBERS = (Kind.INTEGER, Kind.NUMBER)
_FITTING: dict[Kind, tuple[Kind, ...]] = {
    Kind.INTEGER: _NUMBERS,
    Kind.NUMBER: _NUMBERS,
    Kind.TEXT: (Kind.TEXT,),
    Kind.BOOLEAN: (Kind.BOOLEAN,),
    Kind.TIME: (Kind.TIME,),
    Kind.SPAN: (Kind.TIME,),
    Kind.JSON: (*_NUMBERS, Kind.TEXT, Kind.BOOLEAN),
    Kind.VARIANT: (*_NUMBERS, Kind.TEXT, Kind.BOOLEAN),
}
# The functions of OGC 18-088, table "Built-in Query Functions": known, so that a typing error is told apart.
FUNCTIONS = frozenset(
    {
        "substringof", "endswith", "startswith", "length", "indexof", "substring", "tolower",
        "toupper", "trim", "concat", "year", "month", "day", "hour", "minute", "second",
        "fractionalseconds", "date", "time", "totaloffsetminutes", "now", "mindatetime",
        "maxdatetime", "round", "floor", "ceiling", "geo.distance", "geo.length", "geo.intersects",
        "st_equals", "st_disjoint", "st_touches", "st_within", "st_overlaps", "st_crosses",
        "st_intersects", "st_contains", "st_relate",
    }
)  # fmt: skip


def condition_of(text: str, entity: EntityType) -> Condition:
    """The condition a filter sets for an entity type.

    Raises InvalidInput for what makes no sense, NotSupported for what is not served, each with its
    position.
    """
    return _boolean(parse(text), entity)


def orders_of(text: str, entity: EntityType) -> tuple[Order, ...]:
    """The orders of ``$orderby``: ``name desc,id``."""
    terms = [term.strip() for term in text.split(",")]
    if len(terms) > ORDER_TERMS_MAX:
        raise InvalidInput(f"more than {ORDER_TERMS_MAX} terms", where="$orderby")
    return tuple(_order(term, entity) for term in terms)


def _order(term: str, entity: EntityType) -> Order:
    words = term.split()
    direction = [word.lower() for word in words[1:]]  # a well-known client sends ASC and DESC
    if not words or direction not in ([], ["asc"], ["desc"]):
        raise InvalidInput(f"{term!r:.60} is not a property and asc or desc", where="$orderby")
    if "(" in words[0]:
        raise NotSupported("ordering by a function is not served", where="$orderby")
    if not _PATH.fullmatch(words[0]):
        raise InvalidInput(f"{words[0]!r:.60} is not a property", where="$orderby")
    path = Path(tuple(words[0].split("/")), 0)
    try:
        field, _ = _field(path, entity)
    except InvalidInput as error:
        raise InvalidInput(error.detail, where="$orderby", mend=error.mend) from None
    except NotSupported as error:
        raise NotSupported(error.detail, where="$orderby") from None
    return Order(field, descending=direction == ["desc"])


def _boolean(node: Node, entity: EntityType) -> Condition:
    if isinstance(node, Binary) and node.operator in ("and", "or"):
        parts = tuple(_boolean(part, entity) for part in _flattened(node))
        return Every(parts) if node.operator == "and" else Some(parts)
    if isinstance(node, Binary) and node.operator in _OPERATORS:
        return _comparison(node, entity)
    if isinstance(node, Unary) and node.operator == "not":
        return Not(_boolean(node.operand, entity))
    if isinstance(node, Value) and isinstance(node.value, bool):
        return Always(node.value)
    if isinstance(node, Path):
        field, kind = _field(node, entity)
        if Kind.BOOLEAN in _FITTING[kind]:
            return Compare(field, "=", Constant(value=True, kind=Kind.BOOLEAN))
    _refuse_unserved(node)
    raise bad("this is neither true nor false", node.at)


def _flattened(node: Binary) -> list[Node]:
    """The operands of a chain of one operator, in order, without recursion along the chain."""
    operands: list[Node] = []
    left: Node = node
    while isinstance(left, Binary) and left.operator == node.operator:
        operands.append(left.right)
        left = left.left
    return [left, *reversed(operands)]


def _comparison(node: Binary, entity: EntityType) -> Condition:
    left, right, name = node.left, node.right, node.operator
    for side in (left, right):
        _refuse_unserved(side)
    if isinstance(left, Value) and isinstance(right, Value):
        return _known(left, right, node)
    if isinstance(left, Value):
        left, right, name = right, left, _MIRRORED.get(name, name)
    if not isinstance(left, Path):
        raise bad("a comparison has a property on one side and a value on the other", node.at)
    if not isinstance(right, Value):
        raise NotSupported(
            "comparing two properties is not served", where=f"$filter, character {node.at + 1}"
        )
    field, kind = _field(left, entity)
    if right.kind is not None and right.kind not in _FITTING[kind]:
        raise bad(f"{'/'.join(left.names)} cannot be compared with {_article(right.kind)}", right.at)
    if isinstance(right.value, str) and "\0" in right.value:
        raise bad("text holds no character 0", right.at)
    return Compare(field, _OPERATORS[name], Constant(right.value, right.kind))


def _known(left: Value, right: Value, node: Binary) -> Condition:
    same = left.kind == right.kind or (left.kind in _NUMBERS and right.kind in _NUMBERS)
    if left.kind is None or right.kind is None:
        equal = left.kind is right.kind
        return Always({"eq": equal, "ne": not equal}.get(node.operator, False))
    if not same:
        raise bad("the two values are not of one kind", node.at)
    return Always(bool(_PYTHON[node.operator](left.value, right.value)))


def _article(kind: Kind) -> str:
    return {
        Kind.TEXT: "text", Kind.BOOLEAN: "true or false", Kind.TIME: "a time",
    }.get(kind, "a number")  # fmt: skip


def _field(path: Path, entity: EntityType) -> tuple[Field, Kind]:
    head, *rest = path.names
    columns = NOUNS[entity.noun].columns
    if head in ("id", "@iot.id") and not rest:
        return Field("id"), Kind.INTEGER
    if head in entity.navigations or head in ENTITIES:
        raise NotSupported(
            f"properties of related entities ({'/'.join(path.names)}) are not served in queries",
            where=f"$filter, character {path.at + 1}",
        )
    known = entity.properties.get(head)
    if known is None:
        raise InvalidInput(
            f"{entity.name} has no property {head!r:.40}",
            where=f"$filter, character {path.at + 1}",
            mend=f"use id, {', '.join(entity.properties)}",
        )
    if len(rest) == 1 and rest[0] in known.inner:
        column = known.inner[rest[0]]
        return Field(column), columns[column].kind
    if known.queried is None:
        raise NotSupported(f"{head} is not served in queries", where=f"$filter, character {path.at + 1}")
    kind = columns[known.queried].kind
    if rest and (kind is not Kind.JSON or len(rest) > JSON_PATH_STEPS_MAX):
        raise bad(f"there is nothing below {head}", path.at)
    return Field(known.queried, tuple(rest)), kind


def _refuse_unserved(node: Node) -> None:
    where = f"$filter, character {node.at + 1}"
    if isinstance(node, Call):
        if node.name in FUNCTIONS or node.name.endswith(("/any", "/all")):
            raise NotSupported(f"the function {node.name} is not served", where=where)
        raise bad(f"there is no function {node.name!r:.40}", node.at)
    if isinstance(node, Binary) and node.operator in ("add", "sub", "mul", "div", "mod"):
        raise NotSupported(f"arithmetic ({node.operator}) is not served", where=where)
    if isinstance(node, Unary) and node.operator == "-":
        raise NotSupported("negating a property is not served", where=where)
    if isinstance(node, Value) and node.spelt:
        raise NotSupported(f"a {node.spelt} value is not served", where=where)
