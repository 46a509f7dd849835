# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL keeps of a password, made on our side so that no statement ever carries the password.

A cluster that logs its statements (``log_statement = ddl``) or counts them would else hold the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode

from cheoyong.domain.errors import ConfigurationError

ITERATIONS = 4096  # PostgreSQL's own count; a long random secret gains nothing from more
_SALT_BYTES = 16


def scram_verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The SCRAM-SHA-256 secret of a password, as ``pg_authid.rolpassword`` holds it.

    ``SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`` (RFC 5803 section 3 with the keys of
    RFC 5802 section 3 and the hash of RFC 7677); ``salt`` is random unless given. Raises
    ConfigurationError for a password that is empty or not printable ASCII: only of such a one can it be
    said without SASLprep that each client sends the same bytes.

    >>> scram_verifier("pencil", salt=bytes(16)).split("$")[:2]
    ['SCRAM-SHA-256', '4096:AAAAAAAAAAAAAAAAAAAAAA==']
    """
    if not (password and password.isascii() and password.isprintable()):
        raise ConfigurationError("the password of a database role is not printable ASCII")
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_text(salt)}${_text(stored_key)}:{_text(server_key)}"


def _text(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
