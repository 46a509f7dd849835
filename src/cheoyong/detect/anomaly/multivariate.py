# SPDX-License-Identifier: Apache-2.0
"""Member: values of several streams of one Thing that do not go together, though each may be usual by itself.

Distance of Mahalanobis 1936 from a running mean and covariance (exponentially weighted), the covariance
shrunk towards its diagonal as Ledoit and Wolf 2004 (J. Multivariate Analysis 88), by a fixed share. What
is learnt of each vector is clipped, so that an event does not become the norm at once. From distance to
evidence, p-value and alarm by the same rules as a single stream.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.control import alarms
from cheoyong.detect.anomaly.evidence import evidence
from cheoyong.detect.anomaly.state import BINS
from cheoyong.detect.anomaly.tail import p_value, surprise
from cheoyong.domain.errors import InvalidInput

DIMENSIONS = 16  # values of a vector at most: more are not taken in
MEMORY = 2000.0  # vectors
SHRINK = 0.1  # share of the diagonal in the covariance that distances are measured by
SETTLE = 10.0  # values that are taken in as they are: the deviation is not yet known
CLIP = 4.0  # standard deviations: no vector moves mean or covariance by more
VALUE_MAX = 1e100  # beyond it a value is no value
_STEADY = 1e-12  # variance relative to the square of the mean: below it a value has not moved yet

GROUP = np.dtype(
    [
        ("seen", "i8"),
        ("at_us", "i8"),
        ("count", "f8", (DIMENSIONS,)),
        ("mean", "f8", (DIMENSIONS,)),
        ("covariance", "f8", (DIMENSIONS, DIMENSIONS)),
        ("edge", "f8", (1,)),
        ("excess", "f8", (1,)),
        ("strange", "f8"),
        ("strange_mean", "f8"),
        ("strange_variance", "f8"),
        ("bins", "f4", (BINS,)),
        ("total", "f8"),
        ("margin", "f8"),
        ("alarmed_at", "f8"),
        ("quiet_until", "i8"),
    ]
)
Groups = NDArray[np.void]


def new_groups(count: int) -> Groups:
    """State of ``count`` groups of which nothing is known; ``GROUP.itemsize`` bytes each.

    >>> GROUP.itemsize <= 4_000
    True
    """
    return np.zeros(count, GROUP)


@compiled
def distance(group: Any, vector: Any, apart: Any, factor: Any) -> float:
    """Root of the mean square of what the values have beyond what the others lead to expect (≥ 0).

    ``vector`` has NaN where a value is missing; ``apart`` (DIMENSIONS,) and ``factor`` (DIMENSIONS,
    DIMENSIONS) are room to work in. Values that never moved are left out.
    """
    used = 0
    total = 0.0
    for i in range(len(vector)):
        variance = group.covariance[i, i]
        if not np.isfinite(vector[i]) or variance <= _STEADY * max(group.mean[i] ** 2, 1e-30):
            factor[i, i] = 0.0
            continue
        # Cholesky and forward substitution row by row: z = L⁻¹ (x - mean), and its squares add up.
        apart[i] = (vector[i] - group.mean[i]) / sqrt(variance)
        for j in range(i + 1):
            if factor[j, j] == 0.0 and j < i:
                continue
            shared = 1.0
            if j < i:
                shared = (1.0 - SHRINK) * group.covariance[i, j] / sqrt(variance * group.covariance[j, j])
            for k in range(j):
                if factor[k, k] != 0.0:
                    shared -= factor[i, k] * factor[j, k]
            factor[i, j] = sqrt(max(shared, 1e-6)) if j == i else shared / factor[j, j]
            if j < i:
                apart[i] -= factor[i, j] * apart[j]
        apart[i] = max(-1e6, min(1e6, apart[i] / factor[i, i]))
        total += apart[i] * apart[i]
        used += 1
    return sqrt(total / used) if used else 0.0


@compiled
def learn(group: Any, vector: Any, step: Any) -> None:
    """Take a vector into mean and covariance, each value no further than ``CLIP`` deviations away."""
    for i in range(len(vector)):
        step[i] = 0.0
        if not np.isfinite(vector[i]):
            continue
        if group.count[i] == 0.0:
            group.mean[i] = vector[i]
        deviation = sqrt(group.covariance[i, i])
        step[i] = vector[i] - group.mean[i]
        if group.count[i] >= SETTLE:
            step[i] = max(-CLIP * deviation, min(CLIP * deviation, step[i]))
        group.count[i] += 1.0
    for i in range(len(vector)):
        if not np.isfinite(vector[i]):
            continue
        gain = 1.0 / min(group.count[i], MEMORY)
        group.mean[i] += gain * step[i]
        for j in range(i + 1):
            if np.isfinite(vector[j]):
                both = 1.0 / min(group.count[i], group.count[j], MEMORY)
                group.covariance[i, j] += both * ((1.0 - both) * step[i] * step[j] - group.covariance[i, j])
                group.covariance[j, i] = group.covariance[i, j]


@compiled
def _pass(
    groups: Any, which: Any, at_us: Any, vectors: Any, monthly: float, p: Any, alarmed: Any, strength: Any
) -> None:  # pragma: no cover - compiled
    apart, factor = np.zeros(DIMENSIONS), np.zeros((DIMENSIONS, DIMENSIONS))
    vector = np.empty(vectors.shape[1])
    for i in range(len(which)):
        there = 0
        for k in range(len(vector)):
            value = vectors[i, k]
            is_value = np.isfinite(value) and abs(value) <= VALUE_MAX
            vector[k] = value if is_value else np.nan
            there += 1 if is_value else 0
        if there < 2:  # one alone is the business of the other members
            p[i], strength[i] = np.nan, 0.0
            continue
        group = groups[which[i]]
        strange = surprise(group, 0, distance(group, vector, apart, factor))
        learn(group, vector, apart)
        group.seen += 1
        strength[i] = evidence(group, strange * strange)
        p[i] = p_value(group, strength[i])
        alarmed[i], _ = alarms(group, at_us[i], strength[i], monthly)
        group.at_us = at_us[i]


def screen_vectors(
    groups: Groups,
    which: NDArray[np.int64],
    at_us: NDArray[np.int64],
    vectors: NDArray[np.float64],
    alarms_per_month: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """P-values (n,) in (0, 1], alarms (n,), evidence (n,) of vectors (n, ≤ 16); ``groups`` learns in place.

    ``which`` are rows of ``groups`` (IndexError else); within a group the vectors are in order of event. A
    missing value is NaN; a vector with fewer than two values has p NaN and teaches nothing. Raises
    InvalidInput for more than 16 values.

    >>> p, alarmed, _ = screen_vectors(
    ...     new_groups(1), np.zeros(2, np.int64), np.arange(2), np.array([[1.0, 2.0], [np.nan, 1.0]]), 1.0
    ... )
    >>> p.tolist(), alarmed.tolist()
    ([1.0, nan], [False, False])
    """
    if vectors.ndim != 2 or vectors.shape[1] > DIMENSIONS:
        raise InvalidInput(f"vectors of shape {vectors.shape}", mend=f"take at most {DIMENSIONS} values")
    if len(which) and (which.min() < 0 or which.max() >= len(groups)):
        raise IndexError("a row beyond the groups")
    p, strength = np.empty(len(vectors)), np.empty(len(vectors))
    alarmed = np.zeros(len(vectors), np.bool_)
    _pass(groups, which, at_us, np.ascontiguousarray(vectors), alarms_per_month, p, alarmed, strength)
    return p, alarmed, strength
