# SPDX-License-Identifier: Apache-2.0
"""HTTP connections that are waited for only so long: slow senders and readers cost a bounded amount (F30).

uvicorn bounds what a connection may hold, but neither how long a header or body may take, nor how large a
header may grow, nor how long an answer may lie unread. This does, with one timer a connection.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import Any

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cheoyong.faces.problem import MEDIA_TYPE, Problem

LOOK_S = 10.0  # how often a connection is looked at; a slow one is let go at the second look at the latest
BYTES_A_LOOK_MIN = 10_000  # of a body sent or an answer read: 1 kB/s, less than any line today
HEAD_BYTES_MAX = 65_536
UNREAD_MS_MAX = 30_000  # the kernel ends a connection whose reader takes in nothing for so long
CONNECTIONS_MAX = 16_384  # beyond it the answer is 503
_OPEN_FILES_SPARE = 2_048  # of the database, the bus, logs
LET_GO = Counter("cheoyong_connections_let_go_total", "Connections ended for being slow or endless", ["why"])


def end_unread(listener: socket.socket) -> None:
    """Have the kernel end connections of ``listener`` that take in nothing for 30 s (RFC 5482; Linux)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)


def allow_connections() -> None:
    """Raise our own limit of open files as far as the system lets us and the connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + _OPEN_FILES_SPARE
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


class PatientHttp(HttpToolsProtocol):
    """One HTTP connection, let go when it is too slow. Answers 408 or 431 where an answer is still due."""

    look_s = LOOK_S
    _timer: asyncio.TimerHandle | None = None
    _receiving = True  # a head or a body is on its way; a fresh connection owes a head
    _in_head = True
    _head_bytes = 0
    _body_bytes = 0  # since the last look
    _slow_at_last_look = False
    _unread_at_last_look = 0

    def connection_made(self, transport: Any) -> None:
        """Begin to look."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.look_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, unless a head has no end."""
        was_in_head = self._in_head
        super().data_received(data)
        if was_in_head and self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self._let_go("head", Problem(431, f"the head is over {HEAD_BYTES_MAX} bytes", "too_large"))

    def on_message_begin(self) -> None:
        """A request begins."""
        self._receiving = self._in_head = True
        self._slow_at_last_look = False
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._in_head = False
        self._body_bytes = BYTES_A_LOOK_MIN  # a body has one look's time to begin
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of its body is here."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._receiving = False
        super().on_message_complete()

    def _look(self) -> None:
        self._timer = self.loop.call_later(self.look_s, self._look)
        slow = self._slow()
        if slow and self._slow_at_last_look:
            self._let_go(slow, Problem(408, "the request did not arrive in time", "unavailable"))
        self._slow_at_last_look = bool(slow)

    def _slow(self) -> str:
        """Why the other side is too slow now; empty when it is not, or when we are what is waited for."""
        unread = self.transport.get_write_buffer_size()
        taken, self._unread_at_last_look = self._unread_at_last_look - unread, unread
        if unread and (self.flow.write_paused or self.transport.is_closing()):
            return "unread" if taken < BYTES_A_LOOK_MIN else ""
        if not self._receiving or self.flow.read_paused:
            return ""
        if self._in_head:
            return "head"
        came, self._body_bytes = self._body_bytes, 0
        return "body" if came < BYTES_A_LOOK_MIN else ""

    def _let_go(self, why: str, problem: Problem) -> None:
        """End the connection; say why first where no answer has begun and none lies unread."""
        LET_GO.labels(why).inc()
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if why == "unread" or begun or self.transport.get_write_buffer_size():
            self.transport.abort()
            return
        body = problem.body()
        head = f"HTTP/1.1 {problem.status} {_PHRASES[problem.status]}\r\nconnection: close\r\n"
        head += f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()


_PHRASES = {408: "Request Timeout", 431: "Request Header Fields Too Large"}
