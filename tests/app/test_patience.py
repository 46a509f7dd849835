# SPDX-License-Identifier: Apache-2.0
"""F30: a real uvicorn on a real socket lets go who is slow or endless, and only those."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from cheoyong.app.patience import BYTES_A_LOOK_MIN, HEAD_BYTES_MAX, LET_GO, PatientHttp, end_unread

LARGE = bytes(40 << 20)  # more than the buffers of kernel and program hold
LOOK_S = 0.1


class Brisk(PatientHttp):
    """Looks often, so that the tests need not wait."""

    look_s = LOOK_S


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message["more_body"]:
            break
    body = LARGE if scope["path"] == "/large" else str(size).encode()
    head = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    config = uvicorn.Config(
        app, http=Brisk, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    yield int(listener.getsockname()[1])
    server.should_exit = True
    await task
    listener.close()


def counted(why: str) -> float:
    return float(LET_GO.labels(why)._value.get())


async def trickle(port: int, first: bytes, drop: bytes) -> bytes:
    """What a client is answered that sends ``first`` and then a drop every little while."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    answer = asyncio.ensure_future(reader.read())
    with contextlib.suppress(ConnectionError):
        for _ in range(2_000):
            if (await asyncio.wait([answer], timeout=LOOK_S / 4))[0]:
                break
            writer.write(drop)
            await writer.drain()
    writer.close()
    return await asyncio.wait_for(answer, 60)


@pytest.mark.parametrize(
    ("first", "drop", "why"),
    [
        (b"", b"", "head"),
        (b"GET / HTTP/1.1\r\n", b"x-a: b\r\n", "head"),
        (b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n", b"x", "body"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "body"),
    ],
    ids=["silence", "endless headers", "slow body", "slow chunks"],
)
async def test_F30_a_request_that_trickles_in_is_answered_408_and_let_go(
    port: int, first: bytes, drop: bytes, why: str
) -> None:
    before = counted(why)
    answer = await trickle(port, first, drop)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"code":"unavailable"' in answer
    assert counted(why) == before + 1


@pytest.mark.parametrize("line", [b"x-%d: y\r\n", b"%d"], ids=["many headers", "one header without an end"])
async def test_F30_a_head_without_an_end_is_refused_before_it_fills_the_memory(
    port: int, line: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nx-first: ")
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 64 << 20:
            some = b"".join(line % number for number in range(2_000))
            writer.write(some)
            await writer.drain()
            sent += len(some)
    assert sent < 16 * HEAD_BYTES_MAX + (8 << 20), "what the kernel holds, and a little"
    with contextlib.suppress(ConnectionError):
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 431 ")
    writer.close()
    assert counted("head") > 0


async def test_F30_an_answer_that_nobody_reads_is_dropped_and_its_connection_ended(port: int) -> None:
    before = counted("unread")
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.setblocking(False)
        await asyncio.get_running_loop().sock_sendall(stuck, b"GET /large HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(60):
            while counted("unread") == before:
                await asyncio.sleep(LOOK_S / 4)
        received = 0
        with contextlib.suppress(ConnectionError):
            while some := await asyncio.get_running_loop().sock_recv(stuck, 1 << 20):
                received += len(some)
    assert received < len(LARGE)


async def test_F30_a_slow_but_steady_reader_gets_its_whole_answer(port: int) -> None:
    before = counted("unread")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(b"GET /large HTTP/1.1\r\nconnection: close\r\n\r\n")
    size = 0
    while some := await reader.read(LARGE.__len__() // 40):
        size += len(some)
        if size % 7 == 0:
            await asyncio.sleep(0)
    writer.close()
    assert size > len(LARGE)
    assert counted("unread") == before


async def test_F30_a_large_body_that_keeps_coming_is_taken_however_long_it_takes(port: int) -> None:
    piece = bytes(BYTES_A_LOOK_MIN)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (20 * len(piece)))
    for _ in range(20):  # about eight looks long
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(LOOK_S * 0.4)
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    assert answer.endswith(b"\r\n\r\n200000")


async def test_a_connection_that_is_kept_alive_serves_request_after_request(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for size in (0, 10, 300_000):
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(len(str(size))) == str(size).encode()
        await asyncio.sleep(LOOK_S * 3)  # idle between two requests is no slowness
    writer.close()


def test_F30_the_kernel_is_told_to_end_connections_that_take_in_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        end_unread(listener)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
