# SPDX-License-Identifier: Apache-2.0
"""Batch requests (OGC 18-088 §11, OData 4.01 §11.7): many requests in one, each answered for itself.

A part goes through the very app that serves requests on their own, with the caller's credentials: it is
let in, limited and refused as it would be alone. Parts that form a group (a change set of multipart, an
``atomicityGroup`` of JSON) are carried out together or not at all.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

import asyncpg
import msgspec

from cheoyong.domain.errors import (
    CheoyongError,
    FailedDependency,
    InvalidInput,
    TooLarge,
    Unavailable,
)
from cheoyong.faces.problem import MEDIA_TYPE, problem_of
from cheoyong.faces.sensorthings.change_set import OneConnection, Together
from cheoyong.faces.sensorthings.ingest import Ingest, Receive, Scope, Send, brings
from cheoyong.flow.directory import Directory
from cheoyong.flow.intake import Submits
from cheoyong.flow.joint import Opens
from cheoyong.records.connection import Pool

PARTS_MAX = 100
BODY_BYTES_MAX = 4 << 20
ANSWER_BYTES_MAX = 64 << 20
GROUP_S_MAX = 10
_CHANGES = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_METHODS = _CHANGES | {"GET"}
# What of the outer request is about its own body and preferences, not about who asks.
_OWN = frozenset({b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"prefer"})
_REFERENCE = re.compile(r"/?\$([^/?]+)(.*)", re.DOTALL)
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~"
_ENGINE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
App = Callable[[Scope, Receive, Send], Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One request of a batch: ``id`` is what others call it (``$id``), "" for no one does.

    ``needs`` are ids of requests or groups that must have succeeded.
    """

    id: str
    method: str
    url: str
    media_type: str = "application/json"
    body: bytes = b""
    group: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of one part, headers by lower-case name."""

    part: Part
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the part was carried out."""
        return self.status < 400


class Within(Protocol):
    """Makes the app that serves the parts of a group: with its one transaction, or its one intake."""

    def __call__(
        self, *, pool: Pool | None = None, ingest: Ingest | None = None, joints: Opens | None = None
    ) -> App:
        """The app; what is not given is the usual."""


@dataclass(frozen=True, slots=True)
class Whole:
    """What a batch is carried out with: for whom, and where all of a group goes in."""

    organisation_id: int
    joints: Opens
    ingest: Ingest
    intake: Submits


@dataclass(slots=True)
class Batch:
    """Carries out one batch.

    ``scope`` is that of the request it came in; ``root`` the service's address as clients know it;
    ``go_on`` whether a part that fails lets those after it be carried out.
    """

    scope: Scope
    root: str
    within: Within
    whole: Whole
    go_on: bool = True
    done: dict[str, str] = field(default_factory=dict)  # by id: the path of what was made or answered
    failed: set[str] = field(default_factory=set)
    answer_bytes: int = 0

    async def run(self, groups: Sequence[Sequence[Part]]) -> list[list[Answer]]:
        """Carry out lone parts and groups in order; a lone part is a group of one without a name."""
        check(groups)
        app = self.within()
        answers: list[list[Answer]] = []
        while len(answers) < len(groups):
            parts = groups[len(answers)]
            stopped = self._stopped()
            several = list(takewhile(self._is_at_ease, groups[len(answers) :]))
            if stopped is not None:
                answers.append([_problem(part, stopped) for part in parts])
            elif parts[0].group:
                answers.append(await self._group(parts))
            elif several:
                # So they share the commits of the intake, as they would had they come one by one.
                answers += [[one] for one in await asyncio.gather(*(self._one(p[0], app) for p in several))]
                self._note(answers[-len(several) : -1])
            else:
                answers.append([await self._one(parts[0], app)])
            self._note(answers[-1:])
        return answers

    def _is_at_ease(self, parts: Sequence[Part]) -> bool:
        """Whether it is a lone observation that needs none of the requests right before it."""
        part = parts[0]
        reference = _REFERENCE.fullmatch(part.url)
        free = not part.needs and b'"$' not in part.body and (not reference or reference[1] in self.done)
        return self.go_on and not part.group and _observes(part) and free

    def _stopped(self) -> CheoyongError | None:
        if self.failed and not self.go_on:
            return FailedDependency(
                "a request before it failed", mend="send Prefer: continue-on-error to go on all the same"
            )
        if self.answer_bytes > ANSWER_BYTES_MAX:
            return TooLarge(f"the answers are over {ANSWER_BYTES_MAX >> 20} MiB", mend="send smaller batches")
        return None

    def _note(self, groups: Sequence[Sequence[Answer]]) -> None:
        for answer in (one for answers in groups for one in answers):
            self.answer_bytes += len(answer.body)
            if not answer.good:
                self.done.pop(answer.part.id, None)
                self.failed |= {answer.part.id, answer.part.group}

    async def _group(self, parts: Sequence[Part]) -> list[Answer]:
        """All parts of a group, or none of them: then those that were not at fault answer 424."""
        if any(part.method not in _CHANGES for part in parts):
            error = InvalidInput("a group holds changes only", mend="put reading outside")
            return [_problem(part, error) for part in parts]
        only_observations = all(_observes(part) and not brings(part.body) for part in parts)
        answers = await (self._observations if only_observations else self._entities)(parts)
        if all(answer.good for answer in answers):
            return answers
        undone = FailedDependency("another request of its group failed, so nothing of it was stored")
        return [_problem(answer.part, undone) if answer.good else answer for answer in answers]

    async def _entities(self, parts: Sequence[Part]) -> list[Answer]:
        """Changes of entities, and observations among them, one after the other in one transaction."""
        answers: dict[int, Answer] = {}
        whole = self.whole
        try:
            # Rows it has changed are held from others until its end.
            async with asyncio.timeout(GROUP_S_MAX), whole.joints.open(whole.organisation_id) as joint:
                ingest = whole.ingest.onto(joint, Directory(joint.connection))
                app = self.within(pool=OneConnection(joint.connection), ingest=ingest, joints=joint)
                for place in _order(parts):
                    answers[place] = await self._one(parts[place], app)
                    if not answers[place].good:
                        raise _Undone
        except _Undone:
            undone = FailedDependency("another request of its group failed, so nothing of it was stored")
            return [answers.get(place) or _problem(part, undone) for place, part in enumerate(parts)]
        except TimeoutError:
            slow = Unavailable(f"the group took over {GROUP_S_MAX} s", mend="send smaller groups")
            return [_problem(part, slow) for part in parts]
        except _ENGINE as error:
            return [_problem(part, error) for part in parts]
        whole.ingest.look_again()  # what was read meanwhile may be from before the commit
        return [answers[place] for place in range(len(parts))]

    async def _observations(self, parts: Sequence[Part]) -> list[Answer]:
        """Observations, each judged for itself and all stored in one commit."""
        together = Together(self.whole.intake, len(parts))
        app = self.within(ingest=self.whole.ingest.onto(together))

        async def one(part: Part) -> Answer:
            failed = True
            try:
                answer = await self._one(part, app)
                failed = not answer.good
            finally:
                together.ended(failed=failed)
            return answer

        return list(await asyncio.gather(*(one(part) for part in parts)))

    async def _one(self, part: Part, app: App) -> Answer:
        try:
            part = self._resolved(part)
        except CheoyongError as error:
            return _problem(part, error)
        path, _, query = part.url.partition("?")
        headers = [item for item in self.scope["headers"] if item[0] not in _OWN]
        scope = {
            **self.scope,
            "method": part.method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [*headers, (b"content-type", part.media_type.encode("latin-1", "replace"))],
        }
        answer = await _answered(app, scope, part)
        if answer.good and part.id:
            made = answer.headers.get("location", "").rpartition("/")[2]
            self.done[part.id] = f"/{made}" if made else path.removeprefix("/v1.1")
        return answer

    def _resolved(self, part: Part) -> Part:
        """The part with its references replaced; raises FailedDependency when what it needs failed."""
        for name in part.needs:
            if name in self.failed:
                raise FailedDependency(f"{name!r:.60}, which it needs, failed", where="dependsOn")
        reference = _REFERENCE.fullmatch(part.url)
        made = f"/v1.1{self._made(reference[1])}{reference[2]}" if reference else ""
        path = made or _path(part.url, self.root)
        if unquote(path.partition("?")[0]).rstrip("/").endswith("/$batch"):
            raise InvalidInput("a batch holds no batch", where=part.url[:60])
        body = self._linked(part.body) if b'"$' in part.body else part.body
        return replace(part, url=quote(path, safe=_URL_SAFE), body=body)

    def _made(self, name: str) -> str:
        if name in self.failed:
            raise FailedDependency(f"${name:.60}, which it names, failed")
        if name not in self.done:
            raise InvalidInput(f"${name:.60} is no request before this one", mend="name one by its id")
        return self.done[name]

    def _linked(self, body: bytes) -> bytes:
        """The body with ``{"@iot.id": "$name"}`` made a link to what that request created."""
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return body  # whoever reads it will say what is wrong
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, dict):
                name = item.get("@iot.id")
                if isinstance(name, str) and name.startswith("$"):
                    item["@iot.id"] = int(self._made(name[1:]).rpartition("(")[2].rstrip(")"))
                waiting.extend(item.values())
            elif isinstance(item, list):
                waiting.extend(item)
        return msgspec.json.encode(value)


class _Undone(Exception):  # noqa: N818  (rolls a transaction back; no one sees it)
    """A part of a group failed."""


def check(groups: Sequence[Sequence[Part]]) -> None:
    """Raises TooLarge for too many parts, InvalidInput for ids that are given twice or named too early."""
    parts = [part for several in groups for part in several]
    if len(parts) > PARTS_MAX:
        raise TooLarge(f"more than {PARTS_MAX} requests in a batch", mend="send them in several batches")
    before: set[str] = set()
    for part in parts:
        if part.method not in _METHODS:
            raise InvalidInput(f"{part.method!r:.20} is not served in a batch", where=part.id)
        if part.id in before:
            raise InvalidInput("two requests have this id", where=part.id)
        for name in part.needs:
            if name not in before:
                raise InvalidInput(
                    f"{name!r:.60} is no request or group before it", where=f"{part.id}.dependsOn"
                )
        before |= {part.id, part.group} - {""}


def _order(parts: Sequence[Part]) -> list[int]:
    """The places of the parts in the order in which they are carried out: observations last.

    Another sender of the very same observation waits until it is known whether it is stored, and with it
    all of the intake; so that is not known for as short a time as can be. An observation that an entity
    names stays before it.
    """
    texts = [part.url.encode() + part.body for part in parts if not _observes(part)]

    def late(place: int) -> bool:
        name = f"${parts[place].id}".encode()
        return _observes(parts[place]) and not (len(name) > 1 and any(name in text for text in texts))

    return sorted(range(len(parts)), key=late)


def _observes(part: Part) -> bool:
    last = part.url.partition("?")[0].rstrip("/").rpartition("/")[2]
    return part.method == "POST" and last in ("Observations", "CreateObservations")


def _path(url: str, root: str) -> str:
    """The path with query, below ``/v1.1``, of an address as a client writes it."""
    own = urlsplit(root)
    if re.match(r"https?://", url):
        # Behind a proxy the scheme that a client sees may be another than ours.
        if not url.partition("://")[2].startswith(f"{own.netloc}{own.path}"):
            raise InvalidInput("an address of another service", where=url[:100], mend=f"begin with {root}")
        url = url.partition("://")[2].removeprefix(own.netloc)
    if url.startswith("/"):
        path = url.removeprefix(own.path) if url.startswith(own.path) else url.removeprefix("/v1.1")
    else:
        path = f"/{url}"
    return f"/v1.1{path}"


async def _answered(app: App, scope: Scope, part: Part) -> Answer:
    start: dict[str, Any] = {}
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": part.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(part, start["status"], headers, b"".join(pieces))


def _problem(part: Part, error: BaseException) -> Answer:
    problem = problem_of(error)
    return Answer(part, problem.status, {**problem.headers, "content-type": MEDIA_TYPE}, problem.body())
