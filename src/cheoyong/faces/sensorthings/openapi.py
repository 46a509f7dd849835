# SPDX-License-Identifier: Apache-2.0
"""The service as an OpenAPI 3.1 description, worked out from the table of entities: ``GET /v1.1/api``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from cheoyong import __version__
from cheoyong.faces.problem import MEDIA_TYPE as PROBLEM
from cheoyong.faces.sensorthings import as_csv, as_geojson
from cheoyong.faces.sensorthings.changing import JSON_PATCH
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType, Navigation
from cheoyong.faces.sensorthings.openapi_schemas import (
    ADDRESS,
    ID_MAX,
    Schema,
    creating,
    may_be_created,
    ref,
    schemas,
)

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.1"
PATH = "/api"
_JSON = "application/json"
_WHOLE = {"type": "integer", "minimum": 0, "maximum": 10**19 - 1}
_TEXT = {"type": "string"}
_OPTIONS: dict[str, tuple[Schema, str]] = {
    "$filter": (_TEXT, "Those of which it holds, e.g. result gt 5.5"),
    "$orderby": (_TEXT, "By what to sort, e.g. phenomenonTime desc"),
    "$select": (_TEXT, "The properties and links to show, separated by commas"),
    "$expand": (_TEXT, "The links to follow, e.g. Datastreams($expand=Observations($top=1))"),
    "$top": (_WHOLE, "How many at most; 10,000 are the most that are given at once"),
    "$skip": (_WHOLE, "How many to leave out at the beginning"),
    "$skiptoken": (_TEXT, "Where the next page begins: as @iot.nextLink has it"),
    "$count": ({"type": "string", "enum": ["true", "false"]}, "Whether to say how many there are"),
    "$resultFormat": ({"type": "string", "enum": ["CSV", "GeoJSON"]}, "Another format than JSON"),
    "$arrays": (
        {"type": "string", "enum": ["dataArray", "CSV", "GeoJSON"]},
        "Another format; not dataArray together with $expand",
    ),
}
_OF_LINKS = ("$filter", "$orderby", "$top", "$skip", "$skiptoken", "$count")
_OF_A_SET = (*_OF_LINKS, "$select", "$expand", "$resultFormat")
_OF_OBSERVATIONS = (*_OF_LINKS, "$select", "$expand", "$arrays")
_OF_ONE = ("$select", "$expand", "$resultFormat")
_ALWAYS = {
    "400": "What is asked is wrong; where says the option or member, and the character of a filter.",
    "401": "No key, or one that does not hold.",
    "403": "The key may not do this.",
    "404": "There is no such thing, or it is another's.",
    "413": "Over a stated bound.",
    "422": "Well formed, but no such value can exist.",
    "429": "Too many requests; Retry-After says how long to wait.",
    "501": "A part of the standard that is not served.",
    "503": "An engine is away; send again.",
}
_WRITING = {**_ALWAYS, "409": "It cannot be together with what is there.", "507": "There is no room."}


def description(root: str) -> bytes:
    """The description as JSON; ``root`` is the address of the service as the client knows it."""
    return msgspec.json.encode({**_document(), "servers": [{"url": root}]})


@cache
def _document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cheoyong: OGC SensorThings API 1.1",
            "version": __version__,
            "description": "OGC 18-088, Part 1: Sensing. An address may go on along the links of any entity.",
        },
        "externalDocs": {"url": "https://docs.ogc.org/is/18-088/18-088.html"},
        "security": [{"key": []}, {"basic": []}],
        "paths": dict(_paths()),
        "components": {
            "schemas": schemas(),
            "parameters": {name[1:]: _option(name) for name in _OPTIONS},
            "responses": {status: _problem(text) for status, text in _WRITING.items()},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The key as the password."},
            },
        },
    }


def _paths() -> Iterator[tuple[str, Schema]]:
    yield "/", {"get": _read("The landing page: entity sets and what is served", _object("Landing page"))}
    yield PATH, {"get": _read("This description", {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}})}
    yield "/CreateObservations", {"post": _create_observations()}
    yield "/$batch", {"post": _batch()}
    for entity in ENTITIES.values():
        yield from _of_set(entity)
        yield from _of_entity(entity)


def _of_set(entity: EntityType) -> Iterator[tuple[str, Schema]]:
    path = f"/{entity.set_name}"
    yield (
        path,
        {
            "get": _read_set(entity, f"{entity.set_name}, a page of them"),
            "post": _create(entity),
        },
    )
    yield from _endings(path, entity)


def _endings(path: str, entity: EntityType) -> Iterator[tuple[str, Schema]]:
    count = {"content": {"text/plain": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}}
    yield f"{path}/$count", {"get": _read(f"How many {entity.set_name}", count, ("$filter",))}
    yield f"{path}/$ref", {"get": _read(f"Links to {entity.set_name}", _page(None), _OF_LINKS)}


def _of_entity(entity: EntityType) -> Iterator[tuple[str, Schema]]:
    path = f"/{entity.set_name}({{id}})"
    shared = {"parameters": [_id(entity)]}
    yield path, {**shared, **_of_one(entity, f"One {entity.name}")}
    names = {"name": "property", "in": "path", "required": True, "schema": {"enum": list(entity.properties)}}
    of_property = {"parameters": [_id(entity), names]}
    bare = {"content": {"text/plain": {"schema": _TEXT}}}
    yield f"{path}/{{property}}", {**of_property, "get": _read("One property", _object("The property"))}
    raw = _read("The bare value of a property", bare)
    raw["responses"]["204"] = {"description": "It is null."}
    yield f"{path}/{{property}}/$value", {**of_property, "get": raw}
    for link in entity.navigations.values():
        yield from _of_link(path, shared, entity, link)


def _of_one(entity: EntityType, summary: str) -> Schema:
    whole = {"content": {_JSON: {"schema": ref(entity.name)}, **_formats()}}
    return {
        "get": _read(summary, whole, _OF_ONE),
        "patch": _change(entity, "Change what is sent", {JSON_PATCH: {"schema": {"type": "array"}}}),
        "put": _change(entity, "Replace all properties", {}),
        "delete": {
            "summary": "Delete it, with what the standard deletes with it",
            "responses": {"200": {"description": "It is gone."}, **_problems(_WRITING)},
        },
    }


def _of_link(path: str, shared: Schema, entity: EntityType, link: Navigation) -> Iterator[tuple[str, Schema]]:
    target = ENTITIES[link.target]
    if not link.many:
        yield f"{path}/{link.name}", {**shared, **_of_one(target, f"Its {link.name}")}
        return
    operations = {"get": _read_set(target, f"Its {link.name}")}
    if may_be_created(entity, link):
        operations["post"] = _create(target, entity.name)
    yield f"{path}/{link.name}", {**shared, **operations}
    for ending, item in _endings(f"{path}/{link.name}", target):
        yield ending, {**shared, **item}


def _id(entity: EntityType) -> Schema:
    # The feature that is the place of a thing has a number below zero.
    lowest = -ID_MAX if entity.name == "FeatureOfInterest" else 1
    number = {"type": "integer", "minimum": lowest, "maximum": ID_MAX}
    return {"name": "id", "in": "path", "required": True, "schema": number}


def _option(name: str) -> Schema:
    schema, text = _OPTIONS[name]
    name = "$resultFormat" if name == "$arrays" else name
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _object(text: str) -> Schema:
    return {"description": text, "content": {_JSON: {"schema": {"type": "object"}}}}


def _formats() -> Schema:
    return {
        as_csv.MEDIA_TYPE.decode().partition(";")[0]: {"schema": _TEXT},
        as_geojson.MEDIA_TYPE.decode().partition(";")[0]: {"schema": {"type": "object"}},
    }


def _page(entity: EntityType | None) -> Schema:
    """A page of entities, in whatever format; None: of links."""
    item = ref(entity.name) if entity else {"type": "object"}
    page = {
        "type": "object",
        "properties": {
            "value": {"type": "array", "items": item},
            "@iot.count": {"type": "integer", "minimum": 0},
            "@iot.nextLink": ADDRESS,
        },
        "required": ["value"],
    }
    return {"content": {_JSON: {"schema": page}, **(_formats() if entity else {})}}


def _problem(text: str) -> Schema:
    return {"description": text, "content": {PROBLEM: {"schema": ref("Problem")}}}


def _problems(statuses: Schema) -> Schema:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _read(summary: str, answer: Schema, options: tuple[str, ...] = ()) -> Schema:
    operation: Schema = {
        "summary": summary,
        "responses": {"200": {"description": summary, **answer}, **_problems(_ALWAYS)},
    }
    if options:
        operation["parameters"] = [{"$ref": f"#/components/parameters/{name[1:]}"} for name in options]
    return operation


def _read_set(entity: EntityType, summary: str) -> Schema:
    options = _OF_OBSERVATIONS if entity.name == "Observation" else _OF_A_SET
    return _read(summary, _page(entity), options)


def _create(entity: EntityType, under: str = "") -> Schema:
    made: Schema = {
        "description": "It is stored; Location is its address.",
        "headers": {"Location": {"required": True, "schema": ADDRESS}},
    }
    if entity.name != "Observation":  # of those the address is all that is said
        made["content"] = {_JSON: {"schema": ref("Made")}}
    return {
        "summary": f"Create one of the {entity.set_name}, with what is nested in it",
        "requestBody": {"required": True, "content": {_JSON: {"schema": creating(entity, under)}}},
        "responses": {"201": made, **_problems(_WRITING)},
    }


def _change(entity: EntityType, summary: str, more: Schema) -> Schema:
    sent = {_JSON: {"schema": ref(f"{entity.name}Sent")}, **more}
    answer = {"description": "As it is now.", "content": {_JSON: {"schema": ref(entity.name)}}}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": sent},
        "responses": {"200": answer, **_problems(_WRITING)},
    }


def _create_observations() -> Schema:
    answers = {"type": "array", "items": _TEXT, "description": "For each row its address, or error: and why."}
    return {
        "summary": "Create many observations at once",
        "requestBody": {"required": True, "content": {_JSON: {"schema": ref("DataArrays")}}},
        "responses": {
            "201": {"description": "What is good is stored.", "content": {_JSON: {"schema": answers}}},
            **_problems(_WRITING),
        },
    }


def _batch() -> Schema:
    request = {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "integer"]},
            "method": {"enum": ["get", "post", "patch", "put", "delete"]},
            "url": _TEXT,
            "atomicityGroup": {"type": ["string", "null"]},
            "dependsOn": {"type": "array", "items": _TEXT},
            "headers": {"type": "object", "additionalProperties": _TEXT},
            "body": {},
        },
        "required": ["id", "method", "url"],
    }
    body = {
        "type": "object",
        "properties": {"requests": {"type": "array", "items": request}},
        "required": ["requests"],
    }
    answer = {
        "type": "object",
        "properties": {"responses": {"type": "array", "items": {"type": "object"}}},
        "required": ["responses"],
    }
    mixed = {"multipart/mixed": {"schema": _TEXT}}
    answers = {_JSON: {"schema": answer}, **mixed}
    return {
        "summary": "Carry out several requests; those of a group all or none",
        "requestBody": {"required": True, "content": {_JSON: {"schema": body}, **mixed}},
        "responses": {
            "200": {"description": "An answer for each request.", "content": answers},
            **_problems(_WRITING),
        },
    }
