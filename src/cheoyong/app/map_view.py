# SPDX-License-Identifier: Apache-2.0
"""The map as the console draws it: layers of the city pack, and its gauges and reaches as plain objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cheoyong.domain.city import CityPack, Gauge


def map_view(city: CityPack, layers: Mapping[str, Any]) -> dict[str, Any]:
    """Towns, coast, river and plants as GeoJSON; gauges and reaches with their names and levels."""
    return {
        **{name: layers[name] for name in ("towns", "coast", "river", "plants") if name in layers},
        "gauges": [_gauge(gauge) for gauge in city.gauges.values()],
        "reaches": [
            {"id": r.id, "name": r.name, "series": r.series, "towns": r.towns, "source": r.source}
            for r in city.reaches
        ],
        "box": city.box,
    }


def _gauge(gauge: Gauge) -> dict[str, Any]:
    return {
        "series": gauge.series,
        "name": gauge.name,
        "observed_property": gauge.observed_property,
        "longitude": gauge.longitude,
        "latitude": gauge.latitude,
        "position_source": gauge.position_source,
        "unit": gauge.unit,
        "period_s": gauge.quality.period_s,
        "levels": [
            {
                "id": level.id,
                "name": level.name,
                "limit": level.limit,
                "crisis_level": int(level.crisis_level),
                "source": level.source,
                "confirmed": level.confirmed,
            }
            for level in gauge.levels
        ],
    }
