# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of the entities as they are shown and as they are sent, from the table of entities."""

from __future__ import annotations

from typing import Any

from cheoyong.faces.sensorthings.creating import OWNERS
from cheoyong.faces.sensorthings.drafting import FOREIGN_KEYS, OBSERVATION_TYPES, PARTS_MAX
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType, Navigation, Property
from cheoyong.records.nouns import NOUNS, Kind

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
ADDRESS: Schema = {"type": "string", "format": "uri"}
ID_MAX = 2**63 - 1
_OBJECT: Schema = {"type": "object"}
_KINDS: dict[Kind, Schema] = {Kind.TEXT: TEXT, Kind.TIME: {"type": "string", "format": "date-time"}}
_INTERVAL: Schema = {
    "type": "string",
    "description": "An instant or an interval (ISO 8601, begin/end), each with its zone.",
}
_TYPES: Schema = {"type": "string", "enum": list(OBSERVATION_TYPES)}
# What the columns alone do not tell: of JSON, what is in it.
_SHAPES: dict[str, Schema] = {
    "properties": _OBJECT,
    "parameters": _OBJECT,
    "observedArea": {**_OBJECT, "description": "A GeoJSON geometry, longitude first."},
    "unitOfMeasurement": {"$ref": "#/components/schemas/Unit"},
    "unitOfMeasurements": {"type": "array", "items": {"$ref": "#/components/schemas/Unit"}},
    "multiObservationDataTypes": {"type": "array", "items": _TYPES},
    "observationType": {"type": "string"},
    "phenomenonTime": _INTERVAL,
    "validTime": _INTERVAL,
    "time": {"type": "string", "format": "date-time"},
}


def schemas() -> dict[str, Schema]:
    """All schemas by name: ``Thing`` as it is shown, ``ThingSent`` as it is sent, and so on."""
    named: dict[str, Schema] = {
        "Unit": {
            **_OBJECT,
            "properties": {name: {"type": ["string", "null"]} for name in ("name", "symbol", "definition")},
            "required": ["name", "symbol", "definition"],
        },
        "Link": {
            **_OBJECT,
            "properties": {"@iot.id": {"type": "integer", "minimum": 1, "maximum": ID_MAX}},
            "required": ["@iot.id"],
        },
        "Made": {
            **_OBJECT,
            "properties": {"@iot.id": {"type": "integer"}, "@iot.selfLink": ADDRESS},
            "required": ["@iot.id", "@iot.selfLink"],
        },
        "Problem": _problem(),
        "DataArrays": _data_arrays(),
    }
    for entity in ENTITIES.values():
        named[entity.name] = shown(entity)
        named[f"{entity.name}Sent"] = sent(entity)
    return named


def ref(name: str) -> Schema:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def shown(entity: EntityType) -> Schema:
    """An entity as it is read; what is there depends on $select and $expand."""
    properties: dict[str, Schema] = {"@iot.id": {"type": "integer"}, "@iot.selfLink": ADDRESS}
    for item in entity.properties.values():
        properties[item.name] = _value(entity, item)
    for link in entity.navigations.values():
        properties[f"{link.name}@iot.navigationLink"] = ADDRESS
        target = ref(ENTITIES[link.target].name)
        properties[link.name] = {"type": "array", "items": target} if link.many else target
        if link.many:
            properties[f"{link.name}@iot.count"] = {"type": "integer", "minimum": 0}
            properties[f"{link.name}@iot.nextLink"] = ADDRESS
    return {**_OBJECT, "properties": properties}


def _value(entity: EntityType, item: Property) -> Schema:
    column = NOUNS[entity.noun].columns.get(item.columns[0])
    kind = column.kind if column else Kind.JSON
    value = _SHAPES.get(item.name) or ({} if len(item.columns) > 1 else _KINDS.get(kind, {}))
    if column is None or not column.nullable or "type" not in value:
        return value
    return {**value, "type": [value["type"], "null"]}


def sent(entity: EntityType) -> Schema:
    """An entity as it may be sent, with others in it or linked; all members, none of them demanded."""
    properties = {item.name: _sendable(entity, item) for item in entity.properties.values()}
    for link in entity.navigations.values():
        one = _linked(entity, link)
        properties[link.name] = {"type": "array", "items": one} if link.many else one
    if entity.name == "Observation":  # unknown members of it are let pass
        return {**_OBJECT, "properties": properties}
    return {
        **_OBJECT,
        "properties": properties,
        "patternProperties": {"@iot\\.": {}},
        "additionalProperties": False,
    }


def _sendable(entity: EntityType, item: Property) -> Schema:
    several: Schema = {"minItems": 1, "maxItems": PARTS_MAX}
    if item.name == "observationType" and entity.name == "Datastream":
        return _TYPES
    if item.name in ("unitOfMeasurements", "multiObservationDataTypes"):
        return {**_SHAPES[item.name], **several}
    if entity.name == "Observation" and item.name in ("resultTime", "validTime", "phenomenonTime"):
        return {"type": ["string", "null"]}
    if item.name == "resultQuality" or item.generated:
        return {}
    return _value(entity, item)


def _linked(entity: EntityType, link: Navigation) -> Schema:
    target = ENTITIES[link.target]
    return {"anyOf": [ref("Link"), ref(f"{target.name}Sent")]}


def creating(entity: EntityType, under: str = "") -> Schema:
    """What a POST to a set demands; ``under`` is the type of the entity whose address it goes below."""
    needed = [item.name for item in entity.properties.values() if item.mandatory]
    if entity.name == "Observation":  # the address or a member says of which datastream
        needed = ["result"]
    if entity.name == "MultiDatastream":
        needed.remove("observationType")
    owners = [name for name in FOREIGN_KEYS if name in entity.navigations and name != under]
    if entity.name == "MultiDatastream":
        owners.append("ObservedProperties")
    if entity.name == "HistoricalLocation":
        owners.append("Locations")
    return {"allOf": [ref(f"{entity.name}Sent"), {"required": needed + owners}]}


def may_be_created(owner: EntityType, link: Navigation) -> bool:
    """Whether a POST below an entity makes one that is linked to it."""
    if link.name == "Observations":
        return owner.name in ("Datastream", "MultiDatastream")
    return (owner.noun, link.relation) in OWNERS


def _problem() -> Schema:
    texts = ("type", "title", "detail", "where", "mend", "code")
    return {
        **_OBJECT,
        "description": "A problem (RFC 9457): what is wrong, where, how to mend it.",
        "properties": {**{name: {"type": "string"} for name in texts}, "status": {"type": "integer"}},
        "required": [*texts, "status"],
    }


def _data_arrays() -> Schema:
    entry: Schema = {
        **_OBJECT,
        "properties": {
            "Datastream": ref("Link"),
            "MultiDatastream": ref("Link"),
            "components": {"type": "array", "items": {"type": "string"}},
            "dataArray": {"type": "array", "items": {"type": "array"}},
        },
        "required": ["components", "dataArray"],
    }
    return {"type": "array", "items": entry}
