# SPDX-License-Identifier: Apache-2.0
"""Answer a POST of an entity: the tree of entities and the observations nested in it, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import InvalidInput, NotFound, NotSupported, TooLarge
from cheoyong.faces.sensorthings.address import Address
from cheoyong.faces.sensorthings.drafting import Drafter, NestedObservation, check_bounds, results_of
from cheoyong.faces.sensorthings.entities import EntityType
from cheoyong.flow.joint import Joint, Opens
from cheoyong.flow.observation_json import ObservationJson, row_of
from cheoyong.records.connection import Connection
from cheoyong.records.observations import Rows, concatenate
from cheoyong.records.readings import Way, find
from cheoyong.records.registry import Draft, Existing, insert, move, require

BODY_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Creator:
    """Creates entities for whoever may register."""

    joints: Opens
    now_us: Callable[[], int]

    async def create(self, principal: Principal, address: Address, payload: bytes) -> int:
        """Store the entity in ``payload`` at an address; returns its id.

        Raises InvalidInput naming the JSON path, NotFound for a link to nothing, Conflict for a series
        that is taken.
        """
        principal.require("register")
        body = decode(payload)
        now_us = self.now_us()
        organisation_id = principal.organisation_id
        async with self.joints.open(organisation_id) as joint:
            connection = joint.connection
            owner = await _owner(connection, address.way)
            drafter = Drafter(now_us)
            given = {owner.name: owner.existing} if owner else {}
            draft = drafter.draft(address.entity, body, "", given)
            if owner and owner.name == "Thing" and draft.noun == "location":
                await move(connection, organisation_id, owner.existing.id, draft, at_us=now_us)
            else:
                await insert(connection, organisation_id, draft, at_us=now_us)
            rows = await _observations(connection, organisation_id, draft, now_us)
            if rows:
                await joint.submit(concatenate(rows))
        return draft.id


async def store(
    joint: Joint, principal: Principal, entity: EntityType, body: Any, where: str, now_us: int
) -> int:
    """Store an entity with all that is in it; returns its id. ``where`` is its place in what is around it."""
    organisation_id = principal.organisation_id
    draft = Drafter(now_us).draft(entity, body, where)
    await insert(joint.connection, organisation_id, draft, at_us=now_us)
    rows = await _observations(joint.connection, organisation_id, draft, now_us)
    if rows:
        await joint.submit(concatenate(rows))
    return draft.id


def decode(payload: bytes) -> Any:
    """The JSON of a request body; raises InvalidInput or TooLarge (depth over 64)."""
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}", where="body", mend="send JSON (RFC 8259) in UTF-8") from None
    except RecursionError:
        raise TooLarge("nested too deeply") from None
    check_bounds(body)
    return body


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    existing: Existing


# Which relations of which nouns one may post to, and what the owner is called there.
OWNERS = {
    ("thing", "datastreams"): "Thing",
    ("sensor", "datastreams"): "Sensor",
    ("observed_property", "datastreams"): "ObservedProperty",
    ("thing", "multi_datastreams"): "Thing",
    ("sensor", "multi_datastreams"): "Sensor",
    ("thing", "locations"): "Thing",
    ("thing", "historical_locations"): "Thing",
    ("location", "things"): "Location",
}


async def _owner(connection: Connection, way: Way) -> _Owner | None:
    """The entity that the address puts the new one under."""
    if not way.steps:
        return None
    before = Way(way.start, way.steps[:-1])
    noun, relation = before.noun(), way.steps[-1].relation
    name = OWNERS.get((noun, relation))
    if name is None:
        raise NotSupported(f"creating {relation} there is not served", mend="post to the entity set itself")
    row_id = await find(connection, before)
    if row_id is None:
        raise NotFound("there is no such entity to put it under")
    return _Owner(name, Existing(noun, row_id, name))


async def _observations(
    connection: Connection, organisation_id: int, draft: Draft, now_us: int
) -> list[Rows]:
    """The rows of all observations nested in a stored tree; features they bring are stored now."""
    rows = []
    for part in list(_all_drafts(draft)):
        for nested in part.payload:
            feature_id = await _feature(connection, organisation_id, nested)
            feature = {} if feature_id is None else {"FeatureOfInterest": {"@iot.id": feature_id}}
            observation = msgspec.convert({**nested.members, **feature}, ObservationJson)
            rows.append(row_of(observation, part.id, results_of(part), now_us))
    return rows


async def _feature(connection: Connection, organisation_id: int, nested: NestedObservation) -> int | None:
    feature = nested.feature
    if feature is None:
        return None
    if isinstance(feature, Existing):
        return await require(connection, feature)
    return await insert(connection, organisation_id, feature)


def _all_drafts(draft: Draft) -> Iterator[Draft]:
    """Every draft of a tree, owners before what they own."""
    yield draft
    inside = [*draft.needs.values(), *draft.places, *draft.things, *draft.parts]
    inside += [child for _, child in draft.children]
    inside += [nested.feature for nested in draft.payload if nested.feature is not None]
    for part in inside:
        if isinstance(part, Draft):
            yield from _all_drafts(part)
