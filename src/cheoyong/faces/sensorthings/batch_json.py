# SPDX-License-Identifier: Apache-2.0
"""A batch as JSON (OData JSON Format 4.01 §19) into parts, and their answers into JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import msgspec

from cheoyong.domain.errors import InvalidInput, NotSupported, TooLarge
from cheoyong.faces.sensorthings.batch import Answer, Part

MEDIA_TYPE = "application/json"
_NOT_SAID = ("content-length", "cache-control")


class _Request(msgspec.Struct):
    id: str | int
    method: str
    url: str
    atomicity_group: str | None = msgspec.field(name="atomicityGroup", default=None)
    depends_on: list[str] = msgspec.field(name="dependsOn", default_factory=list)
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    condition: msgspec.Raw = msgspec.field(name="if", default=msgspec.Raw(b""))


class _Requests(msgspec.Struct):
    requests: list[_Request]


_decode = msgspec.json.Decoder(_Requests).decode


def parse_json(payload: bytes) -> list[list[Part]]:
    """The parts of a JSON batch; those of one ``atomicityGroup`` stand together.

    Raises InvalidInput, NotSupported for ``if``, TooLarge.

    >>> parse_json(b'{"requests": [{"id": "1", "method": "get", "url": "Things"}]}')[0][0].url
    'Things'
    """
    try:
        requests = _decode(payload).requests
    except msgspec.ValidationError as error:
        mend = 'send {"requests": [{"id", "method", "url"}]}'
        raise InvalidInput(str(error), where="body", mend=mend) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not JSON: {error}", where="body", mend="send JSON (RFC 8259) in UTF-8") from None
    except RecursionError:
        raise TooLarge("nested too deeply") from None
    parts = [_part(request) for request in requests]
    runs = [list(run) for _, run in groupby(parts, key=lambda part: part.group)]
    groups = [run for run in runs if run[0].group]
    if len({run[0].group for run in groups}) < len(groups):
        raise InvalidInput("the requests of a group must stand together", where="atomicityGroup")
    return [one for run in runs for one in ([run] if run[0].group else [[part] for part in run])]


def _part(request: _Request) -> Part:
    if request.condition:
        raise NotSupported("conditions of requests are not served", where="if")
    headers = {name.lower(): value for name, value in request.headers.items()}
    media_type = headers.get("content-type", MEDIA_TYPE)
    return Part(
        str(request.id),
        request.method.upper(),
        request.url,
        media_type,
        bytes(request.body),
        request.atomicity_group or "",
        tuple(request.depends_on),
    )


def render_json(answers: Sequence[Sequence[Answer]]) -> bytes:
    """The answers as JSON; a body that is not JSON is a text."""
    shown = [_shown(answer) for several in answers for answer in several]
    return msgspec.json.encode({"responses": shown})


def _shown(answer: Answer) -> dict[str, Any]:
    headers = {name: value for name, value in answer.headers.items() if name not in _NOT_SAID}
    shown: dict[str, Any] = {"id": answer.part.id, "status": answer.status, "headers": headers}
    if answer.part.group:
        shown["atomicityGroup"] = answer.part.group
    if "location" in headers:
        shown["location"] = headers["location"]  # where FROST-Server's clients look for it
    if answer.body:
        kind = headers.get("content-type", "").partition(";")[0]
        is_json = kind.endswith(("/json", "+json"))
        shown["body"] = msgspec.Raw(answer.body) if is_json else answer.body.decode()
    return shown
