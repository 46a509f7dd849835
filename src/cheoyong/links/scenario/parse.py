# SPDX-License-Identifier: Apache-2.0
"""A scenario from its parsed files, and the steps in which a replay sends it: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cheoyong.domain.city import CityPack, Words
from cheoyong.domain.errors import ConfigurationError, InvalidInput
from cheoyong.domain.instant import parse_instant
from cheoyong.domain.observation import Series
from cheoyong.links.scenario.columns import read_columns
from cheoyong.links.scenario.schema import EventTable, ManifestFile, OfficialFile, fit


@dataclass(frozen=True, slots=True)
class OfficialEvent:
    """What an authority did: in effect at ``at_us``, its message sent at ``sent_us`` when known.

    ``series`` and ``level`` name the level of a gauge it speaks of, or are empty.
    """

    id: str
    at_us: int
    sent_us: int | None
    series: str
    level: str
    name: Words
    source: str


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest value on record, in the gauge's unit."""

    series: str
    at_us: int
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class OfficialRecord:
    """The yardstick of a replay: what really was warned and when, in order of time, and the peak."""

    events: tuple[OfficialEvent, ...]
    peak: Peak

    def of_level(self, series: str, level: str) -> OfficialEvent | None:
        """The first official event about a level of a gauge, or None."""
        return next((event for event in self.events if (event.series, event.level) == (series, level)), None)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A past event to replay; ``speed`` is simulated seconds in one second.

    ``measurements`` holds for each series its values in the gauge's unit, missing ones left out;
    up to ``warm_up_until_us`` a replay need not wait between steps.
    """

    id: str
    title: Words
    summary: Words
    city: str
    start_us: int
    end_us: int
    warm_up_until_us: int
    speed: float
    seed: int
    note: Words
    measurements: Mapping[str, Series]
    official: OfficialRecord


@dataclass(frozen=True, slots=True)
class Step:
    """All that arrives at one instant: (series, phenomenon time in µs, value as the gauge sends it).

    A gauge sends its unit divided by its ``scale``; with a scale of 1 that is its unit.
    """

    at_us: int
    rows: tuple[tuple[str, int, float], ...]


def parse_scenario(
    manifest: object, official: object, table: Iterable[Sequence[str]], *, folder: str = "scenario"
) -> Scenario:
    """A scenario from parsed TOML and the rows of its table, the header first.

    Raises ConfigurationError for an unknown or wrong key, times out of order and unreadable numbers;
    ``folder`` names the place in errors.
    """
    read = fit(manifest, ManifestFile, f"{folder}/manifest.toml")
    where = f"{folder}/manifest.toml"
    start_us, warm_up_us, end_us = (
        _instant(text, f"{where}: {key}")
        for key, text in (("start", read.start), ("warm_up_until", read.warm_up_until), ("end", read.end))
    )
    if not start_us <= warm_up_us < end_us:
        raise ConfigurationError("times do not rise", where=where, mend="order start, warm_up_until, end")
    measurements = read_columns(table, f"{folder}/{read.measurements}")
    return Scenario(
        id=read.id,
        title=read.title,
        summary=read.summary,
        city=read.city,
        start_us=start_us,
        end_us=end_us,
        warm_up_until_us=warm_up_us,
        speed=read.speed,
        seed=read.seed,
        note=read.note,
        measurements=measurements,
        official=_official(
            fit(official, OfficialFile, f"{folder}/{read.official}"), f"{folder}/{read.official}"
        ),
    )


def steps(scenario: Scenario, city: CityPack) -> list[Step]:
    """What arrives when, in order of time, from ``start`` to ``end`` inclusive.

    A value is taken to arrive at its own time stamp; a missing value is not sent. Within a step the
    rows stand in the order of the city's gauges. Raises ConfigurationError for a series without gauge.
    """
    if unknown := sorted(set(scenario.measurements) - set(city.gauges)):
        raise ConfigurationError(
            f"the city {city.id} has no gauge {unknown[0]}",
            where=f"scenario {scenario.id}",
            mend="name columns as the gauges of city.toml",
        )
    rows: dict[int, list[tuple[str, int, float]]] = {}
    for name, gauge in city.gauges.items():
        if series := scenario.measurements.get(name):
            kept = series.between(scenario.start_us, scenario.end_us + 1)
            for time_us, value in zip(kept.time_us.tolist(), kept.value.tolist(), strict=True):
                rows.setdefault(time_us, []).append((name, time_us, value / gauge.scale))
    return [Step(at_us, tuple(rows[at_us])) for at_us in sorted(rows)]


def _official(read: OfficialFile, where: str) -> OfficialRecord:
    events = [_event(table, f"{where}: events[{index}]") for index, table in enumerate(read.events)]
    peak = Peak(
        read.peak.series, _instant(read.peak.at, f"{where}: peak.at"), read.peak.value, read.peak.source
    )
    return OfficialRecord(tuple(sorted(events, key=lambda event: event.at_us)), peak)


def _event(table: EventTable, where: str) -> OfficialEvent:
    return OfficialEvent(
        id=table.id,
        at_us=_instant(table.at, f"{where}.at"),
        sent_us=None if table.sent is None else _instant(table.sent, f"{where}.sent"),
        series=table.series,
        level=table.level,
        name=table.name,
        source=table.source,
    )


def _instant(text: str, where: str) -> int:
    try:
        return parse_instant(text, where=where)
    except InvalidInput as error:
        raise ConfigurationError(error.detail, where=where, mend=error.mend) from None
