# SPDX-License-Identifier: Apache-2.0
"""A city as facts: its gauges, levels, rules of quality, towns and reaches. No city is named in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cheoyong.domain.level import CrisisLevel, Priority

Words = Mapping[str, str]  # language code (ko, en) → text
Ring = tuple[tuple[float, float], ...]  # closed ring of (longitude, latitude), WGS 84


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a gauge at which something must be done, in the gauge's unit, with its source."""

    id: str
    name: Words
    limit: float
    crisis_level: CrisisLevel
    priority: Priority
    source: str
    confirmed: bool
    hysteresis: float = 0.0
    on_delay_s: float = 0.0
    below: bool = False  # alarms at or below the limit; else at or above it
    cause: str = "level"  # of its alarms; "threshold": set by a person, opens no incident


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Limits of the QARTOD-style tests of one gauge; None switches a test off.

    Ranges are (lowest, highest) in the gauge's unit; rates are per second; spikes are the absolute
    difference from the mean of both neighbours; a flat line is ``count`` successive values within
    ``flat_tolerance``; ``top`` is the highest value the instrument can send. ``period_s`` is how often a
    value is expected, ``silence_s`` after how long without one its silence is an alarm.
    """

    fail_range: tuple[float, float] | None = None
    suspect_range: tuple[float, float] | None = None
    rate_suspect_per_s: float | None = None
    rate_fail_per_s: float | None = None
    spike_suspect: float | None = None
    spike_fail: float | None = None
    flat_tolerance: float = 0.0
    flat_suspect_count: int | None = None
    flat_fail_count: int | None = None
    top: float | None = None
    period_s: float = 3600.0
    silence_s: float = 7200.0
    future_tolerance_s: float = 300.0
    ancient_s: float = 10 * 366 * 86400.0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One measured series: where it stands, what it measures in which unit, how it is judged.

    ``series`` is its name everywhere in the platform, unit last (``taehwa_stage_m``). ``scale``
    turns the source's number into that unit (0.01 for centimetres sent where metres are meant).
    """

    series: str
    thing: str
    name: Words
    observed_property: str
    unit: str
    longitude: float
    latitude: float
    position_source: str
    quality: QualityRules
    levels: tuple[Level, ...] = ()
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Town:
    """A town: boundary rings and residents by age, each with its year in the pack's sources."""

    code: str
    name: Words
    rings: tuple[Ring, ...]
    people: int
    over_65: int
    under_7: int


@dataclass(frozen=True, slots=True)
class Reach:
    """A stretch of river: the gauge that speaks for it and the towns along it."""

    id: str
    name: Words
    series: str
    towns: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class CityPack:
    """Everything the platform knows of a city before the first observation.

    ``box`` is (west, south, east, north) in degrees: a place outside it is a mistake (swapped
    coordinates, another city). ``hazards`` holds each hazard's settings by its id.
    """

    id: str
    name: Words
    time_zone: str
    languages: tuple[str, ...]
    metric_crs: str
    box: tuple[float, float, float, float]
    sender: str
    sender_name: Words
    gauges: Mapping[str, Gauge]
    towns: Mapping[str, Town]
    reaches: tuple[Reach, ...]
    hazards: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def level(self, series: str, level_id: str) -> Level:
        """The level ``level_id`` of a gauge; KeyError when there is none."""
        for level in self.gauges[series].levels:
            if level.id == level_id:
                return level
        raise KeyError(f"{series} has no level {level_id}")
