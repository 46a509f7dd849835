# SPDX-License-Identifier: Apache-2.0
"""The text of ``$filter`` into a tree, each node with its position (grammar: OData 4.01 part 2, §5.1.1).

Operators, functions and paths are all read here, so that what a tree means can be decided elsewhere
and what is not served can be named.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.domain.instant import from_datetime
from cheoyong.records.nouns import Kind

CHARACTERS_MAX = 16_000
NESTING_MAX = 40
ARITHMETIC_MAX = 100
CALLS_MAX = 100


@dataclass(frozen=True, slots=True)
class Value:
    """A literal; ``kind`` None is null. ``spelt`` is set for kinds that nothing is compared with yet."""

    value: int | float | str | bool | date | time | timedelta | None
    kind: Kind | None
    at: int
    spelt: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """Names joined by slashes."""

    names: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands: or and eq ne gt ge lt le add sub mul div mod."""

    operator: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """``not`` or ``-`` before an operand."""

    operator: str
    operand: Node
    at: int


Node: TypeAlias = Value | Path | Call | Binary | Unary


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>'(?:[^']|'')*')
      | (?P<typed>(?:geography|geometry|duration|date|time)'(?:[^']|'')*')
      | (?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]*(?:Z|[+-]\d\d:?\d\d)?)?)
      | (?P<day>\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
      | (?P<name>@?[^\W\d][\w.]*)
      | (?P<sign>[(),/-])""",
    re.VERBOSE,
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"or"}),
    frozenset({"and"}),
    frozenset({"eq", "ne", "gt", "ge", "lt", "le"}),
    frozenset({"add", "sub"}),
    frozenset({"mul", "div", "mod"}),
)
_COMPARISON = 2
_WORDS = {"true": (True, Kind.BOOLEAN), "false": (False, Kind.BOOLEAN), "null": (None, None)}


def parse(text: str) -> Node:
    """The tree of a filter.

    Raises InvalidInput naming the position (from 1) of what cannot be read.

    >>> parse("result gt 5.5 and not (id eq 3)").operator
    'and'
    """
    if len(text) > CHARACTERS_MAX:
        raise TooLarge(f"a filter is at most {CHARACTERS_MAX} characters", where="$filter")
    reader = _Reader(_tokens(text))
    node = reader.level(0)
    reader.expect("end")
    return node


def bad(message: str, at: int) -> InvalidInput:
    """The error of something wrong at a position (from 0) of the filter."""
    return InvalidInput(message, where=place("$filter", at))


def place(option: str, at: int) -> str:
    """How errors name a position (from 0) in an option.

    >>> place("$select", 0)
    '$select, character 1'
    """
    return f"{option}, character {at + 1}"


def split(text: str, separator: str, option: str, at: int = 0) -> list[tuple[int, str]]:
    """The parts between separators that stand outside of parentheses and quotes, each with its position.

    Spaces around a part are no part of it. ``at`` is the position of ``text`` itself in the option.
    Raises InvalidInput for a parenthesis or quote left open.

    >>> split("id desc, concat(name,'a,b')", ",", "$orderby")
    [(0, 'id desc'), (9, "concat(name,'a,b')")]
    """
    parts, opened, start = [], [], 0
    quoted: int | None = None
    for here, character in enumerate(text):
        if character == "'":
            quoted = here if quoted is None else None
        elif quoted is not None:
            continue
        elif character == "(":
            opened.append(here)
        elif character == ")":
            if not opened:
                raise InvalidInput(
                    "a parenthesis is closed that was not opened", where=place(option, at + here)
                )
            opened.pop()
        elif character == separator and not opened:
            parts.append((start, text[start:here]))
            start = here + 1
    if quoted is not None or opened:
        here = quoted if quoted is not None else opened[-1]
        raise InvalidInput("a parenthesis or quote is not closed", where=place(option, at + here))
    parts.append((start, text[start:]))
    return [(at + begin + len(part) - len(part.lstrip()), part.strip()) for begin, part in parts]


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise bad(f"{text[at : at + 20]!r} cannot be read", at)
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match[0], at))
        at = match.end()
    return [*tokens, _Token("end", "the end", len(text))]


class _Reader:
    """Recursive descent over the tokens; depth is bounded."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._arithmetic = 0
        self._calls = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def expect(self, kind: str, text: str | None = None) -> _Token:
        """The next token, which must be this."""
        token = self._next
        if token.kind != kind or text not in (None, token.text):
            raise bad(f"{token.text!r:.40} where {text or kind} was expected", token.at)
        return self._take()

    def level(self, number: int) -> Node:
        """An expression of operators that bind at least this strongly."""
        if number == len(_LEVELS):
            return self._prefixed()
        if number == _COMPARISON and self._is_word("not"):
            return self._negation()
        node = self.level(number + 1)
        while self._next.kind == "name" and self._next.text in _LEVELS[number]:
            token = self._take()
            self._count_arithmetic(number, token)
            right = self._deeper(lambda: self.level(number + 1))
            node = Binary(token.text, node, right, token.at)
        return node

    def _count_arithmetic(self, number: int, token: _Token) -> None:
        """A chain of arithmetic nests to the left as deep as it is long."""
        self._arithmetic += number > _COMPARISON
        if self._arithmetic > ARITHMETIC_MAX:
            raise bad(f"more than {ARITHMETIC_MAX} arithmetic operators", token.at)

    def _negation(self) -> Node:
        token = self._take()
        return Unary("not", self._deeper(lambda: self.level(_COMPARISON)), token.at)

    def _prefixed(self) -> Node:
        if self._next.kind == "sign" and self._next.text == "-":
            token = self._take()
            operand = self._deeper(self._prefixed)
            if isinstance(operand, Value) and isinstance(operand.value, int | float):
                return Value(-operand.value, operand.kind, token.at)
            return Unary("-", operand, token.at)
        return self._operand()

    def _operand(self) -> Node:
        token = self._take()
        if token.kind == "name":
            return self._word(token)
        if token.kind == "sign" and token.text == "(":
            node = self._deeper(lambda: self.level(0))
            self.expect("sign", ")")
            return node
        return _literal(token)

    def _word(self, token: _Token) -> Node:
        if token.text in _WORDS:
            value, kind = _WORDS[token.text]
            return Value(value, kind, token.at)
        if self._is_sign("("):
            return self._call(token.text, token)
        names = [token.text]
        while self._is_sign("/"):
            self._take()
            names.append(self.expect("name").text)
            if self._is_sign("("):
                return self._call("/".join(names), token)
        return Path(tuple(names), token.at)

    def _call(self, name: str, token: _Token) -> Call:
        self._calls += 1
        if self._calls > CALLS_MAX:
            raise bad(f"more than {CALLS_MAX} functions", token.at)
        self.expect("sign", "(")
        return Call(name, self._arguments(), token.at)

    def _arguments(self) -> tuple[Node, ...]:
        arguments: list[Node] = []
        if not self._is_sign(")"):
            arguments.append(self._deeper(lambda: self.level(0)))
            while self._is_sign(","):
                self._take()
                arguments.append(self._deeper(lambda: self.level(0)))
        self.expect("sign", ")")
        return tuple(arguments)

    def _deeper(self, read: object) -> Node:
        self._depth += 1
        if self._depth > NESTING_MAX:
            raise bad(f"nested deeper than {NESTING_MAX}", self._next.at)
        node: Node = read()  # type: ignore[operator]
        self._depth -= 1
        return node

    def _is_word(self, text: str) -> bool:
        return self._next.kind == "name" and self._next.text == text

    def _is_sign(self, text: str) -> bool:
        return self._next.kind == "sign" and self._next.text == text


def _literal(token: _Token) -> Value:
    if token.kind == "text":
        return Value(token.text[1:-1].replace("''", "'"), Kind.TEXT, token.at)
    if token.kind == "number":
        return _number(token)
    if token.kind == "time":
        return _time(token)
    if token.kind == "day":
        return _time_of_day(token.text, token)
    if token.kind == "typed":
        return _typed(token)
    raise bad(f"{token.text!r:.40} where a value was expected", token.at)


def _number(token: _Token) -> Value:
    if token.text.isdigit() and len(token.text) <= 18:
        return Value(int(token.text), Kind.INTEGER, token.at)
    number = float(token.text)
    if not math.isfinite(number):
        raise bad("the number is too large", token.at)
    return Value(number, Kind.NUMBER, token.at)


def _typed(token: _Token) -> Value:
    name, _, quoted = token.text.partition("'")
    text = quoted[:-1]
    if name == "duration":
        return _duration(text, token)
    if name == "time":
        return _time_of_day(text, token)
    if name == "date":
        return _date(text, token)
    return Value(token.text, None, token.at, spelt=name)


def _duration(text: str, token: _Token) -> Value:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        raise bad(f"{token.text!r:.40} is not a duration such as duration'P1DT2H'", token.at)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    try:
        span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise bad("the duration is too long", token.at) from None
    return Value(-span if match[1] else span, Kind.DURATION, token.at)


_DURATION = re.compile(
    r"(-)?P(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?"
)


def _time_of_day(text: str, token: _Token) -> Value:
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise bad(f"{token.text!r:.40} is not a time of day such as 13:20:00", token.at)
    return Value(moment, Kind.TIME_OF_DAY, token.at)


def _date(text: str, token: _Token) -> Value:
    try:
        return Value(date.fromisoformat(text), Kind.DATE, token.at)
    except ValueError:
        raise bad(f"{token.text!r:.40} is not a date", token.at) from None


def _time(token: _Token) -> Value:
    if "T" not in token.text:
        return _date(token.text, token)
    try:
        moment = datetime.fromisoformat(token.text)
    except ValueError:
        raise bad(f"{token.text!r:.40} is not an ISO 8601 time", token.at) from None
    if moment.tzinfo is None:
        raise bad("the time has no zone: end it with Z (a + must be sent as %2B)", token.at)
    return Value(from_datetime(moment), Kind.TIME, token.at)
