# SPDX-License-Identifier: Apache-2.0
"""What is observed, as parameters: datastreams of one observed property and one unit are one parameter.

A parameter's name is the property's and the unit's (``river_stage_m``), unit last as everywhere in the
platform. Were two properties to share it, the one registered later gets its number behind it, so that a
name once given stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

UCUM = "http://www.opengis.net/def/uom/UCUM/"
_UNIT_MAX = 40


@dataclass(frozen=True, slots=True)
class Unit:
    """Name, symbol and definition as stored; any may be empty."""

    name: str
    symbol: str
    definition: str

    @property
    def ucum(self) -> bool:
        """Whether the symbol is said to be one of UCUM."""
        return "ucum" in self.definition.lower() or self.definition.startswith(UCUM)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, what it observes, its unit and its datastreams (rows of records.series)."""

    name: str
    label: str
    definition: str
    description: str
    unit: Unit
    streams: tuple[Any, ...]


def parameters_of(streams: Sequence[Any]) -> dict[str, Parameter]:
    """The parameters of datastreams in the order of their ids, by name."""
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for stream in streams:
        key = (stream["property"], stream["definition"], stream["unit_symbol"] or "")
        groups.setdefault(key, []).append(stream)
    found: dict[str, Parameter] = {}
    for (label, definition, _), members in groups.items():
        unit = unit_of(members[0])
        name = name_of(label, unit.symbol)
        if name in found:
            name = f"{name}_{members[0]['id']}"
        description = members[0]["property_description"]
        found[name] = Parameter(name, label, definition, description, unit, tuple(members))
    return found


def unit_of(stream: Any) -> Unit:
    """The unit of a datastream; what is not said is empty."""
    return Unit(*(stream[f"unit_{part}"] or "" for part in ("name", "symbol", "definition")))


def name_of(label: str, symbol: str) -> str:
    """Words of letters, digits and underscores, in any script.

    >>> name_of("Discharge (river)", "m3/s"), name_of("수위", "m"), name_of("%", "%")
    ('discharge_river_m3_s', '수위_m', 'observed_percent')
    """
    words = [_words(label) or "observed", _words(symbol.replace("%", "percent").replace("°", "deg "))]
    return "_".join(filter(None, words))[:200]


def _words(text: str) -> str:
    return re.sub(r"\W+", "_", text.lower()).strip("_")
