# SPDX-License-Identifier: Apache-2.0
"""One time step of the full shallow water equations by finite volumes, first order in space and time.

Fluxes: Harten, Lax and van Leer (1983), SIAM Review 25(1), with Davis' (1988) speeds, the dry-bed speeds of
Toro (2001), "Shock-Capturing Methods for Free-Surface Shallow Flows", and the momentum along the face carried
by the flow of water (the contact wave of HLLC). Bed: hydrostatic reconstruction, Audusse, Bouchut, Bristeau,
Klein and Perthame (2004), SIAM J. Sci. Comput. 25(6). Friction: Manning, semi-implicit.

Momentum fluxes are kept as differences from the hydrostatic pressure of either side. A lake at rest then has
fluxes of exactly zero, in float32 too, instead of small differences of large numbers.
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
def primitive(u: Any, v: Any, c: Any, h: Any, hu: Any, hv: Any, k: Any) -> None:
    """Velocities and wave speed √(gh) of a row of cells, m/s; at rest where the depth is below ``dry``."""
    dry, gravity, zero, one = k[0], k[1], k[4], k[5]
    for i in range(h.size):
        inverse = one / max(h[i], dry)
        inverse = inverse if h[i] > dry else zero
        u[i] = hu[i] * inverse
        v[i] = hv[i] * inverse
        c[i] = np.sqrt(gravity * max(h[i], zero))


@compiled()
def fluxes(
    mass: Any, to_a: Any, to_b: Any, along: Any, h_a: Any, u_a: Any, v_a: Any, c_a: Any, z_a: Any,
    h_b: Any, u_b: Any, v_b: Any, c_b: Any, z_b: Any, k: Any,
) -> None:  # fmt: skip
    """HLL fluxes over a row of faces from a to b; ``to_a``, ``to_b``: less each side's pressure at rest."""
    dry, gravity, half, two, zero, one = k[0], k[1], k[2], k[3], k[4], k[5]
    tiny = k[6]
    for i in range(mass.size):
        z = max(z_a[i], z_b[i])
        ha, hb = max(zero, (h_a[i] + z_a[i]) - z), max(zero, (h_b[i] + z_b[i]) - z)
        # Everything is read before anything is chosen: a read inside a choice would not vectorise.
        ua, ub, ca, cb, va, vb = u_a[i], u_b[i], c_a[i], c_b[i], v_a[i], v_b[i]
        left, left_dry = min(ua - ca, ub - cb), ub - two * cb
        right, right_dry = max(ua + ca, ub + cb), ua + two * ca
        left = left if h_a[i] > dry else left_dry
        right = right if h_b[i] > dry else right_dry
        left, right = min(left, zero), max(right, zero)
        inverse = one / max(right - left, tiny)
        qa, qb, both = ha * ua, hb * ub, left * right
        pressure = half * gravity * (hb - ha) * (hb + ha)
        flow = (right * qa - left * qb + both * (hb - ha)) * inverse
        push = (right * (qa * ua) - left * (qb * ub + pressure) + both * (qb - qa)) * inverse
        mass[i] = flow
        to_a[i] = push
        to_b[i] = push - pressure
        along[i] = max(flow, zero) * va + min(flow, zero) * vb


@compiled()
def advance(
    h2: Any, hu2: Any, hv2: Any, h: Any, hu: Any, hv: Any, r: Any, mx0: Any, mx1: Any, px0: Any, px1: Any,
    tx0: Any, tx1: Any, my0: Any, my1: Any, py0: Any, py1: Any, ty0: Any, ty1: Any,
    share: Any, k: Any, ratio: Any, dt: Any,
) -> None:  # fmt: skip
    """New state of a row of cells: fluxes in less fluxes out, then Manning friction at the new depth."""
    dry, zero, one, c = k[0], k[4], k[5], k[7]
    for i in range(h.size):
        deep = max(total(h[i], ratio * ((mx0[i] - mx1[i]) + (my0[i] - my1[i])), share[i], c), zero)
        qx = hu[i] - ratio * ((px1[i] - px0[i]) + (ty1[i] - ty0[i]))
        qy = hv[i] - ratio * ((tx1[i] - tx0[i]) + (py1[i] - py0[i]))
        y = inverse_cube_root(max(deep, dry))
        y3 = y * y * y
        kept = one / (one + dt * r[i] * np.sqrt(qx * qx + qy * qy) * (y3 * y3 * y))
        kept = kept if deep > dry else zero
        h2[i] = deep
        hu2[i] = qx * kept
        hv2[i] = qy * kept


@compiled(parallel=True)
def stage(
    h2: Any, hu2: Any, hv2: Any, h: Any, hu: Any, hv: Any, z: Any, r: Any, tasks: Any, fastest: Any, k: Any,
    ratio: Any, dt: Any, share: Any, number: Any,
) -> None:  # fmt: skip
    """One Euler step from (h, hu, hv) into (h2, hu2, hv2) over the active ``tasks``.

    ``fastest`` gets each task's greatest |u| + c or |v| + c of the state *before* the step, m/s.
    """
    rough = 1 if r.shape[0] > 1 else 0
    for t in prange(tasks.shape[0]):
        first = 1 + tasks[t, 0] * BAND_ROWS
        end = min(first + BAND_ROWS, h.shape[0] - 1)
        fastest[t] = _sweep(
            h2,
            hu2,
            hv2,
            h,
            hu,
            hv,
            z,
            r,
            rough,
            first,
            end,
            tasks[t, 1],
            tasks[t, 2],
            k,
            ratio,
            dt,
            share,
            number,
        )


@compiled()
def _sweep(
    h2: Any, hu2: Any, hv2: Any, h: Any, hu: Any, hv: Any, z: Any, r: Any, rough: Any, first: Any, end: Any,
    x0: Any, x1: Any, k: Any, ratio: Any, dt: Any, share: Any, number: Any,
) -> Any:  # fmt: skip
    """One band, row by row; each row's velocities and the fluxes between two rows are computed once."""
    n = x1 - x0
    prim = np.empty((2, 3, n + 2), h.dtype)
    fx = np.empty((4, n + 1), h.dtype)
    fy = np.empty((2, 4, n), h.dtype)
    peak = np.zeros(n, h.dtype)
    a, b = x0 - 1, x1 + 1
    for j in range(first - 1, end):
        p, q = prim[j & 1], prim[(j + 1) & 1]
        if j == first - 1:
            primitive(p[0], p[1], p[2], h[j, a:b], hu[j, a:b], hv[j, a:b], k)
        primitive(q[0], q[1], q[2], h[j + 1, a:b], hu[j + 1, a:b], hv[j + 1, a:b], k)
        lo, up = fy[j & 1], fy[(j + 1) & 1]
        fluxes(
            up[0], up[1], up[2], up[3], h[j, x0:x1], p[1, 1 : n + 1], p[0, 1 : n + 1], p[2, 1 : n + 1],
            z[j, x0:x1], h[j + 1, x0:x1], q[1, 1 : n + 1], q[0, 1 : n + 1], q[2, 1 : n + 1],
            z[j + 1, x0:x1], k,
        )  # fmt: skip
        if j >= first:
            hj, zj = h[j, a:b], z[j, a:b]
            fluxes(
                fx[0], fx[1], fx[2], fx[3], hj[0 : n + 1], p[0, 0 : n + 1], p[1, 0 : n + 1], p[2, 0 : n + 1],
                zj[0 : n + 1], hj[1 : n + 2], p[0, 1 : n + 2], p[1, 1 : n + 2], p[2, 1 : n + 2],
                zj[1 : n + 2], k,
            )  # fmt: skip
            o = begin(number, j)
            advance(
                h2[j, x0:x1], hu2[j, x0:x1], hv2[j, x0:x1], h[j, x0:x1], hu[j, x0:x1], hv[j, x0:x1],
                r[j * rough, x0:x1], fx[0, 0:n], fx[0, 1 : n + 1], fx[2, 0:n], fx[1, 1 : n + 1],
                fx[3, 0:n], fx[3, 1 : n + 1], lo[0], up[0], lo[2], up[1], lo[3], up[3],
                share[o + x0 : o + x1], k, ratio, dt,
            )  # fmt: skip
            fastest_of_columns(peak, p[0, 1 : n + 1], p[1, 1 : n + 1], p[2, 1 : n + 1])
    return peak.max()


@compiled()
def fastest_of_columns(peak: Any, u: Any, v: Any, c: Any) -> None:
    """Raise ``peak`` to the wave speed of each column, m/s."""
    for i in range(peak.size):
        peak[i] = max(peak[i], max(abs(u[i]), abs(v[i])) + c[i])


def constants(dry_m: float, dtype: Any) -> Any:
    """The numbers a flux needs, in the precision of the run, so that nothing is promoted to float64.

    >>> constants(1e-4, "float64")[:7].tolist()
    [0.0001, 9.80665, 0.5, 2.0, 0.0, 1.0, 1e-12]
    """
    return np.array([dry_m, _GRAVITY, 0.5, 2.0, 0.0, 1.0, 1e-12, last_place(dtype)], dtype=dtype)
