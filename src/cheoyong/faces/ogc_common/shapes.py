# SPDX-License-Identifier: Apache-2.0
"""Places on the earth: read from stored GeoJSON, compared with what a query asks for.

Coordinates are WGS 84 longitude, latitude in degrees. What lies inside what is decided in the plane of
longitude and latitude, as both standards' GeoJSON has it; distances are geodesic, in metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cheoyong.domain.errors import InvalidInput
from cheoyong.faces.ogc_common.asking import Box

Geometries = npt.NDArray[np.object_]  # of shapely geometries, None where there is none
Booleans = npt.NDArray[np.bool_]
Degrees = npt.NDArray[np.float64]
VERTICES_MAX = 1_000  # of an area asked for
_WKT_MEND = "write well-known text in longitude latitude, as in "


def geometry_of(stored: Any) -> dict[str, Any] | None:
    """The GeoJSON geometry that a stored place says, whatever kind of GeoJSON it is; None when it is none.

    >>> geometry_of({"type": "Feature", "geometry": {"type": "Point", "coordinates": [129.3, 35.5]}})
    {'type': 'Point', 'coordinates': [129.3, 35.5]}
    """
    if not isinstance(stored, dict):
        return None
    if stored.get("type") == "Feature":
        return geometry_of(stored.get("geometry"))
    if stored.get("type") == "FeatureCollection":
        inside = [found for item in stored.get("features") or () if (found := geometry_of(item))]
        return {"type": "GeometryCollection", "geometries": inside} if inside else None
    if not ("coordinates" in stored or "geometries" in stored):
        return None
    return {name: stored[name] for name in ("type", "coordinates", "geometries", "bbox") if name in stored}


def shapes_of(places: Sequence[str | None]) -> Geometries:
    """GeoJSON texts of any kind as shapely geometries; None for what is none."""
    import shapely

    read: Geometries = shapely.from_geojson(np.array(places, object), on_invalid="ignore")
    return read


def within_box(shapes: Geometries, box: Box) -> Booleans:
    """Which geometries meet the box. One without heights is judged by its plan alone."""
    import shapely

    meets: Booleans = np.zeros(len(shapes), bool)
    for part in box.parts():
        meets |= shapely.intersects(shapes, shapely.box(*part))
    if box.bottom is not None and box.top is not None:
        for index in np.flatnonzero(meets & shapely.has_z(shapes)):
            heights_m = shapely.get_coordinates(shapes[index], include_z=True)[:, 2]
            meets[index] = np.nanmin(heights_m) <= box.top and np.nanmax(heights_m) >= box.bottom
    return meets


def bounds_of(shapes: Geometries) -> list[float] | None:
    """West, south, east, north of all; None when there is no geometry."""
    import shapely

    bounds = shapely.total_bounds(shapes)
    return None if np.isnan(bounds).any() else [float(edge) for edge in bounds]


def parse_wkt(text: str, kinds: Iterable[str], example: str, where: str = "coords") -> Any:
    """A valid geometry of one of ``kinds`` from well-known text; raises InvalidInput."""
    import shapely

    try:
        shape = shapely.from_wkt(text)
    except shapely.errors.ShapelyError:
        shape = None
    if shape is None or shape.is_empty:
        said = "it is no well-known text, is empty or is not closed"
        raise InvalidInput(said, where=where, mend=_WKT_MEND + example)
    if shape.geom_type not in kinds:
        said = f"it is a {shape.geom_type}, and only {' or '.join(kinds)} is served here"
        raise InvalidInput(said, where=where, mend=_WKT_MEND + example)
    corners = shapely.get_coordinates(shape)
    if len(corners) > VERTICES_MAX:
        raise InvalidInput(
            f"it has {len(corners):,} corners", where=where, mend=f"use at most {VERTICES_MAX:,}"
        )
    if not (np.isfinite(corners).all() and (abs(corners) <= (180.0, 90.0)).all()):
        raise InvalidInput(
            "longitudes are -180 to 180 and latitudes -90 to 90", where=where, mend=_WKT_MEND + example
        )
    if not shape.is_valid:
        raise InvalidInput("its outline crosses itself", where=where, mend=_WKT_MEND + example)
    return shape


def meets(shapes: Geometries, area: Any) -> Booleans:
    """Which geometries meet an area."""
    import shapely

    shapely.prepare(area)
    found: Booleans = shapely.intersects(area, shapes)
    return found


def distances_m(shapes: Geometries, longitude: float, latitude: float) -> npt.NDArray[np.float64]:
    """Geodesic distance of each geometry from a point, m; infinite where there is no geometry.

    The nearest point of a line or an area is sought in a plane scaled at the given latitude: within a
    city that is right to about a metre in ten kilometres; of a point it is exact.
    """
    import shapely

    if not len(shapes):
        return np.empty(0)
    scale = max(math.cos(math.radians(latitude)), 1e-6)
    flat = shapely.transform(shapes, lambda at: _unwrapped(at, longitude) * (scale, 1.0))
    line = shapely.shortest_line(flat, shapely.Point(longitude * scale, latitude))
    start = shapely.get_point(line, 0)
    near_longitude, near_latitude = shapely.get_x(start) / scale, shapely.get_y(start)
    known = ~np.isnan(near_longitude)
    found = np.full(len(shapes), np.inf)
    count = int(known.sum())
    _, _, found[known] = _geod().inv(
        near_longitude[known], near_latitude[known], np.full(count, longitude), np.full(count, latitude)
    )
    return found


def _unwrapped(at: npt.NDArray[np.float64], longitude: float) -> npt.NDArray[np.float64]:
    """Longitudes within half a turn of ``longitude``, so that 179.9 and -179.9 are neighbours."""
    turned = at.copy()
    turned[:, 0] -= 360.0 * np.round((turned[:, 0] - longitude) / 360.0)
    return turned


@cache
def _geod() -> Any:
    from pyproj import Geod

    return Geod(ellps="WGS84")


def points_in(shapes: Geometries) -> tuple[Degrees, Degrees]:
    """Longitude and latitude of one point of each geometry: the point itself, else one on it."""
    import shapely

    points = shapely.point_on_surface(shapes)
    return shapely.get_x(points), shapely.get_y(points)
