# SPDX-License-Identifier: Apache-2.0
"""Answers of the OGC APIs: JSON with a weak ETag, absolute links, the landing and conformance pages.

A service is a :class:`Service`: its path, its title and the classes it conforms to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, route

from cheoyong.faces.access import needs

JSON = "application/json"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

AnyRequest = Request[Any, Any, Any]
Link = dict[str, str]
_encode = msgspec.json.Encoder().encode


def reads(path: str) -> Callable[[Any], Any]:
    """A route that answers GET and HEAD to whoever may read; its OpenAPI is the service's own."""
    return route(path, http_method=["GET", "HEAD"], opt=needs("read"), include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Service:
    """One OGC API: where it is (``/ogc/features``), what it is called and says, what it conforms to."""

    path: str
    title: str
    description: str
    conforms_to: Sequence[str]

    def root(self, request: AnyRequest) -> str:
        """Its address as the client knows it."""
        return site_root(request) + self.path


def site_root(request: AnyRequest) -> str:
    """The address of this installation as the client knows it, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def link(href: str, rel: str, title: str, media_type: str = JSON) -> Link:
    """A web link (RFC 8288) as the OGC APIs write it."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def this_address(request: AnyRequest, **changed: str) -> str:
    """The address asked for, with some query parameters changed."""
    address = site_root(request) + request.url.path
    values = {**dict(request.query_params), **changed}
    return f"{address}?{urlencode(values)}" if values else address


def landing_page(request: AnyRequest, service: Service) -> dict[str, Any]:
    """The landing page: what it is and where the rest is."""
    root = service.root(request)
    return {
        "title": service.title,
        "description": service.description,
        "links": [
            link(f"{root}/", "self", "This document"),
            link(f"{root}/api", "service-desc", "The API as OpenAPI 3.0", OPENAPI),
            link(f"{root}/api", "service-doc", "The API as OpenAPI 3.0", OPENAPI),
            link(f"{root}/conformance", "conformance", "What it conforms to"),
            link(f"{root}/collections", "data", "The collections"),
        ],
    }


def answer(
    request: AnyRequest,
    body: Mapping[str, Any],
    media_type: str = JSON,
    *,
    unmarked: Sequence[str] = (),
) -> Response[bytes]:
    """JSON with a weak ETag, or 304 when the client has it already.

    ``unmarked`` names members that change at every request (``timeStamp``) and do not count for the tag.
    """
    marked = _encode({name: value for name, value in body.items() if name not in unmarked})
    return tagged(request, _encode(body), media_type, marked)


def tagged(
    request: AnyRequest,
    content: bytes,
    media_type: str,
    marked: bytes | None = None,
) -> Response[bytes]:
    """Bytes with a weak ETag of ``marked`` (else of themselves), or 304 when the client has them."""
    digest = hashlib.sha256(content if marked is None else marked)
    etag = f'W/"{digest.hexdigest()[:32]}"'
    # Private: what one organisation is answered is for nobody's shared cache.
    said = {
        "etag": etag, "cache-control": "private, no-cache", "vary": "accept, authorization, cookie",
    }  # fmt: skip
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(b"", status_code=304, headers=said)
    return Response(content, media_type=media_type, headers=said)


def _has(header: str, etag: str) -> bool:
    named = {part.strip() for part in header.split(",")}
    return "*" in named or etag in named or etag.removeprefix("W/") in named
