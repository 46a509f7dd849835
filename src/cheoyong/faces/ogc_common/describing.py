# SPDX-License-Identifier: Apache-2.0
"""The pieces of an OpenAPI 3.0 description that the OGC APIs share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cheoyong import __version__
from cheoyong.faces.ogc_common.answers import JSON, Service
from cheoyong.faces.ogc_common.asking import LIMIT_DEFAULT, LIMIT_MAX

Json = dict[str, Any]
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "where", "mend", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong"},
        "where": {"type": "string", "description": "which field"},
        "mend": {"type": "string", "description": "what to do about it"},
        "code": {"type": "string", "description": "stable, for programs"},
    },
}
_LINK = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {
        name: {"type": "string"} for name in ("href", "rel", "type", "title")
    },
}  # fmt: skip
_REFUSALS = {"400": "malformed", "401": "not signed in", "403": "not allowed", "404": "not found",
             "413": "too much at once", "429": "too often"}  # fmt: skip


def parameter(name: str, description: str, schema: Json | None = None, **more: Any) -> Json:
    """A query parameter that is a text unless a schema says otherwise."""
    return {"name": name, "in": "query", "description": description, "schema": schema or {"type": "string"},
            **more}  # fmt: skip


_NUMBERS = {
    "type": "array",
    "items": {"type": "number"},
    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
}
BBOX = parameter(
    "bbox", "west,south,east,north in degrees (CRS 84); west above east crosses the antimeridian",
    _NUMBERS, style="form", explode=False,
)  # fmt: skip
DATETIME = parameter(
    "datetime", "an instant, or an interval start/end, ../end, start/..", style="form", explode=False
)
LIMIT = parameter(
    "limit", "how many at most",
    {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
    style="form", explode=False,
)  # fmt: skip


def formats(*names: str) -> Json:
    """The parameter ``f``."""
    return parameter("f", "the format", {"type": "string", "enum": list(names)})


def in_path(name: str, description: str) -> Json:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "description": description,
            "schema": {"type": "string"}}  # fmt: skip


def operation(
    name: str,
    summary: str,
    parameters: Sequence[Json],
    answers: Mapping[str, Json],
) -> Json:
    """A GET operation whose 200 answers are schemas by media type."""
    good = {"description": summary, "content": {kind: {"schema": schema} for kind, schema in answers.items()}}
    refused = {
        status: {
            "description": why,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}},
        }
        for status, why in _REFUSALS.items()
    }
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": good, **refused},
        }
    }


def with_links(*required: str, **properties: Json) -> Json:
    """An object with ``links`` and these properties."""
    links = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
    return {"type": "object", "required": ["links", *required], "properties": {"links": links, **properties}}


_CONFORMANCE = {
    "type": "object",
    "required": ["conformsTo"],
    "properties": {"conformsTo": {"type": "array", "items": {"type": "string"}}},
}


def common_paths(collection: Json) -> Json:
    """Landing page, conformance, collections; ``collection`` is the schema of one."""
    json_only = [formats("json")]
    many = with_links("collections", collections={"type": "array", "items": collection})
    name = in_path("collectionId", "the id of a collection")
    return {
        "/": operation("landingPage", "Landing page", json_only, {JSON: with_links("title")}),
        "/conformance": operation("conformance", "Conformance classes", json_only, {JSON: _CONFORMANCE}),
        "/collections": operation("collections", "The collections", json_only, {JSON: many}),
        "/collections/{collectionId}": operation(
            "collection", "One collection", [name, *json_only], {JSON: collection}
        ),
    }


def description(service: Service, root: str, paths: Json, schemas: Json) -> Json:
    """The OpenAPI 3.0 document of a service."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": service.title,
            "description": service.description,
            "version": __version__,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": root}],
        "security": [{"key": []}, {"basicKey": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {"problem": _PROBLEM, "link": _LINK, **schemas},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "basicKey": {"type": "http", "scheme": "basic", "description": "an API key as password"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-cheoyong"},
            },
        },
    }
