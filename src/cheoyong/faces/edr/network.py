# SPDX-License-Identifier: Apache-2.0
"""All that can be asked for: numeric datastreams that stand somewhere, as parameters at locations.

One collection holds them all, so that one request can take the rain, the stage and the wind of a place.
A location is a thing; it stands at the first of its locations. What stands nowhere is not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cheoyong.domain.errors import InvalidInput, NotFound
from cheoyong.faces.ogc_common.observed import Parameter, parameters_of
from cheoyong.faces.ogc_common.shapes import Booleans, Geometries, bounds_of, points_in, shapes_of
from cheoyong.records import series
from cheoyong.records.connection import Connection

FLAG = "_flag"  # what the name of the parameter that carries a parameter's quality flags ends in


@dataclass(frozen=True, slots=True)
class Stream:
    """One datastream: its parameter, its thing, one point of where it stands (degrees)."""

    id: int
    parameter: str
    thing_id: int
    thing: str
    longitude: float
    latitude: float


class Network:
    """The datastreams of one organisation, their places and parameters."""

    def __init__(self, rows: Sequence[Any]) -> None:
        import shapely

        shapes = shapes_of([row["place"] for row in rows])
        there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes))).tolist()
        self.shapes: Geometries = shapes[there]
        self.rows = [rows[index] for index in there]
        self.parameters: dict[str, Parameter] = parameters_of(self.rows)
        names = {row["id"]: one.name for one in self.parameters.values() for row in one.streams}
        longitudes, latitudes = (axis.tolist() for axis in points_in(self.shapes))
        self.streams = [
            Stream(row["id"], names[row["id"]], row["thing_id"], row["thing"], longitude, latitude)
            for row, longitude, latitude in zip(self.rows, longitudes, latitudes, strict=True)
        ]

    @cached_property
    def bounds(self) -> list[float] | None:
        """West, south, east, north; None when there is nothing."""
        return bounds_of(self.shapes) if self.streams else None

    def names(self) -> list[str]:
        """The names of all parameters, each followed by that of its flags."""
        return [name + end for name in self.parameters for end in ("", FLAG)]

    def of_thing(self, location: str) -> Booleans:
        """Which streams are of a location; raises NotFound when it has none."""
        mine = np.array([str(stream.thing_id) == location for stream in self.streams], bool)
        if not mine.any():
            raise NotFound("there is no such location", where=location[:100], mend="see …/locations")
        return mine

    def of_parameters(self, names: Iterable[str]) -> Booleans:
        """Which streams have one of these parameters, themselves or their flags."""
        wanted = {name.removesuffix(FLAG) if name not in self.parameters else name for name in names}
        return np.array([stream.parameter in wanted for stream in self.streams], bool)

    def asked_names(self, text: str | None) -> list[str]:
        """The parameter names of a query, all when it names none; raises InvalidInput for one unknown."""
        known = self.names()
        if text is None:
            return known
        names = list(dict.fromkeys(name.strip() for name in text.split(",")))
        for name in names:
            if name not in known:
                raise InvalidInput(
                    f"there is no parameter {name!r:.80}", where="parameter-name",
                    mend="see parameter_names of the collection",
                )  # fmt: skip
        return names


async def read_network(connection: Connection) -> Network:
    """The network of the organisation of a connection; built beside the event loop."""
    return await asyncio.to_thread(Network, await series.streams(connection))
