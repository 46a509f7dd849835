# SPDX-License-Identifier: Apache-2.0
"""Large answers, packed: thousands of gauges repeat the same few words, so gzip leaves a tenth of them."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
from litestar import Request, Response

PACK_FROM_BYTES = 16_384
_LEVEL = 1  # a higher one takes longer than it saves on the line of a control room


def packed(request: Request[Any, Any, Any], body: Any) -> Response[bytes]:
    """A JSON answer, in gzip when it is large and the caller takes that (RFC 9110, 8.4.1.3)."""
    content = msgspec.json.encode(body)
    headers = {"vary": "accept-encoding"}
    if len(content) >= PACK_FROM_BYTES and takes_gzip(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, _LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(content, media_type="application/json", headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip (RFC 9110, 12.5.3).

    >>> [takes_gzip(text) for text in ("gzip, br", "br;q=1.0, GZIP;q=0.5", "gzip;q=0", "br", "*", "")]
    [True, True, False, False, True, False]
    """
    weights = {}
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";q=")
        weights[name.strip()] = weight.strip() or "1"
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.rstrip("0.") != ""
