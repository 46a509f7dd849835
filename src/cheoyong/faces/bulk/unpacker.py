# SPDX-License-Identifier: Apache-2.0
"""A program of its own: the Parquet file at its standard input, as an Arrow IPC stream on its output.

It holds itself to limits of memory and time that the file cannot move. Ends with 2 for a file that cannot be
read, 3 when memory ran out.
"""

from __future__ import annotations

import os
import resource
import sys

MEMORY_BYTES_MAX = 1 << 30
SECONDS_MAX = 600
ROWS_PER_BATCH = 50_000


def main() -> int:
    """Unpack, within limits."""
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others take far more addresses than memory
    os.environ["OMP_NUM_THREADS"] = "1"
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pyarrow as pa

    try:
        _unpack()
    except MemoryError:  # pyarrow's own is one too
        return 3
    except BrokenPipeError:  # the reader has had enough
        os._exit(0)
    except (pa.ArrowException, OSError, ValueError) as error:
        sys.stderr.write(str(error)[:300])
        return 2
    return 0


def _unpack() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cheoyong.faces.bulk.columns import OPTIONAL, REQUIRED

    file = pq.ParquetFile(
        sys.stdin.buffer, pre_buffer=False, buffer_size=1 << 16,
        thrift_string_size_limit=1 << 20, thrift_container_size_limit=1 << 16,
    )  # fmt: skip
    names = [name for name in file.schema_arrow.names if name in (*REQUIRED, *OPTIONAL)]
    schema = pa.schema([file.schema_arrow.field(name) for name in names])
    writer = pa.ipc.new_stream(sys.stdout.buffer, schema)
    for batch in file.iter_batches(ROWS_PER_BATCH, columns=names, use_threads=False):
        writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    writer.close()  # only now: an end mark behind half of the rows would make them look whole


if __name__ == "__main__":
    sys.exit(main())
