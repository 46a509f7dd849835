# SPDX-License-Identifier: Apache-2.0
"""Why a stream was called unusual: the same engine over its stored history, with what led to each verdict.

Nothing is worked out anew for the eye: expectation, surprises, evidence, limit and alarms come from the very
pass of ``engine`` that decided. Only two figures are added. The band is where 90 % of the last thousand
values lay about their expectations (an empirical prediction interval; no distribution is assumed). A member's
share is its part of the running strangeness: the surprises that were counted, in proportion, over the last
observations, weighted as ``evidence`` weights them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.engine import TOLD, screen_batch
from cheoyong.detect.anomaly.evidence import AGREE, GAIN
from cheoyong.detect.anomaly.state import MEMBERS, new_streams
from cheoyong.domain.errors import InvalidInput
from cheoyong.domain.observation import Float64s, Int64s

MODEL = "cheoyong-screening"  # ten members, their agreement, a kept rate of alarms
SPEAKERS = (*MEMBERS, "record")
BAND = (0.05, 0.95)
BAND_MEMORY = 1000  # observations
BAND_LEARN = 50  # observations before there is a band
_BANDS_MAX = 500  # worked out so many times at most: in between the one before holds
_COLUMN = {name: i for i, name in enumerate(TOLD)}


@dataclass(frozen=True, slots=True)
class Explained:
    """What the engine made of the last part of a stream, in columns of equal length (n,).

    ``place`` is the row in the history; ``expected``, ``low``, ``high`` (5 and 95 %) are in the unit of the
    stream, NaN where nothing was known yet; ``evidence`` and ``limit`` in standard deviations; ``surprise``
    (n, len(SPEAKERS)) about −ln of a chance, ``share`` (n, len(SPEAKERS)) sums to 1, or to 0 in a calm.
    """

    place: Int64s
    at_us: Int64s
    value: Float64s
    expected: Float64s
    low: Float64s
    high: Float64s
    evidence: Float64s
    limit: Float64s
    p: Float64s
    alarmed: NDArray[np.bool_]
    surprise: Float64s
    share: Float64s

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.at_us)

    def spoke(self, i: int) -> list[tuple[str, float]]:
        """Members behind the evidence at row ``i`` with their shares (0-1), the loudest first."""
        order = np.argsort(-self.share[i], kind="stable")
        return [(SPEAKERS[k], float(self.share[i, k])) for k in order.tolist() if self.share[i, k] > 0.0]


def heard(at_us: Int64s, observation_id: Int64s, batch: Int64s, value: Float64s) -> Int64s:
    """Which rows (n,) of one stream the watch looked at, in its order: batch by batch, by time within each.

    A row older than the newest usable one of the batches before was left out (``detect.watch``).

    >>> import numpy as np
    >>> at, one = np.array([10, 30, 20, 40]), np.ones(4)
    >>> heard(at, np.arange(4), np.array([1, 1, 1, 2]), one).tolist()
    [0, 2, 1, 3]
    >>> heard(at, np.arange(4), np.arange(4), one).tolist()
    [0, 1, 3]
    """
    order = np.lexsort((observation_id, at_us, batch))
    if not len(order):
        return order
    usable = np.where(_usable(value[order]), at_us[order], np.iinfo(np.int64).min)
    newest = np.maximum.accumulate(usable)
    begins = np.flatnonzero(np.r_[True, np.diff(batch[order]) != 0])
    of_batch = np.cumsum(np.r_[True, np.diff(batch[order]) != 0]) - 1
    before = np.r_[np.iinfo(np.int64).min, newest[begins[1:] - 1]][of_batch]
    heard_rows: Int64s = order[at_us[order] >= before]
    return heard_rows


def explain(at_us: Int64s, value: Float64s, alarms_per_month: float, from_us: int) -> Explained:
    """What the engine made of one stream from ``from_us`` on, having seen all of (n,) ``at_us``, ``value``.

    Time must not go back (``heard`` puts it in order; InvalidInput else).

    >>> import numpy as np
    >>> at_us = np.arange(400) * 3_600_000_000
    >>> wave = 5.0 + np.sin(np.arange(400.0)) * 0.1
    >>> wave[390:] += 4.0
    >>> why = explain(at_us, wave, 1.0, int(at_us[385]))
    >>> why.at_us[why.alarmed].tolist() == [int(at_us[390])]
    True
    >>> bool(why.low[5] < 5.2 and why.high[5] < why.value[5])
    True
    """
    if len(at_us) and np.any(np.diff(at_us) < 0):
        raise InvalidInput("time goes back", where="at_us", mend="put it in order with heard()")
    count = len(at_us)
    told = np.full((count, len(TOLD)), np.nan)
    p, alarmed = screen_batch(new_streams(1), np.zeros(count, np.int64), at_us, value, alarms_per_month, told)
    surprise = np.nan_to_num(told[:, : len(SPEAKERS)])
    first = int(np.searchsorted(at_us, from_us))
    expected = told[:, _COLUMN["expected"]].copy()
    expected[np.flatnonzero(~np.isnan(p))[:1]] = np.nan  # of the first value nothing was expected
    low, high = _band(value, expected, first)
    return Explained(
        place=np.arange(first, count),
        at_us=at_us[first:],
        value=value[first:],
        expected=expected[first:],
        low=low,
        high=high,
        evidence=told[first:, _COLUMN["evidence"]],
        limit=told[first:, _COLUMN["limit"]],
        p=p[first:],
        alarmed=alarmed[first:],
        surprise=surprise[first:],
        share=_share(surprise, ~np.isnan(p))[first:],
    )


def _usable(value: Float64s) -> NDArray[np.bool_]:
    return np.isfinite(value) & (np.abs(value) <= 1e100)


def _band(value: Float64s, expected: Float64s, first: int) -> tuple[Float64s, Float64s]:
    """The expectation and, about it, where 90 % of the misses before lay: for the rows from ``first`` on."""
    shown = len(value) - first
    low, high = np.full(shown, np.nan), np.full(shown, np.nan)
    known = np.isfinite(expected) & _usable(value)
    misses, so_far = (value - np.where(known, expected, 0.0))[known], np.cumsum(known)
    every = max(1, -(-shown // _BANDS_MAX))
    for i in range(0, shown, every):
        before = int(so_far[first + i - 1]) if first + i else 0  # none that was not known by then
        if before >= BAND_LEARN:
            below, above = np.quantile(misses[max(0, before - BAND_MEMORY) : before], BAND)
            low[i : i + every] = expected[first + i : first + i + every] + below
            high[i : i + every] = expected[first + i : first + i + every] + above
    return low, high


def _share(surprise: Float64s, counted: NDArray[np.bool_]) -> Float64s:
    """Each member's part of the running strangeness (n, len(SPEAKERS)), as parts of one."""
    spoken = surprise.copy()
    quiet = np.argsort(-surprise[:, :-1], axis=1, kind="stable")[:, AGREE:]
    np.put_along_axis(spoken, quiet, 0.0, axis=1)
    total = spoken.sum(axis=1, keepdims=True)
    running = _running(spoken * total, counted)  # (a + b)² = a (a + b) + b (a + b)
    whole = running.sum(axis=1, keepdims=True)
    share: Float64s = np.divide(running, whole, out=np.zeros_like(running), where=whole > 0.0)
    return share


@compiled
def _running(part: Any, counted: Any) -> Any:  # pragma: no cover - compiled
    """Running means of the columns as ``evidence`` takes its own; what was not counted leaves them."""
    kept = np.zeros_like(part)
    for i in range(len(part)):
        for k in range(part.shape[1]):
            before = kept[i - 1, k] if i else 0.0
            kept[i, k] = before + GAIN * (part[i, k] - before) if counted[i] else before
    return kept
