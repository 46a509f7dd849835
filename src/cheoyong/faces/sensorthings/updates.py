# SPDX-License-Identifier: Apache-2.0
"""Which MQTT topics an entity is told of at, and what is said there (OGC 18-088, 14.2). Pure.

Topics are written as the broker writes them: ``v1//1.Datastreams(7).Observations`` is
``v1.1/Datastreams(7)/Observations``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cheoyong.domain.errors import NotFound
from cheoyong.faces.sensorthings.address import Address, parse_address
from cheoyong.faces.sensorthings.entities import ENTITIES

ROOT = "v1//1."
TOPICS_MAX = 10_000  # of one organisation that are told apart
PATHS_MAX = 100  # of one organisation: each is looked up for each entity
_LINK = "@iot.navigationLink"
_STREAM = re.compile(r"v1//1\.(?:Multi)?Datastreams\(([0-9]{1,10})\)\.Observations(?:\?.*)?")


@dataclass(slots=True)
class Wanted:
    """What the devices of one organisation have subscribed to.

    ``plain`` topics, ``selecting`` ones by the topic before their ``?$select=``, ``patterns`` with wildcards;
    ``paths`` are topics over several entities (``Things(1)/Datastreams``), a hundred at most.
    """

    plain: set[str] = field(default_factory=set)
    selecting: dict[str, set[str]] = field(default_factory=dict)
    patterns: set[tuple[str, ...]] = field(default_factory=set)
    streams: set[int] = field(default_factory=set)
    paths: dict[str, Address] = field(default_factory=dict)
    every_stream: bool = False

    @classmethod
    def of(cls, subjects: Iterable[str]) -> Wanted:
        """What these subscriptions ask for, of at most 10,000; what is no topic of the service is left out.

        >>> Wanted.of(["v1//1.Datastreams(7).Observations", "other"]).streams
        {7}
        """
        wanted = cls()
        for _, subject in zip(range(TOPICS_MAX), sorted(set(subjects)), strict=False):
            wanted._add(subject)
        return wanted

    def _add(self, subject: str) -> None:
        if not subject.startswith(ROOT):
            return
        tokens = tuple(subject.split("."))
        if "*" in tokens or tokens[-1] == ">":
            self.patterns.add(tokens)
            # Which datastreams a pattern means is settled at each observation.
            self.every_stream = True
            return
        if stream := _STREAM.fullmatch(subject):
            self.streams.add(int(stream[1]))
        base, question, _ = subject.partition("?")
        self.every_stream |= base == f"{ROOT}Observations"
        self._add_path(base)
        if question:
            self.selecting.setdefault(base, set()).add(subject)
        else:
            self.plain.add(subject)

    def _add_path(self, base: str) -> None:
        try:
            address = parse_address("/" + base.removeprefix(ROOT).replace(".", "/").replace("//", "."))
        except NotFound:
            return  # no topic of the service: nothing is ever told there
        # Observations of a datastream say themselves where they belong.
        if address.way.steps and not _STREAM.fullmatch(base) and len(self.paths) < PATHS_MAX:
            self.paths[base] = address
            self.every_stream |= address.entity.name == "Observation"

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.plain or self.selecting or self.patterns)

    def hears(self, subject: str) -> bool:
        """Whether somebody has subscribed to a topic, by name or by wildcards."""
        tokens = subject.split(".")
        return subject in self.plain or any(_matches(pattern, tokens) for pattern in self.patterns)


def said(wanted: Wanted, topics: Iterable[str], shown: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What to publish of an entity that is to be told of at these topics: topic and JSON value.

    ``shown`` is the whole entity as GET shows it.

    >>> list(said(Wanted.of(["v1//1.Things?$select=name"]), ["v1//1.Things"], {"name": "a", "x": 1}))
    [('v1//1.Things?$select=name', {'name': 'a'})]
    """
    for topic in topics:
        if wanted.hears(topic):
            yield topic, shown
        for selecting in sorted(wanted.selecting.get(topic, ())):
            names = _selected(selecting)
            if names:
                yield selecting, {k: v for k, v in shown.items() if k.removesuffix(_LINK) in names}


def set_topics(set_name: str, stream_id: int | None = None, *, multi: bool = False) -> list[str]:
    """The topics of the sets an entity is in; ``stream_id``: of the datastream an Observation is of.

    >>> set_topics("Observations", 7)
    ['v1//1.Observations', 'v1//1.Datastreams(7).Observations']
    """
    own = [f"{ROOT}{set_name}"]
    if stream_id is not None:
        own.append(f"{ROOT}{'Multi' * multi}Datastreams({stream_id}).{set_name}")
    return own


def entity_said(
    wanted: Wanted, topic: str, set_name: str, shown: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """What to publish of an entity that was changed at a topic of its own and those of its properties.

    A property is said as GET shows it: ``{"name": "Samho"}``.
    """
    yield from said(wanted, [topic], shown)
    for name in ENTITIES[set_name].properties:
        if wanted.hears(f"{topic}.{name}"):
            yield f"{topic}.{name}", {name: shown.get(name)}


def _selected(subject: str) -> frozenset[str]:
    """The names after ``$select=``; none when anything else is asked."""
    option, equals, names = subject.partition("?")[2].partition("=")
    if option not in ("$select", "%24select") or not equals or "&" in names:
        return frozenset()
    # Of one with a dot in it the broker has made two slashes.
    wanted = frozenset(name.replace("//", ".") for name in names.replace("%2C", ",").split(","))
    return frozenset("@iot.id" if name == "id" else name for name in wanted)


def _matches(pattern: tuple[str, ...], tokens: list[str]) -> bool:
    if pattern[-1] == ">":
        if len(tokens) < len(pattern):
            return False
        pattern, tokens = pattern[:-1], tokens[: len(pattern) - 1]
    return len(pattern) == len(tokens) and all(
        one in ("*", token) for one, token in zip(pattern, tokens, strict=True)
    )
