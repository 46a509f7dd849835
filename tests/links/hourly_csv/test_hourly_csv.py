# SPDX-License-Identifier: Apache-2.0
"""Hourly CSV: what is read, what is refused, and that every fault is named by row and column."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest

from cheoyong.domain.errors import ConfigurationError, InvalidInput, NotFound
from cheoyong.links.hourly_csv.parse import Column, parse_table, to_series
from cheoyong.links.hourly_csv.source import read_columns, read_history, read_table

GOOD = "time,a_m,b_m\n2016-10-05T12:00:00+09:00,4.42,\n2016-10-05T03:30:00Z,-1e-1,+.5\n"


def test_times_become_utc_and_empty_fields_nan():
    table = parse_table(GOOD)
    assert table.time_us.tolist() == [1475636400000000, 1475638200000000]
    assert table.columns["a_m"].tolist() == [4.42, -0.1]
    assert math.isnan(table.columns["b_m"][0])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "row 1"),
        ("when,a\n", "row 1"),
        ("time,a,a\n", "row 1"),
        ("time,a\n2016-10-05T12:00:00+09:00\n", "row 2"),
        ("time,a\n2016-10-05T12:00:00,1\n", "row 2 column time"),
        ("time,a\n2016-10-05T12:00:00Z,1\n2016-10-05T12:00:00Z,1\n", "row 3 column time"),
        ("time,a\n2016-10-05T12:00:00Z,nan\n", "row 2 column a"),
        ("time,a\n2016-10-05T12:00:00Z,1e999\n", "row 2 column a"),
        ("time,a\n2016-10-05T12:00:00Z,1_0\n", "row 2 column a"),
        ("time,a\n2016-10-05T12:00:00Z,true\n", "row 2 column a"),
    ],
)
def test_a_fault_is_named_by_row_and_column(text, where):
    with pytest.raises(InvalidInput) as caught:
        parse_table(text, file="x.csv")
    assert caught.value.where == f"x.csv {where}"


def test_plain_and_gzipped_files_read_the_same(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    plain, packed = read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.csv.gz")
    np.testing.assert_array_equal(plain.columns["b_m"], packed.columns["b_m"])


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"time,a\n", mtime=0)[:-9], gzip.compress(b"\xff\xfe\xff", mtime=0)]
)
def test_a_damaged_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "a.csv.gz").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"a\.csv\.gz"):
        read_table(tmp_path / "a.csv.gz")


def test_an_absent_file_is_said(tmp_path):
    with pytest.raises(NotFound, match=r"none\.csv"):
        read_table(tmp_path / "none.csv")


def test_columns_are_scaled_and_dropouts_left_out():
    table = parse_table("time,t_cm,x\n2016-10-05T12:00:00Z,40,1\n2016-10-05T13:00:00Z,9999,1\n")
    series = to_series(table, {"t_cm": Column("t_cm", "t_m", 0.01, (-2.0, 3.0))})
    assert list(series) == ["t_m"]
    assert series["t_m"].value.tolist() == [0.4]


def test_an_unknown_key_of_the_columns_file_is_refused(tmp_path):
    (tmp_path / "columns.toml").write_text('[[column]]\nfile="a"\ncolumn="b"\nseries="c"\nscael=2\n')
    with pytest.raises(ConfigurationError, match="scael"):
        read_columns(tmp_path / "columns.toml")


def test_a_folder_is_read_as_its_columns_file_describes(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "columns.toml").write_text('[[column]]\nfile="a.csv"\ncolumn="a_m"\nseries="c_m"\nscale=2\n')
    assert read_history(tmp_path)["c_m"].value.tolist() == [8.84, -0.2]
