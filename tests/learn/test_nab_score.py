# SPDX-License-Identifier: Apache-2.0
"""The NAB scoring rule against published tables and by hand.

Published: numenta/NAB (MIT data), results/ARTime: the per-row weights S(t) of speed_7578 and the per-series
scores of TravelTime_451 (one alarm) and art_daily_nojump (one stray alarm, one window missed).
"""

import numpy as np
import pytest

from cheoyong.learn.nab_score import PROFILES, Judged, raw_score, scaled_score, tally, worth_of_rows

STANDARD = PROFILES["standard"]


def judged(rows, windows, at=()):
    alarms = np.zeros(rows, dtype=np.bool_)
    alarms[list(at)] = True
    return Judged(alarms, tuple(windows))


def test_weights_of_rows_are_those_published_for_speed_7578():
    worth = worth_of_rows(1127, [(303, 331), (740, 768)], STANDARD)
    assert worth[0] == -0.11
    assert worth[303:306] == pytest.approx([1.0, 0.9974673237743696, 0.9944663453837748], abs=1e-14)
    assert worth[322] == pytest.approx(0.7067829063330667, abs=1e-14)
    assert worth_of_rows(1127, [(303, 331)], PROFILES["reward_low_FP_rate"])[0] == -0.22


def test_one_early_alarm_scores_what_is_published_for_traveltime_451():
    assert raw_score(judged(2162, [(438, 654)], [548]), STANDARD) == pytest.approx(0.8548083738085046)


def test_one_stray_alarm_and_one_missed_window_score_what_is_published_for_nojump():
    assert raw_score(judged(4032, [(2787, 3189)], [700]), STANDARD) == pytest.approx(-1.11)


def test_a_perfect_detector_has_100_and_a_silent_one_nothing():
    for profile in PROFILES.values():
        assert scaled_score([judged(100, [(30, 40)], [30]), judged(100, [(50, 60)], [50])], profile) == 100.0
        assert scaled_score([judged(100, [(30, 40)])], profile) == 0.0


def test_alarms_in_probation_neither_earn_nor_cost():
    assert raw_score(judged(100, [(50, 60)], [0, 14]), STANDARD) == -1.0
    assert tally([judged(100, [(50, 60)], [0, 14])]).stray_alarms == 0


def test_a_second_alarm_in_a_window_adds_nothing():
    assert raw_score(judged(100, [(50, 60)], [50, 51]), STANDARD) == 1.0
