# SPDX-License-Identifier: Apache-2.0
"""The shape of the files of a city pack: keys, types and plain bounds; an unknown key is an error."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cheoyong.domain.level import Priority

Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Count = Annotated[int, Meta(ge=0, le=100_000_000)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Latitude = Annotated[float, Meta(ge=-180, le=180)]  # swapped coordinates get their own, clearer message
Run = Annotated[int, Meta(ge=2, le=100_000)]
Words = dict[str, Text]
Pair = tuple[float, float]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class LevelTable(_Strict):
    """One ``[[gauges.levels]]`` table."""

    id: Slug
    name: Words
    limit: float
    crisis_level: Literal["attention", "caution", "alert", "serious"]
    priority: Priority
    source: Text
    confirmed: bool
    hysteresis: NotNegative = 0.0
    on_delay_s: NotNegative = 0.0


class QualityTable(_Strict):
    """The ``[gauges.quality]`` table: the fields of QualityRules; absent ones keep its defaults."""

    source: Text
    fail_range: Pair | UnsetType = UNSET
    suspect_range: Pair | UnsetType = UNSET
    rate_suspect_per_s: Positive | UnsetType = UNSET
    rate_fail_per_s: Positive | UnsetType = UNSET
    spike_suspect: Positive | UnsetType = UNSET
    spike_fail: Positive | UnsetType = UNSET
    flat_tolerance: NotNegative | UnsetType = UNSET
    flat_suspect_count: Run | UnsetType = UNSET
    flat_fail_count: Run | UnsetType = UNSET
    top: float | UnsetType = UNSET
    period_s: Positive | UnsetType = UNSET
    silence_s: Positive | UnsetType = UNSET
    future_tolerance_s: NotNegative | UnsetType = UNSET
    ancient_s: Positive | UnsetType = UNSET


class GaugeTable(_Strict):
    """One ``[[gauges]]`` table."""

    series: Slug
    thing: Slug
    name: Words
    observed_property: Slug
    unit: Text
    longitude: Longitude
    latitude: Latitude
    position_source: Text
    quality: QualityTable
    levels: tuple[LevelTable, ...] = ()
    scale: Positive = 1.0


class ReachTable(_Strict):
    """One ``[[reaches]]`` table."""

    id: Slug
    name: Words
    series: str
    towns: Annotated[tuple[str, ...], Meta(min_length=1)]
    source: Text


class FilesTable(_Strict):
    """The ``[files]`` table: names inside the pack's folder; only the towns are needed."""

    towns: Text
    coast: Text = ""
    river: Text = ""
    plants: Text = ""


class CityFile(_Strict):
    """The whole of ``city.toml``."""

    id: Slug
    name: Words
    time_zone: Text
    languages: Annotated[tuple[Slug, ...], Meta(min_length=1)]
    metric_crs: Annotated[str, Meta(pattern=r"^EPSG:[0-9]{4,6}$")]
    box: tuple[Longitude, Latitude, Longitude, Latitude]
    sender: Annotated[str, Meta(pattern=r"^[^\s,<&]{3,200}$")]
    sender_name: Words
    sources: tuple[Text, ...]
    files: FilesTable
    gauges: tuple[GaugeTable, ...]
    reaches: tuple[ReachTable, ...] = ()
    hazards: dict[str, dict[str, object]] = {}


class TownProperties(_Strict):
    """Properties of one town: residents are heads; ``district`` and ``kostat_2018`` are notes."""

    code: Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,20}$")]
    name: Words
    people: Count
    over_65: Count
    under_7: Count
    district: Words = {}
    kostat_2018: tuple[str, ...] = ()


class Outline(_Strict):
    """A Polygon or MultiPolygon; its coordinates are read in ``places``."""

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[list[object]]


class TownFeature(_Strict):
    """One GeoJSON feature of ``towns.geojson``."""

    type: Literal["Feature"]
    properties: TownProperties
    geometry: Outline


class TownsFile(_Strict):
    """The whole of ``towns.geojson``."""

    type: Literal["FeatureCollection"]
    features: tuple[TownFeature, ...]
