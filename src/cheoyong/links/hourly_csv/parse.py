# SPDX-License-Identifier: Apache-2.0
"""CSV text to a table of instants and columns; every fault is named by row and column."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.domain.instant import parse_instant
from cheoyong.domain.observation import Float64s, Int64s, Series

ROWS_MAX = 2_000_000
COLUMNS_MAX = 200
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Table:
    """``time_us`` (rows,) strictly rising, µs UTC; ``columns`` name → (rows,), NaN where empty."""

    time_us: Int64s
    columns: Mapping[str, Float64s]


@dataclass(frozen=True, slots=True)
class Column:
    """How a column becomes a series: value × ``scale`` is in the unit of ``series``; ``valid`` its range.

    Values outside ``valid`` (in the unit of the series) are dropouts of the instrument and count as missing.
    """

    column: str
    series: str
    scale: float = 1.0
    valid: tuple[float, float] = (-math.inf, math.inf)


def parse_table(text: str, *, file: str = "csv") -> Table:
    r"""Table of a CSV text; InvalidInput names ``file``, row (the header is row 1) and column.

    >>> t = parse_table("time,stage_m\n2016-10-05T12:00:00+09:00,4.42\n2016-10-05T13:00:00+09:00,\n")
    >>> t.time_us.tolist(), t.columns["stage_m"].tolist()
    ([1475636400000000, 1475640000000000], [4.42, nan])
    """
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        names = _header(next(rows, []), file)
        return _body(rows, names, file)
    except csv.Error as error:
        raise InvalidInput(f"is not CSV: {error}", where=f"{file} row {rows.line_num}") from None


def to_series(table: Table, columns: Mapping[str, Column]) -> dict[str, Series]:
    """Series of the columns that are described, without missing values; other columns are left aside.

    >>> table = Table(np.array([0, 1, 2]), {"tide_cm": np.array([40.0, np.nan, 900.0])})
    >>> series = to_series(table, {"tide_cm": Column("tide_cm", "tide_m", 0.01, (-2.0, 3.0))})["tide_m"]
    >>> series.time_us.tolist(), series.value.tolist()
    ([0], [0.4])
    """
    found = {}
    for name, value in table.columns.items():
        if (column := columns.get(name)) is not None:
            scaled = value * column.scale
            keep = (scaled >= column.valid[0]) & (scaled <= column.valid[1])
            found[column.series] = Series(table.time_us[keep], scaled[keep])
    return found


def _header(names: list[str], file: str) -> list[str]:
    where = f"{file} row 1"
    if not names or names[0] != "time":
        raise InvalidInput("the first column is not 'time'", where=where)
    if len(names) > COLUMNS_MAX:
        raise TooLarge(f"has more than {COLUMNS_MAX} columns", where=where)
    if len(set(names)) != len(names) or not all(names):
        raise InvalidInput("a column name is empty or comes twice", where=where)
    return names


def _body(rows: Iterable[list[str]], names: list[str], file: str) -> Table:
    times: list[int] = []
    values: list[list[float]] = []
    for number, row in enumerate(rows, start=2):
        where = f"{file} row {number}"
        if number > ROWS_MAX + 1:
            raise TooLarge(f"has more than {ROWS_MAX} rows", where=file)
        if len(row) != len(names):
            raise InvalidInput(f"has {len(row)} fields, the header has {len(names)}", where=where)
        moment_us = parse_instant(row[0], where=f"{where} column time")
        if times and moment_us <= times[-1]:
            raise InvalidInput("is not later than the row before", where=f"{where} column time")
        times.append(moment_us)
        values.append([_number(field, where, name) for field, name in zip(row[1:], names[1:], strict=True)])
    matrix = np.array(values, float).reshape(len(times), len(names) - 1)
    return Table(np.array(times, np.int64), {name: matrix[:, i] for i, name in enumerate(names[1:])})


def _number(field: str, where: str, name: str) -> float:
    if not field:
        return math.nan
    value = float(field) if _NUMBER.fullmatch(field) else math.nan
    if not math.isfinite(value):
        raise InvalidInput(
            f"{field!r:.40} is not a number", where=f"{where} column {name}", mend="leave it empty"
        )
    return value
