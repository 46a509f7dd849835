# SPDX-License-Identifier: Apache-2.0
"""A month of observations as one Parquet file: written whole or not at all, checked by reading it back.

Sorted by datastream and time, in groups of 100,000 rows with the least and the greatest of each column,
so that a reader opens only the groups that can hold what it looks for.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from cheoyong.domain.errors import Unavailable
from cheoyong.records.observations import digest_of_numbers

SCHEMA_VERSION = 1
GROUP_ROWS = 100_000
_CSV_BLOCK_BYTES = 4 << 20
# As the export names them. detail and verdicts are JSON text; verdicts: [[batch, flag, tests], …].
COLUMNS = (
    "id", "datastream_id", "phenomenon_time", "result", "digest", "phenomenon_end", "result_time",
    "feature_id", "detail", "verdicts",
)  # fmt: skip
_TIMES = ("phenomenon_time", "phenomenon_end", "result_time")
Table = Any  # pyarrow.Table: it is imported when used


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: rows, size, checksums, and the span of its times (µs) and ids.

    ``fingerprint`` is a SHA-256 of the values, ``sha256`` of the bytes.
    """

    rows: int
    byte_count: int
    sha256: str
    fingerprint: str
    first_us: int
    last_us: int
    first_id: int
    last_id: int


def schema() -> Any:
    """The Arrow schema of version 1; digest is NULL where it follows from the result (most of the rows)."""
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")
    types = {
        "datastream_id": pa.int32(), "phenomenon_time": time, "result": pa.float64(), "phenomenon_end": time,
        "result_time": time, "detail": pa.string(), "verdicts": pa.string(),
    }  # fmt: skip
    fields = [pa.field(name, types.get(name, pa.int64())) for name in COLUMNS]
    return pa.schema(fields, metadata={"cheoyong.schema_version": str(SCHEMA_VERSION)})


def write_file(path: Path, exported: IO[bytes]) -> Contents:
    """Write what PostgreSQL exported (CSV of ``COLUMNS``, times in µs) and read it back.

    The name stands only when every byte is on the disk. Raises Unavailable when what is read back is
    not what was written.
    """
    import pyarrow as pa

    part = path.with_name(path.name + ".part")
    hashed, rows, spans = hashlib.sha256(), 0, []
    writer = _writer(part)
    try:
        for group in _groups(_parsed(exported)):
            writer.write_table(group, row_group_size=GROUP_ROWS)
            hashed.update(_fingerprint(group))
            rows += group.num_rows
            spans.append(_span(group))
    except pa.ArrowInvalid as error:
        raise Unavailable(f"a row has no place in a file: {error}", where=str(part)) from error
    finally:
        writer.close()
    _to_disk(part)
    read_back = hashlib.sha256(b"")
    for group in _all_groups(part):
        read_back.update(_fingerprint(group))
    if read_back.digest() != hashed.digest():
        raise Unavailable("read back, it is not what was written", where=str(part), mend="check the disk")
    sha256, size = sha256_of(part), part.stat().st_size
    part.rename(path)
    _to_disk(path.parent)
    times, ids = [s[:2] for s in spans], [s[2:] for s in spans]
    return Contents(
        rows, size, sha256, hashed.hexdigest(),
        min(t[0] for t in times), max(t[1] for t in times), min(i[0] for i in ids), max(i[1] for i in ids),
    )  # fmt: skip


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_rows(
    path: Path,
    datastream_ids: Sequence[int] | None,
    begins_us: int | None = None,
    ends_us: int | None = None,
    ids: Sequence[int] | None = None,
    begin: tuple[int, int] | None = None,
) -> Iterator[Table]:
    """The rows of these datastreams with a time in [begins, ends) and one of ``ids``, None: of any.

    ``begin``: a datastream and a time; only groups that reach it or what comes after it are opened.
    Opens only groups that can hold such rows; a table of at most 100,000 rows at a time.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = {
        "datastream_id": None if datastream_ids is None else np.unique(np.asarray(datastream_ids, np.int64)),
        "id": None if ids is None else np.unique(np.asarray(ids, np.int64)),
    }
    least, most = begins_us, None if ends_us is None else ends_us - 1
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            if not _can_hold(group, wanted, least, most) or (begin is not None and _is_before(group, begin)):
                continue
            table = file.read_row_group(number)
            mask = np.ones(table.num_rows, bool)
            for name, values in wanted.items():
                if values is not None:
                    mask &= np.isin(table[name].to_numpy(), values)
            times = in_us(table["phenomenon_time"])
            mask &= times >= (times if least is None else least)
            mask &= times <= (times if most is None else most)
            if mask.any():
                yield _with_digests(table.filter(pa.array(mask)))


def in_us(column: Any) -> Any:
    """A column of times without NULL as int64 µs since 1970."""
    import pyarrow as pa

    return column.cast(pa.int64()).to_numpy()


def _can_hold(group: Any, wanted: dict[str, Any], least: int | None, most: int | None) -> bool:
    for name, values in wanted.items():
        low, high = _bounds(group, name)
        if values is not None and not np.any((values >= low) & (values <= high)):
            return False
    low, high = (_us(value) for value in _bounds(group, "phenomenon_time"))
    return (most is None or low <= most) and (least is None or high >= least)


def _is_before(group: Any, begin: tuple[int, int]) -> bool:
    """Whether all of a group comes before a datastream and a time; it is sorted by both."""
    first, last = _bounds(group, "datastream_id")
    if last != begin[0]:
        return bool(last < begin[0])
    return first == last and _us(_bounds(group, "phenomenon_time")[1]) < begin[1]


def _bounds(group: Any, name: str) -> tuple[Any, Any]:
    statistics = group.column(COLUMNS.index(name)).statistics
    return statistics.min, statistics.max


def _us(at: Any) -> int:
    return int(np.datetime64(at.replace(tzinfo=None), "us").astype(np.int64))


def _parsed(exported: IO[bytes]) -> Iterator[Table]:
    import pyarrow as pa
    import pyarrow.csv as pc

    types = {field.name: pa.int64() if field.name in _TIMES else field.type for field in schema()}
    reader = pc.open_csv(
        exported,
        pc.ReadOptions(column_names=list(COLUMNS), block_size=_CSV_BLOCK_BYTES),
        convert_options=pc.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    for batch in reader:
        yield _without_digests(pa.Table.from_batches([batch]).cast(schema()))


def _groups(tables: Iterable[Table]) -> Iterator[Table]:
    """The same rows in groups of ``GROUP_ROWS``, the last one smaller."""
    import pyarrow as pa

    held: list[Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += table.num_rows
        while count >= GROUP_ROWS:
            whole = pa.concat_tables(held)
            yield whole.slice(0, GROUP_ROWS)
            held, count = [whole.slice(GROUP_ROWS)], count - GROUP_ROWS
    if count:
        yield pa.concat_tables(held)


def _without_digests(table: Table) -> Table:
    import pyarrow as pa

    digests = table["digest"].to_numpy()
    result = table["result"].to_numpy()
    follows = (digests == digest_of_many(result)) & ~table["result"].is_null().to_numpy()
    place = COLUMNS.index("digest")
    return table.set_column(place, schema().field(place), pa.array(digests, pa.int64(), mask=follows))


def _with_digests(table: Table) -> Table:
    import pyarrow as pa

    stored = table["digest"].combine_chunks()
    derived = digest_of_many(table["result"].to_numpy())
    follows = stored.is_null().to_numpy(zero_copy_only=False)
    digests = np.where(follows, derived, stored.fill_null(0).to_numpy())
    place = COLUMNS.index("digest")
    return table.set_column(place, schema().field(place), pa.array(digests, pa.int64()))


def digest_of_many(result: Any) -> Any:
    """As ``digest_of_numbers``, of any number of results, none among them."""
    return digest_of_numbers(result) if len(result) else np.empty(0, np.int64)


def _fingerprint(group: Table) -> bytes:
    """Of all values, by column: where there is one, and which."""
    hashed = hashlib.sha256()
    for column in group.columns:
        array = column.combine_chunks()
        hashed.update(array.is_valid().to_numpy(zero_copy_only=False).tobytes())
        there = array.drop_null()
        is_text = str(there.type) == "string"
        hashed.update(repr(there.to_pylist()).encode() if is_text else there.to_numpy().tobytes())
    return hashed.digest()


def _span(group: Table) -> tuple[int, int, int, int]:

    times, ids = in_us(group["phenomenon_time"]), group["id"].to_numpy()
    return int(times.min()), int(times.max()), int(ids.min()), int(ids.max())


def _writer(path: Path) -> Any:
    import pyarrow.parquet as pq

    rising = dict.fromkeys(("id", *_TIMES, "feature_id"), "DELTA_BINARY_PACKED")
    return pq.ParquetWriter(
        path, schema(), compression="zstd", compression_level=6, version="2.6",
        use_dictionary=["datastream_id", "result", "detail", "verdicts"], column_encoding=rising,
    )  # fmt: skip


def _all_groups(path: Path) -> Iterator[Table]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
