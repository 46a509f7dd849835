# SPDX-License-Identifier: Apache-2.0
"""Values as CoverageJSON (OGC 21-069r2): a coverage of kind PointSeries for each datastream."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from cheoyong.domain.instant import format_instant
from cheoyong.domain.quality import Flag
from cheoyong.faces.edr.network import FLAG, Network, Stream
from cheoyong.faces.ogc_common.asking import CRS84
from cheoyong.faces.ogc_common.observed import UCUM, Parameter
from cheoyong.records.series import Values

Json = dict[str, Any]
# The language of what people registered is not said; so it is undetermined (RFC 5646).
_LANGUAGE = "und"
QARTOD = "https://ioos.noaa.gov/project/qartod/"
_FLAG_LABELS = {flag: flag.name.lower().replace("_", " ") for flag in Flag}
_REFERENCING = [
    {"coordinates": ["x", "y"], "system": {"type": "GeographicCRS", "id": CRS84}},
    {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
]


def coverage_collection(
    network: Network, streams: list[Stream], values: Values, names: Collection[str], root: str
) -> Json:
    """The coverages of the streams that have values; ``root`` is where SensorThings is."""
    used = {stream.parameter + end for stream in streams for end in ("", FLAG)}
    shown = {name: one for name, one in _described(network).items() if name in names and name in used}
    coverages = [
        _coverage(stream, values, names, root)
        for stream in streams
        if values.of(stream.id).start < values.of(stream.id).stop
    ]
    return {
        "type": "CoverageCollection",
        "domainType": "PointSeries",
        "parameters": shown,
        "referencing": _REFERENCING,
        "coverages": coverages,
    }


def _coverage(stream: Stream, values: Values, names: Collection[str], root: str) -> Json:
    rows = values.of(stream.id)
    times = [format_instant(at_us) for at_us in values.time_us[rows].tolist()]
    ranges: Json = {}
    if stream.parameter in names:
        numbers = [number if math.isfinite(number) else None for number in values.value[rows].tolist()]
        ranges[stream.parameter] = _array("float", numbers)
    if stream.parameter + FLAG in names:
        ranges[stream.parameter + FLAG] = _array("integer", values.flag[rows].tolist())
    return {
        "type": "Coverage",
        "id": f"{root}/Datastreams({stream.id})",
        "domain": {
            "type": "Domain",
            "axes": {
                "x": {"values": [stream.longitude]},
                "y": {"values": [stream.latitude]},
                "t": {"values": times},
            },
        },
        "ranges": ranges,
    }


def _array(kind: str, values: list[Any]) -> Json:
    return {"type": "NdArray", "dataType": kind, "axisNames": ["t"], "shape": [len(values)], "values": values}


def _described(network: Network) -> Mapping[str, Json]:
    found: dict[str, Json] = {}
    for name, parameter in network.parameters.items():
        found[name] = _parameter(parameter)
        found[name + FLAG] = _flags(parameter)
    return found


def _text(text: str) -> dict[str, str]:
    return {_LANGUAGE: text}


def _parameter(parameter: Parameter) -> Json:
    observed: Json = {"label": _text(parameter.label)}
    if parameter.definition:
        observed["id"] = parameter.definition
    said: Json = {"type": "Parameter", "observedProperty": observed}
    if parameter.description:
        said["description"] = _text(parameter.description)
    if unit := unit_of(parameter):
        said["unit"] = {**unit, "label": _text(unit["label"])}
    return said


def _flags(parameter: Parameter) -> Json:
    categories = [
        {"id": f"{QARTOD}#{int(flag)}", "label": {"en": label}} for flag, label in _FLAG_LABELS.items()
    ]
    return {
        "type": "Parameter",
        "description": {"en": f"Quality flag of {parameter.name} in the QARTOD scheme (IOC 54:V3)"},
        "observedProperty": {
            "id": QARTOD,
            "label": {"en": f"quality of {parameter.name}"},
            "categories": categories,
        },
        "categoryEncoding": {f"{QARTOD}#{int(flag)}": int(flag) for flag in _FLAG_LABELS},
    }


def unit_of(parameter: Parameter) -> Json:
    """The unit: its name and its symbol, of UCUM when it is said to be; empty when none is said."""
    unit = parameter.unit
    if not (unit.name or unit.symbol):
        return {}
    said: Json = {"label": unit.name or unit.symbol}
    if unit.symbol:
        said["symbol"] = {"value": unit.symbol, "type": UCUM} if unit.ucum else unit.symbol
    return said
