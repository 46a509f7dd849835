# SPDX-License-Identifier: Apache-2.0
"""The hot path: POST of one Observation and of dataArrays, answered after the commit.

A plain ASGI handler: no routing table, no model layer between the socket and the columns.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from cheoyong.domain.access import Principal
from cheoyong.domain.errors import CheoyongError, InvalidInput, NotFound, TooLarge
from cheoyong.flow.directory import Directory
from cheoyong.flow.features_named import settle_features, without
from cheoyong.flow.intake import Submits
from cheoyong.flow.observation_json import (
    Judged,
    ObservationJson,
    ResultType,
    judge_data_arrays,
    parse_data_arrays,
    parse_observation,
    row_of,
)
from cheoyong.records.observations import concatenate

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_BYTES_MAX = 16 << 20
IN_LOOP_BYTES_MAX = 64 << 10  # of rows that are judged where all else waits for it; more goes to a thread
_INTO_DATASTREAM = re.compile(r"/+(Multi)?Datastreams\((?:id=)?'?(-?\d{1,40})'?\)/Observations/?$")
_INTO_ALL = ("/Observations", "/Observations/", "/CreateObservations", "/CreateObservations/")
_LINKED = ("Datastream", "MultiDatastream", "FeatureOfInterest")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


class Nested(InvalidInput):
    """An Observation that brings along what it belongs to; ``payload`` is all of it."""

    def __init__(self, error: InvalidInput, payload: bytes) -> None:
        super().__init__(error.detail, where=error.where, mend=error.mend)
        self.payload = payload


class Ingest:
    """Takes observations in over HTTP for whoever may observe."""

    def __init__(self, intake: Submits, directory: Directory, now_us: Callable[[], int]) -> None:
        self._intake = intake
        self._directory = directory
        self._now_us = now_us

    def onto(self, intake: Submits, directory: Directory | None = None) -> Ingest:
        """The same door with another intake, and another view of what is there, behind it."""
        return Ingest(intake, directory or self._directory, self._now_us)

    @staticmethod
    def takes(path: str) -> bool:
        """Whether a POST to this path (below ``/v1.1``) creates observations."""
        return path in _INTO_ALL or bool(_INTO_DATASTREAM.match(path))

    def look_again(self) -> None:
        """Datastreams were changed or deleted: what is known of them may not hold any more."""
        self._directory.look_again()

    async def handle(
        self, scope: Scope, receive: Receive, send: Send, path: str, principal: Principal
    ) -> None:
        """Answer one POST; errors of the CheoyongError tree are left to the caller to render.

        Raises Nested for what takes more than an intake: an Observation with entities in it.
        """
        principal.require("observe")
        body = await read_body(scope, receive, BODY_BYTES_MAX)
        root = root_url(scope)
        if path.startswith("/CreateObservations"):
            await self._many(body, principal, root, send)
        else:
            await self._one(body, _INTO_DATASTREAM.match(path), principal, root, send)

    async def _one(
        self, body: bytes, addressed: re.Match[str] | None, principal: Principal, root: str, send: Send
    ) -> None:
        named, observation = _parsed(body)
        datastream_id = int(addressed[2]) if addressed else named
        if datastream_id is None:
            raise InvalidInput("no datastream", where="Datastream", mend='add "Datastream": {"@iot.id": 1}')
        await self._directory.load([datastream_id])
        entry = self._directory.writable(datastream_id, principal.organisation_id, principal.thing_id)
        if addressed and bool(addressed[1]) != isinstance(entry.observation_type, tuple):
            raise NotFound(f"there is no {addressed[0][1:].partition('/')[0]}")
        rows = row_of(observation, datastream_id, entry.observation_type, self._now_us())
        if rows.extras:
            rows, faults = await settle_features(self._directory, rows)
            for fault in faults.values():
                raise fault
        ids = await self._intake.submit(rows)
        link = f"{root}/Observations({ids[0]})"
        # No body: the standard asks for the address only, and one write less is a fifth of the cost.
        await _created(send, b"", [(b"location", link.encode())])

    async def _many(self, body: bytes, principal: Principal, root: str, send: Send) -> None:
        arrays = parse_data_arrays(body)
        await self._directory.load(array.datastream.id for array in arrays)

        def type_of(datastream_id: int) -> ResultType:
            entry = self._directory.writable(datastream_id, principal.organisation_id, principal.thing_id)
            return entry.observation_type

        if len(body) > IN_LOOP_BYTES_MAX:  # looked up before: what is known may change while a thread judges
            known = {array.datastream.id: _outcome(type_of, array.datastream.id) for array in arrays}
            judged = await asyncio.to_thread(judge_data_arrays, arrays, lambda i: known[i](), self._now_us())
        else:
            judged = judge_data_arrays(arrays, type_of, self._now_us())
        parts = [item.rows for item in judged if len(item.rows)]
        ids: list[int] = []
        faults: dict[int, NotFound] = {}
        if parts:
            rows, faults = await settle_features(self._directory, concatenate(parts))
            if len(faults) == len(rows):
                raise next(iter(faults.values()))
            ids = (await self._intake.submit(without(rows, faults))).tolist()
        prefix = f"{root}/Observations("
        links = [f"{prefix}{i})" for i in ids]
        if faults or any(item.errors for item in judged):
            links = _with_errors(judged, faults, links)
        await _created(send, msgspec.json.encode(links), [])


def _outcome(type_of: Callable[[int], ResultType], datastream_id: int) -> Callable[[], ResultType]:
    """What ``type_of`` says now, an error too, to be said later."""
    try:
        found = type_of(datastream_id)
    except CheoyongError as error:
        fault = error

        def refuse() -> ResultType:
            raise fault

        return refuse
    return lambda: found


def _with_errors(
    judged: Sequence[Judged], faults: Mapping[int, CheoyongError], links: Sequence[str]
) -> list[str]:
    """A link for each stored row and, for each other, a text that begins with "error" (OGC 18-088 §13).

    ``faults`` are by the place among the good rows of all entries.
    """
    stored, answers, good = iter(links), [], 0
    for entry, item in enumerate(judged):
        for place in range(len(item)):
            error: CheoyongError | None = item.errors.get(place)
            if error is None and good in faults:
                error = faults[good]
                error.where = f"[{entry}].dataArray[{place}].FeatureOfInterest/id"
            good += place not in item.errors
            answers.append(next(stored) if error is None else f"error: {error}")
    return answers


def _parsed(payload: bytes) -> tuple[int | None, ObservationJson]:
    try:
        return parse_observation(payload)
    except InvalidInput as error:
        if brings(payload):
            raise Nested(error, payload) from None
        raise


def brings(payload: bytes) -> bool:
    """Whether there is an entity where a link could be."""
    try:
        body = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    values = [body.get(name) for name in _LINKED] if isinstance(body, dict) else []
    return any(isinstance(value, dict) and "@iot.id" not in value for value in values)


async def _created(send: Send, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": 201, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def read_body(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """The whole request body; TooLarge as soon as it is announced or grows beyond ``bytes_max``."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > bytes_max:
            raise _too_large(bytes_max)
    message = _still_here(await receive())
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _bounded(body, bytes_max)
    pieces, size = [body], len(body)
    while message.get("more_body"):
        message = _still_here(await receive())
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > bytes_max:
            raise _too_large(bytes_max)
    return b"".join(pieces)


def _still_here(message: dict[str, Any]) -> dict[str, Any]:
    """A body whose sender left before its end is no body, though what came of it might read as one."""
    if message["type"] == "http.disconnect":
        raise InvalidInput("the connection ended before the body did", where="body", mend="send it again")
    return message


def _bounded(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise _too_large(bytes_max)
    return body


def _too_large(bytes_max: int) -> TooLarge:
    return TooLarge(f"the body is over {bytes_max >> 20} MiB", mend="send less in one request")


def root_url(scope: Scope) -> str:
    """The service root as the client addressed it, e.g. ``http://127.0.0.1:8080/v1.1``."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "localhost")
    if not _HOST.fullmatch(host):
        raise InvalidInput("the Host header is malformed", where="Host")
    return f"{scope.get('scheme', 'http')}://{host}/v1.1"
