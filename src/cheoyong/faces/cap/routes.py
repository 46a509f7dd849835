# SPDX-License-Identifier: Apache-2.0
"""Public routes of published warnings: the CAP documents as sent, and one Atom feed a channel.

Feeds are separate by channel, so nobody who listens to the public one ever meets an exercise. A
document is also found by its identifier under ``/cap/alerts``; its status stands in it and in a header.
"""

from __future__ import annotations

import hashlib
from typing import Any

from litestar import Request, Response, get

from cheoyong.domain.errors import NotFound
from cheoyong.faces.access import PUBLIC, needs
from cheoyong.faces.cap.atom import FeedEntry, render_feed
from cheoyong.faces.cap.vocabulary import MEDIA_TYPE
from cheoyong.records import alerts
from cheoyong.records.alerts import Publication
from cheoyong.warn.channels import EXERCISE_FEED, PUBLIC_FEED, Channel

AnyRequest = Request[Any, Any, Any]
ATOM = "application/atom+xml"
_SUFFIX = ".xml"
_KEPT_S = 5  # feeds may be a few seconds old: a rush of readers is then served from caches


@get(["/cap/alerts/{name:str}", "/exercise/cap/alerts/{name:str}"], opt=needs(PUBLIC), media_type=MEDIA_TYPE)
async def document(request: AnyRequest, name: str) -> Response[bytes]:
    """One CAP 1.2 document, byte for byte as it was sent."""
    if not name.endswith(_SUFFIX):
        raise NotFound("a document ends in .xml", where=name[:120])
    found = await alerts.publication(request.app.state.door, name.removesuffix(_SUFFIX))
    if request.url.path.startswith(EXERCISE_FEED.path) and found.channel != EXERCISE_FEED.id:
        raise NotFound("no exercise was published under this identifier", where=name[:120])
    headers = {"cheoyong-status": found.status, "cache-control": "public, max-age=31536000, immutable"}
    return Response(found.cap, media_type=MEDIA_TYPE, headers=headers)


@get("/cap/feed.atom", opt=needs(PUBLIC), media_type=ATOM)
async def public_feed(request: AnyRequest) -> Response[bytes]:
    """What was published as Actual."""
    return await _feed(request, PUBLIC_FEED)


@get("/exercise/cap/feed.atom", opt=needs(PUBLIC), media_type=ATOM)
async def exercise_feed(request: AnyRequest) -> Response[bytes]:
    """What was published in exercises."""
    return await _feed(request, EXERCISE_FEED)


async def _feed(request: AnyRequest, channel: Channel) -> Response[bytes]:
    published = await alerts.publications(request.app.state.door, channel.id)
    body = _rendered(request, channel, published)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": f"public, max-age={_KEPT_S}"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type=ATOM, headers=headers)


def _rendered(request: AnyRequest, channel: Channel, published: list[Publication]) -> bytes:
    city = request.app.state.site.city
    root = str(request.base_url).rstrip("/")
    here = f"{root}{channel.path}/feed.atom"
    entries = [
        FeedEntry(p.alert_id, p.content, p.sent_us, f"{root}{channel.path}/alerts/{p.identifier}{_SUFFIX}")
        for p in published
    ]
    name = city.name.get("ko", city.id)
    title = f"{name} 경보 (CAP 1.2)" if channel is PUBLIC_FEED else f"{name} 훈련 경보, exercise (CAP 1.2)"
    author = city.sender_name.get("ko", city.sender)
    return render_feed(
        entries, channel=channel, feed_id=here, self_url=here, title=title, author=author,
        updated_us=max((p.sent_us for p in published), default=0),
    )  # fmt: skip


ROUTES = [document, public_feed, exercise_feed]
