# SPDX-License-Identifier: Apache-2.0
"""The one problem envelope: every error of every face leaves as RFC 9457 ``application/problem+json``.

::

    problem_of(error) -> Problem              the envelope of any exception (5xx unforeseen: no internals)
    send_problem(send, error, scope)          answer a plain ASGI request with it
    ProblemEdge(app)                          plain ASGI middleware: the outermost edge
    EXCEPTION_HANDLERS                        for Litestar(exception_handlers=...)

Members: ``type`` is ``about:blank`` and ``title`` the phrase of the status, as RFC 9457 §4.2.1 asks when
a problem has no page of its own; ``status``; ``detail``: what is wrong; ``where``: the field, row or
rule; ``mend``: what to do about it; ``code``: stable, for programs. An unforeseen error adds
``error_id``, which the log line carries too.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import ceil
from secrets import token_hex
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter

from cheoyong.domain.errors import (
    CheoyongError,
    ImpossibleValue,
    InvalidInput,
    OutOfSpace,
    TooMany,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
UNFORESEEN = Counter("cheoyong_unforeseen_errors_total", "Errors no one foresaw, answered with 500", ["kind"])

_log = structlog.get_logger("cheoyong.problem")
_DETAIL_CHARACTERS_MAX = 500
_FRAMES_MAX = 20
_UNSTORABLE_TEXT = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
_TOO_LARGE_A_NUMBER = "a number here is larger than any that can be stored"
_ENGINE_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    ConnectionError,
    TimeoutError,
)
# What the web framework refuses by itself, in the words of our own tree of errors.
_CODES = {
    400: "invalid_input", 401: "not_signed_in", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    409: "conflict", 413: "too_large", 415: "unsupported_media_type", 422: "impossible_value",
    429: "too_many", 501: "not_supported", 503: "unavailable", 507: "out_of_space",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, ready to be sent: status 400-599, its members and the headers that go with it."""

    status: int
    detail: str
    code: str
    where: str = ""
    mend: str = ""
    error_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The JSON bytes.

        >>> Problem(404, "no such thing", "not_found").body()[:60]
        b'{"type":"about:blank","title":"Not Found","status":404,"deta'
        """
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail[:_DETAIL_CHARACTERS_MAX],
            "where": self.where[:_DETAIL_CHARACTERS_MAX],
            "mend": self.mend,
            "code": self.code,
        }
        if self.error_id:
            members["error_id"] = self.error_id
        return msgspec.json.encode(members)

    def all_headers(self) -> dict[str, str]:
        """Content type, never cached, and what the error itself brings (Retry-After, Allow)."""
        return {**self.headers, "content-type": MEDIA_TYPE, "cache-control": "no-store"}


def problem_of(error: BaseException) -> Problem:
    """The envelope of an exception; an unforeseen one is counted, logged and told without its inside.

    >>> problem_of(TooMany("too many sign-ins", retry_after_s=4.2)).headers["retry-after"]
    '5'
    """
    # asyncpg's client-side DataError is an InterfaceError too, but it is a mistake of ours.
    if isinstance(error, _ENGINE_AWAY) and not isinstance(error, ValueError):
        error = Unavailable("the database does not answer", mend="try again; see /health")
    elif isinstance(error, asyncpg.DiskFullError):
        error = OutOfSpace("the disk is full; nothing was stored", mend="free space; see cheoyong doctor")
    elif _is_of_a_number(error):
        error = ImpossibleValue(_TOO_LARGE_A_NUMBER, mend="whole numbers have 64 bits, ids mostly 32")
    elif isinstance(error, _UNSTORABLE_TEXT):
        error = InvalidInput("a text here holds a character that cannot be stored", mend="leave NUL out")
    elif isinstance(error, MemoryError):
        error = Unavailable("there is no memory left for this", mend="ask for less, or try again")
    if isinstance(error, CheoyongError):
        return _of_our_own(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_the_framework(error)
    return _unforeseen(error)


def _is_of_a_number(error: BaseException) -> bool:
    """Whether a number did not fit its column; one so large can only have come in by a request."""
    beyond = isinstance(error, asyncpg.DataError) and isinstance(error.__cause__, OverflowError)
    return beyond or isinstance(error, asyncpg.NumericValueOutOfRangeError)


def _of_our_own(error: CheoyongError) -> Problem:
    headers: dict[str, str] = {}
    if isinstance(error, TooMany):
        headers["retry-after"] = str(max(1, ceil(error.retry_after_s)))
    if isinstance(error, Unavailable):
        headers["retry-after"] = "1"
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="cheoyong"'  # not Basic: browsers would ask in a window
    return Problem(error.status, error.detail, error.code, error.where, error.mend, headers=headers)


def _of_the_framework(error: HTTPException) -> Problem:
    code = _CODES.get(error.status_code, "error")
    headers = {
        name.lower(): value
        for name, value in (error.headers or {}).items()
        if name.lower() in {"allow", "retry-after"}
    }
    where, detail, mend = "", str(error.detail), ""
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first = error.extra[0]
        key = str(first.get("key", first.get("source", "")))
        message = str(first.get("message", "the request does not have the expected form"))
        where, detail, mend = _of_a_field(key, message)
    elif error.status_code == HTTPStatus.BAD_REQUEST:  # Litestar could not decode the body
        where, mend = "body", "send JSON (RFC 8259) in UTF-8"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        where, mend = "method", f"use {headers['allow']}" if "allow" in headers else ""
    return Problem(error.status_code, detail, code, where, mend, headers=headers)


def _of_a_field(key: str, message: str) -> tuple[str, str, str]:
    """Where, what and how to mend it, of what msgspec says about a body; Litestar calls the body ``data``.

    >>> _of_a_field("data", "Object missing required field `login`")
    ('login', 'Object missing required field `login`', 'add it')
    """
    named = re.search(r"(missing required|contains unknown) field `(.*?)`", message)
    if named:
        return named[2], message, "add it" if named[1].startswith("missing") else "leave it out"
    wrong_type = re.match(r"Expected `(\w+)`( [<>]=? [-\d.]+)?", message)
    return (
        "body" if key == "data" else key,
        message,
        f"send {_IN_JSON.get(wrong_type[1], wrong_type[1])}{wrong_type[2] or ''}" if wrong_type else "",
    )


_IN_JSON = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
            "object": "an object", "array": "a list"}  # fmt: skip


def _unforeseen(error: BaseException) -> Problem:
    """Only types and code lines are logged: the message of an unforeseen error may quote a secret."""
    error_id, kind = token_hex(8), type(error).__name__
    UNFORESEEN.labels(kind=kind).inc()
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    _log.error(
        "unforeseen error",
        error_id=error_id,
        kind=kind,
        sqlstate=getattr(error, "sqlstate", None),
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        next_step="report the error id with these lines",
    )
    return Problem(
        500, "something went wrong here", "error", mend="try again; report the error id", error_id=error_id
    )


async def send_problem(send: Send, error: BaseException, scope: Scope) -> None:
    """Answer a plain ASGI HTTP request with the envelope of ``error``. Nothing may have been sent before."""
    problem = problem_of(error)
    body = problem.body()
    headers = {**problem.all_headers(), "content-length": str(len(body))}
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    content = b"" if scope.get("method") == "HEAD" else body
    await send({"type": "http.response.body", "body": content, "more_body": False})


class ProblemEdge:
    """Plain ASGI middleware: whatever an app raises before it answers becomes a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an error after the answer has begun is counted and ends the connection."""
        started = False

        async def noting_send(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except Exception as error:
            if started or scope["type"] != ScopeType.HTTP:
                problem_of(error)  # counted and logged; too late to say it to the caller
                raise
            await send_problem(send, error, scope)


def _answer(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem = problem_of(error)
    return Response(
        problem.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=problem.all_headers()
    )


EXCEPTION_HANDLERS: Mapping[
    int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[bytes]]
] = {
    HTTPException: _answer,
    CheoyongError: _answer,
    Exception: _answer,
}
