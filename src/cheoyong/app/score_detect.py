# SPDX-License-Identifier: Apache-2.0
"""Screen a folder in Numenta Anomaly Benchmark form and score the alarms; one setting for every series."""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.errors import InvalidInput, NotFound, TooLarge
from cheoyong.learn.nab_score import PROFILES, Judged, scaled_score, tally

FILE_BYTES_MAX = 200_000_000
ALARMS_PER_MONTH = 4.0  # each series may raise in the long run; one setting for all series


@dataclass(frozen=True, slots=True)
class Series:
    """One file: times (n,) in microseconds, values (n,), NaN where the file has none."""

    name: str
    at_us: NDArray[np.int64]
    values: NDArray[np.float64]


def _at_us(text: str, where: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no time", where=where, mend="write 2014-04-01 00:05:00") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


def _value(text: str, where: str) -> float:
    try:
        return float(text) if text.strip() else math.nan
    except ValueError:
        raise InvalidInput(f"{text!r} is no number", where=where) from None


def read_series(path: Path, name: str) -> Series:
    """One file with the columns ``timestamp`` and ``value``, in order of time."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise TooLarge(f"{name} is larger than {FILE_BYTES_MAX} bytes", where=name)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"timestamp", "value"} <= set(rows.fieldnames or ()):
            raise InvalidInput("the columns timestamp and value are needed", where=name)
        pairs = [
            (_at_us(row["timestamp"] or "", f"{name}:{rows.line_num}"), _value(row["value"] or "", name))
            for row in rows
        ]
    at_us = np.array([pair[0] for pair in pairs], dtype=np.int64)
    return Series(name, at_us, np.array([pair[1] for pair in pairs], dtype=np.float64))


def read_windows(path: Path) -> dict[str, list[list[str]]]:
    """File name to its windows, each a first and last time."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"no windows can be read: {error}", where=str(path)) from None
    if not isinstance(found, dict):
        raise InvalidInput("an object of file names is needed", where=str(path))
    return found


def windows_of(series: Series, spans: list[list[str]]) -> tuple[tuple[int, int], ...]:
    """First and last row inside each span of times; a span without a row is left out."""
    times = series.at_us.tolist()
    rows = [
        (bisect_left(times, _at_us(a, series.name)), bisect_right(times, _at_us(b, series.name)) - 1)
        for a, b in spans
    ]
    return tuple((first, last) for first, last in rows if first <= last)


def screened(series: Series, alarms_per_month: float) -> NDArray[np.bool_]:
    """Where the engine alarms, each row judged by the rows before it only."""
    from cheoyong.detect.anomaly.engine import screen_batch
    from cheoyong.detect.anomaly.state import new_streams

    which = np.zeros(len(series.values), dtype=np.int64)
    return screen_batch(new_streams(1), which, series.at_us, series.values, alarms_per_month)[1]


def score_folder(folder: Path, windows: Path, alarms_per_month: float = ALARMS_PER_MONTH) -> dict[str, Any]:
    """The three official scores and the tally of every ``*.csv`` of the folder that has a row of windows."""
    spans = read_windows(windows)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.csv"))
    used = [name for name in names if name in spans]
    if not used:
        raise NotFound("no series that the windows name", where=str(folder))
    judged, lead_s = [], list[float]()
    for name in used:
        series = read_series(folder / name, name)
        one = Judged(screened(series, alarms_per_month), windows_of(series, spans[name]))
        judged.append(one)
        period_s = float(np.median(np.diff(series.at_us))) / 1e6 if len(series.at_us) > 1 else 0.0
        lead_s += [rows * period_s for rows in tally([one]).lead_rows]
    count = tally(judged)
    return {
        "series": len(used),
        "series_without_windows": len(names) - len(used),
        "alarms_per_month": alarms_per_month,
        **{name: _finite(scaled_score(judged, profile)) for name, profile in PROFILES.items()},
        "windows": count.windows,
        "event_recall": _finite(count.recall),
        "false_alarms_per_1000": round(count.stray_per_1000, 4),
        "median_lead_s": median(lead_s) if lead_s else None,
    }


def _finite(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None
