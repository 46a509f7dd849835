# SPDX-License-Identifier: Apache-2.0
"""One pass over a batch: every observation through every member to one p-value and, when rare, an alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.cusum import cusum
from cheoyong.detect.anomaly.level import level
from cheoyong.detect.anomaly.page_hinkley import page_hinkley
from cheoyong.detect.anomaly.rate import rate
from cheoyong.detect.anomaly.season import season
from cheoyong.detect.anomaly.shape import shape
from cheoyong.detect.anomaly.state import Streams
from cheoyong.detect.anomaly.tail import p_value, surprise

WARM = 200  # observations before a stream may alarm
REST = 200  # observations an alarm lasts: what follows at once is the same event


@compiled
def _observe(stream: Any, at_us: int, value: float) -> float:
    scale = stream.scale
    standard = (value - stream.level) / scale if scale > 0.0 else 0.0
    distance = level(stream, value)
    stepped = rate(stream, value)
    residual = season(stream, at_us, value)
    most = surprise(stream, 0, distance)
    most = max(most, surprise(stream, 1, stepped))
    most = max(most, surprise(stream, 2, cusum(stream, standard)))
    most = max(most, surprise(stream, 3, page_hinkley(stream, residual)))
    most = max(most, surprise(stream, 4, abs(residual)))
    novelty = shape(stream, standard)
    if novelty > 0.0:
        most = max(most, surprise(stream, 5, novelty))
    stream.last = value
    stream.at_us = at_us
    stream.seen += 1
    return p_value(stream, most)


@compiled
def _pass(
    streams: Any, which: Any, at_us: Any, values: Any, threshold: float, p: Any, alarms: Any
) -> None:  # pragma: no cover - compiled
    for i in range(len(which)):
        value = values[i]
        if not np.isfinite(value) or abs(value) > 1e100:
            p[i] = np.nan
            continue
        stream = streams[which[i]]
        p[i] = _observe(stream, at_us[i], value)
        if stream.seen > WARM and p[i] <= threshold and stream.seen >= stream.quiet_until:
            alarms[i] = True
            stream.quiet_until = stream.seen + REST


def screen_batch(
    streams: Streams,
    which: NDArray[np.int64],
    at_us: NDArray[np.int64],
    values: NDArray[np.float64],
    threshold: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P-values (n,) in (0, 1] and alarms (n,) of one batch; ``streams`` learns in place.

    ``which`` are rows of ``streams`` (IndexError else); within a stream the batch is in order of event. A
    value that is no number, infinite or above 1e100 has p NaN and teaches nothing. ``threshold`` is the
    p-value that alarms: one alarm a month at n observations a month is about 1 / n.

    >>> from cheoyong.detect.anomaly.state import new_streams
    >>> p, alarms = screen_batch(
    ...     new_streams(1), np.zeros(2, np.int64), np.arange(2), np.array([1.0, np.nan]), 1e-3
    ... )
    >>> p.tolist(), alarms.tolist()
    ([1.0, nan], [False, False])
    """
    if len(which) and (which.min() < 0 or which.max() >= len(streams)):
        raise IndexError("a row beyond the streams")
    p = np.empty(len(values))
    alarms = np.zeros(len(values), dtype=np.bool_)
    _pass(streams, which, at_us, values, threshold, p, alarms)
    return p, alarms
