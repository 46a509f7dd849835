# SPDX-License-Identifier: Apache-2.0
"""Turns rows of WAMIS (time, value, station) into one hourly table: see ORIGIN.md."""

from __future__ import annotations

import csv
import gzip
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    """Values as written, by instant (ISO 8601, +09:00) and station; an empty value is left away."""
    table: dict[str, dict[str, str]] = defaultdict(dict)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for ymdh, value, station in list(csv.reader(lines))[1:]:
            day = datetime.strptime(f"{ymdh[:8]}+0900", "%Y%m%d%z")
            at = day + timedelta(hours=int(ymdh[8:]))  # hour 24 is midnight of the day after
            if value.strip():
                table[at.isoformat()][station] = value
    return table


def write_table(table: dict[str, dict[str, str]], path: Path) -> None:
    """One row for each instant, one column for each station."""
    stations = sorted({station for row in table.values() for station in row})
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["time", *stations])
        writer.writerows([at, *(table[at].get(one, "") for one in stations)] for at in sorted(table))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: wide.py STAGES.csv.gz RAIN.csv.gz FOLDER")
    write_table(read_rows(Path(sys.argv[1])), Path(sys.argv[3]) / "stage_hourly.csv.gz")
    write_table(read_rows(Path(sys.argv[2])), Path(sys.argv[3]) / "rain_hourly.csv.gz")
