# SPDX-License-Identifier: Apache-2.0
"""An uploaded Parquet file as an Arrow IPC stream: kept in a bounded file, unpacked by a process of its own.

A file of a few kilobytes may unpack to more than there is memory for, and what it says of its sizes need not
be true. So it is read where the operating system holds the reader to a share of memory and time (S18).
"""

from __future__ import annotations

import asyncio
import errno
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from cheoyong.domain.errors import CheoyongError, InvalidInput, OutOfSpace, TooLarge, Unavailable

FILE_BYTES_MAX = 256 << 20
_PIECE_BYTES = 1 << 20
_COMPLAINT_BYTES_MAX = 500


@asynccontextmanager
async def unpacked(body: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """The Arrow IPC stream of a Parquet file that comes in as ``body``; the process ends with the block.

    Raises TooLarge over 256 MiB, OutOfSpace when the disk is full, InvalidInput for what cannot be read.
    """
    with tempfile.TemporaryFile(prefix="cheoyong-upload-") as file:
        await _keep(body, file)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cheoyong.faces.bulk.unpacker",
            stdin=file, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield _output(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _keep(body: AsyncIterator[bytes], file: IO[bytes]) -> None:
    size = 0
    try:
        async for piece in body:
            size += len(piece)
            if size > FILE_BYTES_MAX:
                raise TooLarge(
                    f"the file is over {FILE_BYTES_MAX >> 20} MiB", where="body", mend="send several files"
                )
            file.write(piece)
        file.flush()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(
                "there is no room to unpack the file", mend="send it as an Arrow stream"
            ) from None
        raise
    file.seek(0)


async def _output(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    while piece := await process.stdout.read(_PIECE_BYTES):
        yield piece
    await _check_end(process)


async def _check_end(process: asyncio.subprocess.Process) -> None:
    """Raises what the process complained of, if it did."""
    assert process.stderr is not None
    said = (await process.stderr.read(_COMPLAINT_BYTES_MAX)).decode(errors="replace").strip()
    code = await process.wait()
    if code:
        raise _complaint(code, said)


def _complaint(code: int, said: str) -> CheoyongError:
    if code == 2:
        return InvalidInput(f"not readable as Parquet: {said}", where="body")
    if code == 3:
        return TooLarge(
            "the file unpacks to more than is allowed", where="body", mend="use row groups of 100,000 rows"
        )
    if code < 0:
        return TooLarge(
            "unpacking the file took too long or too much", where="body", mend="send an Arrow stream"
        )
    return Unavailable("the file could not be unpacked", mend="send it again, or as an Arrow stream")
