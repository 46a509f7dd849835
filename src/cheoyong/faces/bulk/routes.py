# SPDX-License-Identifier: Apache-2.0
"""Routes below ``/bulk``: what the doors are, observations in, observations out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.exceptions import InternalServerException
from litestar.response import Stream

from cheoyong.domain.errors import InvalidInput
from cheoyong.faces.access import needs, principal_of
from cheoyong.faces.bulk.describing import DOORS, Download, Upload
from cheoyong.faces.bulk.download import Downloads, asked
from cheoyong.faces.bulk.upload import MEDIA_TYPES, RefusedPartWayError, Uploads
from cheoyong.faces.problem import MEDIA_TYPE, problem_of

AnyRequest = Request[Any, Any, Any]


@get("/bulk", opt=needs("read"), sync_to_thread=False, tags=["Bulk"])
def doors() -> dict[str, Any]:
    """What the bulk doors take and give: media types, columns, parameters, bounds."""
    return DOORS


@post(
    "/bulk/observations", opt=needs("observe"), status_code=200, request_max_body_size=None,
    operation_class=Upload, tags=["Bulk"],
)  # fmt: skip
async def send(request: AnyRequest) -> Response[Any]:
    """Store the rows of an Arrow IPC stream or file, or of a Parquet file; answered when they are durable.

    All rows before the first bad one are stored, none after it; the same rows sent again are stored once.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise InvalidInput(
            f"a body of type {media_type!r:.60}",
            where="Content-Type",
            mend=f"send {' or '.join(MEDIA_TYPES)}",
        )
    uploads: Uploads = request.app.state.uploads
    try:
        account = await uploads.take(principal_of(request), media_type, _body(request))
    except RefusedPartWayError as refused:
        problem = problem_of(refused.error)
        members = msgspec.json.decode(problem.body()) | asdict(refused.account)
        return Response(
            members, status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.all_headers()
        )
    return Response(asdict(account))


async def _body(request: AnyRequest) -> AsyncIterator[bytes]:
    try:
        async for piece in request.stream():
            yield piece
    except InternalServerException:  # the framework's word for a sender who went away
        raise InvalidInput("the connection broke", where="body", mend="send the body again") from None


@get("/bulk/observations", opt=needs("read"), operation_class=Download, tags=["Bulk"])
async def fetch(request: AnyRequest) -> Stream:
    """Observations by datastream, thing or observed property, sorted by datastream, time and id.

    With ``known_at`` as they were known at that instant, flags included.
    """
    downloads: Downloads = request.app.state.downloads
    wanted = asked(list(request.query_params.multi_items()))
    answer = await downloads.answer(principal_of(request).organisation_id, wanted)
    return Stream(answer.pieces, media_type=answer.media_type, headers=answer.headers)


ROUTES = [doors, send, fetch]
