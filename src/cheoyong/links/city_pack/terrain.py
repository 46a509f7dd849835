# SPDX-License-Identifier: Apache-2.0
"""The ground of a city pack: ``terrain.toml``, read strictly, laid along a line of the pack's river layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from pyproj import Transformer

from cheoyong.assess.flooded_places import Underpass
from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import ConfigurationError
from cheoyong.hazards.inundation.streets.ground import Ground, Reach, Valley, illustrative_ground
from cheoyong.links.city_pack.places import check_inside
from cheoyong.links.city_pack.schema import Latitude, Longitude, Slug, Text, Words
from cheoyong.links.city_pack.source import city_folder, map_layers, read_toml
from cheoyong.links.city_pack.strict import Spot, fit
from cheoyong.links.city_pack.words import check_words

FILE = "terrain.toml"
Metres = Annotated[float, Meta(ge=-1000, le=9000)]
Width = Annotated[float, Meta(gt=0, le=20_000)]
Slope = Annotated[float, Meta(ge=0, le=0.05)]
STAGES_MAX = 60
UNDERPASSES_MAX = 1000


class ValleyTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The ``[valley]`` table: see :class:`cheoyong.hazards.inundation.streets.ground.Valley`."""

    bed_m: Metres
    terrace_m: Metres
    terrace_width_m: Width
    bank_m: Metres
    bank_width_m: Width
    town_m: Metres
    town_slope: Slope


class UnderpassTable(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One ``[[underpasses]]`` table: ``ground_m`` is the level at which water runs in, m on the datum."""

    name: Words
    longitude: Longitude
    latitude: Latitude
    ground_m: Metres
    source: Text


class TerrainFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The whole of ``terrain.toml``."""

    name: Words
    series: Slug
    river: Text
    zero_m: Metres
    slope: Slope
    sea_m: Metres
    channel_m: Width
    margin_m: Width
    riverside_m: Annotated[float, Meta(ge=0, le=5000)] = 0.0
    cell_m: Annotated[float, Meta(ge=1, le=500)]
    stages_m: Annotated[tuple[Metres, ...], Meta(min_length=2, max_length=STAGES_MAX)]
    valley: ValleyTable
    underpasses: Annotated[tuple[UnderpassTable, ...], Meta(max_length=UNDERPASSES_MAX)] = ()


@dataclass(frozen=True, slots=True)
class TerrainFacts:
    """What a pack says of its ground: reach of river, stages to compute, illustrative valley, underpasses."""

    name: Mapping[str, str]
    reach: Reach
    stages_m: tuple[float, ...]
    cell_m: float
    valley: Valley
    riverside_m: float = 0.0
    underpasses: tuple[Underpass, ...] = ()

    def illustrative(self) -> Ground:
        """The valley as ground."""
        return illustrative_ground(self.reach, self.valley, self.cell_m)


def load_terrain(folder_or_name: str | Path, city: CityPack) -> TerrainFacts | None:
    """The ground of a pack; None when it has no ``terrain.toml``. ConfigurationError names key and mend.

    >>> from cheoyong.links.city_pack.source import load_city
    >>> load_terrain("ulsan", load_city("ulsan")).reach.series
    'taehwa_stage_m'
    """
    folder = city_folder(folder_or_name)
    if not (folder / FILE).exists():
        return None
    read = fit(read_toml(folder / FILE), TerrainFile, FILE)
    gauge = city.gauges.get(read.series)
    if gauge is None:
        raise ConfigurationError(
            f"{read.series} is no gauge of this city", where=f"{FILE}: series", mend="name one of city.toml"
        )
    if any(later <= earlier for earlier, later in pairwise(read.stages_m)):
        raise ConfigurationError("stages must rise", where=f"{FILE}: stages_m")
    metric = Transformer.from_crs("EPSG:4326", city.metric_crs, always_xy=True)
    line = tuple(metric.transform(*point) for point in _line(folder_or_name, read.river))
    reach = Reach(
        series=read.series,
        line_m=line,
        gauge_m=metric.transform(gauge.longitude, gauge.latitude),
        zero_m=read.zero_m,
        slope=read.slope,
        sea_m=read.sea_m,
        channel_m=read.channel_m,
        margin_m=read.margin_m,
    )
    valley = Valley(**msgspec.structs.asdict(read.valley))
    return TerrainFacts(
        read.name, reach, read.stages_m, read.cell_m, valley, read.riverside_m,
        _underpasses(read.underpasses, city),
    )  # fmt: skip


def _underpasses(tables: tuple[UnderpassTable, ...], city: CityPack) -> tuple[Underpass, ...]:
    found = []
    for index, table in enumerate(tables):
        spot = Spot(FILE, f"underpasses[{index}]")
        check_words(table.name, city.languages, spot / "name")
        check_inside(table.longitude, table.latitude, city.box, spot / "longitude")
        found.append(Underpass(**msgspec.structs.asdict(table)))
    return tuple(found)


def _line(folder_or_name: str | Path, name: str) -> list[tuple[float, float]]:
    """Points (longitude, latitude) of a line of the pack's river layer."""
    features = map_layers(folder_or_name).get("river", {}).get("features", [])
    for feature in features if isinstance(features, list) else []:
        if feature["properties"].get("id") == name and feature["geometry"]["type"] == "LineString":
            return [(float(x), float(y)) for x, y in feature["geometry"]["coordinates"]]
    raise ConfigurationError(
        f"the river layer has no line {name!r}", where=f"{FILE}: river", mend="name a LineString's id"
    )
