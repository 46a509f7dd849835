# SPDX-License-Identifier: Apache-2.0
"""What a ``$filter`` tree and a ``$orderby`` list mean for one entity type, as conditions of the records."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.domain.instant import parse_instant
from cheoyong.faces.sensorthings.computing import (
    COMPARISONS,
    Meaning,
    comparable,
    field_of,
    scalar_of,
    spoken,
)
from cheoyong.faces.sensorthings.entities import EntityType
from cheoyong.faces.sensorthings.expression import (
    Binary,
    Call,
    Node,
    Path,
    Unary,
    Value,
    bad,
    parse,
    place,
    split,
)
from cheoyong.faces.sensorthings.geometry import GIVES
from cheoyong.records.conditions import (
    Always,
    Compare,
    Condition,
    Every,
    Holds,
    Not,
    Order,
    Some,
)
from cheoyong.records.nouns import Kind
from cheoyong.records.scalars import FREE, Apply, Constant, Field, Measured, Scalar

ORDER_TERMS_MAX = 10
RELATED_TERMS_MAX = 100
_PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt,
    "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_CALLED = re.compile(r"(\S.*\))(?:\s+(asc|desc))?", re.IGNORECASE | re.DOTALL)
_PATH = re.compile(r"@?[^\W\d][\w.]*(/@?[^\W\d][\w.]*)*")


def condition_of(text: str, entity: EntityType, now_us: int) -> Condition:
    """The condition a filter sets for an entity type; ``now_us`` is what ``now()`` means.

    Raises InvalidInput for what makes no sense, NotSupported for what is not served, each with its
    position.
    """
    condition = _boolean(parse(text), Meaning(entity, now_us), wanted=True)
    if (count := _related_count(condition)) > RELATED_TERMS_MAX:
        raise InvalidInput(
            f"{count} terms look at related entities, {RELATED_TERMS_MAX} may", where="$filter",
            mend="ask in several requests",
        )  # fmt: skip
    return condition


def _related_count(condition: Condition) -> int:
    """How many of the terms make the database look at other rows."""
    if isinstance(condition, Every | Some):
        return sum(map(_related_count, condition.parts))
    if isinstance(condition, Not):
        return _related_count(condition.part)
    return int(any(len(scalar.way) > 0 for scalar in _of_rows(condition)))


def _of_rows(condition: Condition) -> Iterator[Field | Measured]:
    """The columns and geometries that one comparison looks at."""
    scalars: list[Scalar] = []
    if isinstance(condition, Compare):
        scalars = [condition.left, condition.right]
    elif isinstance(condition, Holds):
        scalars = [condition.value]
    while scalars:
        scalar = scalars.pop()
        if isinstance(scalar, Apply):
            scalars += scalar.arguments
        elif not isinstance(scalar, Constant):
            yield scalar


def orders_of(text: str, entity: EntityType) -> tuple[Order, ...]:
    """The orders of ``$orderby``: ``name desc,id``; by a distance or length of geometries too."""
    terms = split(text, ",", "$orderby")
    if len(terms) > ORDER_TERMS_MAX:
        where = place("$orderby", terms[ORDER_TERMS_MAX][0])
        raise InvalidInput(f"more than {ORDER_TERMS_MAX} terms", where=where)
    return tuple(_order(term, at, entity) for at, term in terms)


def _order(term: str, at: int, entity: EntityType) -> Order:
    called, where = _CALLED.fullmatch(term), place("$orderby", at)
    if called:
        return Order(_measured(called[1], where, entity), descending=(called[2] or "").lower() == "desc")
    words = term.split()
    direction = [word.lower() for word in words[1:]]  # a well-known client sends ASC and DESC
    if not words or direction not in ([], ["asc"], ["desc"]):
        raise InvalidInput(f"{term!r:.60} is not a property and asc or desc", where=where)
    if not _PATH.fullmatch(words[0]):
        raise InvalidInput(f"{words[0]!r:.60} is not a property", where=where)
    path = Path(tuple(words[0].split("/")), 0)
    with _of_orderby(where):
        field, _ = field_of(path, entity)
    return Order(field, descending=direction == ["desc"])


def _measured(text: str, where: str, entity: EntityType) -> Measured:
    with _of_orderby(where):
        node = parse(text)
        if not isinstance(node, Call) or GIVES.get(node.name) is not Kind.NUMBER:
            raise NotSupported("only geo.distance and geo.length are served as functions to order by")
        scalar, _ = scalar_of(node, Meaning(entity, 0))
    if not isinstance(scalar, Measured):
        raise InvalidInput("there is no property in it", where=where)
    return scalar


@contextmanager
def _of_orderby(where: str) -> Iterator[None]:
    """Errors inside name the term of the option, not a character of the filter."""
    try:
        yield
    except (InvalidInput, NotSupported) as error:
        raise type(error)(error.detail, where=where, mend=error.mend) from None


def _boolean(node: Node, meaning: Meaning, *, wanted: bool) -> Condition:
    """What a node means, or (not ``wanted``) its contrary: ``not`` is moved inwards to where it counts."""
    if isinstance(node, Binary) and node.operator in ("and", "or"):
        parts = tuple(_boolean(part, meaning, wanted=wanted) for part in _flattened(node))
        return Every(parts) if (node.operator == "and") is wanted else Some(parts)
    if isinstance(node, Unary) and node.operator == "not":
        return _boolean(node.operand, meaning, wanted=not wanted)
    condition = _term(node, meaning)
    return condition if wanted else _contrary(condition)


def _contrary(condition: Condition) -> Condition:
    """What is said of a geometry is neither true nor false where there is none."""
    known = tuple(
        Compare(item, "<>", Constant(None, None))
        for item in _of_rows(condition)
        if isinstance(item, Measured)
    )
    return Every((Not(condition), *known)) if known else Not(condition)


def _term(node: Node, meaning: Meaning) -> Condition:
    if isinstance(node, Binary) and node.operator in COMPARISONS:
        return _comparison(node, meaning)
    if isinstance(node, Value) and isinstance(node.value, bool):
        return Always(node.value)
    scalar, kind = scalar_of(node, meaning)
    if kind is Kind.BOOLEAN or (kind in FREE and isinstance(node, Path)):
        return Holds(scalar)
    raise bad("this is neither true nor false", node.at)


def _flattened(node: Binary) -> list[Node]:
    """The operands of a chain of one operator, in order, without recursion along the chain."""
    operands: list[Node] = []
    left: Node = node
    while isinstance(left, Binary) and left.operator == node.operator:
        operands.append(left.right)
        left = left.left
    return [left, *reversed(operands)]


def _comparison(node: Binary, meaning: Meaning) -> Condition:
    left_side, right_side = node.left, node.right
    node = replace(
        node,
        left=_unquoted(left_side, right_side, meaning),
        right=_unquoted(right_side, left_side, meaning),
    )
    (left, left_kind), (right, right_kind) = (scalar_of(side, meaning) for side in (node.left, node.right))
    if not comparable(left_kind, right_kind):
        if isinstance(node.left, Value) and isinstance(node.right, Value):
            raise bad("the two values are not of one kind", node.at)
        value = node.left if isinstance(node.left, Value) else node.right
        kinds = (right_kind, left_kind) if value is node.left else (left_kind, right_kind)
        raise bad(f"{spoken(kinds[0])} cannot be compared with {spoken(kinds[1])}", value.at)
    if isinstance(node.left, Value) and isinstance(node.right, Value):
        return _known(node.left, node.right, node)
    return Compare(left, COMPARISONS[node.operator], right)


def _unquoted(node: Node, other: Node, meaning: Meaning) -> Node:
    """A time in quotes that is compared with a property of time: other servers have clients write it so."""
    if not isinstance(node, Value) or not isinstance(node.value, str) or not isinstance(other, Path):
        return node
    if field_of(other, meaning.entity)[1] not in (Kind.TIME, Kind.SPAN):
        return node
    try:
        return Value(parse_instant(node.value), Kind.TIME, node.at)
    except InvalidInput:
        return node  # then it is text, which is no time


def _known(left: Value, right: Value, node: Binary) -> Condition:
    if left.kind is None or right.kind is None:
        equal = left.kind is right.kind
        return Always({"eq": equal, "ne": not equal}.get(node.operator, False))
    return Always(bool(_PYTHON[node.operator](left.value, right.value)))
