# SPDX-License-Identifier: Apache-2.0
"""The three feature collections: what each is, and a row of the records as a GeoJSON feature."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cheoyong.domain.instant import format_instant
from cheoyong.domain.quality import Flag
from cheoyong.faces.ogc_common.shapes import geometry_of
from cheoyong.records.places import CollectionName, Row

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FeatureCollection:
    """One collection: its words, the SensorThings entity set behind it, how a row becomes properties."""

    id: CollectionName
    title: str
    description: str
    entity_set: str
    properties_of: Callable[[Row], Properties]
    observed: bool = False  # whether its features have a time


def feature_of(collection: FeatureCollection, row: Row) -> dict[str, Any]:
    """A row as a GeoJSON feature; its geometry is None where none is stored."""
    return {
        "type": "Feature",
        "id": row["id"],
        "geometry": geometry_of(row["place"]),
        "properties": collection.properties_of(row),
    }


def _named(row: Row) -> Properties:
    own: Mapping[str, Any] = row["properties"] or {}
    flat = {f"properties/{name}": value for name, value in own.items()}
    return {"name": row["name"], "description": row["description"], **flat}


def _datastream(row: Row) -> Properties:
    unit = row["unit"] if isinstance(row["unit"], dict) else {}
    at_us = row["latest_time"]
    return {
        **_named(row),
        "series": row["series"],
        "thing": row["thing"],
        "thingId": row["thing_id"],
        "sensor": row["sensor"],
        "observedProperty": row["observed_property"],
        "observedPropertyDefinition": row["observed_property_definition"],
        "observationType": row["observation_type"],
        "unit": unit.get("symbol"),
        "unitName": unit.get("name"),
        "unitDefinition": unit.get("definition"),
        "latestResult": _result(row),
        "latestTime": None if at_us is None else format_instant(at_us),
        "latestFlag": None if at_us is None else row["latest_flag"],
        "latestQuality": None if at_us is None else Flag(row["latest_flag"]).name.lower(),
    }


def _result(row: Row) -> Any:
    number = row["latest_result"]
    if number is None:
        return row["latest_other"]
    return number if math.isfinite(number) else None


COLLECTIONS: Mapping[str, FeatureCollection] = {
    collection.id: collection
    for collection in (
        FeatureCollection(
            "things", "Things",
            "Gauges, plants and whatever else is watched, at the place of their first location.",
            "Things", _named,
        ),
        FeatureCollection(
            "datastreams", "Datastreams with their latest value",
            "What is measured where: unit, observed property, latest value, its time and quality flag"
            " (QARTOD: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing). Its time is that of its"
            " observations. Datastreams of several values at once are not in it.",
            "Datastreams", _datastream, observed=True,
        ),
        FeatureCollection(
            "features-of-interest", "Features of interest",
            "What observations are of, where they name it themselves.",
            "FeaturesOfInterest", _named,
        ),
    )
}  # fmt: skip
