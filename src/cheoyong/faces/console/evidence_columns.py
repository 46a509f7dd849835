# SPDX-License-Identifier: Apache-2.0
"""A long series as few points that keep what matters, and what a witness says by its own past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.observation import Float64s, Int64s

if TYPE_CHECKING:
    from cheoyong.detect.anomaly.explain import Explained

PIECES = 240
THINNING = (
    "the span is cut into 240 equal parts; of each the first, last, lowest and highest value and the one with"
    " the most evidence are kept, and everything that was called unusual"
)
WITNESS_US = 6 * HOUR_US  # as old as this counts as seen together
LATE_PERIODS = 2.2  # without a value: the witness is silent
Columns = dict[str, list[Any]]


def kept_rows(at_us: Int64s, columns: Sequence[Float64s], always: Int64s, pieces: int = PIECES) -> Int64s:
    """Rows to show of (n,) in order of time: all when they are few, else by ``THINNING``; rising.

    Of every column the lowest and the highest of each part are kept, so no extreme is lost.

    >>> at = np.arange(10_000)
    >>> value = np.sin(at / 500.0); value[1234] = 99.0; value[4321] = -99.0
    >>> rows = kept_rows(at, [value], np.array([7777]), 10)
    >>> len(rows) <= 4 * 10 + 1, {1234, 4321, 7777} <= set(rows.tolist())
    (True, True)
    """
    if len(at_us) <= 4 * pieces:
        return np.arange(len(at_us))
    part = np.minimum(((at_us - at_us[0]) * pieces) // max(int(at_us[-1] - at_us[0]), 1), pieces - 1)
    begins = np.flatnonzero(np.r_[True, np.diff(part) != 0])
    kept = [begins, np.r_[begins[1:] - 1, len(at_us) - 1], np.asarray(always, np.int64)]
    for column in columns:
        for sign in (1.0, -1.0):
            height = np.where(np.isfinite(column), sign * column, -np.inf)
            order = np.lexsort((height, part))  # the highest of a part is its last
            kept.append(order[np.r_[begins[1:] - 1, len(at_us) - 1]])
    return np.unique(np.concatenate(kept))


def figures(column: Float64s) -> list[float | None]:
    """Numbers as JSON has them: null for what is none.

    >>> figures(np.array([1.5, float("nan")]))
    [1.5, None]
    """
    return [float(one) if np.isfinite(one) else None for one in column.tolist()]


def points(why: Explained, rows: Int64s, flag: Sequence[int], ids: Int64s) -> Columns:
    """The columns a chart draws: time, value, expectation with its band, evidence and limit, flag, id."""
    return {
        "time_us": why.at_us[rows].tolist(),
        "value": figures(why.value[rows]),
        "expected": figures(why.expected[rows]),
        "low": figures(why.low[rows]),
        "high": figures(why.high[rows]),
        "evidence": figures(why.evidence[rows]),
        "limit": figures(why.limit[rows]),
        "flag": list(flag),
        "observation_id": ids.tolist(),
    }


def says(why: Explained, seen: int, flag: int, until_us: int) -> tuple[str, float | None]:
    """What one witness says at an instant, and the most evidence of its last six hours.

    ``silent`` (nothing for 2.2 of its periods), ``bad`` (its newest value failed the checks), ``unknown``
    (too little past for a band), ``unusual`` (of more than 200 ``seen``), ``outside`` its expected band, or
    ``as_usual``.
    """
    from cheoyong.detect.anomaly.control import LIMIT, WARM

    if not len(why) or until_us - int(why.at_us[-1]) > LATE_PERIODS * _period_us(why.at_us):
        return "silent", None
    lately = np.nan_to_num(why.evidence[why.at_us >= until_us - WITNESS_US])
    most = float(lately.max()) if len(lately) else None
    if flag == 4 or not np.isfinite(why.value[-1]):
        return "bad", most
    if seen > WARM and most is not None and most >= LIMIT:
        return "unusual", most
    if not np.isfinite(why.low[-1]):
        return "unknown", None
    inside = why.low[-1] <= why.value[-1] <= why.high[-1]
    return ("as_usual" if inside else "outside"), most


def _period_us(at_us: Int64s) -> float:
    steps = np.diff(at_us[-100:])
    return float(np.median(steps[steps > 0])) if np.any(steps > 0) else float(WITNESS_US)
