# SPDX-License-Identifier: Apache-2.0
"""How many observations one core screens with all members on, and what a stream costs in memory."""

from __future__ import annotations

from time import perf_counter
from typing import Any

WARM = 400  # observations a stream before timing: every sketch and every kept shape is in use by then


def bench_screening(streams: int, observations: int) -> dict[str, Any]:
    """Best of five batches over ``streams`` simulated streams, after WARM observations of each."""
    import numpy as np

    from cheoyong.detect.anomaly.engine import screen_batch
    from cheoyong.detect.anomaly.state import STREAM, new_streams

    draw = np.random.default_rng(1)
    each = max(observations // streams, 1)
    state = new_streams(streams)
    which = np.repeat(np.arange(streams, dtype=np.int64), each)
    best_s = float("inf")
    warm = -(-WARM // each)
    for turn in range(warm + 5):
        at_us = np.tile(np.arange(each, dtype=np.int64) + turn * each, streams) * 60_000_000
        values = draw.normal(size=len(which))
        begun = perf_counter()
        screen_batch(state, which, at_us, values, 1.0)
        best_s = min(best_s, perf_counter() - begun) if turn >= warm else best_s
    return {
        "observations_per_core_s": round(len(which) / best_s),
        "bytes_per_stream": STREAM.itemsize,
        "streams_in_1_GB": 10**9 // STREAM.itemsize,
        "streams": streams,
        "observations_a_batch": len(which),
        "values": "simulated, normal",
    }
