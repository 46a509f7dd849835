# SPDX-License-Identifier: Apache-2.0
"""A made-up city of two square towns, as parsed files: the smallest pack that reads."""

from __future__ import annotations

from typing import Any


def _words(text: str) -> dict[str, str]:
    return {"en": text}


def square(west: float, south: float, side: float = 0.01) -> list[list[float]]:
    east, north = round(west + side, 6), round(south + side, 6)
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def city_toml() -> dict[str, Any]:
    return {
        "id": "square",
        "name": _words("Square"),
        "time_zone": "Asia/Seoul",
        "languages": ["en"],
        "metric_crs": "EPSG:5187",
        "box": [129.0, 35.0, 130.0, 36.0],
        "sender": "alerts@square.example",
        "sender_name": _words("Square (made up)"),
        "sources": ["made up for a test"],
        "files": {"towns": "towns.geojson"},
        "gauges": [
            {
                "series": "bridge_stage_m",
                "thing": "bridge",
                "name": _words("Bridge"),
                "observed_property": "river_stage",
                "unit": "m",
                "longitude": 129.305,
                "latitude": 35.505,
                "position_source": "made up",
                "quality": {
                    "fail_range": [-1.0, 10.0],
                    "suspect_range": [0.0, 8.0],
                    "rate_suspect_per_s": 0.001,
                    "rate_fail_per_s": 0.002,
                    "source": "made up",
                },
                "levels": [
                    {
                        "id": "advisory",
                        "name": _words("advisory"),
                        "limit": 4.5,
                        "crisis_level": "caution",
                        "priority": "medium",
                        "source": "made up",
                        "confirmed": False,
                    },
                    {
                        "id": "warning",
                        "name": _words("warning"),
                        "limit": 5.5,
                        "crisis_level": "alert",
                        "priority": "high",
                        "source": "made up",
                        "confirmed": False,
                    },
                ],
            }
        ],
        "reaches": [
            {
                "id": "lower",
                "name": _words("lower river"),
                "series": "bridge_stage_m",
                "towns": ["T1", "T2"],
                "source": "made up",
            }
        ],
    }


def town(code: str, west: float, south: float, people: int, old: int, young: int) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {
            "code": code,
            "name": _words(code),
            "people": people,
            "over_65": old,
            "under_7": young,
        },
        "geometry": {"type": "Polygon", "coordinates": [square(west, south)]},
    }


def towns_geojson() -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [town("T1", 129.30, 35.50, 1000, 200, 50), town("T2", 129.31, 35.50, 345, 45, 5)],
    }
