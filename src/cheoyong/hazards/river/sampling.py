# SPDX-License-Identifier: Apache-2.0
"""Reading irregular series as known at an instant: the latest value not too old, never a later one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s, Series

HOUR_US = 3_600_000_000
STALE_US = 90 * 60 * 1_000_000  # hourly gauges: one value late is still the last one


def known_at(series: Series, at_us: Int64s, stale_us: int = STALE_US) -> Float64s:
    """Latest value at or before each instant, NaN when older than ``stale_us``; any shape.

    >>> s = Series(np.array([0, 3_600_000_000]), np.array([1.0, 2.0]))
    >>> known_at(s, np.array([-1, 0, 3_599_999_999, 3_600_000_000, 9_000_000_001])).tolist()
    [nan, 1.0, 1.0, 2.0, nan]
    """
    if len(series.time_us) == 0:
        return np.full(np.shape(at_us), np.nan)
    index = np.searchsorted(series.time_us, at_us, side="right") - 1
    last = np.maximum(index, 0)
    fresh = (index >= 0) & (at_us - series.time_us[last] <= stale_us)
    return np.where(fresh, series.value[last], np.nan)


def lagged(series: Series, issued_us: Int64s, lags_h: Float64s) -> Float64s:
    """Values ``lags_h`` hours before each issue instant: shape (issues, lags); lags ≥ 0.

    >>> s = Series(np.array([0, 3_600_000_000]), np.array([1.0, 2.0]))
    >>> lagged(s, np.array([3_600_000_000]), np.array([0.0, 1.0])).tolist()
    [[2.0, 1.0]]
    """
    if np.any(lags_h < 0):
        raise ValueError("a negative lag would read the future")
    return known_at(series, issued_us[:, None] - (lags_h * HOUR_US).astype(np.int64)[None, :])


def finite_only(recent: Mapping[str, Series]) -> dict[str, Series]:
    """The same series without NaN and ±inf: a broken value is a missing one.

    >>> finite_only({"a": Series(np.array([0, 1]), np.array([np.nan, 2.0]))})["a"].value.tolist()
    [2.0]
    """
    clean = {}
    for name, series in recent.items():
        finite = np.isfinite(series.value)
        clean[name] = series if finite.all() else Series(series.time_us[finite], series.value[finite])
    return clean


def without(series: Series, windows: tuple[tuple[int, int], ...]) -> Series:
    """The series with the windows [start, end) cut out.

    >>> without(Series(np.array([0, 1, 2]), np.array([5.0, 6.0, 7.0])), ((1, 2),)).value.tolist()
    [5.0, 7.0]
    """
    keep = np.ones(len(series.time_us), bool)
    for start_us, end_us in windows:
        keep &= ~((series.time_us >= start_us) & (series.time_us < end_us))
    return Series(series.time_us[keep], series.value[keep])
