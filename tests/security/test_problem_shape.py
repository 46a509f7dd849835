# SPDX-License-Identifier: Apache-2.0
"""One problem envelope for every error of every kind, and security headers on all of them."""

from typing import Any

import asyncpg
import httpx
import pytest
from litestar import get, post
from litestar.params import FromQuery, RawBody

from accounts_world import World, installation_fixture, world_fixture  # noqa: F401
from cheoyong.domain import errors
from cheoyong.faces.access import PUBLIC, needs
from cheoyong.faces.headers import CONTENT_SECURITY_POLICY
from cheoyong.faces.problem import UNFORESEEN, ProblemEdge

OWN = [errors.CheoyongError, *errors.CheoyongError.__subclasses__(), errors.ImpossibleValue]
ENGINE = [
    (asyncpg.ConnectionDoesNotExistError, 503),
    (asyncpg.DiskFullError, 507),
    (ConnectionError, 503),
    (TimeoutError, 503),
    (asyncpg.DataError, 500),
    (ZeroDivisionError, 500),
    (KeyError, 500),
]


def make(kind: type[Exception]) -> Exception:
    return kind("what", retry_after_s=7.2) if kind is errors.TooMany else kind("what")  # type: ignore[call-arg]


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) - {"error_id"} == {"type", "title", "status", "detail", "where", "mend", "code"}
    assert body["status"] == status
    assert all(isinstance(value, str) for name, value in body.items() if name != "status")
    assert body["title"]
    assert body["detail"]
    assert body["code"]
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    return body


@pytest.mark.parametrize("kind", OWN)
async def test_each_error_of_our_tree_leaves_as_one_problem_by_litestar_and_by_plain_asgi(
    world: World, kind: type[Exception]
) -> None:
    @get("/fails", opt=needs(PUBLIC))
    async def fails() -> None:
        raise make(kind)

    async with world.client(None, fails) as client:
        by_litestar = await client.get("/fails")
    by_asgi = await ask_plain(make(kind))
    body = assert_problem(by_litestar, kind.status)  # type: ignore[attr-defined]
    assert body == by_asgi.json()
    assert by_asgi.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in by_litestar.headers) == (kind in (errors.TooMany, errors.Unavailable))
    if kind is errors.TooMany:
        assert by_litestar.headers["retry-after"] == "8"


@pytest.mark.parametrize(("kind", "status"), ENGINE)
async def test_engine_trouble_and_the_unforeseen_leave_as_problems_without_their_inside(
    world: World, kind: type[Exception], status: int
) -> None:
    @get("/fails", opt=needs(PUBLIC))
    async def fails() -> None:
        raise kind("inner secret")

    before = UNFORESEEN.labels(kind=kind.__name__)._value.get()
    async with world.client(None, fails) as client:
        answer = await client.get("/fails")
    body = assert_problem(answer, status)
    assert "inner secret" not in answer.text
    assert ("error_id" in body) == (status == 500)
    assert UNFORESEEN.labels(kind=kind.__name__)._value.get() - before == (1 if status == 500 else 0)


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/nowhere", b"", 404, "not_found"),
        ("DELETE", "/number", b"", 405, "method_not_allowed"),
        ("GET", "/number?n=x", b"", 400, "invalid_input"),
        ("GET", "/number", b"", 400, "invalid_input"),
        ("POST", "/api/session", b"{", 400, "invalid_input"),
        ("POST", "/api/session", b'{"login":"a","password":"b","x":1}', 400, "invalid_input"),
        ("GET", "/api/people", b"", 401, "not_signed_in"),
        ("POST", "/big", b"x" * 2000, 413, "too_large"),
    ],
)
async def test_what_the_web_framework_refuses_leaves_as_the_same_problem(
    world: World, method: str, path: str, content: bytes, status: int, code: str
) -> None:
    @get("/number", opt=needs(PUBLIC))
    async def number(n: FromQuery[int]) -> int:
        return n

    @post("/big", opt=needs(PUBLIC), request_max_body_size=1000)
    async def big(body: RawBody) -> None:
        return None

    async with world.client(None, number, big) as client:
        answer = await client.request(
            method, path, content=content, headers={"Content-Type": "application/json"}
        )
    assert assert_problem(answer, status)["code"] == code
    if status == 405:
        assert "GET" in answer.headers["allow"]


async def test_an_error_after_the_answer_has_begun_is_counted_and_ends_the_connection() -> None:
    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    before = UNFORESEEN.labels(kind="ZeroDivisionError")._value.get()
    with pytest.raises(ZeroDivisionError):
        await ProblemEdge(half)({"type": "http", "method": "GET"}, None, _swallow)  # type: ignore[arg-type, typeddict-item]
    assert UNFORESEEN.labels(kind="ZeroDivisionError")._value.get() == before + 1


async def _swallow(message: Any) -> None:
    return None


async def ask_plain(error: Exception) -> httpx.Response:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise error

    transport = httpx.ASGITransport(app=ProblemEdge(failing))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://city.test") as client:
        return await client.get("/")
