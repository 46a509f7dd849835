# SPDX-License-Identifier: Apache-2.0
"""Area of towns on the ellipsoid, and the outline of a reach for a warning."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import shapely
from pyproj import Geod, Transformer
from shapely import MultiPolygon, Polygon

from cheoyong.domain.city import CityPack, Reach, Ring

POINTS_MAX = 100  # of one polygon: phones and broadcast systems take small areas only
_FIRST_TOLERANCE_M = 10.0
_TOLERANCE_M_MAX = 10_000.0
_TOLERANCE_STEP = 1.25
_GRID_DEGREES = 1e-7  # 1 cm: towns that share a boundary but for rounding are joined
_DECIMALS = 5  # of a degree: about 1 m
_EARTH = Geod(ellps="WGS84")


def area_km2(rings: Sequence[Ring]) -> float:
    """Area in km² of rings that do not overlap, on the WGS 84 ellipsoid (edges are geodesics).

    Method: Karney (2013), "Algorithms for geodesics", J. Geodesy 87, 43-55, as in PROJ.

    >>> round(area_km2([((129.0, 35.0), (129.1, 35.0), (129.1, 35.1), (129.0, 35.1), (129.0, 35.0))]), 2)
    101.21
    """
    return sum(_area_m2(ring) for ring in rings) / 1e6


def reach_polygons(city: CityPack, reach: Reach) -> tuple[Ring, ...]:
    """Outline of the towns of a reach: closed, valid, simple rings of (longitude, latitude) degrees.

    The union of the towns, simplified in metres until each ring has at most ``POINTS_MAX`` points;
    counter-clockwise, largest first. The fringe of a town can fall outside by the tolerance that this
    takes. Holes are filled, because a CAP polygon cannot have any: the area may therefore hold a town
    that the heads do not count.
    """
    return _outline(tuple(city.towns[code].rings for code in reach.towns), city.metric_crs)


def _area_m2(ring: Ring) -> float:
    longitudes, latitudes = zip(*ring, strict=True)
    return abs(float(_EARTH.polygon_area_perimeter(longitudes, latitudes)[0]))


@lru_cache(maxsize=64)
def _outline(towns: tuple[tuple[Ring, ...], ...], metric_crs: str) -> tuple[Ring, ...]:
    to_metres = Transformer.from_crs("EPSG:4326", metric_crs, always_xy=True)
    union = shapely.union_all([Polygon(ring) for rings in towns for ring in rings], grid_size=_GRID_DEGREES)
    metric = shapely.transform(union, to_metres.transform, interleaved=False)
    parts = metric.geoms if isinstance(metric, MultiPolygon) else [metric]
    filled = shapely.union_all([Polygon(part.exterior) for part in parts])
    rings = [_simplified(part, to_metres) for part in getattr(filled, "geoms", [filled])]
    return tuple(sorted(rings, key=lambda ring: -area_km2([ring])))


def _simplified(part: Polygon, to_metres: Transformer) -> Ring:
    tolerance_m = _FIRST_TOLERANCE_M
    while tolerance_m < _TOLERANCE_M_MAX:
        simple = part.simplify(tolerance_m, preserve_topology=True)
        x_m, y_m = simple.exterior.xy
        longitudes, latitudes = to_metres.transform(x_m, y_m, direction="INVERSE")
        degrees = Polygon(
            [(round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in zip(longitudes, latitudes, strict=True)]
        )
        degrees = shapely.remove_repeated_points(degrees)
        if degrees.is_valid and len(degrees.exterior.coords) <= POINTS_MAX:
            return tuple((x, y) for x, y in shapely.orient_polygons(degrees).exterior.coords)
        tolerance_m *= _TOLERANCE_STEP
    raise ArithmeticError(f"no valid outline of at most {POINTS_MAX} points within {_TOLERANCE_M_MAX:.0f} m")
