# SPDX-License-Identifier: Apache-2.0
"""The names of OGC SensorThings 1.1 and which nouns and columns of the records stand behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cheoyong.domain.instant import format_instant
from cheoyong.domain.quality import Flag, Test
from cheoyong.records.readings import Row

VERSION = "v1.1"


@dataclass(frozen=True, slots=True)
class Property:
    """One property: its name, the columns it is rendered from, the column that queries mean by it.

    ``mandatory`` ones are shown even when null and must be sent on creation, if a sender gives them
    at all. ``inner`` maps names below it to columns (``resultQuality/flag``). ``generated`` ones are ours to
    work out; a client may send them back.
    """

    name: str
    columns: tuple[str, ...]
    render: Callable[[Row], Any]
    queried: str | None
    mandatory: bool
    inner: Mapping[str, str]
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Navigation:
    """A link from one entity type to another, along a relation of the records.

    One that only some entities have is ``shown`` on those rows, which the columns it ``needs`` tell.
    """

    name: str
    relation: str
    target: str
    many: bool
    needs: tuple[str, ...] = ()
    shown: Callable[[Row], bool] | None = None


@dataclass(frozen=True, slots=True)
class EntityType:
    """One entity type: its set's name, its own, its noun, its properties and links by name."""

    set_name: str
    name: str
    noun: str
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]


def _stored(name: str, column: str | None = None, *, mandatory: bool = True) -> Property:
    source = column or name

    def render(row: Row) -> Any:
        return row[source]

    return Property(name, (source,), render, source, mandatory, {})


@lru_cache(maxsize=4096)
def _instant(instant_us: int) -> str:
    """Stations measure at the same minutes, and most results are as old as what they tell of."""
    return format_instant(instant_us)


def _phenomenon_time(row: Row) -> str:
    begin, end = row["phenomenon_time"], row["phenomenon_end"]
    return _instant(begin) if end is None else f"{_instant(begin)}/{_instant(end)}"


def _result_time(row: Row) -> str | None:
    instant_us = row["result_time"]
    return None if instant_us is None else _instant(instant_us)


def _interval(row: Row, first: int) -> str | None:
    times = row["times"]
    if times is None or times[first] is None:
        return None
    return f"{_instant(times[first])}/{_instant(times[first + 1])}"


def _observed_during(row: Row) -> str | None:
    return _interval(row, 0)


def _resulted_during(row: Row) -> str | None:
    return _interval(row, 2)


def _moved_at(row: Row) -> str:
    return _instant(row["moved_at"])


def _result(row: Row) -> Any:
    number = row["result"]
    if number is None:
        detail = row["detail"] or {}
        return detail.get("result", detail.get("results"))
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def has_parts(row: Row) -> bool:
    """Whether an observation is of a MultiDatastream: only then is its array stored under this name."""
    return "results" in (row["detail"] or ())


def _has_none(row: Row) -> bool:
    return not has_parts(row)


def _quality(row: Row) -> dict[str, Any]:
    tests, flag = divmod(row["verdict"], 16)
    quality: dict[str, Any] = dict(_VERDICTS[flag])
    if tests:
        quality["tests"] = [test.name.lower() for test in Test(tests) if test.name]
    detail = row["detail"]
    if detail and "resultQuality" in detail:
        quality["reported"] = detail["resultQuality"]
    return quality


_VERDICTS = {flag.value: {"flag": flag.value, "name": flag.name.lower()} for flag in Flag}


def _from_detail(name: str) -> Callable[[Row], Any]:
    return lambda row: (row["detail"] or {}).get(name)


# Of all observations of a datastream, from the first to the last.
_DURING = (
    Property(
        "phenomenonTime",
        ("times",),
        _observed_during,
        "phenomenon",
        mandatory=False,
        inner={},
        generated=True,
    ),
    Property(
        "resultTime", ("times",), _resulted_during, "results", mandatory=False, inner={}, generated=True
    ),
)
_NAMED = (_stored("name"), _stored("description"))
_PROPERTIES = _stored("properties", mandatory=False)

_OBSERVATION = (
    Property(
        "phenomenonTime",
        ("phenomenon_time", "phenomenon_end"),
        _phenomenon_time,
        "phenomenon",
        mandatory=True,
        inner={},
    ),
    Property("resultTime", ("result_time",), _result_time, "result_time", mandatory=True, inner={}),
    Property("result", ("result", "detail"), _result, "result", mandatory=True, inner={}),
    Property("resultQuality", ("verdict", "detail"), _quality, None, mandatory=False, inner={"flag": "flag"}),
    Property("validTime", ("detail",), _from_detail("validTime"), None, mandatory=False, inner={}),
    Property("parameters", ("detail",), _from_detail("parameters"), "parameters", mandatory=False, inner={}),
)


def _entity(
    set_name: str, name: str, noun: str, properties: tuple[Property, ...], *navigations: Navigation
) -> EntityType:
    return EntityType(
        set_name,
        name,
        noun,
        {item.name: item for item in properties},
        {link.name: link for link in navigations},
    )


def _many(name: str, relation: str) -> Navigation:
    return Navigation(name, relation, name, many=True)


def _one(name: str, relation: str, target: str, *when: Callable[[Row], bool]) -> Navigation:
    return Navigation(name, relation, target, False, ("detail",) * len(when), *when)


_MULTI = _many("MultiDatastreams", "multi_datastreams")
_AREA = _stored("observedArea", "observed_area", mandatory=False)
_OBSERVED = _stored("observationType", "observation_type")
_ENCODED = _stored("encodingType", "encoding_type")

ENTITIES: Mapping[str, EntityType] = {
    entity.set_name: entity
    for entity in (
        _entity(
            "Things", "Thing", "thing", (*_NAMED, _PROPERTIES),
            _many("Locations", "locations"), _many("HistoricalLocations", "historical_locations"),
            _many("Datastreams", "datastreams"), _MULTI,
        ),
        _entity(
            "Locations", "Location", "location", (*_NAMED, _ENCODED, _stored("location"), _PROPERTIES),
            _many("Things", "things"), _many("HistoricalLocations", "historical_locations"),
        ),
        _entity(
            "HistoricalLocations", "HistoricalLocation", "historical_location",
            (Property("time", ("moved_at",), _moved_at, "moved_at", mandatory=True, inner={}),),
            _one("Thing", "thing", "Things"), _many("Locations", "locations"),
        ),
        _entity(
            "Datastreams", "Datastream", "datastream",
            (*_NAMED, _OBSERVED, _stored("unitOfMeasurement", "unit"), _AREA, *_DURING, _PROPERTIES),
            _one("Thing", "thing", "Things"), _one("Sensor", "sensor", "Sensors"),
            _one("ObservedProperty", "observed_property", "ObservedProperties"),
            _many("Observations", "observations"),
        ),
        _entity(
            "MultiDatastreams", "MultiDatastream", "multi_datastream",
            (
                *_NAMED, _OBSERVED, _stored("multiObservationDataTypes", "part_types"),
                _stored("unitOfMeasurements", "unit"), _AREA, *_DURING, _PROPERTIES,
            ),
            _one("Thing", "thing", "Things"), _one("Sensor", "sensor", "Sensors"),
            _many("ObservedProperties", "observed_properties"), _many("Observations", "observations"),
        ),
        _entity(
            "Sensors", "Sensor", "sensor", (*_NAMED, _ENCODED, _stored("metadata"), _PROPERTIES),
            _many("Datastreams", "datastreams"), _MULTI,
        ),
        _entity(
            "ObservedProperties", "ObservedProperty", "observed_property",
            (_stored("name"), _stored("definition"), _stored("description"), _PROPERTIES),
            _many("Datastreams", "datastreams"), _MULTI,
        ),
        _entity(
            "Observations", "Observation", "observation", _OBSERVATION,
            _one("Datastream", "datastream", "Datastreams", _has_none),
            _one("MultiDatastream", "multi_datastream", "MultiDatastreams", has_parts),
            _one("FeatureOfInterest", "feature", "FeaturesOfInterest"),
        ),
        _entity(
            "FeaturesOfInterest", "FeatureOfInterest", "feature",
            (*_NAMED, _ENCODED, _stored("feature"), _PROPERTIES),
            _many("Observations", "observations"),
        ),
    )
}  # fmt: skip


def entity_link(root: str, set_name: str, row_id: int) -> str:
    """The address of one entity.

    >>> entity_link("http://city.example/v1.1", "Observations", 123)
    'http://city.example/v1.1/Observations(123)'
    """
    return f"{root}/{set_name}({row_id})"
