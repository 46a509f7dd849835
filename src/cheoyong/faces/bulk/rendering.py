# SPDX-License-Identifier: Apache-2.0
"""Pages of observations as Arrow record batches, and those as the bytes of a stream or of a Parquet file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from cheoyong.records.bulk import NOTHING, Page

_INSTANT, _WHOLE, _TEXT = "instant", "int64", "text"
# In the order in which they are written. What is said of each stands in docs/reference/bulk.md.
COLUMNS: Mapping[str, str] = {
    "id": _WHOLE,
    "datastream_id": "int32",
    "phenomenon_time": _INSTANT,
    "phenomenon_end": _INSTANT,
    "result": "double",
    "result_json": _TEXT,
    "result_time": _INSTANT,
    "recorded_at": _INSTANT,
    "flag": "int8",
    "tests": "int16",
    "feature_id": _WHOLE,
    "result_quality": _TEXT,
    "valid_time": _TEXT,
    "parameters": _TEXT,
}
_IN_DETAIL: Mapping[str, Sequence[str]] = {
    "result_json": ("result", "results"),
    "result_quality": ("resultQuality",),
    "valid_time": ("validTime",),
    "parameters": ("parameters",),
}


def schema_of(names: Sequence[str], metadata: Mapping[str, str]) -> Any:
    """The Arrow schema of these columns; instants are µs in UTC."""
    import pyarrow as pa

    kinds = {
        _INSTANT: pa.timestamp("us", "UTC"), _WHOLE: pa.int64(), _TEXT: pa.string(), "double": pa.float64(),
        "int32": pa.int32(), "int16": pa.int16(), "int8": pa.int8(),
    }  # fmt: skip
    return pa.schema([pa.field(name, kinds[COLUMNS[name]]) for name in names], metadata=dict(metadata))


def record_batch(page: Page, schema: Any) -> Any:
    """One page; null where there is no value."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([_array(page, field) for field in schema], schema=schema)


def _array(page: Page, field: Any) -> Any:
    import pyarrow as pa

    if field.name in _IN_DETAIL:
        texts: list[str | None] = [None] * len(page)
        for place, detail in page.details.items():
            texts[place] = _text(detail, field.name)
        return pa.array(texts, field.type)
    values = page.columns[field.name]
    absent = np.isnan(values) if values.dtype.kind == "f" else values == NOTHING
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.int64(), mask=absent if absent.any() else None).view(field.type)
    return pa.array(values, field.type, mask=absent if absent.any() else None)


def _text(detail: Mapping[str, Any], name: str) -> str | None:
    for member in _IN_DETAIL[name]:
        if member in detail:
            said = detail[member]
            return str(said) if name == "valid_time" else msgspec.json.encode(said).decode()
    return None


class Written(io.RawIOBase):
    """Takes what a writer writes until it is taken away: nothing is written twice, nothing looked back at."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Bytes written in all."""
        return self._size

    def write(self, data: Any) -> int:
        """Keep a copy."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._size += len(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


class Writes(Protocol):
    """A writer of record batches, of pyarrow."""

    def write_batch(self, batch: Any) -> None:
        """Write one."""

    def close(self) -> None:
        """Write the end."""


def _arrow(sink: Written, schema: Any) -> Writes:
    import pyarrow as pa

    writer: Writes = pa.ipc.new_stream(sink, schema)
    return writer


def _parquet(sink: Written, schema: Any) -> Writes:
    import pyarrow.parquet as pq

    writer: Writes = pq.ParquetWriter(sink, schema, compression="zstd")
    return writer


Format = tuple[str, Callable[[Written, Any], Writes]]
FORMATS: Mapping[str, Format] = {
    "arrow": ("application/vnd.apache.arrow.stream", _arrow),
    "parquet": ("application/vnd.apache.parquet", _parquet),
}
