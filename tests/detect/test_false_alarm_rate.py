# SPDX-License-Identifier: Apache-2.0
"""The set rate of alarms beside the measured one, on the real hourly series of Ulsan's city pack.

The screening engine was not fitted to these series. They are quiet most of the time, but not all of it: what
alarms in a flood counts here as a false alarm too.
"""

import csv
import gzip
from datetime import datetime
from importlib.resources import files

import numpy as np
import pytest

from cheoyong.detect.anomaly.control import EVIDENCE_MAX, LIMIT, MONTH_US, STEP
from cheoyong.detect.anomaly.engine import screen_batch
from cheoyong.detect.anomaly.state import new_streams

HISTORY = files("cheoyong") / "cities" / "ulsan" / "history"


def hourly_series():
    for name in ("stage", "dam", "tide"):
        with gzip.open(str(HISTORY / f"{name}_hourly.csv.gz"), "rt") as file:
            rows = list(csv.DictReader(file))
        at_us = np.array([int(datetime.fromisoformat(row["time"]).timestamp()) * 1_000_000 for row in rows])
        for column in list(rows[0])[1:]:
            values = np.array([float(row[column] or "nan") for row in rows])
            yield column, at_us[np.isfinite(values)], values[np.isfinite(values)]


SERIES = list(hourly_series())


def test_there_are_eleven_real_series_of_months_and_years():
    assert len(SERIES) == 11
    assert min(at_us[-1] - at_us[0] for _, at_us, _ in SERIES) > 6 * MONTH_US


@pytest.mark.parametrize("monthly", [0.25, 1.0])
def test_no_real_series_alarms_more_often_than_is_set(monthly):
    for name, at_us, values in SERIES:
        which = np.zeros(len(values), np.int64)
        _, alarmed = screen_batch(new_streams(1), which, at_us, values, monthly)
        months = (at_us[-1] - at_us[0]) / MONTH_US
        to_find_the_limit = np.log(EVIDENCE_MAX / LIMIT) / STEP + 1
        assert alarmed.sum() <= monthly * months + to_find_the_limit, name
        late = at_us >= at_us[0] + (at_us[-1] - at_us[0]) // 2
        assert alarmed[late].sum() <= monthly * months / 2 + 4, name


def test_one_alarm_a_month_for_each_is_kept_by_all_together_with_their_beginning():
    alarms = months = 0.0
    for _, at_us, values in SERIES:
        _, alarmed = screen_batch(new_streams(1), np.zeros(len(values), np.int64), at_us, values, 1.0)
        alarms += alarmed.sum()
        months += (at_us[-1] - at_us[0]) / MONTH_US
    assert 0 < alarms / months <= 1.0
