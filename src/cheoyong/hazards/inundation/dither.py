# SPDX-License-Identifier: Apache-2.0
"""Depths are rounded up or down in turn, so that float32 keeps a rise that is smaller than its last place.

Rounded to the nearest, a depth of 0.3 m that rises by 10 nm a step does not rise at all, and the water that
came is lost: 1e-4 of a flood of five hours on fine cells. So the part that a sum loses (Knuth's TwoSum) and a
share of the last place between -1/2 and 1/2 are added before rounding; over cells and steps the shares fill
the interval evenly (multiples of the golden ratio, Weyl 1916), and the errors cancel. Nothing is drawn: the
share depends on cell and step alone, not on who computes it. On stochastic rounding: Croci et al. (2022),
R. Soc. Open Sci. 9: 211631.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.hazards.inundation.compiled import compiled

TURNS = 4096
_GOLDEN = 0.5 * (np.sqrt(5.0) - 1.0)


def shares(columns: int, dtype: Any) -> Any:
    """Shares of the last place for a row of ``columns`` cells from each of ``TURNS`` beginnings, -1/2 to 1/2.

    >>> shares(2, "float64")[:3].round(4).tolist()
    [0.118, -0.2639, 0.3541]
    """
    return ((np.arange(1, columns + TURNS + 1) * _GOLDEN) % 1.0 - 0.5).astype(dtype)


def last_place(dtype: Any) -> float:
    """The factor ``c`` with which ``(a + a c) - a`` is one unit in the last place of any ``a`` above zero.

    >>> a = np.float32(1.9999999)
    >>> float((a + a * np.float32(last_place("float32"))) - a) == 2.0**-23
    True
    """
    return float(np.finfo(dtype).epsneg) * (1.0 + 2.0**-20)


@compiled()
def begin(step: Any, row: Any) -> Any:
    """Where in the table the shares of a row begin in a step.

    Mixed (Steele, Lea and Flood 2014), not in turn: two roundings of one depth, one after the other,
    must know nothing of each other.
    """
    mixed = (np.uint64(step) << np.uint64(24)) + np.uint64(row) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.int64((mixed ^ (mixed >> np.uint64(31))) % np.uint64(TURNS))


@compiled()
def total(a: Any, b: Any, share: Any, c: Any) -> Any:
    """The sum, rounded up or down by ``share``; exactly a + b where that is a number of this precision."""
    near = a + b
    part = near - a
    lost = (a - (near - part)) + (b - part)
    size = abs(near)
    turn = share * ((size + size * c) - size)
    return near + (lost + turn) if lost != 0.0 else near
