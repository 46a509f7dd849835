# SPDX-License-Identifier: Apache-2.0
"""Gauges of a city pack with their quality rules and levels, in order and without contradiction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cheoyong.domain.city import Gauge, Level, QualityRules
from cheoyong.domain.level import CrisisLevel
from cheoyong.links.city_pack.places import check_inside
from cheoyong.links.city_pack.schema import CityFile, GaugeTable, LevelTable, QualityTable
from cheoyong.links.city_pack.strict import Spot
from cheoyong.links.city_pack.words import check_words

# Units (UCUM) whose spelling in a series name we know; others are left to the author of the pack.
_SUFFIX = {"m": "_m", "m3/s": "_m3_s", "mm": "_mm", "mm/h": "_mm_h", "m/s": "_m_s", "Pa": "_pa"}
_TESTS = (
    ("rate_suspect_per_s", "rate_fail_per_s"),
    ("spike_suspect", "spike_fail"),
    ("flat_suspect_count", "flat_fail_count"),
)


def read_gauges(read: CityFile, top: Spot) -> dict[str, Gauge]:
    """Gauges by series; ConfigurationError for a series given twice or rules that contradict each other."""
    gauges: dict[str, Gauge] = {}
    for index, table in enumerate(read.gauges):
        spot = top / f"gauges[{index}] {table.series}"
        if table.series in gauges:
            raise spot.fault("this series is given twice", "keep one [[gauges]] table for each series")
        gauges[table.series] = _gauge(table, read, spot)
    return gauges


def _gauge(table: GaugeTable, read: CityFile, spot: Spot) -> Gauge:
    check_inside(table.longitude, table.latitude, read.box, spot / "longitude")
    check_words(table.name, read.languages, spot / "name")
    suffix = _SUFFIX.get(table.unit, "")
    if not table.series.endswith(suffix):
        raise (spot / "series").fault(
            f"it does not end in its unit {table.unit}", f"end the name with {suffix}"
        )
    quality = _quality(table.quality, spot / "quality")
    return Gauge(
        series=table.series,
        thing=table.thing,
        name=table.name,
        observed_property=table.observed_property,
        unit=table.unit,
        longitude=table.longitude,
        latitude=table.latitude,
        position_source=table.position_source,
        quality=quality,
        levels=_levels(table.levels, quality, read.languages, spot),
        scale=table.scale,
    )


def _quality(table: QualityTable, spot: Spot) -> QualityRules:
    every = msgspec.structs.asdict(table)
    given = {name: value for name, value in every.items() if value is not msgspec.UNSET}
    _check_ranges(given, spot)
    for suspect, fail in _TESTS:
        if suspect in given and fail in given and given[suspect] > given[fail]:
            raise (spot / fail).fault(f"it is below {suspect}", "a value must be suspect before it fails")
    rules = QualityRules(**given)
    if rules.silence_s < rules.period_s:
        raise (spot / "silence_s").fault("it is shorter than period_s", "wait at least one period")
    return rules


def _check_ranges(given: Mapping[str, tuple[float, float]], spot: Spot) -> None:
    fail, suspect = given.get("fail_range"), given.get("suspect_range")
    for name, pair in (("fail_range", fail), ("suspect_range", suspect)):
        if pair and not pair[0] < pair[1]:
            raise (spot / name).fault(f"{list(pair)} does not rise", "write [lowest, highest]")
    if fail and suspect and not fail[0] <= suspect[0] < suspect[1] <= fail[1]:
        raise (spot / "suspect_range").fault("it reaches outside fail_range", "keep it inside fail_range")


def _levels(
    tables: Sequence[LevelTable], quality: QualityRules, languages: Sequence[str], gauge: Spot
) -> tuple[Level, ...]:
    levels: list[Level] = []
    for index, table in enumerate(tables):
        spot = gauge / f"levels[{index}] {table.id}"
        check_words(table.name, languages, spot / "name")
        level = _level(table)
        if level.id in [earlier.id for earlier in levels]:
            raise spot.fault("this level is given twice", "keep one table for each level")
        if levels and not (levels[-1].limit < level.limit and levels[-1].crisis_level <= level.crisis_level):
            raise spot.fault("levels do not rise", "order them by limit, the crisis level rising with it")
        if quality.fail_range and not quality.fail_range[0] < level.limit < quality.fail_range[1]:
            raise (spot / "limit").fault(
                "such a value fails the range test", "widen fail_range or mend limit"
            )
        levels.append(level)
    return tuple(levels)


def _level(table: LevelTable) -> Level:
    return Level(
        id=table.id,
        name=table.name,
        limit=table.limit,
        crisis_level=CrisisLevel[table.crisis_level.upper()],
        priority=table.priority,
        source=table.source,
        confirmed=table.confirmed,
        hysteresis=table.hysteresis,
        on_delay_s=table.on_delay_s,
    )
