# SPDX-License-Identifier: Apache-2.0
"""What filters mean, in plain Python over a small base held in memory: shares nothing with the service.

Times are integer microseconds, durations too; a span is a pair of them. None is null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sensorthings_bodies import get

Way = tuple[str, ...]
Binding = Mapping[Way, Any]

# Each entity set: the kind of each property, and where each link leads.
PROPERTIES: dict[str, dict[str, str]] = {
    "Things": {"name": "text", "description": "text", "properties": "json"},
    "Locations": {"name": "text", "encodingType": "text", "properties": "json", "location": "json"},
    "HistoricalLocations": {"time": "time"},
    "Datastreams": {
        "name": "text", "observationType": "text", "unitOfMeasurement": "json", "properties": "json",
        "observedArea": "json", "phenomenonTime": "span", "resultTime": "span",
    },
    "MultiDatastreams": {
        "name": "text", "properties": "json", "unitOfMeasurements": "json", "phenomenonTime": "span",
    },
    "Sensors": {"name": "text", "encodingType": "text", "metadata": "json", "properties": "json"},
    "ObservedProperties": {"name": "text", "definition": "text", "properties": "json"},
    "Observations": {
        "phenomenonTime": "span", "resultTime": "time", "result": "json", "parameters": "json",
        "resultQuality/flag": "whole",
    },
    "FeaturesOfInterest": {"name": "text", "properties": "json", "feature": "json"},
}  # fmt: skip
LINKS: dict[str, dict[str, str]] = {
    "Things": {
        "Locations": "Locations", "HistoricalLocations": "HistoricalLocations",
        "Datastreams": "Datastreams", "MultiDatastreams": "MultiDatastreams",
    },
    "Locations": {"Things": "Things", "HistoricalLocations": "HistoricalLocations"},
    "HistoricalLocations": {"Thing": "Things", "Locations": "Locations"},
    "Datastreams": {
        "Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties",
        "Observations": "Observations",
    },
    "MultiDatastreams": {
        "Thing": "Things", "Sensor": "Sensors", "ObservedProperties": "ObservedProperties",
        "Observations": "Observations",
    },
    "Sensors": {"Datastreams": "Datastreams", "MultiDatastreams": "MultiDatastreams"},
    "ObservedProperties": {"Datastreams": "Datastreams", "MultiDatastreams": "MultiDatastreams"},
    "Observations": {
        "Datastream": "Datastreams", "MultiDatastream": "MultiDatastreams",
        "FeatureOfInterest": "FeaturesOfInterest",
    },
    "FeaturesOfInterest": {"Observations": "Observations"},
}  # fmt: skip


@dataclass
class Base:
    """Every entity of every set by its id, and the ids that each link of each leads to."""

    entities: dict[str, dict[int, dict[str, Any]]]
    links: dict[tuple[str, int, str], list[int]]

    def related(self, entity_set: str, entity: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """The entities that a link leads to."""
        target = self.entities[LINKS[entity_set][name]]
        return [target[row_id] for row_id in self.links[entity_set, entity["@iot.id"], name]]


async def read_base(client: httpx.AsyncClient) -> Base:
    """All that the service holds, by plain addresses without any option but ``$top``."""
    base = Base({}, {})
    for entity_set in LINKS:
        shown = (await get(client, f"{entity_set}?$top=10000"))["value"]
        base.entities[entity_set] = {entity["@iot.id"]: entity for entity in shown}
    for entity_set, links in LINKS.items():
        for row_id in base.entities[entity_set]:
            for name in links:
                response = await client.get(f"{entity_set}({row_id})/{name}?$top=10000")
                found = response.json() if response.status_code == 200 else {"value": []}
                listed = found.get("value", [found])
                base.links[entity_set, row_id, name] = [entity["@iot.id"] for entity in listed]
    return base


@dataclass(frozen=True)
class Term:
    """A value: its text, how strongly it binds, its kind, the ways it goes, what it comes to.

    ``exact``: a number of few digits in binary and decimal, so that no library rounds it.
    """

    text: str
    kind: str
    work: Callable[[Binding], Any]
    ways: frozenset[Way] = frozenset()
    strength: int = 9
    exact: bool = False


@dataclass(frozen=True)
class Judged:
    """What is true or false of an entity; ``holds`` answers for it or (not wanted) for its contrary.

    They differ in more than the sign where there is no geometry to judge.
    """

    text: str
    holds: Callable[[Base, str, dict[str, Any], bool], bool]
    strength: int = 9
    geometries: int = 0


def bindings(
    base: Base, entity_set: str, entity: dict[str, Any], ways: frozenset[Way]
) -> Iterator[dict[Way, Any]]:
    """Each choice of one related entity for each way; ways that begin alike share what they begin with."""
    steps = sorted({way[:n] for way in ways for n in range(1, len(way) + 1)}, key=lambda way: (len(way), way))

    def chosen(number: int, sets: dict[Way, str], found: dict[Way, Any]) -> Iterator[dict[Way, Any]]:
        if number == len(steps):
            yield dict(found)
            return
        way = steps[number]
        before = way[:-1]
        sets[way] = LINKS[sets[before]][way[-1]]
        for one in base.related(sets[before], found[before], way[-1]):
            found[way] = one
            yield from chosen(number + 1, sets, found)

    yield from chosen(0, {(): entity_set}, {(): entity})


def instant(text: str) -> int:
    """Microseconds since 1970 of an ISO 8601 time."""
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def stored(entity: dict[str, Any], name: str, kind: str) -> Any:
    """The value of a property, or of one below it, as the entity shows it."""
    value: Any = entity
    for part in name.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return None
    if kind == "time":
        return instant(value)
    if kind == "span":
        begin, _, end = value.partition("/")
        return instant(begin), instant(end or begin)
    return value


def of_kind(value: Any, kind: str, wanted: str) -> Any:
    """The value where a function takes one of this kind; None where it is of another."""
    if kind == "span" and value is not None and wanted == "time":
        return value[0]
    if kind != "json":
        return value
    if wanted == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return value if isinstance(value, {"text": str, "truth": bool}[wanted]) else None


def compared(left: Any, kind: str, operator: str, right: Any, other: str) -> bool:
    """Whether two values stand so; null equals null, and what is of two kinds is never equal."""
    if kind != "span" and other == "span":
        return compared(right, other, _MIRRORED[operator], left, kind)
    if left is None or right is None:
        equal = left is None and right is None
        return equal if operator == "eq" else operator == "ne" and not equal
    if kind == "span":
        return _span(left, operator, right if other == "span" else (right, right))
    if operator in ("eq", "ne"):
        return _same(left, right) is (operator == "eq")
    if _sort(left) != _sort(right) or _sort(left) == "other":
        return False
    return {"lt": left < right, "le": left <= right, "gt": left > right, "ge": left >= right}[operator]


_MIRRORED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _span(left: Any, operator: str, right: Any) -> bool:
    return {
        "eq": left == right, "ne": left != right,
        "lt": left[1] < right[0], "le": left[1] <= right[0],
        "gt": left[0] > right[1], "ge": left[0] >= right[1],
    }[operator]  # fmt: skip


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "other" if isinstance(value, dict | list) else type(value).__name__


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON is: true is not 1."""
    if _sort(left) != _sort(right):
        return False
    if isinstance(left, dict) is not isinstance(right, dict):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def half_away(number: float) -> float:
    """Rounded, halves away from zero."""
    return math.copysign(math.floor(abs(number) + 0.5), number)
