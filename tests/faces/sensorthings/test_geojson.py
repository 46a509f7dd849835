# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from cheoyong.domain.errors import ImpossibleValue, InvalidInput
from cheoyong.faces.sensorthings.geojson import check_geojson

RING = [[129.0, 35.0], [130.0, 35.0], [130.0, 36.0], [129.0, 35.0]]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Point", "coordinates": [129.3, 35.5, 12.0]},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "LineString", "coordinates": RING},
        {"type": "MultiLineString", "coordinates": [RING, RING]},
        {"type": "Polygon", "coordinates": [RING]},
        {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
        {"type": "Feature", "geometry": None, "properties": {}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-180, 90]}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": None}]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 0]}]},
    ],
)
def test_geojson_of_every_kind_passes(value: Any) -> None:
    check_geojson(value, "location")


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (None, "location"),
        ("POINT(129 35)", "location"),
        ({"type": ["Point"], "coordinates": [0, 0]}, "location"),
        ({"type": "Circle"}, "location"),
        ({"type": "Point"}, "location.coordinates"),
        ({"type": "Point", "coordinates": [129.3]}, "location.coordinates"),
        ({"type": "Point", "coordinates": [True, 0]}, "location.coordinates"),
        ({"type": "Point", "coordinates": [float("nan"), 0]}, "location.coordinates"),
        ({"type": "LineString", "coordinates": RING[:1]}, "location.coordinates"),
        ({"type": "Polygon", "coordinates": [[*RING[:3], [1, 1]]]}, "location.coordinates[0]"),
        ({"type": "Polygon", "coordinates": [[]]}, "location.coordinates[0]"),
        ({"type": "Feature", "geometry": {"type": "Point"}}, "location.geometry.coordinates"),
        ({"type": "GeometryCollection", "geometries": [7]}, "location.geometries[0]"),
    ],
)
def test_what_is_not_geojson_is_refused_with_its_place(value: Any, where: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_geojson(value, "location")
    assert caught.value.where == where


def test_swapped_coordinates_of_the_city_are_noticed() -> None:
    with pytest.raises(ImpossibleValue, match="longitude comes first"):
        check_geojson({"type": "Point", "coordinates": [35.55, 129.3]}, "location")
