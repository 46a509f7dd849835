# SPDX-License-Identifier: Apache-2.0
"""The signed tokens of the broker's auth callout: JSON Web Tokens under Ed25519 "nkeys".

NATS signs with its own algorithm name, ``ed25519-nkey``, which JOSE libraries do not know; key handling and
signatures are those of ``nkeys`` (PyNaCl). Claims after github.com/nats-io/jwt v2.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import nkeys

from cheoyong.domain.errors import InvalidInput

_ALGORITHM = "ed25519-nkey"
_TOKEN_CHARACTERS_MAX = 64 * 1024


def signed(claims: dict[str, Any], seed: str) -> str:
    """The token that says ``claims``, signed by the nkey of ``seed``.

    >>> seed = nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_ACCOUNT).decode()
    >>> claims_of(signed({"sub": "U"}, seed))["sub"]
    'U'
    """
    key = nkeys.from_seed(bytearray(seed.encode()))
    body = {**claims, "iss": key.public_key.decode()}
    text = f"{_encoded({'typ': 'JWT', 'alg': _ALGORITHM})}.{_encoded(body)}"
    return f"{text}.{_base64(key.sign(text.encode()))}"


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a token whose signature holds under the key it names as issuer.

    That proves who wrote it, not that the writer is known: callers compare ``iss`` where it matters. Raises
    InvalidInput for anything else, other algorithms included.
    """
    if len(token) > _TOKEN_CHARACTERS_MAX or token.count(".") != 2:
        raise InvalidInput("is not a token", where="token")
    header_text, body_text, signature_text = token.split(".")
    try:
        header, body = json.loads(_plain(header_text)), json.loads(_plain(body_text))
        signature = _plain(signature_text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("is not a token", where="token") from error
    if not isinstance(header, dict) or not isinstance(body, dict) or header.get("alg") != _ALGORITHM:
        raise InvalidInput("is not an ed25519-nkey token", where="token")
    _check_signature(str(body.get("iss", "")), f"{header_text}.{body_text}".encode(), signature)
    return body


def _check_signature(issuer: str, text: bytes, signature: bytes) -> None:
    from nacl.exceptions import CryptoError
    from nacl.signing import VerifyKey

    try:
        # An nkey is base32 of: one byte of kind, 32 bytes of key, two bytes of CRC-16.
        key = base64.b32decode(issuer + "=" * (-len(issuer) % 8))[1:33]
        VerifyKey(key).verify(text, signature)
    except (binascii.Error, ValueError, CryptoError) as error:
        raise InvalidInput("the signature does not hold", where="token") from error


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
