# SPDX-License-Identifier: Apache-2.0
"""Values as GeoJSON features, one for each value, and as CSV, one line for each value."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterator
from typing import Any

from cheoyong.domain.instant import format_instant
from cheoyong.faces.edr.network import FLAG, Network, Stream
from cheoyong.records.series import Values

COLUMNS = ("location", "name", "longitude", "latitude", "time", "parameter", "value", "unit", "flag")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def _rows(network: Network, streams: list[Stream], values: Values) -> Iterator[tuple[Any, ...]]:
    for stream in streams:
        rows = values.of(stream.id)
        symbol = network.parameters[stream.parameter].unit.symbol
        columns = (values.time_us[rows], values.value[rows], values.flag[rows])
        for at_us, value, flag in zip(*(column.tolist() for column in columns), strict=True):
            number = value if math.isfinite(value) else None
            yield (
                stream.thing_id, stream.thing, stream.longitude, stream.latitude, format_instant(at_us),
                stream.parameter, number, symbol, flag,
            )  # fmt: skip


def as_csv(network: Network, streams: list[Stream], values: Values) -> bytes:
    """A line of :data:`COLUMNS`, then one for each value; every line carries its flag.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in row] for row in _rows(network, streams, values))
    return text.getvalue().encode()


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell


def as_geojson(
    network: Network, streams: list[Stream], values: Values, names: Collection[str], here: str
) -> dict[str, Any]:
    """A feature for each value, at the point where it was measured; ``here`` is the collection's address."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
            "properties": {
                "label": name,
                "datetime": time,
                "parameter-name": [one for one in (parameter, parameter + FLAG) if one in names],
                "parameter": parameter,
                "value": value,
                "unit": unit,
                "flag": flag,
                "location": str(thing_id),
                "edrqueryendpoint": f"{here}/locations/{thing_id}",
            },
        }
        for thing_id, name, longitude, latitude, time, parameter, value, unit, flag in _rows(
            network, streams, values
        )
    ]
    return {"type": "FeatureCollection", "numberReturned": len(features), "features": features}
