# SPDX-License-Identifier: Apache-2.0
"""The quality rules of all judged datastreams as columns, so that a batch is judged without a loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.city import Gauge
from cheoyong.domain.errors import ConfigurationError
from cheoyong.domain.instant import SECOND_US
from cheoyong.domain.observation import Float64s, Int64s

Gauges = Mapping[int, tuple[int, Gauge]]  # datastream id → (organisation id, gauge)

FLAT_COUNT_MAX = 65_000  # successive values; the run length is kept in 16 bits
SPAN_S_MAX = 100 * 366 * 86400.0
_NEVER = 1 << 40  # a count that no run reaches: the test is off
_OFF = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Rules:
    """One column per rule, one entry per row of the screening state; NaN switches a test off.

    Values are in the gauge's unit, rates per second, spans in µs, counts in successive values.
    ``lowest_limit`` is the lowest level of the gauge: below it no level can be crossed. ``highest_floor``
    is the same of the levels that alarm at or below their limit.
    """

    active: NDArray[np.bool_]
    scale: Float64s
    fail_low: Float64s
    fail_high: Float64s
    suspect_low: Float64s
    suspect_high: Float64s
    rate_suspect_per_s: Float64s
    rate_fail_per_s: Float64s
    spike_suspect: Float64s
    spike_fail: Float64s
    flat_tolerance: Float64s
    lowest_limit: Float64s
    highest_floor: Float64s
    flat_suspect_count: Int64s
    flat_fail_count: Int64s
    silence_us: Int64s
    future_us: Int64s
    ancient_us: Int64s


def compile_rules(datastreams: Iterable[int], gauges: Gauges) -> Rules:
    """Columns for ``datastreams`` in their order; a datastream without a gauge is inactive.

    Raises ConfigurationError for rules that cannot be kept (negative spans, endless flat lines).

    >>> from cheoyong.domain.city import QualityRules
    >>> rules_of_taehwa = QualityRules(fail_range=(-2.0, 14.0))
    >>> gauge = Gauge("taehwa_stage_m", "taehwa", {}, "river_stage", "m", 129.3, 35.5, "", rules_of_taehwa)
    >>> rules = compile_rules([7, 8], {7: (1, gauge)})
    >>> rules.fail_high.tolist(), rules.active.tolist()
    ([14.0, nan], [True, False])
    """
    kept = [gauges.get(int(datastream)) for datastream in datastreams]
    limits = np.array([_limits(pair[1]) if pair else _NO_LIMITS for pair in kept], np.float64)
    spans = np.array([_spans(pair[1]) if pair else _NO_SPANS for pair in kept], np.int64)
    columns = np.ascontiguousarray(limits.reshape(-1, len(_NO_LIMITS)).T)
    whole = np.ascontiguousarray(spans.reshape(-1, len(_NO_SPANS)).T)
    return Rules(np.array([pair is not None for pair in kept], np.bool_), *columns, *whole)


def _limits(gauge: Gauge) -> tuple[float, ...]:
    rules = gauge.quality
    thresholds = (rules.rate_suspect_per_s, rules.rate_fail_per_s, rules.spike_suspect, rules.spike_fail)
    return (
        gauge.scale,
        *(rules.fail_range or _OFF),
        *(rules.suspect_range or _OFF),
        *(math.nan if threshold is None else threshold for threshold in thresholds),
        rules.flat_tolerance,
        min((level.limit for level in gauge.levels if not level.below), default=math.nan),
        max((level.limit for level in gauge.levels if level.below), default=math.nan),
    )


def _spans(gauge: Gauge) -> tuple[int, ...]:
    rules = gauge.quality
    counts = [
        _NEVER if count is None else count for count in (rules.flat_suspect_count, rules.flat_fail_count)
    ]
    if any(count < 2 or FLAT_COUNT_MAX < count != _NEVER for count in counts):
        raise ConfigurationError(f"a flat line is 2 to {FLAT_COUNT_MAX} values", where=gauge.series)
    spans = (rules.silence_s, rules.future_tolerance_s, rules.ancient_s)
    if not all(0.0 <= span <= SPAN_S_MAX for span in (*spans, rules.period_s)) or rules.silence_s == 0:
        raise ConfigurationError("a span of the quality rules is negative or endless", where=gauge.series)
    return (*counts, *(round(span * SECOND_US) for span in spans))


_NO_LIMITS = (math.nan,) * 12
_NO_SPANS = (_NEVER, _NEVER, 1 << 60, 0, 1 << 60)
