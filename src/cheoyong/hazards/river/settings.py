# SPDX-License-Identifier: Apache-2.0
"""What a city pack says of its river forecasts: the gauge, what feeds it, how far ahead.

Schema of ``city.hazards["river"]`` (one table per forecast gauge; in ``city.toml``
``[hazards.river.taehwa_stage_m]``)::

    upstream  list of stage series, nearest first        required, may be empty
    reservoir list of reservoir level series             optional, default []
    release   list of discharge series from dams         optional, default []
    rain      list of rain gauges, mm of the last hour  optional, default []
    tide      series of the sea level at the mouth (m)   optional, default none
    leads_s   list of lead times in seconds, 1..12 h     optional, default 1..6 h
    exclude   list of [start, end] windows left out of   optional, default []
              training: ISO 8601 with zone, or µs UTC; start <= t < end

An unknown key is an error. A series without history is left aside by the training, not an error:
gauges are built and taken down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cheoyong.domain.city import CityPack
from cheoyong.domain.errors import ConfigurationError
from cheoyong.domain.instant import parse_instant

LEAD_S_MIN = 900
LEAD_S_MAX = 43_200
DEFAULT_LEADS_S = tuple(range(3600, 6 * 3600 + 1, 3600))
_KEYS = frozenset({"upstream", "reservoir", "release", "rain", "tide", "leads_s", "exclude"})


@dataclass(frozen=True, slots=True)
class Target:
    """One gauge to forecast; ``exclude`` are (start_us, end_us) windows, start included, end not."""

    series: str
    upstream: tuple[str, ...]
    reservoir: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    rain: tuple[str, ...] = ()
    tide: str | None = None
    leads_s: tuple[int, ...] = DEFAULT_LEADS_S
    exclude: tuple[tuple[int, int], ...] = ()


def read_targets(city: CityPack) -> tuple[Target, ...]:
    """The gauges a city wants forecast, in the pack's order; ConfigurationError names the bad key."""
    return tuple(_target(series, table) for series, table in city.hazards.get("river", {}).items())


def _target(series: str, table: object) -> Target:
    where = f"hazards.river.{series}"
    if not isinstance(table, Mapping):
        raise ConfigurationError("is not a table", where=where, mend="see hazards/river/settings.py")
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        raise ConfigurationError(f"unknown key {unknown[0]!r}", where=where, mend=f"use {sorted(_KEYS)}")
    tide = table.get("tide")
    if tide is not None and not isinstance(tide, str):
        raise ConfigurationError("is not the name of a series", where=f"{where}.tide")
    return Target(
        series=series,
        upstream=_names(table, "upstream", where),
        reservoir=_names(table, "reservoir", where),
        release=_names(table, "release", where),
        rain=_names(table, "rain", where),
        tide=tide,
        leads_s=_leads(table.get("leads_s", DEFAULT_LEADS_S), where),
        exclude=_windows(table.get("exclude", ()), where),
    )


def _names(table: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    names = table.get(key, ())
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError("is not a list of series names", where=f"{where}.{key}")
    return tuple(names)


def _leads(leads: object, where: str) -> tuple[int, ...]:
    good = isinstance(leads, (list, tuple)) and bool(leads)
    if not good or not all(type(lead) is int and LEAD_S_MIN <= lead <= LEAD_S_MAX for lead in leads):  # type: ignore[attr-defined]
        raise ConfigurationError(
            f"is not a list of whole seconds from {LEAD_S_MIN} to {LEAD_S_MAX}", where=f"{where}.leads_s"
        )
    return tuple(sorted(set(leads)))  # type: ignore[call-overload]


def _windows(windows: object, where: str) -> tuple[tuple[int, int], ...]:
    if not isinstance(windows, (list, tuple)):
        raise ConfigurationError("is not a list of [start, end]", where=f"{where}.exclude")
    return tuple(_window(window, f"{where}.exclude[{i}]") for i, window in enumerate(windows))


def _window(window: object, where: str) -> tuple[int, int]:
    if not isinstance(window, (list, tuple)) or len(window) != 2:
        raise ConfigurationError("is not [start, end]", where=where)
    start_us, end_us = (
        moment if type(moment) is int else parse_instant(str(moment), where=where) for moment in window
    )
    if start_us >= end_us:
        raise ConfigurationError("ends before it starts", where=where)
    return start_us, end_us
