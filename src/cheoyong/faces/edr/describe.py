# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.0 description of the EDR service."""

from __future__ import annotations

from typing import Any

from cheoyong.faces.edr.metadata import COVJSON, CSV, FORMATS, ID
from cheoyong.faces.edr.queries import QUERIES, UNITS_M
from cheoyong.faces.ogc_common.answers import GEOJSON, Service
from cheoyong.faces.ogc_common.describing import (
    BBOX,
    DATETIME,
    common_paths,
    description,
    formats,
    in_path,
    operation,
    parameter,
    with_links,
)

_ASKED = {
    "coords": parameter("coords", "well-known text, longitude before latitude", required=True),
    "within": parameter("within", "the radius", {"type": "number", "minimum": 0}, required=True),
    "within-units": parameter(
        "within-units", "its unit", {"type": "string", "enum": list(UNITS_M)}, required=True
    ),
    "bbox": {**BBOX, "required": True},
}
_COMMON = [
    DATETIME,
    parameter("parameter-name", "names of parameters, separated by commas; all when left out"),
    parameter("crs", "CRS 84, whatever spelling"),
]
_COVERAGES = {
    "type": "object",
    "required": ["type", "coverages", "parameters", "referencing"],
    "properties": {
        "type": {"type": "string", "enum": ["CoverageCollection"]},
        "domainType": {"type": "string"},
        "parameters": {"type": "object"},
        "referencing": {"type": "array", "items": {"type": "object"}},
        "coverages": {"type": "array", "items": {"type": "object", "required": ["domain", "ranges"]}},
    },
}
_FEATURES = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {
            "type": "array",
            "items": {"type": "object", "required": ["type", "geometry", "properties"]},
        },
    },
}
_COLLECTION = with_links(
    "id", "extent", "data_queries", "crs", "output_formats", "parameter_names",
    id={"type": "string", "enum": [ID]}, title={"type": "string"}, description={"type": "string"},
    keywords={"type": "array", "items": {"type": "string"}},
    extent={"type": "object", "required": ["spatial"]}, data_queries={"type": "object"},
    crs={"type": "array", "items": {"type": "string"}},
    output_formats={"type": "array", "items": {"type": "string"}},
    parameter_names={"type": "object"},
)  # fmt: skip
_DATA = {
    COVJSON: {"$ref": "#/components/schemas/coverages"},
    GEOJSON: {"$ref": "#/components/schemas/features"},
    CSV: {"type": "string"},
}


def api_description(service: Service, root: str) -> dict[str, Any]:
    """The whole description."""
    paths = common_paths({"$ref": "#/components/schemas/collection"})
    here, name = "/collections/{collectionId}", in_path("collectionId", "the id of a collection")
    form = formats(*FORMATS)
    for kind, query in QUERIES.items():
        own = [_ASKED[one] for one in query.parameters if one in _ASKED]
        paths[f"{here}/{kind}"] = operation(kind, query.title, [name, *own, *_COMMON, form], _DATA)
    paths[f"{here}/locations"] = operation(
        "locations", "Where something can be asked for", [name, BBOX, *_COMMON, formats("json", "GeoJSON")],
        {GEOJSON: {"$ref": "#/components/schemas/features"}},
    )  # fmt: skip
    location = in_path("locationId", "the id of a location")
    paths[f"{here}/locations/{{locationId}}"] = operation(
        "location", "What was measured at one location", [name, location, *_COMMON, form], _DATA
    )
    schemas = {"coverages": _COVERAGES, "features": _FEATURES, "collection": _COLLECTION}
    return description(service, root, paths, schemas)
