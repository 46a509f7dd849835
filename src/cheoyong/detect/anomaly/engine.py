# SPDX-License-Identifier: Apache-2.0
"""One pass over a batch: every observation through every member to evidence, p-value and perhaps an alarm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.control import alarms
from cheoyong.detect.anomaly.cusum import cusum
from cheoyong.detect.anomaly.evidence import evidence, strangeness
from cheoyong.detect.anomaly.forecast import CLIP, forecast
from cheoyong.detect.anomaly.level import level
from cheoyong.detect.anomaly.page_hinkley import page_hinkley
from cheoyong.detect.anomaly.rate import rate
from cheoyong.detect.anomaly.record import record
from cheoyong.detect.anomaly.shape import shape
from cheoyong.detect.anomaly.shift import shift, spread
from cheoyong.detect.anomaly.state import MEMBERS, Streams
from cheoyong.detect.anomaly.tail import p_value, surprise

# What is told of each observation beside its p-value: columns of ``told``.
TOLD = (*MEMBERS, "record", "expected", "residual", "evidence", "limit")
_SPOKEN = len(MEMBERS)


@compiled
def _observe(stream: Any, at_us: int, value: float, told: Any) -> float:
    scale = stream.scale
    standard = (value - stream.level) / scale if scale > 0.0 else 0.0
    residual, expected = forecast(stream, at_us, value)
    clipped = max(-CLIP, min(CLIP, residual))
    louder, calmer = spread(stream, clipped)
    novelty = shape(stream, standard)
    surprises = (
        surprise(stream, 0, level(stream, value)),
        surprise(stream, 1, rate(stream, value)),
        surprise(stream, 2, abs(residual)),
        surprise(stream, 3, shift(stream, clipped)),
        surprise(stream, 4, louder),
        surprise(stream, 5, calmer),
        surprise(stream, 6, cusum(stream, clipped)),
        surprise(stream, 7, page_hinkley(stream, clipped)),
        surprise(stream, 8, novelty) if novelty > 0.0 else 0.0,
    )
    of_record = record(stream, value)
    strange = strangeness(surprises, of_record)
    for k in range(_SPOKEN):
        told[k] = surprises[k]
    told[_SPOKEN], told[_SPOKEN + 1], told[_SPOKEN + 2] = of_record, expected, residual
    stream.last = value
    stream.seen += 1
    return float(evidence(stream, strange))


@compiled
def _pass(
    streams: Any, which: Any, at_us: Any, values: Any, monthly: float, p: Any, alarmed: Any, told: Any
) -> None:  # pragma: no cover - compiled
    last = len(told) - 1  # one row is written over again and again: nobody wants to be told
    for i in range(len(which)):
        value = values[i]
        if not np.isfinite(value) or abs(value) > 1e100:
            p[i] = np.nan
            continue
        stream = streams[which[i]]
        row = told[min(i, last)]
        strength = _observe(stream, at_us[i], value, row)
        p[i] = p_value(stream, strength)
        alarmed[i], limit = alarms(stream, at_us[i], strength, monthly)
        row[_SPOKEN + 3], row[_SPOKEN + 4] = strength, limit
        stream.at_us = at_us[i]


def screen_batch(
    streams: Streams,
    which: NDArray[np.int64],
    at_us: NDArray[np.int64],
    values: NDArray[np.float64],
    alarms_per_month: float,
    told: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """P-values (n,) in (0, 1] and alarms (n,) of one batch; ``streams`` learns in place.

    ``which`` are rows of ``streams`` (IndexError else); within a stream the batch is in order of event. A
    value that is no number, infinite or above 1e100 has p NaN and teaches nothing. ``alarms_per_month``: how
    many alarms a month each stream may raise in the long run (``control``). ``told`` (n, len(TOLD)) is filled
    with what led there, for ``explain``; rows of values that are no number are left as they are.

    >>> from cheoyong.detect.anomaly.state import new_streams
    >>> p, alarmed = screen_batch(
    ...     new_streams(1), np.zeros(2, np.int64), np.arange(2), np.array([1.0, np.nan]), 1.0
    ... )
    >>> p.tolist(), alarmed.tolist()
    ([1.0, nan], [False, False])
    """
    if len(which) and (which.min() < 0 or which.max() >= len(streams)):
        raise IndexError("a row beyond the streams")
    p = np.empty(len(values))
    alarmed = np.zeros(len(values), dtype=np.bool_)
    if told is None:
        told = np.empty((1, len(TOLD)))
    elif told.shape != (len(values), len(TOLD)):
        raise ValueError(f"told is {told.shape}, not {(len(values), len(TOLD))}")
    _pass(streams, which, at_us, values, alarms_per_month, p, alarmed, told)
    return p, alarmed
