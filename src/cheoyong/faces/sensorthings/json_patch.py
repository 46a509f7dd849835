# SPDX-License-Identifier: Apache-2.0
"""Apply a JSON Patch (RFC 6902) to a JSON document; the document given is left as it was.

Bounded: a hundred operations, and what they copy counts, since copying a copy doubles it each time.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from cheoyong.domain.errors import Conflict, InvalidInput, TooLarge

OPERATIONS_MAX = 100
COPIED_VALUES_MAX = 100_000
_DEPTH_MAX = 64
_INDEX = re.compile(r"0|[1-9]\d{0,8}")
_NEEDS_VALUE, _NEEDS_FROM = ("add", "replace", "test"), ("move", "copy")


def patched(document: Any, operations: Any) -> Any:
    """The document after all operations, in order.

    Raises InvalidInput naming the operation that is malformed or points to nothing, Conflict when a
    ``test`` fails.

    >>> patched({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}, {"op": "remove", "path": "/a/0"}])
    {'a': [2]}
    """
    if not isinstance(operations, list):
        raise InvalidInput("a JSON Patch is an array of operations")
    if len(operations) > OPERATIONS_MAX:
        raise TooLarge(f"more than {OPERATIONS_MAX} operations")
    root = {"": copy.deepcopy(document)}
    budget = [COPIED_VALUES_MAX]
    for place, operation in enumerate(operations):
        try:
            _apply(root, operation, budget)
        except InvalidInput as error:
            raise InvalidInput(error.detail, where=f"[{place}].{error.where}".rstrip(".")) from None
        except Conflict as error:
            raise Conflict(error.detail, where=f"[{place}]") from None
    if "" not in root:
        raise InvalidInput("nothing is left of the document; to be rid of the entity, DELETE it")
    return root[""]


def _apply(root: dict[str, Any], operation: Any, budget: list[int]) -> None:
    if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
        raise InvalidInput("an operation has an op and a path")
    name = operation["op"]
    path = _pointer(operation, "path")
    if name in _NEEDS_VALUE and "value" not in operation:
        raise InvalidInput(f"{name} needs a value", where="value")
    if name == "add":
        _add(root, path, copy.deepcopy(operation["value"]))
    elif name == "remove":
        _remove(root, path)
    elif name == "replace":
        _remove(root, path)
        _add(root, path, copy.deepcopy(operation["value"]))
    elif name == "test":
        if not _equal(_get(root, path, "path"), operation["value"]):
            raise Conflict("the value there is another")
    elif name in _NEEDS_FROM:
        _carry(root, name, _pointer(operation, "from"), path, budget)
    else:
        raise InvalidInput(f"there is no operation {name!r:.20}", where="op")


def _carry(root: dict[str, Any], name: str, source: list[str], path: list[str], budget: list[int]) -> None:
    value = _get(root, source, "from")
    if name == "move":
        if path[: len(source)] == source and path != source:
            raise InvalidInput("a value cannot be moved into itself", where="path")
        _remove(root, source)
    else:
        _count(value, budget)
        value = copy.deepcopy(value)
    _add(root, path, value)


def _pointer(operation: dict[str, Any], name: str) -> list[str]:
    """A JSON Pointer (RFC 6901) as its tokens, behind the token of the document itself."""
    text = operation.get(name)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise InvalidInput("a JSON Pointer was expected: /name/0", where=name)
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")]
    if len(tokens) > _DEPTH_MAX:
        raise InvalidInput(f"deeper than {_DEPTH_MAX}", where=name)
    return tokens


def _get(root: Any, tokens: list[str], where: str) -> Any:
    value = root
    for token in tokens:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise InvalidInput("there is nothing", where=where)
    return value


def _add(root: dict[str, Any], tokens: list[str], value: Any) -> None:
    target, last = _get(root, tokens[:-1], "path"), tokens[-1]
    if isinstance(target, dict):
        target[last] = value
    elif isinstance(target, list) and last == "-":
        target.append(value)
    elif isinstance(target, list) and _INDEX.fullmatch(last) and int(last) <= len(target):
        target.insert(int(last), value)
    else:
        raise InvalidInput("nothing can be put there", where="path")


def _remove(root: dict[str, Any], tokens: list[str]) -> None:
    _get(root, tokens, "path")
    target, last = _get(root, tokens[:-1], "path"), tokens[-1]
    if isinstance(target, list):
        del target[int(last)]
    else:
        del target[last]


def _equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, and neither is true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(value, right[name]) for name, value in left.items())
    return bool(left == right)


def _count(value: Any, budget: list[int]) -> None:
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        budget[0] -= 1
        if budget[0] < 0 or depth > _DEPTH_MAX:
            raise TooLarge("the operations copy too much")
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        waiting.extend((part, depth + 1) for part in inner)
