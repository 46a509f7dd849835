# SPDX-License-Identifier: Apache-2.0
"""Query options (OGC 18-088 §9.3): read, checked and bounded; unknown ones are refused, not ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

from cheoyong.domain.errors import InvalidInput, NotSupported
from cheoyong.faces.sensorthings.computing import Meaning
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.expression import place, split
from cheoyong.faces.sensorthings.filtering import condition_of, orders_of
from cheoyong.records.conditions import Condition, Order

TOP_DEFAULT = 100
TOP_MAX = 10_000
SKIP_MAX = 2**62
KEPT_MAX, KEPT_BYTES_MAX = 1_024, 1_024  # queries whose options are kept, and how long each may be
EXPAND_DEPTH_MAX = 6
EXPAND_MAX = 32
EXPANDS_MAX = 50  # over all levels: each is a statement
_CONTROL = ("id", "@iot.id", "@iot.selfLink")
_WHOLE = re.compile(r"\d{1,19}")


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of one entity type; ``text`` keeps each option as sent, for the link to more.

    ``format`` is CSV or GeoJSON, "" for JSON. ``select`` None: everything. ``expand``: navigation name →
    options inside. ``token`` is the place to begin at, not read yet: it takes the order to read it.
    """

    top: int = TOP_DEFAULT
    skip: int = 0
    token: str = ""
    count: bool = False
    data_array: bool = False
    format: str = ""
    order: tuple[Order, ...] = ()
    select: frozenset[str] | None = None
    condition: Condition | None = None
    expand: dict[str, Options] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)

    def shows(self, name: str) -> bool:
        """Whether a property or link is to be shown."""
        return self.select is None or name in self.select


_KEPT: dict[tuple[str, bytes], Options] = {}  # nothing of an organisation is in them, only what was asked


def parse_options(query: bytes, entity: EntityType, now_us: int) -> Options:
    """The options of a query string as it stands in the address (percent-encoded).

    ``now_us`` is what ``now()`` means in a filter.

    Raises InvalidInput for a bad one, NotSupported for one of the standard that is not served.
    What was asked before is not read again, unless it may say ``now()``.
    """
    kept = _KEPT.get((entity.set_name, query))
    if kept is not None:
        return kept
    options = _read(query, entity, now_us)
    if len(query) <= KEPT_BYTES_MAX and "now" not in unquote_plus(query.decode("ascii")):
        if len(_KEPT) >= KEPT_MAX:
            _KEPT.clear()
        _KEPT[entity.set_name, query] = options
    return options


def _read(query: bytes, entity: EntityType, now_us: int) -> Options:
    try:
        pairs = [part.partition("=") for part in query.decode("ascii").split("&") if part]
        named = [(unquote_plus(n, errors="strict"), unquote_plus(v, errors="strict")) for n, _, v in pairs]
    except UnicodeDecodeError:
        raise InvalidInput("the query is not percent-encoded UTF-8", where="query") from None
    # FROST-Server takes the format without the dollar too, and its clients send it so.
    named = [("$resultFormat" if n == "resultFormat" else n, v) for n, v in named]
    ours = [(n, v) for n, v in named if n.startswith("$")]
    options = _options(ours, Meaning(entity, now_us), EXPAND_DEPTH_MAX)
    if _expanded(options) > EXPANDS_MAX:
        raise InvalidInput(
            f"more than {EXPANDS_MAX} links are expanded", where="$expand", mend="ask in several requests"
        )
    if options.data_array and options.expand:
        raise NotSupported("expanding inside a dataArray is not served", where="$resultFormat")
    return options


def _expanded(options: Options) -> int:
    """How many links are expanded, over all levels."""
    return sum(1 + _expanded(inner) for inner in options.expand.values())


def _options(
    pairs: list[tuple[str, str]], meaning: Meaning, depth: int, begins: Sequence[int] = ()
) -> Options:
    """``begins``: where each value stands in the $expand around them, if there is one."""
    text: dict[str, str] = {}
    options = Options(text=text)
    for number, (spelt, value) in enumerate(pairs):
        name = _SPELT.get(spelt.lower(), spelt)
        if name in text:
            raise InvalidInput("given twice", where=name)
        text[name] = value
        if name == "$expand":
            at = begins[number] if begins else 0
            options = replace(options, expand=_expand(value, meaning, depth, at))
        elif name in _READERS:
            options = _READERS[name](options, value, meaning)
        elif name in ("$format", "$search", "$apply", "$compute"):
            raise NotSupported(f"{name} is not served", where=name)
        else:
            raise NotSupported("no such query option", where=name[:60])
    return options


def _top(options: Options, value: str, _: Meaning) -> Options:
    return replace(options, top=min(_whole(value, "$top"), TOP_MAX))


def _skip(options: Options, value: str, _: Meaning) -> Options:
    return replace(options, skip=min(_whole(value, "$skip"), SKIP_MAX))


def _skiptoken(options: Options, value: str, _: Meaning) -> Options:
    if not value:
        raise InvalidInput("there is no token", where="$skiptoken", mend="follow @iot.nextLink")
    return replace(options, token=value)


def _whole(value: str, where: str) -> int:
    if not _WHOLE.fullmatch(value):
        raise InvalidInput(f"{value!r:.40} is not a whole number from 0 on", where=where)
    return int(value)


def _count(options: Options, value: str, _: Meaning) -> Options:
    if value not in ("true", "false"):
        raise InvalidInput(f"{value!r:.40} is neither true nor false", where="$count")
    return replace(options, count=value == "true")


def _result_format(options: Options, value: str, meaning: Meaning) -> Options:
    found = _FORMATS.get(value.lower())
    if found is None:
        raise NotSupported(f"only {', '.join(_FORMATS.values())} are served", where="$resultFormat")
    if found != "dataArray":
        return replace(options, format=found)
    if meaning.entity.name != "Observation":
        raise InvalidInput("dataArray is for Observations", where="$resultFormat")
    return replace(options, data_array=True)


_FORMATS = {name.lower(): name for name in ("dataArray", "CSV", "GeoJSON")}


def _orderby(options: Options, value: str, meaning: Meaning) -> Options:
    return replace(options, order=orders_of(value, meaning.entity))


def _filter(options: Options, value: str, meaning: Meaning) -> Options:
    return replace(options, condition=condition_of(value, meaning.entity, meaning.now_us))


def _select(options: Options, value: str, meaning: Meaning) -> Options:
    entity = meaning.entity
    names = split(value, ",", "$select")
    for at, name in names:
        if name.partition("/")[0] in entity.properties and "/" in name:
            raise NotSupported("selecting below a property is not served", where=place("$select", at))
        if name not in entity.properties and name not in entity.navigations and name not in _CONTROL:
            raise InvalidInput(
                f"{entity.name} has no property {name!r:.40}",
                where=place("$select", at),
                mend=f"use id, {', '.join((*entity.properties, *entity.navigations))}",
            )
    return replace(options, select=frozenset("@iot.id" if name == "id" else name for _, name in names))


_READERS: dict[str, Callable[[Options, str, Meaning], Options]] = {
    "$top": _top,
    "$skip": _skip,
    "$skiptoken": _skiptoken,
    "$count": _count,
    "$orderby": _orderby,
    "$resultFormat": _result_format,
    "$filter": _filter,
    "$select": _select,
}
# Clients write $orderBy and $FILTER too; OData 4.01 asks for that to be understood.
_SPELT = {name.lower(): name for name in (*_READERS, "$expand")}


def _expand(value: str, meaning: Meaning, depth: int, at: int = 0) -> dict[str, Options]:
    """``at`` is where it stands in the ``$expand`` that it is inside of, for the errors."""
    if depth == 0:
        raise InvalidInput(f"nested deeper than {EXPAND_DEPTH_MAX}", where=place("$expand", at))
    items = split(value, ",", "$expand", at)
    if len(items) > EXPAND_MAX:
        raise InvalidInput(f"more than {EXPAND_MAX} parts", where=place("$expand", items[EXPAND_MAX][0]))
    expanded: dict[str, Options] = {}
    for begin, item in items:
        name, inner = _expand_item(item, begin, meaning, depth)
        expanded[name] = _merged(expanded[name], inner) if name in expanded else inner
    return expanded


def _expand_item(item: str, at: int, meaning: Meaning, depth: int) -> tuple[str, Options]:
    entity = meaning.entity
    name, rest = re.match(r"(\w*)(.*)", item, re.DOTALL).groups()  # type: ignore[union-attr]
    navigation = entity.navigations.get(name)
    if navigation is None:
        raise InvalidInput(
            f"{entity.name} has no link {name or item!r:.40}",
            where=place("$expand", at),
            mend=f"use {', '.join(entity.navigations)}",
        )
    target = replace(meaning, entity=ENTITIES[navigation.target])
    if rest.startswith("/"):
        return name, Options(
            expand=_expand(rest[1:], target, depth - 1, at + len(name) + 1), text={"$expand": rest[1:]}
        )
    if rest.startswith("(") and rest.endswith(")"):
        inside = split(rest[1:-1], ";", "$expand", at + len(name) + 1)
        pairs = [(begin, *part.partition("=")) for begin, part in inside if part]
        begins = [begin + len(n) + 1 for begin, n, _, _ in pairs]
        inner = _options([(n.strip(), v) for _, n, _, v in pairs], target, depth - 1, begins)
        if inner.token:
            raise InvalidInput(
                "a token is for one list, not for those inside $expand", where="$skiptoken",
                mend="follow the @iot.nextLink of the list",
            )  # fmt: skip
        if inner.data_array or inner.format:
            raise NotSupported("a format inside $expand is not served", where=place("$expand", at))
        if inner.condition is not None and not navigation.many:
            raise NotSupported(f"a filter on the one {name} is not served", where=place("$expand", at))
        return name, inner
    if rest:
        raise InvalidInput(f"{item!r:.60} cannot be read", where=place("$expand", at + len(name)))
    return name, Options()


def _merged(first: Options, second: Options) -> Options:
    """``Datastreams/Sensor,Datastreams/ObservedProperty`` is one expand of Datastreams with two inside."""
    expand = {**first.expand, **second.expand}
    outer = first if set(first.text) - {"$expand"} else second
    text = {
        **outer.text,
        "$expand": ",".join(o.text["$expand"] for o in (first, second) if "$expand" in o.text),
    }
    return replace(outer, expand=expand, text={name: value for name, value in text.items() if value})
