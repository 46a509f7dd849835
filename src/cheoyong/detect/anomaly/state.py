# SPDX-License-Identifier: Apache-2.0
"""The memory of many streams: one structured row each, of fixed size, raw bytes out and in again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.errors import InvalidInput

MEMBERS = ("level", "rate", "forecast", "shift", "louder", "calmer", "cusum", "page_hinkley", "shape")
CELLS = 168  # hour of day × day of week
RING = 16  # newest values kept for shape
SHAPES = 16  # earlier shapes kept
BINS = 128  # of the histogram of evidence

STREAM = np.dtype(
    [
        ("seen", "i8"),
        ("at_us", "i8"),
        ("last", "f8"),
        ("level", "f8"),
        ("scale", "f8"),
        ("step_scale", "f8"),
        ("fast", "f8"),
        ("error", "f8", (5,)),  # of each forecast
        ("low", "f8"),
        ("high", "f8"),
        ("shift", "f8"),
        ("spread", "f8"),
        ("usual_spread", "f8"),
        ("up", "f8"),
        ("down", "f8"),
        ("drift", "f8"),
        ("drift_low", "f8"),
        ("drift_high", "f8"),
        ("residual_scale", "f8"),
        ("hour", "f4", (24,)),
        ("hour_n", "f4", (24,)),
        ("cell", "f4", (CELLS,)),
        ("cell_n", "f4", (CELLS,)),
        ("ring", "f4", (RING,)),
        ("shape", "f4", (SHAPES, RING)),
        ("shapes", "i8"),
        ("edge", "f8", (len(MEMBERS),)),
        ("excess", "f8", (len(MEMBERS),)),
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
Streams = NDArray[np.void]


def new_streams(count: int) -> Streams:
    """State of ``count`` streams of which nothing is known; ``STREAM.itemsize`` bytes each.

    >>> STREAM.itemsize <= 10_000  # 100,000 streams in 1 GB
    True
    """
    return np.zeros(count, dtype=STREAM)


def dump(streams: Streams) -> bytes:
    """The state as raw little-endian bytes, exact.

    >>> bool((load(dump(new_streams(2))) == new_streams(2)).all())
    True
    """
    return streams.tobytes()


def load(raw: bytes) -> Streams:
    """The state back from ``dump``; bytes of another length are ``InvalidInput``.

    >>> load(b"short")
    Traceback (most recent call last):
    ...
    cheoyong.domain.errors.InvalidInput: 5 bytes are not whole streams
    """
    if len(raw) % STREAM.itemsize:
        raise InvalidInput(f"{len(raw)} bytes are not whole streams")
    return np.frombuffer(raw, dtype=STREAM).copy()
