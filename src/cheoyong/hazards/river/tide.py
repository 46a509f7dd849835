# SPDX-License-Identifier: Apache-2.0
"""The astronomical tide: harmonic analysis by least squares, and its prediction at any instant.

    h(t) = h0 + Σ_k a_k cos(σ_k t) + b_k sin(σ_k t)

Constituent speeds σ_k are astronomical constants (International Hydrographic Organization, Standard List of
Tidal Constituents; Schureman 1958, Special Publication 98, table 2). Which constituents a record can tell
apart follows from the Rayleigh criterion |σ_i − σ_j| T ≥ 360° (Foreman 1977). Nodal modulation (18.6 years)
is not corrected: the fit holds for the years around its training span.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cheoyong.domain.observation import Float64s, Int64s, Series

# Degrees per hour, in the order in which a short record is given them.
SPEED_DEG_H: dict[str, float] = {
    "M2": 28.9841042,
    "K1": 15.0410686,
    "O1": 13.9430356,
    "S2": 30.0,
    "N2": 28.4397295,
    "M4": 57.9682084,
    "MS4": 58.9841042,
    "Q1": 13.3986609,
    "SA": 0.0410686,
    "SSA": 0.0821373,
    "K2": 30.0821373,
    "P1": 14.9589314,
    "NU2": 28.5125831,
    "MU2": 27.9682084,
    "L2": 29.5284789,
    "S1": 15.0,
    "T2": 29.9589333,
}
DAYS_MIN = 30
_HOUR_US = 3_600_000_000
_EPOCH_US = 946_684_800_000_000  # 2000-01-01T00:00Z; only moves the phases


@dataclass(frozen=True, slots=True)
class Tide:
    """Fitted tide: constituent names, and coefficients (h0, a_1, b_1, a_2, …) in metres."""

    constituent: tuple[str, ...]
    coefficient_m: Float64s

    def predict_m(self, at_us: Int64s) -> Float64s:
        """Predicted sea level (m) above the record's zero at instants of any shape."""
        flat = np.asarray(at_us, np.int64).reshape(-1)
        return (_design(flat, self.constituent) @ self.coefficient_m).reshape(np.shape(at_us))

    def amplitude_m(self, name: str) -> float:
        """Amplitude of one constituent (m); ValueError when it was not fitted."""
        i = 1 + 2 * self.constituent.index(name)
        return float(np.hypot(self.coefficient_m[i], self.coefficient_m[i + 1]))


def fit_tide(level: Series) -> Tide | None:
    """Tide of a sea level record (m); None when it spans under 30 days or holds too few values.

    >>> hours = np.arange(24 * 60, dtype=np.int64)
    >>> wave_m = 0.4 + 0.1 * np.cos(np.deg2rad(28.9841042) * hours)
    >>> tide = fit_tide(Series(hours * 3_600_000_000, wave_m))
    >>> round(tide.amplitude_m("M2"), 6), round(float(tide.coefficient_m[0]), 6)
    (0.1, 0.4)
    """
    finite = np.isfinite(level.value)
    time_us, value_m = level.time_us[finite], level.value[finite]
    if len(time_us) < DAYS_MIN * 12 or time_us[-1] - time_us[0] < DAYS_MIN * 24 * _HOUR_US:
        return None
    names = separable((time_us[-1] - time_us[0]) / _HOUR_US)
    coefficient_m, *_ = np.linalg.lstsq(_design(time_us, names), value_m, rcond=1e-10)
    return Tide(names, np.asarray(coefficient_m, np.float64))


def separable(span_h: float) -> tuple[str, ...]:
    """Constituents that a record of ``span_h`` hours can tell apart (Rayleigh criterion).

    >>> separable(60 * 24.0)
    ('M2', 'K1', 'O1', 'S2', 'N2', 'M4', 'MS4', 'Q1', 'MU2', 'L2')
    """
    chosen: dict[str, float] = {}
    for name, speed in SPEED_DEG_H.items():
        if all(abs(speed - other) * span_h >= 360 for other in (0.0, *chosen.values())):
            chosen[name] = speed
    return tuple(chosen)


def _design(time_us: Int64s, names: tuple[str, ...]) -> Float64s:
    """Columns 1, cos σ_1 t, sin σ_1 t, cos σ_2 t, … at the instants."""
    hours = (time_us - _EPOCH_US) / _HOUR_US
    angle = hours[:, None] * np.deg2rad([SPEED_DEG_H[name] for name in names])
    columns = np.empty((len(hours), 1 + 2 * len(names)))
    columns[:, 0] = 1.0
    columns[:, 1::2] = np.cos(angle)
    columns[:, 2::2] = np.sin(angle)
    return columns
