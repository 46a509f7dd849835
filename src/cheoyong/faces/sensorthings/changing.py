# SPDX-License-Identifier: Apache-2.0
"""Answer PATCH, PUT and DELETE of one entity, each in one transaction.

PATCH merges member by member, into ``properties`` and other objects too: what is not sent stays as it
is. PUT replaces all properties; links that it does not name stay. A JSON Patch is applied to the
entity's own properties. Links may be re-linked by id, not written inline (OGC 18-088 §10.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import Conflict, InvalidInput, NotFound, NotSupported
from cheoyong.domain.instant import format_instant
from cheoyong.faces.sensorthings.address import Address
from cheoyong.faces.sensorthings.creating import decode
from cheoyong.faces.sensorthings.drafting import (
    FOREIGN_KEYS,
    check_bounds,
    check_parts,
    is_link,
    is_owner,
    linked_id,
    refuse_unknown,
    series_of,
    values_of,
)
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.json_patch import patched
from cheoyong.flow.observation_json import ObservationJson, ResultType, result_type_of, row_of
from cheoyong.records import changes
from cheoyong.records.connection import Connection, Pool, as_organisation
from cheoyong.records.readings import Row, Selection, Start, Step, Way, find, page
from cheoyong.records.registry import Existing, compose, move, place_history, require

JSON_PATCH = "application/json-patch+json"
# What is one thing to replace, not a record to merge into: half a polygon and half a point are neither.
_WHOLE = ("location", "feature", "metadata", "observedArea", "result")
Links = Mapping[str, list[Existing]]


@dataclass(frozen=True, slots=True)
class Changer:
    """Changes and deletes entities for whoever may register."""

    pool: Pool
    now_us: Callable[[], int]

    async def change(
        self, principal: Principal, address: Address, method: str, media_type: str, payload: bytes
    ) -> int:
        """Carry out a PATCH or PUT with this body; returns the entity's id.

        Raises NotFound, InvalidInput naming the JSON path, Conflict for what another entity has already.
        """
        principal.require("register")
        body = decode(payload)
        json_patch = method == "PATCH" and media_type.partition(";")[0].strip().lower() == JSON_PATCH
        if not json_patch and not isinstance(body, dict):
            raise InvalidInput("a JSON object was expected")
        async with as_organisation(self.pool, principal.organisation_id) as connection:
            row_id = await _found(connection, address)
            await changes.signed(connection, principal.login)
            work = _Change(connection, principal.organisation_id, row_id, address.entity, self.now_us())
            current = await work.current()
            if json_patch:
                body = patched(current, body)
                check_bounds(body)
            elif method == "PATCH":
                body = merged(current, body)
            await work.put(current, body)
            return row_id

    async def delete(self, principal: Principal, address: Address) -> None:
        """Delete an entity with what the standard deletes with it."""
        principal.require("register")
        async with as_organisation(self.pool, principal.organisation_id) as connection:
            row_id = await _found(connection, address)
            await changes.signed(connection, principal.login)
            await changes.delete(connection, address.entity.noun, row_id)


async def _found(connection: Connection, address: Address) -> int:
    row_id = await find(connection, address.way)
    if row_id is None:
        raise NotFound(f"there is no such {address.entity.name}")
    return row_id


def merged(current: Any, change: Any) -> Any:
    """What a PATCH makes of a value: objects are merged, all else is replaced.

    >>> merged({"a": {"b": 1, "c": 2}, "location": {"x": 1}}, {"a": {"b": 3}, "location": {"y": 1}})
    {'a': {'b': 3, 'c': 2}, 'location': {'y': 1}}
    """
    if not isinstance(current, dict) or not isinstance(change, dict):
        return change
    return current | {
        name: value if name in _WHOLE else merged(current.get(name), value) for name, value in change.items()
    }


@dataclass(slots=True)
class _Change:
    """One change of one entity, under way."""

    connection: Connection
    organisation_id: int
    row_id: int
    entity: EntityType
    now_us: int
    row: Row = None

    async def current(self) -> dict[str, Any]:
        """The entity's own properties as a client sees them; its row is held from here on."""
        noun = self.entity.noun
        if noun == "observation":
            self.row = await changes.observation(self.connection, self.row_id)
            shown = {
                name: item.render(self.row)
                for name, item in self.entity.properties.items()
                if name != "resultQuality"
            }
            return shown | {"resultQuality": (self.row["detail"] or {}).get("resultQuality")}
        if noun == "feature" and self.row_id < 0:
            raise Conflict(
                "this feature is the place where a thing stands", mend=f"change Locations({-self.row_id})"
            )
        await changes.lock(self.connection, noun, self.row_id)
        columns = tuple(name for item in self.entity.properties.values() for name in item.columns)
        within = (Way(Start(noun, self.row_id)), self.row_id)
        [self.row] = await page(self.connection, Selection(noun, columns, limit=1), within)
        return {name: item.render(self.row) for name, item in self.entity.properties.items()}

    async def put(self, current: Mapping[str, Any], body: Any) -> None:
        """Make the entity what ``body`` says."""
        if not isinstance(body, dict):
            raise InvalidInput("an entity is a JSON object")
        refuse_unknown(self.entity, body, "")
        links = self._links(body)
        if self.entity.noun == "observation":
            await self._revise(current, body, links)
            return
        values = values_of(self.entity, body, "")
        if self.entity.noun == "datastream":
            values["series"] = series_of(body.get("properties"), "properties.series")
        if self.entity.noun == "multi_datastream":
            await self._check_parts(values, body.get("ObservedProperties"))
        for name, column in FOREIGN_KEYS.items():
            if name in links:
                values[column] = await require(self.connection, links[name][0])
        await changes.update(self.connection, self.entity.noun, self.row_id, values)
        await self._relink(links)

    async def _check_parts(self, values: Mapping[str, Any], linked: list[Any] | None) -> None:
        """Types, units and observed properties stay as many as each other, and as the parts of results."""
        there = await changes.properties_of(self.connection, self.row_id) if linked is None else linked
        check_parts(values, len(there), "")
        if len(values["part_types"]) != len(self.row["part_types"]) and await changes.has_observations(
            self.connection, self.row_id
        ):
            raise Conflict(
                f"there are observations of {len(self.row['part_types'])} parts",
                where="multiObservationDataTypes",
                mend="create another MultiDatastream",
            )

    def _links(self, body: Mapping[str, Any]) -> Links:
        links: dict[str, list[Existing]] = {}
        for name, navigation in self.entity.navigations.items():
            if name not in body:
                continue
            value = body[name]
            if navigation.many != isinstance(value, list):
                expected = "an array of links" if navigation.many else "a link"
                raise InvalidInput(f"{expected} was expected", where=name)
            noun = ENTITIES[navigation.target].noun
            for place, item in enumerate(value if navigation.many else [value]):
                where = f"{name}[{place}]" if navigation.many else name
                if not is_link(item):
                    raise InvalidInput(
                        "a change holds links only", where=where, mend='link {"@iot.id": 1}, or POST it'
                    )
                lowest = 1 - 2**63 if noun == "feature" else 1
                links.setdefault(name, []).append(Existing(noun, linked_id(item, where, lowest), where))
        return links

    async def _relink(self, links: Links) -> None:
        connection, organisation_id = self.connection, self.organisation_id
        if "Observations" in links:
            raise NotSupported(
                "giving observations another owner from here is not served", where="Observations",
                mend="change each Observation",
            )  # fmt: skip
        if "HistoricalLocations" in links:
            raise NotSupported(
                "giving them another owner from here is not served", where="HistoricalLocations",
                mend="change each HistoricalLocation",
            )  # fmt: skip
        for name in ("Datastreams", "MultiDatastreams"):
            if name in links:
                if not is_owner(self.entity, name):
                    raise NotSupported(
                        "the order of their properties would be unknown", where=name,
                        mend="change each MultiDatastream",
                    )  # fmt: skip
                column = FOREIGN_KEYS[self.entity.name]
                await changes.hand_over(connection, column, self.row_id, links[name])
        if "ObservedProperties" in links:
            parts = [await require(connection, part) for part in links["ObservedProperties"]]
            await compose(connection, organisation_id, self.row_id, parts, "")
        if "Locations" in links:
            await self._place(links["Locations"])
        for thing in links.get("Things", ()):
            await require(connection, thing)
            await move(
                connection,
                organisation_id,
                thing.id,
                Existing("location", self.row_id, ""),
                at_us=self.now_us,
            )

    async def _place(self, places: list[Existing]) -> None:
        """Put a thing, or an entry of where it has been, at these locations."""
        location_ids = [await require(self.connection, place) for place in places]
        if self.entity.noun == "thing":
            await move(self.connection, self.organisation_id, self.row_id, *places, at_us=self.now_us)
        else:
            await place_history(self.connection, self.organisation_id, self.row_id, location_ids)

    async def _revise(self, current: Mapping[str, Any], body: Mapping[str, Any], links: Links) -> None:
        """Store another reading in this one's place."""
        said = {name: value for name, value in body.items() if name in self.entity.properties}
        for name in ("phenomenonTime", "result"):
            if said.get(name) is None:
                raise InvalidInput("an Observation needs it", where=name)
        said["resultQuality"] = _as_reported(said.get("resultQuality"))
        stream_id = self.row["datastream_id"]
        named = [*links.get("Datastream", ()), *links.get("MultiDatastream", ())]
        if len(named) > 1:
            raise InvalidInput("an Observation is of one datastream", where="MultiDatastream")
        if named:
            stream_id = await require(self.connection, named[0])
        feature_id = await self._feature(links)
        if feature_id is not None:
            said["FeatureOfInterest"] = {"@iot.id": feature_id}
        rows = row_of(_converted(said), stream_id, await self._type_of(stream_id), self.now_us)
        same = stream_id == self.row["datastream_id"] and all(
            current[name] == said[name] for name in ("phenomenonTime", "result")
        )
        before = (self.row["detail"] or {}).get("revised")
        now = format_instant(self.now_us)
        await changes.revise(self.connection, self.row_id, rows, before if same else now)

    async def _feature(self, links: Links) -> int | None:
        """The feature it names for its own; None when it is of the place where its thing stands."""
        if "FeatureOfInterest" not in links:
            feature_id: int | None = self.row["feature_id"]
            return feature_id
        named = links["FeatureOfInterest"][0]
        if named.id > 0:
            return await require(self.connection, named)
        way = Way(Start("observation", self.row_id), (Step("feature"),))
        if self.row["feature_id"] is None and named.id == await find(self.connection, way):
            return None
        raise NotFound(f"there is no feature {named.id} to link", where=named.where)

    async def _type_of(self, stream_id: int) -> ResultType:
        for noun, columns in (
            ("datastream", ("observation_type",)),
            ("multi_datastream", ("observation_type", "part_types")),
        ):
            within = (Way(Start(noun, stream_id)), stream_id)
            for row in await page(self.connection, Selection(noun, columns, limit=1), within):
                return result_type_of(row["observation_type"], row.get("part_types"))
        raise NotFound(f"there is no datastream {stream_id}")


def _as_reported(quality: Any) -> Any:
    """What a sender says of the quality; the verdict that this service shows is not the sender's."""
    if isinstance(quality, dict) and quality.keys() - {"reported", "tests"} == {"flag", "name"}:
        return quality.get("reported")
    return quality


def _converted(said: Mapping[str, Any]) -> ObservationJson:
    try:
        return msgspec.convert(said, ObservationJson)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None
