# SPDX-License-Identifier: Apache-2.0
"""A JSON entity, with all that is nested in it, into drafts for the records; every fault names its place.

Unknown members are refused by name, since a typing error would otherwise lose data silently; the
annotations of a standard client (anything with ``@iot.``) are let pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from cheoyong.domain.errors import ImpossibleValue, InvalidInput, NotSupported, TooLarge
from cheoyong.domain.instant import parse_instant
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.geojson import check_geojson
from cheoyong.flow.observation_json import ObservationJson, ResultType, result_type_of, row_of
from cheoyong.records.registry import Draft, Existing

DEPTH_MAX = 64
ENTITIES_MAX = 2_000
SERIES_CHARACTERS_MAX = 200
GEOJSON_TYPES = ("application/geo+json", "application/vnd.geo+json")
PARTS_MAX = 100
_TYPES = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_"
COMPLEX = f"{_TYPES}ComplexObservation"
OBSERVATION_TYPES = tuple(
    f"{_TYPES}{name}"
    for name in ("CategoryObservation", "CountObservation", "Measurement", "Observation", "TruthObservation")
)
FOREIGN_KEYS = {"Thing": "thing_id", "Sensor": "sensor_id", "ObservedProperty": "observed_property_id"}
_BY_NAME = {entity.name: entity for entity in ENTITIES.values()}


@dataclass(slots=True)
class NestedObservation:
    """An Observation inside a Datastream: its members, which have been checked, and its feature if named."""

    members: dict[str, Any]
    feature: Draft | Existing | None
    where: str


@dataclass(slots=True)
class Drafter:
    """Makes the drafts of one request; ``now_us`` dates what has no date of its own."""

    now_us: int
    entities: int = 0

    def draft(
        self, entity: EntityType, body: Any, where: str = "", given: Mapping[str, Existing] | None = None
    ) -> Draft:
        """The draft of one entity; ``given`` are the links that its place already says, by name.

        Raises InvalidInput or a kin of it, naming the JSON path.
        """
        self.entities += 1
        if self.entities > ENTITIES_MAX:
            raise TooLarge(f"more than {ENTITIES_MAX} entities in one request", where=where)
        if not isinstance(body, dict):
            raise InvalidInput("a JSON object was expected", where=where or entity.name)
        draft = Draft(entity.noun, where, values_of(entity, body, where))
        refuse_unknown(entity, body, where)
        links = {
            name: value for name, value in body.items() if name in entity.navigations and value is not None
        }
        for name, link in links.items():
            self._link(draft, entity, name, link, _below(where, name), given or {})
        for name, existing in (given or {}).items():
            self._place(draft, name, existing)
        if entity.name == "Datastream":
            self._finish_datastream(draft, body, where)
        if entity.name == "MultiDatastream":
            self._finish_multi_datastream(draft, where)
        if entity.name == "HistoricalLocation":
            _check_history(draft, where)
        return draft

    def _link(
        self,
        draft: Draft,
        entity: EntityType,
        name: str,
        value: Any,
        where: str,
        given: Mapping[str, Existing],
    ) -> None:
        navigation = entity.navigations[name]
        if navigation.many:
            if not isinstance(value, list):
                raise InvalidInput("a JSON array was expected", where=where)
            for place, item in enumerate(value):
                self._one_of_many(draft, entity, name, item, f"{where}[{place}]")
            return
        linked = self._draft_or_existing(ENTITIES[navigation.target], value, where)
        if name in given:
            if not isinstance(linked, Existing) or linked.id != given[name].id:
                raise InvalidInput(
                    "the place where it stands says another", where=where, mend=f"leave {name} out"
                )
            return
        draft.needs[FOREIGN_KEYS[name]] = linked

    def _one_of_many(self, draft: Draft, entity: EntityType, name: str, item: Any, where: str) -> None:
        if name == "Observations":
            if entity.name not in ("Datastream", "MultiDatastream"):
                raise NotSupported("observations go into their Datastream", where=where)
            draft.payload.append(self._observation(item, draft, where))
        elif name in ("Datastreams", "MultiDatastreams", "HistoricalLocations"):
            if is_link(item) or not is_owner(entity, name):
                raise NotSupported(f"linking {name} from here is not served", where=where)
            given = {entity.name: Existing(entity.noun, 0, where)}
            child = self._child(ENTITIES[name], item, where, given)
            draft.children.append((FOREIGN_KEYS[entity.name], child))
        else:
            linked = self._draft_or_existing(ENTITIES[name], item, where)
            hung = {"Locations": draft.places, "Things": draft.things, "ObservedProperties": draft.parts}
            hung[name].append(linked)

    def _child(self, entity: EntityType, item: Any, where: str, given: Mapping[str, Existing]) -> Draft:
        """An entity whose owner is the one around it and has no id yet."""
        child = self.draft(entity, item, where, given)
        for name in given:
            child.needs.pop(FOREIGN_KEYS[name])
        return child

    def _draft_or_existing(self, entity: EntityType, value: Any, where: str) -> Draft | Existing:
        if is_link(value):
            return Existing(entity.noun, linked_id(value, where), where)
        return self.draft(entity, value, where)

    def _place(self, draft: Draft, name: str, existing: Existing) -> None:
        if name in FOREIGN_KEYS and draft.noun in ("datastream", "multi_datastream", "historical_location"):
            draft.needs[FOREIGN_KEYS[name]] = existing
        elif name == "Location":
            draft.places.append(existing)

    def _finish_datastream(self, draft: Draft, body: Mapping[str, Any], where: str) -> None:
        self._register(draft, FOREIGN_KEYS, where)
        draft.values["series"] = series_of(body.get("properties"), _below(where, "properties.series"))

    def _finish_multi_datastream(self, draft: Draft, where: str) -> None:
        self._register(draft, ("Thing", "Sensor"), where)
        check_parts(draft.values, len(draft.parts), where)

    def _register(self, draft: Draft, owners: Iterable[str], where: str) -> None:
        for name in owners:
            if FOREIGN_KEYS[name] not in draft.needs:
                raise InvalidInput(
                    f"a {draft.noun.replace('_', '-')} needs one",
                    where=_below(where, name),
                    mend='link {"@iot.id": 1}',
                )
        draft.values["registered_at"] = self.now_us

    def _observation(self, item: Any, datastream: Draft, where: str) -> NestedObservation:
        if not isinstance(item, dict):
            raise InvalidInput("a JSON object was expected", where=where)
        feature = item.get("FeatureOfInterest")
        linked_already = ("FeatureOfInterest", "Datastream", "MultiDatastream")
        plain = {name: value for name, value in item.items() if name not in linked_already}
        try:
            observation = msgspec.convert(plain, ObservationJson)
            row_of(observation, 0, results_of(datastream), self.now_us)
        except msgspec.ValidationError as error:
            raise InvalidInput(str(error), where=where) from None
        except (InvalidInput, TooLarge) as error:
            error.where = _below(where, error.where)
            raise
        place = _below(where, "FeatureOfInterest")
        target = _BY_NAME["FeatureOfInterest"]
        linked = None if feature is None else self._draft_or_existing(target, feature, place)
        return NestedObservation(plain, linked, where)


def results_of(datastream: Draft) -> ResultType:
    """What the results of a datastream that is being drafted are, of either kind."""
    return result_type_of(datastream.values["observation_type"], datastream.values.get("part_types"))


def is_owner(entity: EntityType, name: str) -> bool:
    """Whether entities of the set ``name`` belong to one such entity.

    A MultiDatastream does not belong to one of its ObservedProperties: their order would be unknown.
    """
    return entity.name in FOREIGN_KEYS and (entity.name, name) != ("ObservedProperty", "MultiDatastreams")


def check_parts(values: Mapping[str, Any], properties: int, where: str) -> None:
    """Whether a MultiDatastream has as many data types and units as observed properties.

    ``values`` are its columns. Raises InvalidInput naming the member that is of another length.
    """
    for name, found in (
        ("ObservedProperties", properties),
        ("unitOfMeasurements", len(values["unit"])),
    ):
        if found != len(values["part_types"]):
            raise InvalidInput(
                f"{found} here and {len(values['part_types'])} multiObservationDataTypes",
                where=_below(where, name),
                mend="give each part of the result one of each, in the same order",
            )


def check_bounds(value: Any) -> None:
    """Refuse what PostgreSQL's JSON cannot hold or what readers could choke on.

    That is: nesting deeper than 64, character 0, integers of more than 64 bits.
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise TooLarge(f"nested deeper than {DEPTH_MAX}")
        if isinstance(item, dict):
            waiting.extend((key, depth) for key in item)
            waiting.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            waiting.extend((inner, depth + 1) for inner in item)
        elif isinstance(item, str) and "\0" in item:
            raise InvalidInput("text holds no character 0")
        elif isinstance(item, int) and not -(2**63) <= item < 2**63:
            raise ImpossibleValue("an integer has more than 64 bits")
        elif isinstance(item, float) and not math.isfinite(item):
            raise ImpossibleValue("a number is not finite")


def values_of(entity: EntityType, body: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The columns of an entity's own properties, checked; None for those that are not there."""
    values = {}
    if entity.name == "MultiDatastream" and not body.get("observationType"):
        body = {**body, "observationType": COMPLEX}  # there is no other, and clients leave it out
    for item in entity.properties.values():
        if item.generated:
            continue
        value = body.get(item.name)
        here = _below(where, item.name)
        if value is None and item.mandatory:
            raise InvalidInput(f"a {entity.name} needs it", where=here)
        if value is not None:
            check = _CHECKS.get(f"{entity.name}.{item.name}") or _CHECKS.get(item.name, _text)
            check(value, here)
        # An instant is kept as a number; everything else as it came.
        is_instant = item.name == "time" and value is not None
        values[item.columns[0]] = parse_instant(str(value), where=here) if is_instant else value
    for name in ("location", "feature"):
        if name in values and values["encoding_type"] in GEOJSON_TYPES:
            check_geojson(values[name], _below(where, name))
    return values


def refuse_unknown(entity: EntityType, body: Mapping[str, Any], where: str) -> None:
    """Raises InvalidInput for a member that the entity does not have and that is no annotation."""
    known = {*entity.properties, *entity.navigations}
    for name in body:
        if name not in known and "@iot." not in name:
            raise InvalidInput(
                f"a {entity.name} has no such member",
                where=_below(where, name[:60]),
                mend=f"use {', '.join(known)}",
            )


def _check_history(draft: Draft, where: str) -> None:
    for name, there in (("Thing", "thing_id" in draft.needs), ("Locations", bool(draft.places))):
        if not there:
            raise InvalidInput(
                "a HistoricalLocation needs it", where=_below(where, name), mend='link {"@iot.id": 1}'
            )


def _text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise InvalidInput("text was expected", where=where)


def _object(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise InvalidInput("a JSON object was expected", where=where)


def _anything(value: Any, where: str) -> None:
    """Any JSON but null, which the caller has refused."""


def _unit(value: Any, where: str) -> None:
    _object(value, where)
    for name in ("name", "symbol", "definition"):
        if name not in value:
            raise InvalidInput("a unit of measurement has it, if only as null", where=_below(where, name))
        if value[name] is not None:
            _text(value[name], _below(where, name))


def _observation_type(value: Any, where: str) -> None:
    if value not in OBSERVATION_TYPES:
        raise InvalidInput(
            "not an observation type", where=where, mend=f"use one of {', '.join(OBSERVATION_TYPES)}"
        )


def _complex(value: Any, where: str) -> None:
    if value != COMPLEX:
        raise InvalidInput("not the type of a MultiDatastream", where=where, mend=f"use {COMPLEX}")


def _each(check: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    def check_all(value: Any, where: str) -> None:
        if not isinstance(value, list) or not 1 <= len(value) <= PARTS_MAX:
            raise InvalidInput(f"a JSON array of 1 to {PARTS_MAX} was expected", where=where)
        for place, item in enumerate(value):
            check(item, f"{where}[{place}]")

    return check_all


_CHECKS: dict[str, Callable[[Any, str], None]] = {
    "properties": _object,
    "location": _anything,
    "feature": _anything,
    "metadata": _anything,
    "unitOfMeasurement": _unit,
    "observationType": _observation_type,
    "unitOfMeasurements": _each(_unit),
    "MultiDatastream.observationType": _complex,
    "multiObservationDataTypes": _each(_observation_type),
    "observedArea": check_geojson,
}


def series_of(properties: Any, where: str) -> str | None:
    """The name in the city pack that a Datastream's properties give it; None when they give none."""
    if not isinstance(properties, dict) or properties.get("series") is None:
        return None
    series = properties["series"]
    if not isinstance(series, str) or not 0 < len(series) <= SERIES_CHARACTERS_MAX:
        raise InvalidInput(f"a series is text of 1 to {SERIES_CHARACTERS_MAX} characters", where=where)
    return series


def is_link(value: Any) -> bool:
    """Whether it names what exists; a client may send the whole entity along with its id."""
    return isinstance(value, dict) and "@iot.id" in value


def linked_id(value: Mapping[str, Any], where: str, lowest: int = 1) -> int:
    """The id that a link names."""
    row_id = value["@iot.id"]
    if not isinstance(row_id, int) or isinstance(row_id, bool) or not lowest <= row_id < 2**63:
        raise InvalidInput("an id is a whole number from 1 on", where=_below(where, "@iot.id"))
    return row_id


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
