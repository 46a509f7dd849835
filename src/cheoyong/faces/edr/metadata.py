# SPDX-License-Identifier: Apache-2.0
"""What the collection says of itself (OGC 19-086r6, collection object) and the list of its locations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cheoyong.domain.instant import format_instant
from cheoyong.domain.quality import Flag
from cheoyong.faces.edr.coverage import QARTOD, unit_of
from cheoyong.faces.edr.network import FLAG, Network
from cheoyong.faces.edr.queries import QUERIES, UNITS_M
from cheoyong.faces.ogc_common.answers import GEOJSON, link
from cheoyong.faces.ogc_common.asking import Span
from cheoyong.faces.ogc_common.shapes import Booleans

Json = dict[str, Any]
ID = "observations"
TITLE = "Observations of all gauges"
COVJSON, CSV = "application/prs.coverage+json", "text/csv"
FORMATS: Mapping[str, str] = {"CoverageJSON": COVJSON, "GeoJSON": GEOJSON, "CSV": CSV}
_EVERYWHERE = [-180.0, -90.0, 180.0, 90.0]
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.01745329251994328]]'
)
_GREGORIAN = (
    'TIMECRS["DateTime",TDATUM["Gregorian Calendar"],CS[TemporalDateTime,1],AXIS["Time (T)",unspecified]]'
)


def collection(network: Network, spans_us: Mapping[int, tuple[int, int]], here: str) -> Json:
    """The collection object; ``here`` is its address."""
    return {
        "id": ID,
        "title": TITLE,
        "description": "Every numeric datastream that stands somewhere, by location and parameter. Values"
        " are as measured, with a quality flag beside each; nothing is interpolated.",
        "keywords": sorted({parameter.label for parameter in network.parameters.values() if parameter.label}),
        "links": [
            link(here, "self", "This document"),
            link(f"{here}/locations", "data", "Its locations", GEOJSON),
        ],
        "extent": _extent(network, spans_us),
        "data_queries": _data_queries(here),
        "crs": ["CRS84"],
        "output_formats": list(FORMATS),
        "parameter_names": parameter_names(network),
    }


def _extent(network: Network, spans_us: Mapping[int, tuple[int, int]]) -> Json:
    found: Json = {"spatial": {"bbox": [network.bounds or _EVERYWHERE], "crs": _WGS84}}
    if spans_us:
        first = format_instant(min(span[0] for span in spans_us.values()))
        last = format_instant(max(span[1] for span in spans_us.values()))
        found["temporal"] = {"interval": [[first, last]], "values": [f"{first}/{last}"], "trs": _GREGORIAN}
    return found


def _data_queries(here: str) -> Json:
    more: dict[str, Json] = {"radius": {"within_units": list(UNITS_M)}, "cube": {"height_units": []}}
    titles = {**{name: query.title for name, query in QUERIES.items()}, "locations": "One location"}
    return {
        name: {
            "link": {
                "href": f"{here}/{name}",
                "rel": "data",
                "title": title,
                "variables": {
                    "title": title,
                    "query_type": name,
                    "output_formats": list(FORMATS),
                    "default_output_format": "GeoJSON" if name == "locations" else "CoverageJSON",
                    "crs_details": [{"crs": "CRS84", "wkt": _WGS84}],
                    **more.get(name, {}),
                },
            }
        }
        for name, title in titles.items()
    }


def parameter_names(network: Network) -> Json:
    """Each parameter with its unit and observed property, and after it that of its quality flags."""
    found: Json = {}
    for name, parameter in network.parameters.items():
        observed = {"label": parameter.label or name}
        if parameter.definition:
            observed["id"] = parameter.definition
        unit = unit_of(parameter)
        found[name] = {
            "type": "Parameter",
            "id": name,
            "data-type": "float",
            **({"description": parameter.description} if parameter.description else {}),
            **({"unit": unit} if unit else {}),
            "observedProperty": observed,
        }
        found[name + FLAG] = {
            "type": "Parameter",
            "id": name + FLAG,
            "data-type": "integer",
            "description": f"Quality flag of {name} in the QARTOD scheme (IOC 54:V3)",
            "observedProperty": {
                "id": QARTOD,
                "label": f"quality of {name}",
                "categories": [
                    {"id": f"{QARTOD}#{int(flag)}", "label": flag.name.lower().replace("_", " ")}
                    for flag in Flag
                ],
            },
        }
    return found


def location_list(
    network: Network,
    chosen: Booleans,
    spans_us: Mapping[int, tuple[int, int]],
    span: Span | None,
    names: Sequence[str],
    here: str,
) -> Json:
    """The locations of the chosen streams; with a span only those observed within it, by first and last."""
    found: dict[int, Json] = {}
    for index in np.flatnonzero(chosen).tolist():
        stream = network.streams[index]
        ends = spans_us.get(stream.id)
        if span and (ends is None or ends[0] > span.to_us or ends[1] < span.from_us):
            continue
        feature = found.setdefault(stream.thing_id, _location(network, index, here))
        feature["properties"]["parameter-name"] += [
            name for name in (stream.parameter, stream.parameter + FLAG)
            if name in names and name not in feature["properties"]["parameter-name"]
        ]  # fmt: skip
        _widen(feature["properties"], ends)
    features = list(found.values())
    return {
        "type": "FeatureCollection",
        "numberReturned": len(features),
        "links": [link(f"{here}/locations", "self", "This document", GEOJSON)],
        "features": features,
    }


def _location(network: Network, index: int, here: str) -> Json:
    import shapely
    from msgspec import json

    stream, row = network.streams[index], network.rows[index]
    return {
        "type": "Feature",
        "id": str(stream.thing_id),
        "geometry": json.decode(shapely.to_geojson(network.shapes[index])),
        "properties": {
            "label": stream.thing,
            "name": stream.thing,
            "description": row["thing_description"],
            "parameter-name": [],
            "datetime": None,
            "edrqueryendpoint": f"{here}/locations/{stream.thing_id}",
        },
    }


def _widen(properties: Json, ends: tuple[int, int] | None) -> None:
    """Take the time of one more stream into ``datetime``, an interval ``first/last``."""
    if ends is None:
        return
    first, last = (format_instant(end_us) for end_us in ends)
    if properties["datetime"]:
        before, after = properties["datetime"].split("/")
        first, last = min(first, before), max(last, after)
    properties["datetime"] = f"{first}/{last}"
