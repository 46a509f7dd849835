# SPDX-License-Identifier: Apache-2.0
"""Which observations a GET may touch: how far into the archives it has to look, if at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from cheoyong.faces.sensorthings.address import Address
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.options import Options
from cheoyong.faces.sensorthings.paging import place_of
from cheoyong.records.conditions import Compare, Condition, Constant, Every, Field, Order
from cheoyong.records.nouns import Kind
from cheoyong.records.reach import Reach
from cheoyong.records.readings import Way, place_keys

_STREAMS = ("datastream", "multi_datastream")
_TIMES = ("phenomenon", "phenomenon_time")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
EVERYTHING = Reach()


def reach_of(address: Address, options: Options) -> Reach | None:
    """What a GET reaches of observations; None when it touches none."""
    way = address.way
    found = [EVERYTHING] if _through(options, "observations") else []
    one = way.steps[-1].id if way.steps else way.start.id
    found += _expanded(address.entity, options, one if address.entity.noun in _STREAMS else None)
    named = [step.id for step in way.steps if step.relation == "observations"]
    if way.start.noun == "observation":
        named.insert(0, way.start.id)
    found += [Reach(id=row_id) for row_id in named if row_id is not None]
    if address.entity.noun == "observation" and not way.single():
        found += _of_set(address, options)
    if not found:
        return None
    return found[0] if len(set(found)) == 1 else _around(found)


def _around(found: list[Reach]) -> Reach:
    """One reach that has all of several."""
    begins = [reach.begins_us for reach in found]
    ends = [reach.ends_us for reach in found]
    return Reach(
        begins_us=None if None in begins else min(begins),  # type: ignore[type-var]
        ends_us=None if None in ends else max(ends),  # type: ignore[type-var]
    )


def _of_set(address: Address, options: Options) -> list[Reach]:
    stream = _stream(address.way)
    reach, understood = _of_condition(options.condition, Reach(datastream_id=stream))
    if address.way.steps and stream is None:
        return [reach]  # of a feature
    counts = address.ending == "$count" or options.count
    if counts and options.condition is not None:
        return [reach]
    if address.ending == "$count" or not options.top:
        return []  # how many there are in all is kept, archived ones among them
    keys = place_keys("observation", options.order, address.way if address.way.steps else None)
    if not understood or not keys:
        return [reach]
    after = place_of(options.token, keys) if options.token else ()
    enough = options.skip + options.top + 1
    if keys[0].column in _TIMES:
        return [_in_time(replace(reach, enough=enough, newest_first=keys[0].descending), after)]
    if keys[0].column == "datastream" and keys[1].column in _TIMES and not options.order:
        return [replace(reach, enough=enough, by_stream=True, after=tuple(after[:2]))]
    return [reach]


def _in_time(reach: Reach, after: Sequence[Any]) -> Reach:
    """Only what can come after the row that a page begins at."""
    if not after:
        return reach
    reach = replace(reach, after=(after[0],))
    if reach.newest_first:
        end_us = after[0] + 1
        return replace(reach, ends_us=end_us if reach.ends_us is None else min(reach.ends_us, end_us))
    return replace(reach, begins_us=max(after[0], after[0] if reach.begins_us is None else reach.begins_us))


def _stream(way: Way) -> int | None:
    """The datastream whose observations a way ends at, when the address names it."""
    if not way.steps or way.steps[-1].relation != "observations":
        return None
    before = Way(way.start, way.steps[:-1])
    if before.noun() not in _STREAMS:
        return None
    return before.steps[-1].id if before.steps else before.start.id


def _of_condition(condition: Condition | None, reach: Reach) -> tuple[Reach, bool]:
    """The reach within a condition, and whether the condition says nothing beyond it."""
    understood = True
    for part in _parts(condition):
        narrower = _narrowed(reach, part) if isinstance(part, Compare) else None
        understood = understood and narrower is not None and _says_no_more(part)
        reach = narrower or reach
    return reach, understood


def _says_no_more(part: Condition) -> bool:
    """Whether a comparison holds for all that is in its reach: one with an end may not, of spans."""
    return (
        isinstance(part, Compare)
        and isinstance(part.left, Field)
        and (part.operator in (">", ">=") or _names_stream(part.left))
    )


def _parts(condition: Condition | None) -> Iterator[Condition]:
    if isinstance(condition, Every):
        for part in condition.parts:
            yield from _parts(part)
    elif condition is not None:
        yield condition


def _narrowed(reach: Reach, part: Compare) -> Reach | None:
    """The reach with one comparison of a time or a datastream taken in; None when it is of something else."""
    field, sign, value = part.left, part.operator, part.right
    if isinstance(field, Constant):
        field, sign, value = part.right, _MIRRORED.get(sign, sign), part.left  # type: ignore[assignment]
    if not isinstance(field, Field) or not isinstance(value, Constant) or field.path:
        return None
    if sign == "=" and _names_stream(field) and isinstance(value.value, int):
        same = reach.datastream_id in (None, value.value)
        return replace(reach, datastream_id=value.value if same else 0)
    if field.way or field.column not in _TIMES or value.kind is not Kind.TIME or sign == "<>":
        return None
    at_us = int(value.value)  # type: ignore[arg-type]
    # A span is before an instant when it ends before it: it begins before it all the more.
    if sign in (">", ">=", "="):
        reach = replace(reach, begins_us=at_us if reach.begins_us is None else max(reach.begins_us, at_us))
    if sign in ("<", "<=", "="):
        end_us = at_us if sign == "<" else at_us + 1
        reach = replace(reach, ends_us=end_us if reach.ends_us is None else min(reach.ends_us, end_us))
    return reach


def _names_stream(field: Field) -> bool:
    return (field.column, field.way) in {("id", (stream,)) for stream in _STREAMS} or (
        field.column == "datastream" and not field.way
    )


def _expanded(entity: EntityType, options: Options, stream: int | None = None) -> list[Reach]:
    """What is reached inside $expand; ``stream``: of this one datastream only."""
    found: list[Reach] = []
    for name, inner in options.expand.items():
        target = ENTITIES[entity.navigations[name].target]
        found += _expanded(target, inner)
        if _through(inner, "observations"):
            found.append(EVERYTHING)
        if target.noun == "observation" and inner.top:
            found.append(_of_parents(entity, inner, stream))
    return found


def _of_parents(entity: EntityType, inner: Options, stream: int | None) -> Reach:
    """What an expanded set of observations reaches: where it goes by time, the first of each datastream."""
    reach, understood = _of_condition(inner.condition, Reach(datastream_id=stream))
    first = inner.order[0] if inner.order else Order(Field("phenomenon_time"))
    by_time = isinstance(first.field, Field) and first.field.column in _TIMES and not first.field.way
    if entity.noun not in _STREAMS or not understood or not by_time:
        return reach
    if inner.count and inner.condition is not None:
        return reach
    enough = inner.skip + inner.top + 1
    return replace(reach, enough=enough, newest_first=first.descending, each=True)


def _through(options: Options, relation: str) -> bool:
    """Whether a filter or an order asks for something along this relation."""
    return any(relation in field.way for field in _fields((options.condition, options.order)))


def _fields(node: Any) -> Iterator[Field]:
    if isinstance(node, Field):
        yield node
    elif isinstance(node, tuple | list):
        for item in node:
            yield from _fields(item)
    elif is_dataclass(node):
        for item in fields(node):
            yield from _fields(getattr(node, item.name))
