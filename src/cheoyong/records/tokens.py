# SPDX-License-Identifier: Apache-2.0
"""Random tokens: handed out once, kept as their SHA-256 only (256 random bits need no slow hash)."""

from __future__ import annotations

import hashlib
from secrets import token_urlsafe

TOKEN_BYTES = 32
TOKEN_CHARACTERS_MAX = 128  # longer than any of ours: refused before it is hashed


def new_token() -> str:
    """A token of 256 random bits, 43 characters fit for a URL."""
    return token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """The 32 bytes that are stored in its place.

    >>> token_hash("abc").hex()[:16]
    'ba7816bf8f01cfea'
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
