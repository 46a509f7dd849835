# SPDX-License-Identifier: Apache-2.0
"""A city pack from its parsed files: pure, and every fault names file, key and mend."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cheoyong.domain.city import CityPack, Gauge, Reach, Town
from cheoyong.links.city_pack.gauges import read_gauges
from cheoyong.links.city_pack.places import read_towns
from cheoyong.links.city_pack.schema import CityFile, TownsFile
from cheoyong.links.city_pack.strict import Spot, fit
from cheoyong.links.city_pack.words import check_words


def parse_city(
    city: object, towns: object, *, file: str = "city.toml", towns_file: str = "towns.geojson"
) -> CityPack:
    """The pack from parsed TOML and parsed GeoJSON; ``file`` and ``towns_file`` name them in errors.

    Raises ConfigurationError for an unknown, missing or wrong key, a place outside the box, swapped
    coordinates, a name given twice, ranges or levels out of order, and anything without a source.
    """
    read = fit(city, CityFile, file)
    _check_city(read, Spot(file))
    gauges = read_gauges(read, Spot(file))
    known = read_towns(fit(towns, TownsFile, towns_file), read.box, read.languages, towns_file)
    return CityPack(
        id=read.id,
        name=read.name,
        time_zone=read.time_zone,
        languages=read.languages,
        metric_crs=read.metric_crs,
        box=read.box,
        sender=read.sender,
        sender_name=read.sender_name,
        gauges=gauges,
        towns=known,
        reaches=_reaches(read, gauges, known, Spot(file)),
        hazards=read.hazards,
        sources=read.sources,
    )


def _check_city(read: CityFile, top: Spot) -> None:
    west, south, east, north = read.box
    if not (west < east and -90 <= south < north <= 90):
        raise (top / "box").fault(
            f"{list(read.box)} is no box", "write [west, south, east, north] in degrees"
        )
    try:
        ZoneInfo(read.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise (top / "time_zone").fault(
            f"{read.time_zone!r} is not a time zone", "write an IANA name such as Asia/Seoul"
        ) from None
    check_words(read.name, read.languages, top / "name")
    check_words(read.sender_name, read.languages, top / "sender_name")


def _reaches(
    read: CityFile, gauges: Mapping[str, Gauge], towns: Mapping[str, Town], top: Spot
) -> tuple[Reach, ...]:
    reaches: list[Reach] = []
    for index, table in enumerate(read.reaches):
        spot = top / f"reaches[{index}] {table.id}"
        check_words(table.name, read.languages, spot / "name")
        if table.series not in gauges:
            raise (spot / "series").fault(f"there is no gauge {table.series}", "name a series of [[gauges]]")
        if table.series in [reach.series for reach in reaches]:
            raise (spot / "series").fault("this gauge already speaks for a reach", "one reach for each gauge")
        if len(set(table.towns)) != len(table.towns):
            raise (spot / "towns").fault("a town is listed twice", "list it once: heads count once")
        if missing := [code for code in table.towns if code not in towns]:
            raise (spot / "towns").fault(f"there is no town {missing[0]}", "use a code of the towns file")
        reaches.append(Reach(table.id, table.name, table.series, table.towns, table.source))
    return tuple(reaches)
