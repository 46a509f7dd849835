# SPDX-License-Identifier: Apache-2.0
"""F06: request bodies in flight take up a bounded amount of memory, and small ones get in beside large."""

import asyncio
from typing import Any

import httpx
import pytest

from cheoyong.faces.limits import BODIES_BYTES_RESERVED, BoundBodies
from cheoyong.faces.problem import ProblemEdge, problem_of

LARGE = 1 << 20
MAX = BODIES_BYTES_RESERVED + 4 * LARGE


class Desk:
    """An app that reads the whole body and answers when the test says so."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.reading = 0
        self.refusals = 0
        self.bounded = BoundBodies(self.app, self.refused, bytes_max=MAX, streamed=("/streamed/",))
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=ProblemEdge(self.bounded)),  # type: ignore[arg-type]
            base_url="http://city.test",
        )

    def refused(self) -> None:
        self.refusals += 1

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/unasked":
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body"})
            return
        while (await receive()).get("more_body"):
            pass
        self.reading += 1
        if scope["path"] == "/fails":
            raise MemoryError
        await self.go.wait()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body"})

    async def waiting(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.reading < count:
                await asyncio.sleep(0)


async def in_pieces(size: int) -> Any:
    for _ in range(size // 4096):
        yield bytes(4096)


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_F06_bodies_beyond_the_budget_are_told_to_come_again_and_small_ones_get_in(
    desk: Desk, announced: bool
) -> None:
    def post(size: int) -> asyncio.Task[httpx.Response]:
        content = bytes(size) if announced else in_pieces(size)
        return asyncio.create_task(desk.client.post("/", content=content))

    held = [post(LARGE) for _ in range(4)]
    await desk.waiting(4)
    for _ in range(5):
        refused = await post(LARGE)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["where"] == "body"
    assert desk.refusals == 5
    small = [post(8192) for _ in range(50)]
    await desk.waiting(54)
    assert desk.bounded.held <= MAX
    desk.go.set()
    answers = await asyncio.gather(*held, *small)
    assert {answer.status_code for answer in answers} == {201}
    assert desk.bounded.held == 0
    assert (await post(LARGE)).status_code == 201


async def test_F06_small_bodies_have_a_bound_too(desk: Desk) -> None:
    sizes = [64 << 10] * (MAX // (64 << 10) + 20)
    posts = [asyncio.create_task(desk.client.post("/", content=bytes(size))) for size in sizes]
    await desk.waiting(MAX // (64 << 10))
    desk.go.set()
    codes = [(await post).status_code for post in posts]
    assert codes.count(429) == 20
    assert desk.bounded.held == 0


async def test_F06_alone_a_body_may_be_larger_than_the_budget(desk: Desk) -> None:
    giant = asyncio.create_task(desk.client.post("/", content=bytes(MAX + 1)))
    await desk.waiting(1)
    assert (await desk.client.post("/", content=bytes(LARGE))).status_code == 429
    desk.go.set()
    assert (await giant).status_code == 201
    assert desk.bounded.held == 0


async def test_F06_a_body_that_is_taken_in_pieces_is_not_counted(desk: Desk) -> None:
    giant = asyncio.create_task(desk.client.post("/streamed/x", content=in_pieces(2 * MAX)))
    await desk.waiting(1)
    assert desk.bounded.held == 0
    desk.go.set()
    assert (await giant).status_code == 201


async def test_F06_what_nobody_reads_takes_up_nothing_and_what_fails_is_given_back(desk: Desk) -> None:
    assert (await desk.client.post("/unasked", content=bytes(3 * MAX))).status_code == 401
    failed = await desk.client.post("/fails", content=bytes(LARGE))
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "1")
    assert desk.bounded.held == 0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_F06_while_nothing_more_can_be_kept_only_small_bodies_are_read(
    desk: Desk, announced: bool
) -> None:
    full = True
    desk.bounded._full = lambda: full
    desk.go.set()
    refused = await desk.client.post("/", content=bytes(LARGE) if announced else in_pieces(LARGE))
    assert (refused.status_code, refused.headers["retry-after"], desk.reading) == (429, "1", 0)
    assert (desk.refusals, desk.bounded.held) == (1, 0)
    assert (await desk.client.post("/", content=bytes(64 << 10))).status_code == 201
    full = False
    assert (await desk.client.post("/", content=bytes(LARGE))).status_code == 201


def test_F06_no_memory_left_is_no_fault_of_the_sender() -> None:
    problem = problem_of(MemoryError())
    assert (problem.status, problem.code, problem.error_id) == (503, "unavailable", "")
