# SPDX-License-Identifier: Apache-2.0
"""Floods on disk: whole or not there, never of another ground."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cheoyong.hazards.inundation.streets.ground import Ground, Reach, surveyed_ground
from cheoyong.hazards.inundation.streets.library import Flood
from cheoyong.records import flood_files
from cheoyong.records.flood_files import FloodFiles, digest_of

SHAPE = (4, 6)
REACH = Reach("x_m", ((0.0, 5.0), (60.0, 5.0)), (30.0, 5.0), 0.0, 0.0, 0.0, 10.0, 100.0)


def ground(height_m: float = 1.0, reach: Reach = REACH) -> Ground:
    return surveyed_ground(reach, np.full(SHAPE, height_m), 10.0, 0.0, 0.0)


def flood(stage_m: float) -> Flood:
    depth = np.full(SHAPE, stage_m, np.float32)
    return Flood(stage_m, depth, depth / 2)


def test_a_flood_that_is_kept_is_read_again(tmp_path: Path) -> None:
    files = FloodFiles(tmp_path, ground())
    assert files.stages_m() == ()
    files.keep(flood(2.0))
    files.keep(flood(1.5))
    assert files.stages_m() == (1.5, 2.0)
    (found,) = FloodFiles(tmp_path, ground()).read((2.0,))
    assert found.depth_m.tolist() == flood(2.0).depth_m.tolist()
    assert found.speed_m_s.tolist() == flood(2.0).speed_m_s.tolist()


def test_a_flood_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert FloodFiles(tmp_path, ground()).read((1.0, 2.0)) == []


def test_another_ground_another_reach_or_another_solver_is_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FloodFiles(tmp_path, ground()).keep(flood(2.0))
    assert FloodFiles(tmp_path, ground(1.001)).stages_m() == ()
    assert FloodFiles(tmp_path, ground(reach=replace(REACH, slope=0.001))).stages_m() == ()
    assert digest_of(ground()) == digest_of(ground())
    other = tmp_path / "solver"
    other.mkdir()
    (other / "__init__.py").write_text("")
    before = digest_of(ground())
    monkeypatch.setattr(flood_files.solver, "__file__", str(other / "__init__.py"))
    assert digest_of(ground()) != before


def test_what_a_killed_process_left_half_written_is_no_flood_and_is_swept_away(tmp_path: Path) -> None:
    files = FloodFiles(tmp_path, ground())
    files.keep(flood(2.0))
    (files.folder / "2.500.npz.1234.new").write_bytes(b"PK half")
    assert files.stages_m() == (2.0,)
    files.sweep()
    assert [path.name for path in files.folder.iterdir()] == ["2.000.npz"]


@pytest.mark.parametrize("rest", [0, 3, 60, 400])
def test_a_flood_that_the_disk_lost_is_removed_to_be_computed_again(tmp_path: Path, rest: int) -> None:
    files = FloodFiles(tmp_path, ground())
    files.keep(flood(2.0))
    path = files.folder / "2.000.npz"
    path.write_bytes(path.read_bytes()[:rest])
    assert files.read((2.0,)) == []
    assert files.stages_m() == ()


def test_a_flood_of_the_wrong_shape_or_with_holes_is_not_believed(tmp_path: Path) -> None:
    files = FloodFiles(tmp_path, ground())
    files.keep(Flood(2.0, np.zeros((2, 2)), np.zeros((2, 2))))
    files.keep(Flood(3.0, np.full(SHAPE, np.nan), np.zeros(SHAPE)))
    assert files.read((2.0, 3.0)) == []
    assert files.stages_m() == ()


def test_strangers_in_the_folder_are_no_floods(tmp_path: Path) -> None:
    files = FloodFiles(tmp_path, ground())
    files.keep(flood(2.0))
    (files.folder / "notes.npz").write_bytes(b"")
    assert files.stages_m() == (2.0,)
