# SPDX-License-Identifier: Apache-2.0
"""The shallow water equations to second order: MUSCL in space, Heun in time.

Audusse et al. (2004), sec. 3: minmod slopes of stage, depth and velocity, bed at a face = stage −
depth, hydrostatic reconstruction between the two sides, and a centred source for the bed inside a cell.
Heun: Shu and Osher (1988), J. Comput. Phys. 77.
Beside dry cells the slopes are zero (first order), so that no water is invented at the shore.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cheoyong.hazards.inundation.compiled import compiled, prange
from cheoyong.hazards.inundation.dither import begin, total
from cheoyong.hazards.inundation.shallow_water import advance, fastest_of_columns, fluxes, primitive
from cheoyong.hazards.inundation.tiles import BAND_ROWS

# Rows of a block of reconstructed values.
_H, _U, _V, _C, _Z = 0, 1, 2, 3, 4


@compiled()
def _slopes_of_water(
    lo_h: Any, hi_h: Any, lo_c: Any, hi_c: Any, lo_z: Any, hi_z: Any, smooth: Any,
    h0: Any, h1: Any, h2: Any, z0: Any, z1: Any, z2: Any, k: Any,
) -> None:  # fmt: skip
    """Depth, √(gh) and bed at the low and the high face of each cell of a row, from its neighbours 0 and 2.

    ``smooth`` gets ½ where all three cells are wet, else 0.
    """
    dry, gravity, half, zero = k[0], k[1], k[2], k[4]
    for i in range(smooth.size):
        a, b, c = h0[i], h1[i], h2[i]
        share = half if min(a, b, c) > dry else zero
        e = b + z1[i]
        before, after = b - a, c - b
        dh = share * (max(zero, min(before, after)) + min(zero, max(before, after)))
        before, after = e - (a + z0[i]), (c + z2[i]) - e
        de = share * (max(zero, min(before, after)) + min(zero, max(before, after)))
        low, high = max(b - dh, zero), max(b + dh, zero)
        smooth[i] = share
        lo_h[i], hi_h[i] = low, high
        lo_c[i], hi_c[i] = np.sqrt(gravity * low), np.sqrt(gravity * high)
        lo_z[i], hi_z[i] = (e - de) - low, (e + de) - high


@compiled()
def _slopes_of_speed(lo: Any, hi: Any, smooth: Any, u0: Any, u1: Any, u2: Any, k: Any) -> None:
    """One component of velocity likewise."""
    zero = k[4]
    for i in range(smooth.size):
        here = u1[i]
        before, after = here - u0[i], u2[i] - here
        du = smooth[i] * (max(zero, min(before, after)) + min(zero, max(before, after)))
        lo[i], hi[i] = here - du, here + du


@compiled()
def _slopes(
    lo: Any, hi: Any, smooth: Any, h0: Any, h1: Any, h2: Any, z0: Any, z1: Any, z2: Any,
    p0: Any, p1: Any, p2: Any, at: Any, k: Any,
) -> None:  # fmt: skip
    """All of a row; ``p0``, ``p1``, ``p2``: rows of velocities, of which those from ``at`` on belong to it.

    Rows are handed on one by one: a view of several of them would hide that their values lie side by side.
    """
    _slopes_of_water(lo[_H], hi[_H], lo[_C], hi[_C], lo[_Z], hi[_Z], smooth, h0, h1, h2, z0, z1, z2, k)
    end = at + smooth.size
    _slopes_of_speed(lo[_U], hi[_U], smooth, p0[0, at:end], p1[0, at:end], p2[0, at:end], k)
    _slopes_of_speed(lo[_V], hi[_V], smooth, p0[1, at:end], p1[1, at:end], p2[1, at:end], k)


@compiled()
def _slopes_along(lo: Any, hi: Any, smooth: Any, h: Any, z: Any, p: Any, k: Any) -> None:
    """Likewise within a row of n cells and two more on each side, for n + 2; ``p``: its velocities."""
    m = smooth.size
    _slopes_of_water(
        lo[_H], hi[_H], lo[_C], hi[_C], lo[_Z], hi[_Z], smooth,
        h[0:m], h[1 : m + 1], h[2 : m + 2], z[0:m], z[1 : m + 1], z[2 : m + 2], k,
    )  # fmt: skip
    for row, which in ((0, _U), (1, _V)):
        _slopes_of_speed(lo[which], hi[which], smooth, p[row, 0:m], p[row, 1 : m + 1], p[row, 2 : m + 2], k)


@compiled()
def _bed_inside(push: Any, lo_h: Any, hi_h: Any, lo_z: Any, hi_z: Any, k: Any) -> None:
    """Add the centred source of each cell, g h (Δstage), to the push on its high face."""
    gravity, half = k[1], k[2]
    for i in range(push.size):
        rise = (hi_h[i] + hi_z[i]) - (lo_h[i] + lo_z[i])
        push[i] += gravity * half * (lo_h[i] + hi_h[i]) * rise


@compiled(parallel=True)
def stage(
    h2: Any, hu2: Any, hv2: Any, h: Any, hu: Any, hv: Any, z: Any, r: Any, tasks: Any, fastest: Any, k: Any,
    ratio: Any, dt: Any, share: Any, number: Any,
) -> None:  # fmt: skip
    """One Euler step of second order in space; arguments as in :func:`shallow_water.stage`."""
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
    """One band; rows outside the array are walls, whose slopes are zero because they are dry."""
    n = x1 - x0
    a, b = x0 - 2, x1 + 2
    last = h.shape[0] - 1
    prim = np.zeros((3, 3, n + 4), h.dtype)
    xlo, xhi = np.zeros((5, n + 2), h.dtype), np.zeros((5, n + 2), h.dtype)
    ylo, yhi = np.zeros((2, 5, n), h.dtype), np.zeros((2, 5, n), h.dtype)
    fx = np.zeros((4, n + 1), h.dtype)
    fy = np.zeros((2, 4, n), h.dtype)
    even, even_along = np.zeros(n, h.dtype), np.zeros(n + 2, h.dtype)
    peak = np.zeros(n, h.dtype)
    for j in range(first - 2, first + 1):
        jj = max(j, 0)
        p = prim[j % 3]
        primitive(p[0], p[1], p[2], h[jj, a:b], hu[jj, a:b], hv[jj, a:b], k)
    for j in range(first - 1, end + 1):  # row j gets its slopes, face j | j-1 its flux, row j-1 its new state
        if j > first - 1:
            p = prim[(j + 1) % 3]
            jj = min(j + 1, last)
            primitive(p[0], p[1], p[2], h[jj, a:b], hu[jj, a:b], hv[jj, a:b], k)
        j0, j2 = max(j - 1, 0), min(j + 1, last)
        lo, hi = ylo[j & 1], yhi[j & 1]
        p0, p1, p2 = prim[(j - 1) % 3], prim[j % 3], prim[(j + 1) % 3]
        _slopes(
            lo, hi, even, h[j0, x0:x1], h[j, x0:x1], h[j2, x0:x1], z[j0, x0:x1], z[j, x0:x1], z[j2, x0:x1],
            p0, p1, p2, 2, k,
        )  # fmt: skip
        if j == first - 1:
            continue
        s, up = yhi[(j - 1) & 1], fy[j & 1]
        fluxes(
            up[0], up[1], up[2], up[3], s[_H], s[_V], s[_U], s[_C], s[_Z],
            lo[_H], lo[_V], lo[_U], lo[_C], lo[_Z], k,
        )  # fmt: skip
        if j == first:
            continue
        i = j - 1
        pi = prim[i % 3]
        low = fy[i & 1]
        _slopes_along(xlo, xhi, even_along, h[i, a:b], z[i, a:b], pi, k)
        g, e = n + 1, n + 2
        fluxes(
            fx[0], fx[1], fx[2], fx[3], xhi[_H, :g], xhi[_U, :g], xhi[_V, :g], xhi[_C, :g], xhi[_Z, :g],
            xlo[_H, 1:e], xlo[_U, 1:e], xlo[_V, 1:e], xlo[_C, 1:e], xlo[_Z, 1:e], k,
        )  # fmt: skip
        _bed_inside(fx[1, 1:g], xlo[_H, 1:g], xhi[_H, 1:g], xlo[_Z, 1:g], xhi[_Z, 1:g], k)
        _bed_inside(up[1], ylo[i & 1, _H], yhi[i & 1, _H], ylo[i & 1, _Z], yhi[i & 1, _Z], k)
        o = begin(number, i)
        advance(
            h2[i, x0:x1], hu2[i, x0:x1], hv2[i, x0:x1], h[i, x0:x1], hu[i, x0:x1], hv[i, x0:x1],
            r[i * rough, x0:x1], fx[0, 0:n], fx[0, 1:g], fx[2, 0:n], fx[1, 1:g], fx[3, 0:n], fx[3, 1:g],
            low[0], up[0], low[2], up[1], low[3], up[3],
            share[o + x0 : o + x1], k, ratio, dt,
        )  # fmt: skip
        fastest_of_columns(peak, pi[0, 2 : n + 2], pi[1, 2 : n + 2], pi[2, 2 : n + 2])
    return peak.max()


@compiled(parallel=True)
def average(
    h: Any, hu: Any, hv: Any, h1: Any, hu1: Any, hv1: Any, h2: Any, hu2: Any, hv2: Any, tasks: Any,
    share: Any, number: Any, c: Any,
) -> None:  # fmt: skip
    """Heun's second half: the mean of the state before (1) and after two Euler steps (2)."""
    for t in prange(tasks.shape[0]):
        first = 1 + tasks[t, 0] * BAND_ROWS
        x0, x1 = tasks[t, 1], tasks[t, 2]
        for j in range(first, min(first + BAND_ROWS, h.shape[0] - 1)):
            o = begin(number, j)
            _mean_depth(h[j, x0:x1], h1[j, x0:x1], h2[j, x0:x1], share[o + x0 : o + x1], c)
            _mean(hu[j, x0:x1], hu1[j, x0:x1], hu2[j, x0:x1])
            _mean(hv[j, x0:x1], hv1[j, x0:x1], hv2[j, x0:x1])


@compiled()
def _mean(out: Any, a: Any, b: Any) -> None:
    """Mean of two rows; exact halves, so float32 stays float32."""
    for i in range(out.size):
        out[i] = np.float32(0.5) * (a[i] + b[i])


@compiled()
def _mean_depth(out: Any, a: Any, b: Any, share: Any, c: Any) -> None:
    """Mean of two rows of depths, rounded in turn."""
    for i in range(out.size):
        out[i] = np.float32(0.5) * total(a[i], b[i], share[i], c)
