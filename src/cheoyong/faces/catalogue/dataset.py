# SPDX-License-Identifier: Apache-2.0
"""One dataset of the catalogue: all datastreams of one observed property and unit, in the words of DCAT.

What nobody has stated is said to be ``not stated``. It is stated where data come from: as ``license`` and
``purpose`` in the properties of a datastream or of its thing, and as rules of quality in the city pack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from cheoyong.domain.city import CityPack
from cheoyong.domain.instant import SECOND_US, format_instant
from cheoyong.domain.quality import Flag
from cheoyong.faces.ogc_common.observed import Parameter
from cheoyong.faces.ogc_common.shapes import bounds_of, shapes_of
from cheoyong.records.series import Values

Json = dict[str, Any]
NOT_STATED = "not stated"
SENSORS_MAX = 20  # sensors named in a dataset; how many there are is said beside them
STATEMENTS_MAX = 20
BULK_STREAMS_MAX = 200  # in one address
_CRS84_WKT = "http://www.opengis.net/ont/geosparql#wktLiteral"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of a whole answer: who owns it, where it is served, whose city, what time it is."""

    owner: str
    root: str
    city: CityPack
    now_us: int


def dataset(
    parameter: Parameter, facts: Facts, spans_us: Mapping[int, tuple[int, int]], newest: Values
) -> Json:
    """The dataset of a parameter; ``newest`` are the newest values of its datastreams and others."""
    owner = {"@type": "foaf:Agent", "foaf:name": facts.owner}
    return {
        "@id": f"{facts.root}/catalogue/{quote(parameter.name)}",
        "@type": "dcat:Dataset",
        "dct:identifier": parameter.name,
        "dct:title": f"{parameter.label} [{parameter.unit.symbol or NOT_STATED}]",
        "dct:description": parameter.description or NOT_STATED,
        "dct:publisher": owner,
        "dct:rightsHolder": owner,
        "dct:license": _license(parameter),
        "purpose": _stated(parameter, "purpose"),
        "schema:variableMeasured": _measured(parameter),
        "timeZone": {"stored": "UTC", "local": facts.city.time_zone},
        "dct:provenance": _lineage(parameter, facts),
        "quality": _quality(parameter, newest),
        **_times(parameter, facts, spans_us),
        **_place(parameter),
        "dcat:distribution": _distributions(parameter, facts.root),
        "datastreams": len(parameter.streams),
    }


def _said(parameter: Parameter, *names: str) -> list[str]:
    """What datastreams and things say under one of these names, each text once."""
    found: dict[str, None] = {}
    for stream in parameter.streams:
        for properties in (stream["properties"], stream["thing_properties"]):
            for name in names:
                text = (properties or {}).get(name)
                if isinstance(text, str) and text.strip():
                    found[text.strip()] = None
    return list(found)[:STATEMENTS_MAX]


def _stated(parameter: Parameter, *names: str) -> str:
    return "; ".join(_said(parameter, *names)) or NOT_STATED


def _license(parameter: Parameter) -> list[Json]:
    said = _said(parameter, "license", "licence") or [NOT_STATED]
    return [
        {"@id": text, "@type": "dct:LicenseDocument"}
        if text.startswith(("https://", "http://")) and " " not in text
        else {"@type": "dct:LicenseDocument", "rdfs:label": text}
        for text in said
    ]


def _measured(parameter: Parameter) -> Json:
    return {
        "@type": "schema:PropertyValue",
        "schema:name": parameter.label,
        "schema:propertyID": parameter.definition or NOT_STATED,
        "schema:unitText": parameter.unit.symbol or NOT_STATED,
        "unitName": parameter.unit.name or NOT_STATED,
        "unitDefinition": parameter.unit.definition or NOT_STATED,
    }


def _lineage(parameter: Parameter, facts: Facts) -> Json:
    sensors = {stream["sensor_id"]: stream for stream in parameter.streams}
    sources = {
        gauge.quality.source: None
        for stream in parameter.streams
        if (gauge := facts.city.gauges.get(stream["series"] or "")) and gauge.quality.source
    }
    return {
        "@type": "dct:ProvenanceStatement",
        "rdfs:label": _stated(parameter, "source", "lineage"),
        "sensors": len(sensors),
        "sosa:madeBySensor": [
            {
                "@id": f"{facts.root}/v1.1/Sensors({number})",
                "rdfs:label": stream["sensor"],
                "dct:description": stream["sensor_description"] or NOT_STATED,
            }
            for number, stream in list(sensors.items())[:SENSORS_MAX]
        ],
        "rulesOfQuality": list(sources)[:STATEMENTS_MAX] or NOT_STATED,
    }


def _quality(parameter: Parameter, newest: Values) -> Json:
    """The share of each flag among the newest values; None where there are no values."""
    flags = np.concatenate([newest.flag[newest.of(stream["id"])] for stream in parameter.streams])
    shares = {flag.name.lower(): int((flags == flag).sum()) for flag in Flag}
    return {
        "scheme": "QARTOD (IOC 54:V3)",
        "sampled": len(flags),
        "share": {name: number / len(flags) if len(flags) else None for name, number in shares.items()},
    }


def _times(parameter: Parameter, facts: Facts, spans_us: Mapping[int, tuple[int, int]]) -> Json:
    ends = [spans_us[stream["id"]] for stream in parameter.streams if stream["id"] in spans_us]
    periods_s = {
        gauge.quality.period_s
        for stream in parameter.streams
        if (gauge := facts.city.gauges.get(stream["series"] or ""))
    }
    said: Json = {"expectedPeriodS": sorted(periods_s) or NOT_STATED}
    if not ends:
        return {**said, "updateAgeS": None}
    first_us, last_us = min(end[0] for end in ends), max(end[1] for end in ends)
    return {
        **said,
        "dct:modified": format_instant(last_us),
        "updateAgeS": (facts.now_us - last_us) / SECOND_US,
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": format_instant(first_us),
            "dcat:endDate": format_instant(last_us),
        },
    }


def _place(parameter: Parameter) -> Json:
    bounds = bounds_of(shapes_of([stream["place"] for stream in parameter.streams]))
    if bounds is None:
        return {}
    west, south, east, north = bounds
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    text = ", ".join(f"{longitude} {latitude}" for longitude, latitude in ring)
    return {
        "dct:spatial": {
            "@type": "dct:Location",
            "dcat:bbox": {"@type": _CRS84_WKT, "@value": f"POLYGON(({text}))"},
        }
    }


def _distributions(parameter: Parameter, root: str) -> Sequence[Json]:
    name, unit = parameter.label, parameter.unit.symbol
    of_both = f"ObservedProperty/name eq {_quoted(name)} and unitOfMeasurement/symbol eq {_quoted(unit)}"
    things = f"{root}/v1.1/Datastreams?{urlencode({'$filter': of_both}, quote_via=quote, safe='$/')}"
    features = urlencode({"observedProperty": name, "unit": unit}, quote_via=quote)
    edr = urlencode({"parameter-name": parameter.name}, quote_via=quote)
    return [
        _distribution("OGC SensorThings 1.1", things, "application/json"),
        _distribution(
            "OGC API - Features: latest values",
            f"{root}/ogc/features/collections/datastreams/items?{features}", "application/geo+json",
        ),
        _distribution(
            "OGC API - EDR: locations of its values",
            f"{root}/ogc/edr/collections/observations/locations?{edr}", "application/geo+json",
        ),
        _distribution("All observations as Parquet", *_bulk(parameter, root)),
    ]  # fmt: skip


def _bulk(parameter: Parameter, root: str) -> tuple[str, str]:
    """The address of all values; beyond what fits into one, of the page that says how to ask for them."""
    if len(parameter.streams) > BULK_STREAMS_MAX:
        return f"{root}/bulk", "application/json"
    ids = ",".join(str(stream["id"]) for stream in parameter.streams)
    return f"{root}/bulk/observations?datastream={ids}&format=parquet", "application/vnd.apache.parquet"


def _distribution(title: str, address: str, media_type: str) -> Json:
    return {
        "@type": "dcat:Distribution",
        "dct:title": title,
        "dcat:accessURL": {"@id": address},
        "dcat:mediaType": media_type,
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def sample_of_each(streams: int, total: int, most: int) -> int:
    """How many of the newest values to read of each datastream so that all cost no more than ``total``.

    >>> sample_of_each(5, 2000, 100), sample_of_each(500, 2000, 100), sample_of_each(9000, 2000, 100)
    (100, 4, 1)
    """
    return int(np.clip(total // max(streams, 1), 1, most))
