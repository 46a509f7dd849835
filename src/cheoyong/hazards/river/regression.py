# SPDX-License-Identifier: Apache-2.0
"""Weighted ridge regression kept as its normal equations, so that any subset of inputs can be solved again.

    β = argmin Σ w_i (y_i − β·x_i)² + λ |β|²     (Hoerl and Kennard 1970), β_j ≥ 0 for "rising" columns

When inputs are missing their columns are struck out and the smaller system is solved: exactly the
regression that training without them would have given, so nothing is imputed. The sign constraint is
met by striking out negative coefficients and solving again (a backward active-set step; for the true
non-negative least squares see Lawson and Hanson 1974, chapter 23).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.observation import Float64s

Bools = NDArray[np.bool_]
RIDGE = 10.0  # rows' worth of prior weight against each standardised coefficient
_ROUNDS_MAX = 20


@dataclass(frozen=True, slots=True)
class Normal:
    """Weighted sums of rows: gram (p, p), moment (p,), squared (y'y) and weight, columns standardised."""

    gram: Float64s
    moment: Float64s
    squared: float
    weight: float

    def variance(self, beta: Float64s) -> float:
        """Weighted mean square error of ``beta`` on these rows (units of y, squared)."""
        error = float(self.squared - 2 * beta @ self.moment + beta @ self.gram @ beta)
        return max(error, 0.0) / max(self.weight, 1e-12)


def normal(x: Float64s, y: Float64s, weight: Float64s) -> Normal:
    """Sums over rows of x (n, p), y (n,), weight (n,)."""
    weighted = x * weight[:, None]
    return Normal(weighted.T @ x, weighted.T @ y, float(weight @ y**2), float(weight.sum()))


@dataclass(frozen=True, slots=True)
class Scaling:
    """Centre and spread of each column; column 0 of ``design`` is the intercept."""

    mean: Float64s
    scale: Float64s

    def design(self, x: Float64s) -> Float64s:
        """Standardised columns behind an intercept: (n, 1 + p)."""
        out = np.empty((len(x), 1 + x.shape[1]))
        out[:, 0] = 1.0
        np.divide(x - self.mean, self.scale, out=out[:, 1:])
        return out


def scaling(x: Float64s) -> Scaling:
    """Mean and standard deviation of the columns of x (n, p); constant columns get an infinite spread."""
    spread = x.std(axis=0)
    return Scaling(x.mean(axis=0), np.where(spread > 1e-9, spread, np.inf))


def solve(sums: Normal, keep: Bools, rising: Bools) -> Float64s:
    """Coefficients (p,), zero outside ``keep``, none negative where ``rising``.

    >>> x = np.array([[1.0, -1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> sums = normal(x, np.array([1.0, 2.0, 3.0]), np.full(3, 1e9))
    >>> solve(sums, np.array([True, True]), np.array([False, True])).round(6).tolist()
    [2.0, 1.0]
    >>> solve(sums, np.array([True, False]), np.array([False, True])).round(6).tolist()
    [2.0, 0.0]
    """
    active = keep & (np.diag(sums.gram) > 0)
    penalty = np.full(len(active), RIDGE)
    penalty[0] = 0.0
    beta = np.zeros(len(active))
    for _ in range(_ROUNDS_MAX):
        beta[:] = 0.0
        index = np.flatnonzero(active)
        system = sums.gram[np.ix_(index, index)] + np.diag(penalty[index])
        beta[index] = np.linalg.solve(system, sums.moment[index])
        wrong = rising & (beta < 0)
        if not wrong.any():
            return beta
        active &= ~wrong
    return np.where(rising, np.maximum(beta, 0.0), beta)
