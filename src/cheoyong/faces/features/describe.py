# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.0 description of the features service."""

from __future__ import annotations

from typing import Any

from cheoyong.faces.features.collections import COLLECTIONS
from cheoyong.faces.ogc_common.answers import GEOJSON, Service
from cheoyong.faces.ogc_common.describing import (
    BBOX,
    DATETIME,
    LIMIT,
    common_paths,
    description,
    formats,
    in_path,
    operation,
    parameter,
    with_links,
)
from cheoyong.records import places

_NO_GEOMETRY_OR_ONE = {"type": "object", "nullable": True, "required": ["type"]}
_FEATURE = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "integer"},
        "geometry": _NO_GEOMETRY_OR_ONE,
        "properties": {"type": "object"},
    },
}
_PAGE = with_links(
    "type", "features", "numberReturned",
    type={"type": "string", "enum": ["FeatureCollection"]},
    timeStamp={"type": "string", "format": "date-time"},
    numberMatched={"type": "integer", "minimum": 0},
    numberReturned={"type": "integer", "minimum": 0},
    features={"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
)  # fmt: skip
_COLLECTION = with_links(
    "id", "itemType", "crs",
    id={"type": "string"}, title={"type": "string"}, description={"type": "string"},
    itemType={"type": "string"}, extent={"type": "object"},
    crs={"type": "array", "items": {"type": "string"}},
)  # fmt: skip
_AFTER = parameter(
    "after", "where the page begins; the link next brings it", {"type": "integer", "minimum": 0}
)
_CRS = [parameter(name, "CRS 84, whatever spelling") for name in ("crs", "bbox-crs")]


def api_description(service: Service, root: str) -> dict[str, Any]:
    """The whole description; each collection has its own paths, with its own properties to ask for."""
    paths = common_paths({"$ref": "#/components/schemas/collection"})
    for collection in COLLECTIONS.values():
        here, name = f"/collections/{collection.id}/items", collection.entity_set
        equals = [
            parameter(text, f"only features with exactly this {text}")
            for text in places.EQUALS[collection.id]
        ]
        asked = [BBOX, DATETIME, LIMIT, _AFTER, formats("json", "geojson"), *_CRS, *equals]
        paths[here] = operation(
            f"items{name}", collection.title, asked, {GEOJSON: {"$ref": "#/components/schemas/page"}}
        )
        paths[f"{here}/{{featureId}}"] = operation(
            f"item{name}", f"One of: {collection.title}",
            [in_path("featureId", "the id of a feature"), formats("json", "geojson")],
            {GEOJSON: {"$ref": "#/components/schemas/feature"}},
        )  # fmt: skip
    schemas = {"feature": _FEATURE, "page": _PAGE, "collection": _COLLECTION}
    return description(service, root, paths, schemas)
