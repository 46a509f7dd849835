# SPDX-License-Identifier: Apache-2.0
"""Scoring vectors in the form of the SMAP and MSL sets, on small sets made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cheoyong.app import score_vectors as scoring
from cheoyong.domain.errors import InvalidInput, NotFound


def folder_of(root: Path, train: np.ndarray, test: np.ndarray, spans: str) -> Path:
    for part, array in (("train", train), ("test", test)):
        (root / part).mkdir()
        np.save(root / part / "A-1.npy", array)
    lines = f'chan_id,spacecraft,anomaly_sequences\nA-1,made,"{spans}"\nB-1,made,"[[1, 2]]"\n'
    (root / "labeled_anomalies.csv").write_text(lines, encoding="utf-8")
    return root


def quiet(count: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    cause = draw.normal(size=count)
    return np.column_stack([cause, 2 * cause + 0.1 * draw.normal(size=count), np.full(count, 3.0)])


def test_an_event_over_several_streams_is_found_and_its_rows_are_counted(tmp_path: Path) -> None:
    test = quiet(1500, 2)
    test[1000:1100, 1] *= -1
    score = scoring.score_vectors(folder_of(tmp_path, quiet(1000, 1), test, "[[1000, 1099]]"))
    assert score["series"] == 1 and score["rows"] == 1500
    assert score["event_recall"] == 1.0
    assert score["recall"] > 0.9


def test_the_shares_are_those_of_rows_counted_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder_of(tmp_path, quiet(10, 1), quiet(10, 2), "[[2, 4], [8, 8]]")
    flags = np.array([0, 0, 0, 1, 1, 1, 0, 0, 0, 0], np.bool_)  # 2 of 4 true rows; 1 stray
    monkeypatch.setattr(scoring, "screened", lambda folder, name, monthly: flags)
    score = scoring.score_vectors(root)
    assert (score["precision"], score["recall"], score["f1"]) == (0.6667, 0.5, 0.5714)
    assert (score["windows"], score["event_recall"]) == (2, 0.5)
    assert score["f1_of_calling_every_row"] == 0.5714  # 8 / 14


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="labels"):
        scoring.score_vectors(tmp_path)
    root = folder_of(tmp_path, quiet(10, 1), quiet(10, 2), "[[2, 4]]")
    (root / "train" / "A-1.npy").write_bytes(b"no array")
    with pytest.raises(InvalidInput, match="array"):
        scoring.score_vectors(root)
    (root / "test" / "A-1.npy").unlink()
    with pytest.raises(NotFound):
        scoring.score_vectors(root)
