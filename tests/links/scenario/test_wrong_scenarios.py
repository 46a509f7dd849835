# SPDX-License-Identifier: Apache-2.0
"""A wrong scenario is refused with the file and the line or key."""

from __future__ import annotations

import gzip
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cheoyong.domain.errors import ConfigurationError, NotFound
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.links.scenario import load_scenario, steps
from cheoyong.links.scenario.columns import read_columns
from cheoyong.links.scenario.parse import parse_scenario

FOLDER = city_folder("ulsan") / "scenarios" / "chaba-2016"
NOON, ONE = "2016-10-05T12:00:00+09:00", "2016-10-05T13:00:00+09:00"


def files() -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        tomllib.loads((FOLDER / "manifest.toml").read_text("utf-8")),
        tomllib.loads((FOLDER / "official.toml").read_text("utf-8")),
    )


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ([["time", "a_m"], [NOON, "nan"]], "x.csv: line 2, a_m"),
        ([["time", "a_m"], [NOON, "1e999"]], "x.csv: line 2, a_m"),
        ([["time", "a_m"], [NOON, "true"]], "x.csv: line 2, a_m"),
        ([["time", "a_m"], [NOON, "1"], [NOON, "2"]], "x.csv: line 3"),
        ([["time", "a_m"], [ONE, "1"], [NOON, "2"]], "x.csv: line 3"),
        ([["time", "a_m"], ["2016-10-05T12:00:00", "1"]], "x.csv: line 2"),
        ([["time", "a_m"], [NOON]], "x.csv: line 2"),
        ([["time", "a_m", "a_m"]], "x.csv: line 1"),
        ([["when", "a_m"]], "x.csv: line 1"),
        ([], "x.csv: line 1"),
    ],
)
def test_a_table_that_cannot_be_read_names_its_line(rows: list[list[str]], where: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_columns(rows, "x.csv")
    assert caught.value.where == where
    assert caught.value.mend


def test_a_missing_value_is_left_out() -> None:
    columns = read_columns([["time", "a_m", "b_m"], [NOON, "", "1.5"], [ONE, "2", ""]], "x.csv")
    assert columns["a_m"].value.tolist() == [2.0]
    assert columns["b_m"].value.tolist() == [1.5]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sped": 3.0}, "sped"),
        ({"speed": 0.0}, "speed"),
        ({"start": "2016-10-07T00:00:00+09:00"}, "rise"),
        ({"start": "2016-10-04T00:00:00"}, "time zone"),
        ({"seed": True}, "seed"),
    ],
)
def test_a_wrong_manifest_names_its_key(change: dict[str, object], says: str) -> None:
    manifest, official = files()
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_scenario(manifest | change, official, [["time", "a_m"]], folder="chaba-2016")
    assert caught.value.where.startswith("chaba-2016/manifest.toml")


def test_a_column_without_a_gauge_is_refused_before_anything_is_sent() -> None:
    manifest, official = files()
    scenario = parse_scenario(manifest, official, [["time", "moon_stage_m"], [NOON, "1"]])
    with pytest.raises(ConfigurationError, match="moon_stage_m"):
        steps(scenario, load_city("ulsan"))


def test_an_unknown_scenario_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match="chaba-2016"):
        load_scenario(city_folder("ulsan"), "../ulsan")


@pytest.mark.parametrize(
    "raw", [b"no gzip", gzip.compress(b"time,a_m\n", mtime=0)[:-6], gzip.compress(b"\xff\xfe", mtime=0)]
)
def test_a_broken_archive_is_named(tmp_path: Path, raw: bytes) -> None:
    shutil.copytree(FOLDER, tmp_path / "scenarios" / "chaba-2016")
    (tmp_path / "scenarios" / "chaba-2016" / "measurements.csv.gz").write_bytes(raw)
    with pytest.raises(ConfigurationError, match=r"measurements\.csv\.gz"):
        load_scenario(tmp_path, "chaba-2016")
