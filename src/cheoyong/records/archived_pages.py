# SPDX-License-Identifier: Apache-2.0
"""The next archived observations behind a place, out of many files, no more of them held than a page has.

The order is that of bulk reading: datastream, time, id. Files are read one after the other; as soon as a
page's worth is known, no file is read beyond the last row of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cheoyong.domain.observation import Int64s
from cheoyong.records.archive_files import Table, in_us, read_rows

Frontier = tuple[int, int, int]  # datastream, time (µs), id


@dataclass(frozen=True, slots=True)
class PageReach:
    """A page of at most ``limit`` rows with a time in [begins, ends) µs, behind a place."""

    begins_us: int
    ends_us: int
    after: Frontier
    limit: int


def first_rows(
    paths: Sequence[Path], streams: Sequence[int], page: PageReach
) -> tuple[Table | None, Frontier | None]:
    """The first rows of these datastreams in the files, sorted, at most ``page.limit``; None: there is none.

    With them the last of them, where files may have more behind it, else None.
    """
    held: Table | None = None
    bound: Frontier | None = None
    wanted = np.unique(np.asarray(streams, np.int64))
    for path in paths:
        wanted = wanted if bound is None else wanted[wanted <= bound[0]]
        begins_us, ends_us = _times(page, wanted, bound)
        for table in read_rows(path, wanted.tolist(), begins_us, ends_us, begin=page.after[:2]):
            held, is_cut = _merged(held, table, page)
            bound = _place(held, -1) if is_cut and held is not None else bound
            if bound is not None and _place(table, -1)[:2] > bound[:2]:
                break  # what follows in this file comes later still
    return held, bound


def _times(page: PageReach, wanted: Int64s, bound: Frontier | None) -> tuple[int, int]:
    """Where one datastream is left, its part of the page says which times can matter."""
    begins_us, ends_us = page.begins_us, page.ends_us
    if len(wanted) == 1 and wanted[0] == page.after[0]:
        begins_us = max(begins_us, page.after[1])
    if len(wanted) == 1 and bound is not None and wanted[0] == bound[0]:
        ends_us = min(ends_us, bound[1] + 1)
    return begins_us, ends_us


def _merged(held: Table | None, table: Table, page: PageReach) -> tuple[Table | None, bool]:
    """Both in order, cut to a page; whether something was cut off."""
    import pyarrow as pa

    table = table.filter(pa.array(_is_behind(table, page.after)))
    if held is not None:
        table = pa.concat_tables([held, table])
    if not table.num_rows:
        return None, False
    order = np.lexsort((table["id"].to_numpy(), in_us(table["phenomenon_time"]), _streams(table)))
    # take makes new buffers: a slice would keep the whole group in memory.
    return table.take(pa.array(order[: page.limit])), len(order) > page.limit


def _is_behind(table: Table, place: Frontier) -> NDArray[np.bool_]:
    stream, time_us, row_id = _streams(table), in_us(table["phenomenon_time"]), table["id"].to_numpy()
    later = (time_us > place[1]) | ((time_us == place[1]) & (row_id > place[2]))
    return np.asarray((stream > place[0]) | ((stream == place[0]) & later))


def _streams(table: Table) -> Int64s:
    return np.asarray(table["datastream_id"].to_numpy(), np.int64)


def _place(table: Table, row: int) -> Frontier:
    last = table.slice(table.num_rows + row, 1)
    return int(_streams(last)[0]), int(in_us(last["phenomenon_time"])[0]), int(last["id"][0].as_py())
