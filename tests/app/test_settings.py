# SPDX-License-Identifier: Apache-2.0
"""What a process of ours is started with: the settings of its starter, and nothing else of ours."""

from __future__ import annotations

import pytest

from cheoyong.app.settings import Settings, environment_of, read_settings


def test_a_child_has_our_settings_and_not_those_of_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEOYONG_TERRAIN", "/a/live/city.tif")
    monkeypatch.setenv("CHEOYONG_LANGUAGE", "ko")
    monkeypatch.setenv("PATH_OF_ANOTHER", "kept")
    ours = Settings({"mode": "exercise", "alarm_rows_days": 30})
    given = environment_of(ours)
    assert "CHEOYONG_TERRAIN" not in given
    assert (given["CHEOYONG_LANGUAGE"], given["PATH_OF_ANOTHER"]) == ("ko", "kept")
    assert read_settings(None, given) == ours
