# SPDX-License-Identifier: Apache-2.0
"""A field of cells as a PNG of one pixel a cell, north up, transparent where there is nothing to show.

Colours: Blues, Purples and YlOrRd of ColorBrewer (Brewer 2013), which the colour-blind tell apart too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

Scale = Sequence[tuple[float, str]]
"""Least value of each class and its colour, rising."""

SCALES: dict[str, Scale] = {
    "depth": ((0.05, "#c6dbef"), (0.3, "#9ecae1"), (0.5, "#6baed6"), (1.0, "#3182bd"), (2.0, "#08519c")),
    "probability": (
        (0.05, "#dadaeb"), (0.2, "#bcbddc"), (0.4, "#9e9ac8"), (0.6, "#756bb1"), (0.8, "#54278f"),
    ),
    "hazard": (
        (1, "#ffffb2"), (2, "#fed976"), (3, "#feb24c"), (4, "#fd8d3c"), (5, "#f03b20"), (6, "#bd0026"),
    ),
}  # fmt: skip
ALPHA = 200


def png_of(values: Any, scale: Scale) -> bytes:
    r"""Bytes of an RGBA PNG (ISO/IEC 15948) of ``values`` (rows from south to north, columns).

    >>> png_of(np.zeros((2, 3)), SCALES["depth"])[:4]
    b'\x89PNG'
    """
    limits = np.array([least for least, _ in scale])
    colours = np.zeros((len(scale) + 1, 4), np.uint8)
    for number, (_, colour) in enumerate(scale, 1):
        colours[number] = (*bytes.fromhex(colour[1:]), ALPHA)
    pixels = colours[np.searchsorted(limits, np.asarray(values)[::-1], side="right")]
    rows, columns = pixels.shape[:2]
    lines = np.zeros((rows, 1 + 4 * columns), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = pixels.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
