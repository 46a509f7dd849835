# SPDX-License-Identifier: Apache-2.0
"""Arrow IPC as it comes over the wire: one bounded message after the other, judged before it is decoded.

pyarrow reads such streams only from where it may block, and allocates what a message claims it will need.
So the frames are taken off here, where waiting costs nothing, and their claims are looked at first.
Source: Arrow columnar format, "Encapsulated message format" and "IPC streaming/file format".
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from enum import IntEnum
from typing import NamedTuple

from cheoyong.domain.errors import InvalidInput, TooLarge

METADATA_BYTES_MAX = 256 << 10
MESSAGE_BYTES_MAX = 16 << 20  # of a record batch on the wire: 700,000 rows of id, time and number
DECODED_BYTES_MAX = 32 << 20  # of it when its buffers are unpacked
FILE_MAGIC = b"ARROW1\x00\x00"
_CONTINUES = b"\xff\xff\xff\xff"
_MEND = "write it with pyarrow.ipc, in record batches of 50,000 to 500,000 rows"


class Kind(IntEnum):
    """What a message holds (union MessageHeader of the format's Message.fbs)."""

    SCHEMA = 1
    DICTIONARY = 2
    RECORD_BATCH = 3


class Frame(NamedTuple):
    """One whole message and its kind."""

    kind: int
    data: bytes


class Pieces:
    """A body that is taken in bit by bit; never more of it is held than one message."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._held: list[bytes] = []
        self._size = 0
        self.taken = 0

    async def exactly(self, count: int) -> bytes:
        """The next ``count`` bytes; b"" when the body has ended just here. Raises InvalidInput in between."""
        while self._size < count:
            piece = await anext(self._body, None)
            if piece is None:
                if self._size:
                    raise _cut_off()
                return b""
            if piece:
                self._held.append(piece)
                self._size += len(piece)
        data = b"".join(self._held)
        self._held = [data[count:]] if len(data) > count else []
        self._size -= count
        self.taken += count
        return data[:count]

    async def pour_away(self, bytes_max: int) -> None:
        """Take in what is left, so that a sender who writes before it reads gets its answer."""
        poured = 0
        async for piece in self._body:
            poured += len(piece)
            if poured > bytes_max:
                break


def _cut_off() -> InvalidInput:
    return InvalidInput("the body ends in the middle of a message", where="body", mend="send it whole")


async def frames(pieces: Pieces) -> AsyncIterator[Frame]:
    """The messages of an IPC stream, or of an IPC file, up to its end mark.

    Raises InvalidInput for what is no such stream, TooLarge for a message over the bounds of this file.
    """
    head = await pieces.exactly(8)
    if head == FILE_MAGIC:  # a file is a stream between two marks, with a footer that is not needed here
        head = await pieces.exactly(8)
    while head:
        if head[:4] != _CONTINUES:
            raise InvalidInput("this is not an Arrow IPC stream", where="body", mend=_MEND)
        size = int.from_bytes(head[4:], "little")
        if size == 0:
            return
        if size > METADATA_BYTES_MAX:
            raise TooLarge(f"a message head of {size:,} bytes", where="body", mend=_MEND)
        metadata = await _whole(pieces, size)
        kind, body_size, header = _message(metadata)
        if body_size > MESSAGE_BYTES_MAX:
            raise TooLarge(f"a record batch of {body_size:,} bytes", where="body", mend=_MEND)
        body = await _whole(pieces, body_size) if body_size else b""
        if kind == Kind.RECORD_BATCH:
            _check_unpacked(metadata, header, body)
        yield Frame(kind, b"".join((head, metadata, body)))
        head = await pieces.exactly(8)


async def _whole(pieces: Pieces, size: int) -> bytes:
    data = await pieces.exactly(size)
    if len(data) != size:
        raise _cut_off()
    return data


def _message(metadata: bytes) -> tuple[int, int, int]:
    """Kind and body length of a message, and where its header begins (tables of FlatBuffers)."""
    try:
        table = _at("<I", metadata, 0)
        kind_at, header_at, length_at = (_field(metadata, table, n) for n in (1, 2, 3))
        kind = _at("<B", metadata, kind_at) if kind_at else 0
        header = header_at + _at("<I", metadata, header_at) if header_at else 0
        length = _at("<q", metadata, length_at) if length_at else 0
    except struct.error:
        raise InvalidInput("the head of a message is broken", where="body", mend=_MEND) from None
    if length < 0:
        raise InvalidInput("a message of negative length", where="body", mend=_MEND)
    return kind, length, header


def _check_unpacked(metadata: bytes, header: int, body: bytes) -> None:
    """Raises TooLarge when the buffers of a packed record batch say that they unpack to more than the bound.

    Each begins with its unpacked length, and pyarrow takes as much memory as that says.
    """
    try:
        if not _field(metadata, header, 3):
            return
        buffers_at = _field(metadata, header, 2)
        vector = buffers_at + _at("<I", metadata, buffers_at)
        total = 0
        for n in range(min(_at("<I", metadata, vector), METADATA_BYTES_MAX // 16)):
            offset, length = struct.unpack_from("<qq", metadata, vector + 4 + 16 * n)
            if length:
                total += max(_at("<q", body, offset), length)
    except struct.error:
        raise InvalidInput("the buffers of a record batch are broken", where="body", mend=_MEND) from None
    if total > DECODED_BYTES_MAX:
        raise TooLarge(f"a record batch that unpacks to {total:,} bytes", where="body", mend=_MEND)


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table is; 0 when it is left out."""
    entries = table - _at("<i", data, table)
    slot = 4 + 2 * number
    if slot >= _at("<H", data, entries):
        return 0
    offset = _at("<H", data, entries + slot)
    return table + offset if offset else 0


def _at(form: str, data: bytes, place: int) -> int:
    if place < 0:
        raise struct.error("before the beginning")
    value: int = struct.unpack_from(form, data, place)[0]
    return value
