# SPDX-License-Identifier: Apache-2.0
"""Identifiers of facts: UUIDv7 in form, and a function of what they identify.

The same fact made twice (a replay, a retry after a crash) gets the same id, so storing it twice is
storing it once. Version and variant bits follow RFC 9562; the 74 free bits are a BLAKE2b digest.
"""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID


def fact_id(recorded_us: int, kind: str, key: str) -> UUID:
    """UUIDv7 of the fact ``kind``/``key`` recorded at an instant (µs since 1970, from 1970 on).

    >>> fact_id(1475638200000000, "alarm", "taehwa:advisory")
    UUID('015792e4-06c0-7d30-9a11-d6fb2245fe2d')
    """
    digest = int.from_bytes(blake2b(f"{recorded_us}\0{kind}\0{key}".encode(), digest_size=10).digest())
    milliseconds = max(recorded_us, 0) // 1000 & (1 << 48) - 1
    random_a, random_b = digest >> 62 & 0xFFF, digest & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | random_a << 64 | 0b10 << 62 | random_b)
