# SPDX-License-Identifier: Apache-2.0
"""Resource paths (OGC 18-088 §9.2) into a way through the records and what is wanted at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cheoyong.domain.errors import NotFound
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.records.readings import Start, Step, Way

SEGMENTS_MAX = 12
# Things(1); some clients write the key's name, or quotes around it: Things(id=1), Things('1').
_SEGMENT = re.compile(r"([A-Za-z]+)(?:\((?:id=)?('?)(-?\d{1,19})\2\))?")
_ID_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Address:
    """Where a path leads: the way, the entity type at its end, and what of it is meant.

    ``ending`` is "" for the entities themselves, ``$ref`` for their links, ``$count`` for how many there
    are; ``member`` names one
    property, ``raw`` asks for its bare value (``/$value``).
    """

    way: Way
    entity: EntityType
    ending: str = ""
    member: str = ""
    raw: bool = False


def parse_address(path: str) -> Address:
    """The address of a path below the service root, without query: ``/Things(1)/Datastreams``.

    Raises NotFound for a path that the model does not have.

    >>> parse_address("/Things(1)/Datastreams").entity.name
    'Datastream'
    """
    return _parsed(path.strip("/"))


@lru_cache(maxsize=4096)
def _parsed(path: str) -> Address:
    segments = path.split("/")
    if len(segments) > SEGMENTS_MAX:
        raise NotFound(f"a path has at most {SEGMENTS_MAX} parts")
    name, row_id = _segment(segments[0])
    entity = _entity_set(name)
    way = Way(Start(entity.noun, row_id))
    for place, segment in enumerate(segments[1:], start=1):
        if segment.startswith("$") or segment in entity.properties:
            return _ending(way, entity, segments[place:])
        way, entity = _step(way, entity, segment)
    return Address(way, entity)


def _step(way: Way, entity: EntityType, segment: str) -> tuple[Way, EntityType]:
    name, row_id = _segment(segment)
    navigation = entity.navigations.get(name)
    if navigation is None or not way.single() or (row_id is not None and not navigation.many):
        raise NotFound(f"there is no /{segment[:60]} below {entity.set_name}")
    return Way(way.start, (*way.steps, Step(navigation.relation, row_id))), ENTITIES[navigation.target]


def _segment(segment: str) -> tuple[str, int | None]:
    match = _SEGMENT.fullmatch(segment)
    if match is None:
        raise NotFound(f"{segment!r:.60} is not an entity set or an entity")
    row_id = None if match[3] is None else int(match[3])
    if row_id is not None and abs(row_id) > _ID_MAX:
        raise NotFound(f"there is no {segment[:60]}")
    return match[1], row_id


def _entity_set(name: str) -> EntityType:
    entity = ENTITIES.get(name)
    if entity is None:
        raise NotFound(f"there is no entity set {name!r:.60}", mend="see the list at /v1.1")
    return entity


def _ending(way: Way, entity: EntityType, segments: list[str]) -> Address:
    single = way.single()
    if segments == ["$ref"] and not single:
        return Address(way, entity, ending="$ref")
    if segments == ["$count"] and not single:
        return Address(way, entity, ending="$count")
    if single and segments[0] in entity.properties:
        if segments[1:] == []:
            return Address(way, entity, member=segments[0])
        if segments[1:] == ["$value"]:
            return Address(way, entity, member=segments[0], raw=True)
    raise NotFound(f"there is no /{'/'.join(segments)[:60]} below {entity.set_name}")
