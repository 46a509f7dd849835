# SPDX-License-Identifier: Apache-2.0
"""Filters drawn from the whole grammar, each as its text together with what it means in plain Python.

Numbers that are rounded or divided with a remainder have few digits, so that any arithmetic gives the same.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import shapely
import shapely.geometry
from filter_meaning import (
    LINKS,
    PROPERTIES,
    Base,
    Judged,
    Term,
    Way,
    bindings,
    compared,
    half_away,
    instant,
    of_kind,
    stored,
)
from hypothesis import assume
from hypothesis import strategies as st

STEPS_MAX = 7  # of one comparison: every choice of related entities is looked at
NOW = "2016-10-05T03:30:00Z"  # the service's clock
NAMES = ("", "a", "b's", "가", "a b", "aBa", " a ", "a", "null", "Z")
NUMBERS = (0, 1, 2, 3, -2, 0.5, 2.5, -0.25, 17, 1000)
TIMES = ("2016-10-05T03:00:00Z", "2016-10-05T12:10:00+09:00", "2016-10-05T03:20:00.250Z", NOW)
LASTING = {"PT10M": 600, "P1D": 86_400, "-PT20M30S": -1230, "P1DT2H": 93_600, "PT0.25S": 0.25}
COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
BELOW = ("n", "tag", "open", "inner/n", "inner/tag", "inner", "list", "missing", "nothing")
# What is JSON as a whole, and what can be asked below it.
WHOLE_JSON = {
    "properties": BELOW, "parameters": BELOW, "metadata": ("",), "result": ("",),
    "location": ("type",), "observedArea": ("type",), "feature": ("type",),
    "unitOfMeasurement": ("", "symbol", "definition"), "unitOfMeasurements": ("",),
}  # fmt: skip
SHAPED = {"Locations": "location", "FeaturesOfInterest": "feature", "Datastreams": "observedArea"}
AREAS = (
    "POLYGON ((129 35,130 35,130 36,129 36,129 35))", "POINT (129.3 35.55)", "LINESTRING (0 0, 3 4)",
    "POLYGON ((0 0,4 0,4 4,0 4,0 0))",
)  # fmt: skip
_RELATIONS = {
    "st_equals": "equals", "st_disjoint": "disjoint", "st_touches": "touches", "st_within": "within",
    "st_overlaps": "overlaps", "st_crosses": "crosses", "st_intersects": "intersects",
    "st_contains": "contains", "geo.intersects": "intersects",
}  # fmt: skip
_SIGNS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul}


def quoted(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def _literal(text: str, kind: str, value: Any) -> Term:
    return Term(text, kind, lambda _: value, exact=True)


def _in_brackets(term: Term, strength: int) -> str:
    return term.text if term.strength >= strength else f"({term.text})"


def _called(name: str, kind: str, work: Callable[..., Any], *terms: Term, exact: bool = False) -> Term:
    """A function: null when one of its arguments is."""

    def whole(binding: Any) -> Any:
        values = [term.work(binding) for term in terms]
        return None if any(value is None for value in values) else work(*values)

    ways = frozenset().union(*(term.ways for term in terms))
    return Term(f"{name}({','.join(term.text for term in terms)})", kind, whole, ways, exact=exact)


def _taken(term: Term, wanted: str) -> Term:
    """The term as a function that takes this kind sees it."""
    if term.kind not in ("json", "span"):
        return term
    kind = term.kind
    return Term(
        term.text, wanted, lambda binding: of_kind(term.work(binding), kind, wanted), term.ways,
        term.strength, exact=True,
    )  # fmt: skip


@st.composite
def ways(draw: Any, entity_set: str, *, long: bool = True) -> tuple[Way, str]:
    """A walk over links, and the set it ends in: mostly short, up to the six that are served."""
    steps = draw(st.sampled_from((0, 0, 0, 1, 1, 2, 3, 6) if long else (0, 0, 1, 2)))
    way: Way = ()
    for _ in range(steps):
        name = draw(st.sampled_from(sorted(LINKS[entity_set])))
        way, entity_set = (*way, name), LINKS[entity_set][name]
    return way, entity_set


def _fields(entity_set: str, way: Way) -> list[Term]:
    """All that can be asked of the entity at the end of a way."""
    found = [("id", "@iot.id", "whole")]
    for name, kind in PROPERTIES[entity_set].items():
        below = WHOLE_JSON[name] if kind == "json" else ("",)
        found += [(path, path, kind) for path in ("/".join(filter(None, (name, part))) for part in below)]
    return [_field(way, text, member, kind) for text, member, kind in found]


def _field(way: Way, text: str, member: str, kind: str) -> Term:
    return Term(
        "/".join((*way, text)), kind, lambda binding: stored(binding[way], member, kind),
        frozenset({way} if way else ()), exact=kind == "whole",
    )  # fmt: skip


@st.composite
def fields(draw: Any, entity_set: str, *kinds: str, likely: tuple[str, ...] = ()) -> Term:
    """A property of one of these kinds, own or over links; one of its own when the way has none.

    ``likely``: how the names end that are mostly taken, for they mostly hold what is looked for.
    """
    way, end = draw(ways(entity_set))
    found = [term for term in _fields(end, way) if term.kind in kinds]
    if likely and draw(st.integers(0, 4)):
        found = [term for term in found if term.text.rpartition("/")[2] in likely] or found
    if not found:
        found = [term for term in _fields(entity_set, ()) if term.kind in kinds]
    return draw(st.sampled_from(found)) if found else _field((), "id", "@iot.id", "whole")


@st.composite
def numbers(draw: Any, entity_set: str, depth: int = 2) -> Term:
    """A number, or JSON that may be one."""
    choice = draw(st.integers(0, 9 if depth else 3))
    if choice <= 1:
        value = draw(st.sampled_from(NUMBERS))
        return _literal(repr(value), "whole" if isinstance(value, int) else "number", value)
    if choice <= 3:
        return draw(fields(entity_set, "json", "whole", likely=("n", "result", "id")))
    if choice == 4:
        return draw(_measures_of_text(entity_set, depth))
    if choice == 5:
        return draw(_parts_of_time(entity_set))
    if choice == 6:
        inner = _taken(draw(numbers(entity_set, depth - 1)), "number")
        if not inner.exact:
            return inner
        name, work = draw(
            st.sampled_from((("round", half_away), ("floor", math.floor), ("ceiling", math.ceil)))
        )
        return _called(name, "number", work, inner, exact=True)
    if choice == 7:
        inner = _taken(draw(numbers(entity_set, depth - 1)), "number")
        shown = f"({inner.text})"
        kind = "whole" if inner.kind == "whole" else "number"
        whole = _called("-", kind, operator.neg, inner, exact=inner.exact)
        return Term(f"-{shown}", kind, whole.work, whole.ways, 8, inner.exact)
    return draw(_arithmetic(entity_set, depth))


@st.composite
def _measures_of_text(draw: Any, entity_set: str, depth: int) -> Term:
    text = _taken(draw(texts(entity_set, depth - 1)), "text")
    if draw(st.booleans()):
        return _called("length", "whole", len, text, exact=True)
    part = _taken(draw(texts(entity_set, 0)), "text")
    return _called("indexof", "whole", lambda whole, part: whole.find(part), text, part, exact=True)


@st.composite
def _parts_of_time(draw: Any, entity_set: str) -> Term:
    at = _taken(draw(times(entity_set)), "time")
    name, work = draw(st.sampled_from(sorted(_PARTS.items())))
    kind = "number" if name == "fractionalseconds" else "whole"
    return _called(name, kind, lambda value: work(_moment(value)), at, exact=True)


def _moment(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


_PARTS: dict[str, Callable[[datetime], Any]] = {
    **{name: operator.attrgetter(name) for name in ("year", "month", "day", "hour", "minute", "second")},
    "fractionalseconds": lambda moment: moment.microsecond / 1e6,
    "totaloffsetminutes": lambda moment: 0,
}


@st.composite
def _arithmetic(draw: Any, entity_set: str, depth: int) -> Term:
    left = draw(numbers(entity_set, depth - 1))
    right = draw(numbers(entity_set, depth - 1))
    name = draw(st.sampled_from(("add", "sub", "mul", "div", "mod")))
    strength = 5 if name in ("add", "sub") else 6
    whole = left.kind == right.kind == "whole"
    first, second = _taken(left, "number"), _taken(right, "number")
    if name == "mod" and not (first.exact and second.exact):
        name, strength = "add", 5
    text = f"{_in_brackets(left, strength)} {name} {_in_brackets(right, strength + 1)}"

    def work(one: float, other: float) -> Any:
        if name in _SIGNS:
            return _SIGNS[name](one, other)
        if not other:
            return None
        if name == "mod":
            return math.fmod(one, other)
        return math.trunc(one / other) if whole else one / other

    called = _called("", "whole" if whole else "number", work, first, second)
    simple = first.exact and second.exact and depth == 1 and name in ("add", "sub", "mul")
    return Term(text, called.kind, called.work, called.ways, strength, simple)


@st.composite
def texts(draw: Any, entity_set: str, depth: int = 2) -> Term:
    """A text, or JSON that may be one."""
    choice = draw(st.integers(0, 6 if depth else 3))
    if choice <= 1:
        value = draw(st.sampled_from(NAMES))
        return _literal(quoted(value), "text", value)
    if choice <= 3:
        found = draw(fields(entity_set, "json", "text", likely=("name", "tag", "result")))
        return found if found.kind != "whole" else _literal("'a'", "text", "a")
    inner = _taken(draw(texts(entity_set, depth - 1)), "text")
    if choice == 4:
        name, work = draw(st.sampled_from(
            (("tolower", str.lower), ("toupper", str.upper), ("trim", lambda text: text.strip(" \t\n\r\f\v")))
        ))  # fmt: skip
        return _called(name, "text", work, inner)
    if choice == 5:
        other = _taken(draw(texts(entity_set, depth - 1)), "text")
        return _called("concat", "text", operator.add, inner, other)
    first = draw(st.sampled_from((0, 1, 2, -1, 5)))
    start = _literal(str(first), "whole", first)
    if draw(st.booleans()):
        return _called("substring", "text", lambda text, at: text[max(at, 0) :], inner, start)
    length = _literal("2", "whole", 2)
    return _called(
        "substring", "text", lambda text, at, size: text[max(at, 0) : max(at, 0) + size], inner, start, length
    )


@st.composite
def times(draw: Any, entity_set: str) -> Term:
    """An instant or an interval, moved by a duration now and then."""
    choice = draw(st.integers(0, 4))
    if choice == 0:
        text = draw(st.sampled_from(TIMES))
        return _literal(text, "time", instant(text))
    if choice == 1:
        return _literal("now()", "time", instant(NOW))
    found = draw(fields(entity_set, "time", "span"))
    if found.kind == "whole":
        return _literal(TIMES[0], "time", instant(TIMES[0]))
    if choice < 4:
        return found
    text, seconds = draw(st.sampled_from(sorted(LASTING.items())))
    name = draw(st.sampled_from(("add", "sub")))
    shift_us = int(seconds * 1e6) * (1 if name == "add" else -1)
    moved = _called("", "time", lambda at_us: at_us + shift_us, _taken(found, "time"))
    return Term(f"{found.text} {name} duration'{text}'", "time", moved.work, moved.ways, 5)


@st.composite
def _pairs_of_times(draw: Any, entity_set: str) -> tuple[Term, Term]:
    choice = draw(st.integers(0, 3))
    first = draw(times(entity_set))
    if choice == 0:
        return first, draw(times(entity_set))
    if choice == 1:
        day = date(2016, 10, draw(st.integers(4, 6)))
        called = _called("date", "date", lambda at_us: _moment(at_us).date(), _taken(first, "time"))
        return called, _literal(draw(st.sampled_from((f"{day}", f"date'{day}'"))), "date", day)
    if choice == 2:
        clock = draw(st.sampled_from((time(3, 10), time(3, 20, 0, 250_000), time(3))))
        called = _called("time", "clock", lambda at_us: _moment(at_us).time(), _taken(first, "time"))
        return called, _literal(draw(st.sampled_from((f"{clock}", f"time'{clock}'"))), "clock", clock)
    second = draw(times(entity_set))
    lag = _called("", "lasting", operator.sub, _taken(first, "time"), _taken(second, "time"))
    text, seconds = draw(st.sampled_from(sorted(LASTING.items())))
    between = Term(
        f"{_in_brackets(first, 5)} sub {_in_brackets(second, 6)}", "lasting", lag.work, lag.ways, 5
    )
    return between, _literal(f"duration'{text}'", "lasting", int(seconds * 1e6))


@st.composite
def _pairs(draw: Any, entity_set: str) -> tuple[Term, Term]:
    """Two values that can be compared."""
    choice = draw(st.integers(0, 5))
    if choice <= 1:
        first, second = draw(numbers(entity_set)), draw(numbers(entity_set))
    elif choice == 2:
        first, second = draw(texts(entity_set)), draw(texts(entity_set))
    elif choice == 3:
        first, second = draw(_pairs_of_times(entity_set))
    elif choice == 4:
        first = draw(fields(entity_set, "json", "text", "time", "span", "whole"))
        second = _literal("null", "null", None)
    else:
        first = draw(fields(entity_set, "json", likely=("open", "n", "tag", "result")))
        value = draw(st.booleans())
        second = draw(
            st.sampled_from((_literal(str(value).lower(), "truth", value), draw(fields(entity_set, "json"))))
        )
        if first.kind == "whole":
            second = _literal("3", "whole", 3)
    return (second, first) if draw(st.booleans()) else (first, second)


def _of_rows(text: str, found: frozenset[Way], work: Callable[[Any], bool], strength: int = 9) -> Judged:
    """Said of related entities, it holds when there are such entities of which it holds."""

    def holds(base: Base, entity_set: str, entity: Any, wanted: bool) -> bool:
        return any(work(binding) for binding in bindings(base, entity_set, entity, found)) is wanted

    return Judged(text, holds, strength)


@st.composite
def comparisons(draw: Any, entity_set: str) -> Judged:
    """Two values compared."""
    left, right = draw(_pairs(entity_set))
    assume(sum(map(len, left.ways | right.ways)) <= STEPS_MAX)
    name = draw(st.sampled_from(COMPARISONS))
    return _of_rows(
        f"{_in_brackets(left, 5)} {name} {_in_brackets(right, 5)}",
        left.ways | right.ways,
        lambda binding: compared(left.work(binding), left.kind, name, right.work(binding), right.kind),
        strength=4,
    )


@st.composite
def tests_of_text(draw: Any, entity_set: str) -> Judged:
    """A function that is true or false, alone or compared with true, false, null or JSON."""
    whole, part = (_taken(draw(texts(entity_set, 1)), "text") for _ in range(2))
    name, work = draw(st.sampled_from((
        ("contains", operator.contains), ("startswith", str.startswith), ("endswith", str.endswith),
        ("substringof", lambda part, whole: part in whole),
    )))  # fmt: skip
    called = _called(name, "truth", work, *((part, whole) if name == "substringof" else (whole, part)))
    if draw(st.booleans()):
        return _of_rows(called.text, called.ways, lambda binding: called.work(binding) is True)
    others = [_literal("true", "truth", True), _literal("false", "truth", False)]
    other = draw(st.sampled_from((*others, _literal("null", "null", None))))
    sign = draw(st.sampled_from(("eq", "ne")))
    return _of_rows(
        f"{called.text} {sign} {other.text}",
        called.ways,
        lambda binding: compared(called.work(binding), "truth", sign, other.work(binding), other.kind),
        strength=4,
    )


@st.composite
def judgements_of_shape(draw: Any, entity_set: str) -> Judged:
    """A function of geometry: of what has none, neither it nor its contrary holds."""
    way, end = draw(ways(entity_set, long=False))
    if end not in SHAPED:
        return draw(comparisons(entity_set))
    path = "/".join((*way, SHAPED[end]))
    area = draw(st.sampled_from(AREAS))
    literal = shapely.from_wkt(area)
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(_RELATIONS)))
        text, strength = f"{name}({path},geography'{area}')", 9
        judge = getattr(shapely, _RELATIONS[name])
    else:
        text, strength = f"geo.distance({path},geography'{area}') le 0.5", 4
        judge = _is_near
    found = frozenset({way} if way else ())

    def holds(base: Base, start: str, entity: Any, wanted: bool) -> bool:
        rows = (binding[way] for binding in bindings(base, start, entity, found))
        shapes = [shape for shape in (_shape(row.get(SHAPED[end])) for row in rows) if shape is not None]
        held = any(judge(shape, literal) for shape in shapes)
        return held if wanted else bool(shapes) and not held

    return Judged(text, holds, strength, 1)


def _is_near(shape: Any, literal: Any) -> bool:
    return bool(shapely.distance(shape, literal) <= 0.5)


def _shape(value: Any) -> Any:
    """The valid geometry that a JSON object is, if it is one."""
    if not isinstance(value, dict) or "coordinates" not in value:
        return None
    shape = shapely.geometry.shape(value)
    return shape if shape.is_valid else None


@st.composite
def truths_of_json(draw: Any, entity_set: str) -> Judged:
    """JSON that is true, or true and false themselves."""
    found = draw(fields(entity_set, "json", likely=("open", "result")))
    if found.kind == "whole":
        value = draw(st.booleans())
        return _of_rows(str(value).lower(), frozenset(), lambda _: value)
    return _of_rows(found.text, found.ways, lambda binding: found.work(binding) is True)


def filters(entity_set: str) -> Any:
    """Any filter of an entity set."""
    leaves = st.one_of(
        comparisons(entity_set),
        comparisons(entity_set),
        tests_of_text(entity_set),
        judgements_of_shape(entity_set),
        truths_of_json(entity_set),
    )
    return st.recursive(leaves, _grown, max_leaves=5)


def _grown(inner: Any) -> Any:
    joined = st.tuples(inner, st.sampled_from(("and", "or")), inner)
    return st.one_of(joined.map(lambda drawn: _joined(*drawn)), inner.map(_not))


def _joined(left: Judged, word: str, right: Judged) -> Judged:
    """``not (a and b)`` is ``not a or not b``: so what is neither true nor false stays so."""
    strength = 2 if word == "and" else 1

    def holds(base: Base, entity_set: str, entity: Any, wanted: bool) -> bool:
        held = (part.holds(base, entity_set, entity, wanted) for part in (left, right))
        return all(held) if (word == "and") is wanted else any(held)

    text = f"{_shown(left, strength)} {word} {_shown(right, strength)}"
    return Judged(text, holds, strength, left.geometries + right.geometries)


def _shown(part: Judged, strength: int) -> str:
    return part.text if part.strength >= strength else f"({part.text})"


def _not(part: Judged) -> Judged:
    def holds(base: Base, entity_set: str, entity: Any, wanted: bool) -> bool:
        return part.holds(base, entity_set, entity, not wanted)

    return Judged(f"not {_shown(part, 9)}", holds, 3, part.geometries)
