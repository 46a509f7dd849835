# SPDX-License-Identifier: Apache-2.0
"""Score the member over several streams on a folder in the form of the SMAP and MSL telemetry sets.

``train/NAME.npy`` and ``test/NAME.npy`` are arrays (time, columns); ``labeled_anomalies.csv`` has the rows of
each anomaly of the test array (Hundman et al. 2018, KDD). One setting for all; nothing is fitted to labels.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cheoyong.app.score_detect import ALARMS_PER_MONTH
from cheoyong.domain.errors import InvalidInput, NotFound, TooLarge
from cheoyong.domain.instant import MINUTE_US

FILE_BYTES_MAX = 200_000_000
LABELS = "labeled_anomalies.csv"


def score_vectors(folder: Path, alarms_per_month: float = ALARMS_PER_MONTH) -> dict[str, Any]:
    """Precision, recall and F1 of rows over all series together; no row counts for its neighbour's sake.

    A row is called anomalous while an alarm lasts: 100 rows (``control.REST``).
    """
    labels = _labels(folder / LABELS)
    names = [name for name in sorted(labels) if (folder / "test" / f"{name}.npy").exists()]
    if not names:
        raise NotFound("no series that the labels name", where=str(folder))
    hit = called = true = rows = found = windows = 0
    for name in names:
        flags, spans = screened(folder, name, alarms_per_month), labels[name]
        truth = np.zeros(len(flags), np.bool_)
        for first, last in spans:
            truth[first : last + 1] = True
            found += bool(flags[first : last + 1].any())
        windows += len(spans)
        hit, called = hit + int((flags & truth).sum()), called + int(flags.sum())
        true, rows = true + int(truth.sum()), rows + len(flags)
    return {
        "series": len(names),
        "rows": rows,
        "precision": _share(hit, called),
        "recall": _share(hit, true),
        "f1": _share(2 * hit, called + true),
        "f1_of_calling_every_row": _share(2 * true, rows + true),
        "windows": windows,
        "event_recall": _share(found, windows),
    }


def screened(folder: Path, name: str, alarms_per_month: float) -> NDArray[np.bool_]:
    """Which rows of the test array are called anomalous, each by the rows before it only."""
    from cheoyong.detect.anomaly.control import REST
    from cheoyong.detect.anomaly.multivariate import DIMENSIONS, new_groups, screen_vectors

    before, test = (_array(folder / part / f"{name}.npy") for part in ("train", "test"))
    if before.shape[1:] != test.shape[1:]:
        raise InvalidInput("train and test have other columns", where=name)
    moving = np.flatnonzero(before.std(axis=0) > 0)[:DIMENSIONS]  # without a look at the test array
    vectors = np.concatenate([before, test])[:, moving]
    # The sets say no times. A row a minute is assumed.
    at_us = np.arange(len(vectors), dtype=np.int64) * MINUTE_US
    which = np.zeros(len(vectors), np.int64)
    _, alarmed, _ = screen_vectors(new_groups(1), which, at_us, vectors, alarms_per_month)
    called = np.zeros(len(vectors), np.bool_)
    for row in np.flatnonzero(alarmed).tolist():
        called[row : row + REST] = True
    return called[len(before) :]


def _array(path: Path) -> NDArray[np.float64]:
    if path.stat().st_size > FILE_BYTES_MAX:
        raise TooLarge(f"larger than {FILE_BYTES_MAX:,} bytes", where=path.name)
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"no array can be read: {error}", where=str(path)) from None
    if found.ndim != 2 or found.dtype.kind not in "fiub":
        raise InvalidInput("an array of numbers (time, columns) is needed", where=str(path))
    return np.asarray(found, np.float64)


def _labels(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Of each series the first and last row of each anomaly."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {
                row["chan_id"]: [(int(a), int(b)) for a, b in json.loads(row["anomaly_sequences"])]
                for row in csv.DictReader(file)
            }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"no labels can be read: {error!r}", where=str(path)) from None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
