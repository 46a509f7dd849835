# SPDX-License-Identifier: Apache-2.0
"""Find and read the folder of a city: one shipped with the program, or one of the user's own."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import NotFound
from cheoyong.links.city_pack.parse import parse_city
from cheoyong.links.city_pack.places import Box, check_inside
from cheoyong.links.city_pack.schema import CityFile, FilesTable
from cheoyong.links.city_pack.strict import Spot, fit

_FILE_BYTES_MAX = 64 * 1024 * 1024
_PLANTS_MAX = 10_000

Layer = Mapping[str, object]
Point = tuple[tuple[float, float], dict[str, object]]


def list_cities() -> tuple[str, ...]:
    """Names of the cities shipped with the program, sorted.

    >>> list_cities()
    ('ulsan',)
    """
    return tuple(sorted(folder.parent.name for folder in _shipped().glob("*/city.toml")))


def city_folder(name: str | Path) -> Path:
    """Folder of a shipped city by its name, or of the user's own by its path.

    Raises NotFound when there is no such city.

    >>> city_folder("ulsan").name
    'ulsan'
    """
    for folder in (_shipped() / name if str(name) in list_cities() else Path(name), Path(name)):
        if (folder / "city.toml").is_file():
            return folder
    raise NotFound(
        f"there is no city {str(name)!r}",
        where="city",
        mend=f"use one of {', '.join(list_cities())}, or the path of a folder that holds a city.toml",
    )


def load_city(folder_or_name: str | Path) -> CityPack:
    """The pack of a city; ConfigurationError names file, key and mend.

    >>> load_city("ulsan").gauges["taehwa_stage_m"].unit
    'm'
    """
    folder = city_folder(folder_or_name)
    city = read_toml(folder / "city.toml")
    towns = folder / _files(city).towns
    return parse_city(city, _json(towns), towns_file=towns.name)


def map_layers(folder_or_name: str | Path) -> dict[str, Layer]:
    """GeoJSON FeatureCollections for a map, by layer: ``towns``, ``gauges`` and, where the pack has
    them, ``coast``, ``river`` and ``plants``; WGS 84 degrees, longitude first.

    >>> sorted(map_layers("ulsan"))
    ['coast', 'gauges', 'plants', 'river', 'towns']
    """
    folder = city_folder(folder_or_name)
    city, names = load_city(folder), _files(read_toml(folder / "city.toml"))
    layers: dict[str, Layer] = {
        "towns": _layer(folder / names.towns),
        "gauges": _gauge_layer(city),
    }
    if names.coast:
        layers["coast"] = _layer(folder / names.coast)
    if names.river:
        layers["river"] = _layer(folder / names.river)
    if names.plants:
        layers["plants"] = _plant_layer(folder / names.plants, city.box)
    return layers


def _shipped() -> Path:
    return Path(str(files("cheoyong"))) / "cities"


def _files(city: object) -> FilesTable:
    names = fit(city, CityFile, "city.toml").files
    for name in (names.towns, names.coast, names.river, names.plants):
        if name and Path(name).name != name:
            raise Spot("city.toml", "files").fault(f"{name!r} is no plain file name", "keep it in the folder")
    return names


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise Spot(path.name).fault(f"larger than {_FILE_BYTES_MAX} bytes", "simplify it")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Spot(path.name).fault("the file is missing", f"add it to {path.parent.name}/") from None
    except UnicodeDecodeError:
        raise Spot(path.name).fault("the file is not UTF-8", "save it as UTF-8") from None


def read_toml(path: Path) -> object:
    """The tables of a file of a pack; ConfigurationError names the file and the mend."""
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise Spot(path.name).fault(f"not TOML: {error}", "correct the line it names") from None


def _json(path: Path) -> object:
    try:
        return json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise Spot(path.name).fault(f"not JSON: {error}", "correct the line it names") from None


def _layer(path: Path) -> Layer:
    layer = _json(path)
    if not isinstance(layer, dict) or layer.get("type") != "FeatureCollection":
        raise Spot(path.name, "type").fault("not a FeatureCollection", "write a GeoJSON FeatureCollection")
    return layer


def _gauge_layer(city: CityPack) -> Layer:
    return _points(
        (
            (g.longitude, g.latitude),
            {"series": g.series, "thing": g.thing, "name": dict(g.name), "unit": g.unit},
        )
        for g in city.gauges.values()
    )


def _plant_layer(path: Path, box: Box) -> Layer:
    rows = list(csv.DictReader(_text(path).splitlines()))[:_PLANTS_MAX]
    return _points(_plant(row, box, Spot(path.name, f"row {index}")) for index, row in enumerate(rows, 2))


def _plant(row: Mapping[str, str], box: Box, spot: Spot) -> Point:
    try:
        longitude, latitude = float(row["longitude"]), float(row["latitude"])
    except (KeyError, TypeError, ValueError):
        raise spot.fault("no place", "give longitude and latitude in degrees") from None
    check_inside(longitude, latitude, box, spot)
    name = {key.removeprefix("name_"): row[key] for key in row if str(key).startswith("name_")}
    return (longitude, latitude), {"name": name}


def _points(points: Iterable[Point]) -> Layer:
    features = [
        {"type": "Feature", "properties": about, "geometry": {"type": "Point", "coordinates": list(place)}}
        for place, about in points
    ]
    return {"type": "FeatureCollection", "features": features}
