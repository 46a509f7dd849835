# SPDX-License-Identifier: Apache-2.0
"""What a ``$filter`` tree and a ``$orderby`` list mean for one entity type, as conditions of the records."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.faces.sensorthings.computing import (
    COMPARISONS,
    Meaning,
    comparable,
    field_of,
    scalar_of,
    spoken,
)
from cheoyong.faces.sensorthings.entities import EntityType
from cheoyong.faces.sensorthings.expression import Binary, Node, Path, Unary, Value, bad, parse
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
from cheoyong.records.scalars import FREE

ORDER_TERMS_MAX = 10
_PYTHON: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt,
    "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
_PATH = re.compile(r"@?[^\W\d][\w.]*(/@?[^\W\d][\w.]*)*")


def condition_of(text: str, entity: EntityType, now_us: int) -> Condition:
    """The condition a filter sets for an entity type; ``now_us`` is what ``now()`` means.

    Raises InvalidInput for what makes no sense, NotSupported for what is not served, each with its
    position.
    """
    return _boolean(parse(text), Meaning(entity, now_us))


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
        field, _ = field_of(path, entity)
    except InvalidInput as error:
        raise InvalidInput(error.detail, where="$orderby", mend=error.mend) from None
    except NotSupported as error:
        raise NotSupported(error.detail, where="$orderby") from None
    return Order(field, descending=direction == ["desc"])


def _boolean(node: Node, meaning: Meaning) -> Condition:
    if isinstance(node, Binary) and node.operator in ("and", "or"):
        parts = tuple(_boolean(part, meaning) for part in _flattened(node))
        return Every(parts) if node.operator == "and" else Some(parts)
    if isinstance(node, Binary) and node.operator in COMPARISONS:
        return _comparison(node, meaning)
    if isinstance(node, Unary) and node.operator == "not":
        return Not(_boolean(node.operand, meaning))
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


def _known(left: Value, right: Value, node: Binary) -> Condition:
    if left.kind is None or right.kind is None:
        equal = left.kind is right.kind
        return Always({"eq": equal, "ne": not equal}.get(node.operator, False))
    return Always(bool(_PYTHON[node.operator](left.value, right.value)))
