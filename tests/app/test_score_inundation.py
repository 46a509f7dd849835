# SPDX-License-Identifier: Apache-2.0
"""Scoring on measured floods: the reading of their files, tried on small made-up ones in the same layout."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cheoyong.app.flood_cases import merewether
from cheoyong.app.score_inundation import score_inundation
from cheoyong.cli.score import app
from cheoyong.domain.errors import InvalidInput, NotFound

WEST, SOUTH, CELLS = 382280, 6354270, 40


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A made-up slope of 1 % down to the east with one house, in the layout of Merewether."""
    rows = [" ".join(f"{10 - 0.01 * column:.2f}" for column in range(CELLS)) for _ in range(CELLS)]
    head = f"ncols {CELLS}\nnrows {CELLS}\nxllcorner {WEST}\nyllcorner {SOUTH}\n"
    head += "cellsize 1.0\nNODATA_value -9999\n"
    with zipfile.ZipFile(tmp_path / "topography1.zip", "w") as made:
        made.writestr("topography1.asc", head + "\n".join(rows))
    for name, (x, y) in {"houses/house000.csv": (30, 30), "Road/RoadPolygon.csv": (5, 5)}.items():
        path = tmp_path / name
        path.parent.mkdir()
        corners = ((x, y), (x + 4, y), (x + 4, y + 4), (x, y + 4))
        path.write_text("".join(f"{WEST + a},{SOUTH + b}\n" for a, b in corners))
    (tmp_path / "Observations").mkdir()
    (tmp_path / "Observations" / "ObservationPoints.csv").write_text(
        f"x, y, ID, stage (ARR Report Final)\n{WEST + 20.5}, {SOUTH + 20.5}, 7, 10.1\n"
        f"{WEST + 39.5}, {SOUTH + 1.5}, 8, 9.7\n"
    )
    return tmp_path


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merewether, "UNTIL_S", 30.0)


def test_a_street_is_read_flooded_and_compared_place_by_place(street: Path, short: None) -> None:
    result = score_inundation("merewether", street, "local_inertial")
    middle, corner = result.places
    assert (middle.name, middle.measured, corner.measured) == ("7", 10.1, 9.7)
    assert 9.805 < middle.computed < 10.8  # ground 9.80 m, under the inflow
    assert corner.computed < middle.computed, "water runs down the slope"
    assert result.as_json()["worst"] == pytest.approx(
        max(abs(place.computed - place.measured) for place in result.places), abs=1e-4
    )


def test_the_command_prints_one_json_object(street: Path, short: None) -> None:
    argv = [
        "inundation",
        "--case",
        "merewether",
        "--data",
        str(street),
        "--method",
        "local_inertial",
        "--json",
    ]
    done = CliRunner().invoke(app, argv)
    assert done.exit_code == 0, done.output
    assert {"case", "rmse", "worst", "dry", "places"} <= set(json.loads(done.stdout))


def test_what_is_not_there_is_named(street: Path) -> None:
    with pytest.raises(InvalidInput, match="merewether, monai, malpasset"):
        score_inundation("atlantis", street)
    with pytest.raises(InvalidInput, match="local_inertial"):
        score_inundation("merewether", street, "guess")
    with pytest.raises(NotFound, match="Benchmark_2_Bathymetry"):
        score_inundation("monai", street)
    with pytest.raises(NotFound, match="malpasset_26000"):
        score_inundation("malpasset", street)
