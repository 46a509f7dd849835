# SPDX-License-Identifier: Apache-2.0
"""`score detect` on a small synthetic folder in NAB form."""

import json
import math
from datetime import datetime, timedelta

import pytest

from cheoyong.app.score_detect import read_series, score_folder
from cheoyong.domain.errors import InvalidInput, NotFound


def folder(tmp_path, jump=50.0):
    start = datetime.fromisoformat("2020-01-01")
    times = [(start + timedelta(minutes=5 * i)).isoformat(" ") for i in range(2000)]
    values = [
        math.sin(i * 2.4) + math.sin(i * 0.7) + (jump if 1500 <= i < 1520 else 0.0) for i in range(2000)
    ]
    rows = "".join(f"{at},{value}\n" for at, value in zip(times, values, strict=True))
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.csv").write_text("timestamp,value\n" + rows)
    spans = {"part/a.csv": [[times[1490] + ".000000", times[1560] + ".000000"]]}
    (tmp_path / "windows.json").write_text(json.dumps(spans))
    return tmp_path, tmp_path / "windows.json"


def test_F12_a_jump_in_its_window_is_found_and_its_lead_told(tmp_path):
    score = score_folder(*folder(tmp_path))
    assert score["event_recall"] == 1.0
    assert 0 < score["median_lead_s"] <= 70 * 300


def test_a_window_of_nothing_unusual_is_missed(tmp_path):
    assert score_folder(*folder(tmp_path, jump=0.0))["event_recall"] == 0.0


def test_a_word_for_a_number_is_named_and_an_empty_field_is_missing(tmp_path):
    file = tmp_path / "b.csv"
    file.write_text("timestamp,value\n2020-01-01 00:00:00,\n")
    assert math.isnan(read_series(file, "b.csv").values[0])
    file.write_text("timestamp,value\n2020-01-01 00:00:00,high\n")
    with pytest.raises(InvalidInput, match="high"):
        read_series(file, "b.csv")


def test_a_folder_without_series_is_told(tmp_path):
    (tmp_path / "windows.json").write_text("{}")
    with pytest.raises(NotFound):
        score_folder(tmp_path, tmp_path / "windows.json")
