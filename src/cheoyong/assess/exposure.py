# SPDX-License-Identifier: Apache-2.0
"""Who lives along a reach: heads by town, never an estimate of harm."""

from __future__ import annotations

from cheoyong.assess.area import area_km2
from cheoyong.domain.city import CityPack, Reach, Town
from cheoyong.domain.errors import NotFound
from cheoyong.domain.fact import Impact, TownImpact


def exposure(city: CityPack, series: str, level_id: str, *, hazard: str = "river") -> Impact | None:
    """Towns along the reach that gauge ``series`` speaks for, with residents; None without a reach.

    ``people``, ``over_65`` (65 years and older) and ``under_7`` (0 to 6 years) count residents of
    whole towns, so they bound from above who is reached; ``area_km2`` is the area of those towns on
    the ellipsoid. The level is recorded, it does not change the towns: no inundation model is behind
    it. Raises NotFound when the gauge has no such level.
    """
    reach = reach_of(city, series)
    if reach is None:
        return None
    if level_id not in [level.id for level in city.gauges[series].levels]:
        raise NotFound(f"{series} has no level {level_id}", where="level", mend="use a level of city.toml")
    towns = [city.towns[code] for code in dict.fromkeys(reach.towns)]
    return Impact(
        hazard=hazard,
        series=series,
        level=level_id,
        reach=reach.id,
        towns=tuple(_impact(town) for town in towns),
        people=sum(town.people for town in towns),
        over_65=sum(town.over_65 for town in towns),
        under_7=sum(town.under_7 for town in towns),
        area_km2=area_km2([ring for town in towns for ring in town.rings]),
    )


def reach_of(city: CityPack, series: str) -> Reach | None:
    """The reach a gauge speaks for, or None."""
    return next((reach for reach in city.reaches if reach.series == series), None)


def _impact(town: Town) -> TownImpact:
    return TownImpact(town.code, town.people, town.over_65, town.under_7)
