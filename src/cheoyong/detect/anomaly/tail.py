# SPDX-License-Identifier: Apache-2.0
"""From scores to surprise, and from surprise to a conformal p-value, by bounded sketches.

Tail beyond a running 99 % quantile as in Siffer et al. 2017 (SPOT, KDD) with an exponential tail of the
logarithm (Hill 1975); p-values as in Laxhammar and Falkman 2014, inductive conformal anomaly detection.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

from cheoyong.detect.anomaly.compiled import compiled
from cheoyong.detect.anomaly.state import BINS

RARE = 0.01
EDGE_SURPRISE = 4.605170185988092  # −ln RARE
BIN = 0.25  # evidence a bin, standard deviations
LEARN = 100  # observations before evidence is counted: the edges are not yet found
KEPT = 50_000.0  # observations; older ones are halved away


@compiled
def surprise(stream: Any, member: int, score: float) -> float:
    """About −ln P(score or more) by this member's own past (≥ 0), then learn from it."""
    edge = stream.edge[member]
    if edge <= 0.0:
        stream.edge[member] = score
        stream.excess[member] = 0.5
        return 0.0
    gain = max(1.0 / (stream.seen + 1.0), 0.002)
    above = score > edge
    result = EDGE_SURPRISE * score / edge
    if above:
        over = log(score / edge)
        result = EDGE_SURPRISE + over / max(stream.excess[member], 0.05)
        stream.excess[member] += 0.05 * (min(over, 3.0) - stream.excess[member])
    step = gain * 3.0
    stream.edge[member] = edge * exp(step * (1.0 - RARE) if above else -step * RARE)
    return float(result)


@compiled
def p_value(stream: Any, strength: float) -> float:
    """P(as much evidence or more) by the stream's own past, 0 < p ≤ 1; beyond it, by an exponential tail."""
    if stream.seen <= LEARN:
        return 1.0
    place = min(int(max(strength, 0.0) / BIN), BINS - 1)
    above = 0.0
    for k in range(place, BINS):
        above += stream.bins[k]
    p = (above + 1.0) / (stream.total + 1.0)
    if above == 0.0:
        top = place
        while top > 0 and stream.bins[top] == 0.0:
            top -= 1
        p *= exp(-min(50.0, (place - top) * BIN))
    stream.bins[place] += 1.0
    stream.total += 1.0
    if stream.total >= KEPT:
        stream.total = 0.0
        for k in range(BINS):
            stream.bins[k] *= 0.5
            stream.total += stream.bins[k]
    return float(p)
