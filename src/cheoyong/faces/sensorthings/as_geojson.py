# SPDX-License-Identifier: Apache-2.0
"""Entities as features (``$resultFormat=GeoJSON``, RFC 7946), as FROST-Server's GeoJSON extension has it.

Each entity is a feature. All that is shown of it, expanded entities too, stands flat in ``properties`` by
its path (``Thing/Locations/0/name``); the first geometry on the way is the feature's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cheoyong.domain.errors import InvalidInput
from cheoyong.faces.sensorthings.entities import ENTITIES
from cheoyong.faces.sensorthings.geojson import check_geojson

MEDIA_TYPE = b"application/geo+json"
_PLACES = ("location", "feature", "observedArea")
_NAVIGATIONS = frozenset(name for entity in ENTITIES.values() for name in entity.navigations)


def feature_collection(page: Mapping[str, Any]) -> dict[str, Any]:
    """The features of the entities of a page as JSON shows it; ``links`` lead to the next page.

    >>> shown = {"@iot.id": 1, "name": "bridge", "location": {"type": "Point", "coordinates": [129.3, 35.5]}}
    >>> feature_collection({"value": [shown]})["features"][0]["properties"]
    {'id': 1, 'name': 'bridge'}
    """
    collection: dict[str, Any] = {"type": "FeatureCollection"}
    if "@iot.count" in page:
        collection["numberMatched"] = page["@iot.count"]
    if "@iot.nextLink" in page:
        link = {"rel": "next", "href": page["@iot.nextLink"], "type": MEDIA_TYPE.decode()}
        collection["links"] = [link]
    return {**collection, "features": [_feature(shown) for shown in page["value"]]}


def _feature(shown: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    geometry = _flatten(shown, "", properties, None)
    feature: dict[str, Any] = {"type": "Feature", "properties": properties, "geometry": geometry}
    return {"id": shown["@iot.id"], **feature} if "@iot.id" in shown else feature


def _flatten(
    shown: Mapping[str, Any], prefix: str, properties: dict[str, Any], geometry: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Add what is shown to ``properties``; returns the geometry, the first that was met."""
    for name, value in shown.items():
        if name == "@iot.id":
            properties[f"{prefix}id"] = value
        elif "@iot." in name:
            continue  # links lead to JSON, not to features
        elif name in _PLACES and geometry is None and (found := _geometry(value)) is not None:
            geometry = found
        elif name in _NAVIGATIONS and isinstance(value, list):
            for place, item in enumerate(value):
                geometry = _flatten(item, f"{prefix}{name}/{place}/", properties, geometry)
        elif name in _NAVIGATIONS and isinstance(value, dict):
            geometry = _flatten(value, f"{prefix}{name}/", properties, geometry)
        elif isinstance(value, dict) and value and name not in _PLACES:
            _flatten_object(value, f"{prefix}{name}", properties)
        else:
            properties[prefix + name] = value
    return geometry


def _flatten_object(value: Mapping[str, Any], path: str, properties: dict[str, Any]) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            _flatten_object(inner, f"{path}/{name}", properties)
        else:
            properties[f"{path}/{name}"] = inner


def _geometry(value: Any) -> dict[str, Any] | None:
    """The geometry that a location says, whatever kind of GeoJSON it is; None when it is none."""
    try:
        check_geojson(value, "")
    except InvalidInput:
        return None
    if value["type"] == "Feature":
        geometry: dict[str, Any] | None = value.get("geometry")
        return geometry
    if value["type"] == "FeatureCollection":
        inside = [item for item in map(_geometry, value["features"]) if item is not None]
        return {"type": "GeometryCollection", "geometries": inside}
    return dict(value)
