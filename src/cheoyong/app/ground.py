# SPDX-License-Identifier: Apache-2.0
"""The ground that the setting ``terrain`` asks for: illustrative, from the city's facts, or a GeoTIFF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import ConfigurationError
from cheoyong.hazards.inundation.streets.ground import Ground, surveyed_ground
from cheoyong.links.city_pack.terrain import TerrainFacts, load_terrain
from cheoyong.links.elevation import read_elevation

OFF, ILLUSTRATIVE = "off", "illustrative"


def ground_of(terrain: str, city_name: str, city: CityPack) -> tuple[TerrainFacts, Ground]:
    """Facts and ground; ConfigurationError when the pack states no river reach or the file is wrong."""
    facts = load_terrain(city_name, city)
    if facts is None:
        raise ConfigurationError(
            "the city pack has no terrain.toml, so no reach of river is known to flood from",
            where="terrain", mend="add terrain.toml to the city pack, or set terrain to off",
        )  # fmt: skip
    if terrain == ILLUSTRATIVE:
        return facts, facts.illustrative()
    reach = facts.reach
    x, y = zip(*reach.line_m, strict=True)
    margin = reach.margin_m
    box = (min(x) - margin, min(y) - margin, max(x) + margin, max(y) + margin)
    found = read_elevation(Path(terrain).expanduser(), city.metric_crs, box)
    return facts, surveyed_ground(reach, found.bed_m, found.cell_m, found.west_m, found.south_m)


def ordered(stages_m: Sequence[float]) -> list[float]:
    """Stages in the order to compute them: both ends, then the middle of each gap, so that a part is of use.

    >>> ordered((1.0, 2.0, 3.0, 4.0, 5.0))
    [1.0, 5.0, 3.0, 2.0, 4.0]
    """
    if len(stages_m) < 3:
        return list(stages_m)
    order, gaps = [stages_m[0], stages_m[-1]], [(0, len(stages_m) - 1)]
    while gaps:
        low, high = gaps.pop(0)
        if high - low > 1:
            middle = (low + high) // 2
            order.append(stages_m[middle])
            gaps += [(low, middle), (middle, high)]
    return order
