# SPDX-License-Identifier: Apache-2.0
"""Harmonic analysis beside UTide (independent program) on the measured tide."""

from __future__ import annotations

import numpy as np
import utide

from cheoyong.domain.instant import HOUR_US
from cheoyong.domain.observation import Series
from cheoyong.hazards.river.tide import SPEED_DEG_H, fit_tide, separable


def test_amplitudes_and_prediction_agree_with_utide(river_history):
    level = river_history["ulsan_tide_m"]
    ours = fit_tide(level)
    days = level.time_us / (24 * HOUR_US)
    theirs = utide.solve(
        days, level.value, lat=35.5, nodal=False, trend=False, method="ols", conf_int="none",
        constit=list(ours.constituent), epoch="1970-01-01", phase="raw", verbose=False,
    )  # fmt: skip
    amplitude = dict(zip(theirs.name, theirs.A, strict=True))
    assert set(amplitude) == set(ours.constituent)
    for name in ours.constituent:
        assert abs(ours.amplitude_m(name) - amplitude[name]) < 5e-4, name
    rebuilt = utide.reconstruct(days[::37], theirs, epoch="1970-01-01", verbose=False)
    np.testing.assert_allclose(ours.predict_m(level.time_us[::37]), rebuilt.h, atol=2e-3)


def test_speeds_agree_with_those_utide_computes_from_astronomy():
    from utide._ut_constants import ut_constants

    names = [name.strip() for name in ut_constants["const"]["name"]]
    for name, speed_deg_h in SPEED_DEG_H.items():
        assert abs(ut_constants["const"]["freq"][names.index(name)] * 360 - speed_deg_h) < 2e-6, name


def test_a_short_record_is_not_asked_for_constituents_it_cannot_tell_apart():
    assert "K2" not in separable(60 * 24)
    assert {"K2", "P1", "SA"} <= set(separable(3 * 366 * 24))


def test_too_short_a_record_gives_no_tide():
    hours = np.arange(20 * 24)
    assert fit_tide(Series(hours * HOUR_US, np.sin(hours / 2))) is None
