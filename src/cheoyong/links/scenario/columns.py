# SPDX-License-Identifier: Apache-2.0
"""Columns of measurements: a time and one column for each series, empty where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from cheoyong.domain.errors import ConfigurationError, InvalidInput
from cheoyong.domain.instant import parse_instant
from cheoyong.domain.observation import Series

ROWS_MAX = 1_000_000


def read_columns(table: Iterable[Sequence[str]], file: str) -> dict[str, Series]:
    """Series by name; the header row first, times rising strictly, values finite in the gauge's unit.

    Raises ConfigurationError naming file, line and column.

    >>> read_columns([["time", "a_m"], ["2016-10-05T12:00:00+09:00", "4.42"]], "x.csv")["a_m"].value.tolist()
    [4.42]
    """
    rows = iter(table)
    names = _header(next(rows, []), file)
    times: list[int] = []
    columns: list[list[float]] = [[] for _ in names]
    for line, row in enumerate(rows, 2):
        if line > ROWS_MAX:
            raise ConfigurationError(f"more than {ROWS_MAX} rows", where=file, mend="cut the table")
        times.append(_time(row, len(names), times, f"{file}: line {line}"))
        for column, name, text in zip(columns, names, row[1:], strict=True):
            column.append(_value(text, f"{file}: line {line}, {name}"))
    moments = np.array(times, np.int64)
    return {name: _present(moments, np.array(column)) for name, column in zip(names, columns, strict=True)}


def _header(row: Sequence[str], file: str) -> list[str]:
    if len(row) < 2 or row[0] != "time" or len(set(row)) != len(row) or "" in row:
        raise ConfigurationError(
            "the header is not time and one name for each series", where=f"{file}: line 1", mend="correct it"
        )
    return list(row[1:])


def _time(row: Sequence[str], series: int, earlier: list[int], where: str) -> int:
    if len(row) != series + 1:
        raise ConfigurationError(
            f"{len(row)} cells, not {series + 1}", where=where, mend="one for each column"
        )
    try:
        time_us = parse_instant(row[0])
    except InvalidInput as error:
        raise ConfigurationError(error.detail, where=where, mend=error.mend) from None
    if earlier and time_us <= earlier[-1]:
        raise ConfigurationError("the time does not rise", where=where, mend="sort rows, keep each time once")
    return time_us


def _value(text: str, where: str) -> float:
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigurationError(
            f"{text!r:.40} is not a number", where=where, mend="leave it empty when missing"
        )
    return value


def _present(moments: np.ndarray[tuple[int], np.dtype[np.int64]], values: np.ndarray) -> Series:
    kept = np.isfinite(values)
    return Series(moments[kept], values[kept])
