# SPDX-License-Identifier: Apache-2.0
"""One time step of the local-inertial equations: shallow water without the advection of momentum.

Bates, Horritt and Fewtrell (2010), J. Hydrology 387: flux and depth. de Almeida, Bates, Freer and
Souvignet (2012), Water Resources Research 48, W05528: q-centred flux, which damps the chequerboard that the
first leaves on smooth beds. Friction takes the component of flow across the face, as those papers do.

Ours: |q| is held to half of the donor's water per step, so that a cell can owe at most its own depth;
the debt stays in the depth as a negative number until water comes back. Nothing is clipped, so mass is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.hazards.inundation.compiled import compiled, prange
from cheoyong.hazards.inundation.cube_root import inverse_cube_root
from cheoyong.hazards.inundation.dither import begin, last_place, total
from cheoyong.hazards.inundation.tiles import BAND_ROWS

_GRAVITY = 9.80665


@compiled()
def _faces(
    q: Any,
    old: Any,
    before: Any,
    after: Any,
    h_a: Any,
    h_b: Any,
    z_a: Any,
    z_b: Any,
    r_a: Any,
    r_b: Any,
    k: Any,
) -> None:
    """Unit discharge over a row of faces, m²/s, from cell a to cell b; ``k`` = :func:`constants`.

    A neighbour without flow (a wall, dry ground) takes no part in the average: it would take momentum that
    nothing has taken, and a river let in beside a wall would lose head.
    """
    theta, side, slope, friction, cap, dry = k[0], k[1], k[2], k[3], k[4], k[5]
    zero, one = k[6], k[7]
    for i in range(q.size):
        a, b = h_a[i], h_b[i]
        stage_a, stage_b = z_a[i] + a, z_b[i] + b
        flow_depth = max(stage_a, stage_b) - max(z_a[i], z_b[i])
        depth = max(flow_depth, dry)
        y = inverse_cube_root(depth)
        y3 = y * y * y
        here, one_side, other = old[i], before[i], after[i]
        one_side = one_side if one_side != zero else here
        other = other if other != zero else here
        centred = theta * here + side * (one_side + other)
        resisted = one + friction * (r_a[i] + r_b[i]) * abs(here) * (y3 * y3 * y)
        flow = (centred + slope * depth * (stage_a - stage_b)) / resisted
        flow = min(max(flow, -cap * max(b, zero)), cap * max(a, zero))
        q[i] = flow if flow_depth > dry else zero


@compiled()
def _rise(
    h: Any, peak: Any, left: Any, right: Any, below: Any, above: Any, share: Any, c: Any, ratio: Any
) -> None:  # fmt: skip
    """Add to a row of depths what flowed in less what flowed out; ``peak``: greatest of each column.

    A single greatest depth of the row would be one chain of comparisons, which LLVM does not vectorise.
    """
    for i in range(h.size):
        new = total(h[i], ratio * ((left[i] - right[i]) + (below[i] - above[i])), share[i], c)
        h[i] = new
        peak[i] = max(peak[i], new)


@compiled(parallel=True)
def step(
    h: Any,
    qx: Any,
    qy: Any,
    z: Any,
    r: Any,
    tasks: Any,
    edge_old: Any,
    edge_new: Any,
    deepest: Any,
    k: Any,
    ratio: Any,
    share: Any,
    number: Any,
) -> None:
    """One step in place over the active ``tasks`` (band, first column, end column).

    Every face is computed from the state before the step, so the result does not depend on who computes what:
    the faces between two bands first, then each band by itself in one sweep through memory.
    ``r`` = g n² (SI), one row if the same everywhere; ``deepest`` gets each task's greatest depth.
    ``share``, ``number``: the table of dither.shares, and which step this is.
    """
    rough = 1 if r.shape[0] > 1 else 0
    rows_end = h.shape[0] - 1
    for t in prange(tasks.shape[0]):
        band, x0, x1 = tasks[t, 0], tasks[t, 1], tasks[t, 2]
        j = 1 + band * BAND_ROWS
        edge_old[band, x0:x1] = qy[j, x0:x1]
        _faces(
            edge_new[band, x0:x1], qy[j, x0:x1], qy[j - 1, x0:x1], qy[j + 1, x0:x1],
            h[j - 1, x0:x1], h[j, x0:x1], z[j - 1, x0:x1], z[j, x0:x1],
            r[(j - 1) * rough, x0:x1], r[j * rough, x0:x1], k,
        )  # fmt: skip
    for t in prange(tasks.shape[0]):
        band, x0, x1 = tasks[t, 0], tasks[t, 1], tasks[t, 2]
        first = 1 + band * BAND_ROWS
        end = min(first + BAND_ROWS, rows_end)
        deepest[t] = _sweep(
            h, qx, qy, z, r, rough, first, end, x0, x1, edge_old, edge_new, band, k, ratio, share, number
        )


@compiled()
def _sweep(
    h: Any, qx: Any, qy: Any, z: Any, r: Any, rough: Any, first: Any, end: Any, x0: Any, x1: Any,
    edge_old: Any, edge_new: Any, band: Any, k: Any, ratio: Any, share: Any, number: Any,
) -> Any:  # fmt: skip
    """One band from its lowest row to its highest, each array read and written once."""
    n = x1 - x0
    was_x = np.empty(n + 2, h.dtype)
    was_y = np.empty((2, n), h.dtype)
    was_y[first & 1] = edge_old[band, x0:x1]
    below = edge_new[band, x0:x1]
    peak = np.zeros(n, h.dtype)
    for j in range(first, end):
        was_x[:] = qx[j, x0 - 1 : x1 + 1]
        hj, zj, rj = h[j, x0:x1], z[j, x0:x1], r[j * rough, x0:x1]
        _faces(
            qx[j, x0:x1], was_x[1 : n + 1], was_x[0:n], was_x[2 : n + 2], h[j, x0 - 1 : x1 - 1], hj,
            z[j, x0 - 1 : x1 - 1], zj, r[j * rough, x0 - 1 : x1 - 1], rj, k,
        )  # fmt: skip
        above = edge_new[band + 1, x0:x1]
        if j + 1 < end:
            above = qy[j + 1, x0:x1]
            was_y[(j + 1) & 1] = above
            further = qy[j + 2, x0:x1] if j + 2 < end else edge_old[band + 1, x0:x1]
            _faces(
                above, was_y[(j + 1) & 1], was_y[j & 1], further, hj, h[j + 1, x0:x1],
                zj, z[j + 1, x0:x1], rj, r[(j + 1) * rough, x0:x1], k,
            )  # fmt: skip
        o = begin(number, j)
        _rise(
            hj, peak, qx[j, x0:x1], qx[j, x0 + 1 : x1 + 1], below, above, share[o + x0 : o + x1], k[8], ratio
        )
        below = above
    qy[first, x0:x1] = edge_new[band, x0:x1]
    return peak.max()


def constants(dt_s: float, cell_m: float, theta: float, dry_m: float, dtype: Any) -> Any:
    """The numbers a face and a cell need, in the precision of the run: nothing is promoted to float64.

    >>> constants(1.0, 10.0, 0.8, 1e-4, "float64")[:8].round(6).tolist()
    [0.8, 0.1, 0.980665, 0.5, 5.0, 0.0001, 0.0, 1.0]
    """
    side, slope, cap = 0.5 * (1.0 - theta), _GRAVITY * dt_s / cell_m, 0.5 * cell_m / dt_s
    return np.array([theta, side, slope, 0.5 * dt_s, cap, dry_m, 0.0, 1.0, last_place(dtype)], dtype=dtype)
