# SPDX-License-Identifier: Apache-2.0
"""A batch as multipart/mixed (OGC 18-088 §11, OData 4.01 §11.7.7) into parts, and their answers into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.faces.sensorthings.batch import PARTS_MAX, Answer, Part

MEDIA_TYPE = "multipart/mixed"
LINES_MAX = 200_000  # what the parser takes its time for
_DELIMITERS_MAX = 4 * PARTS_MAX  # each part may stand in a change set of its own
_REQUEST_LINE = re.compile(r"([A-Za-z]+) +(\S.*?)(?: +HTTP/[\d.]+)?\s*")
_ID = re.compile(r"<?([\x21-\x7e]{1,200}?)>?")
_NOT_SAID = ("content-length", "cache-control")


def parse_multipart(content_type: str, payload: bytes) -> list[list[Part]]:
    """The parts of a multipart batch; those of one change set stand together.

    Raises InvalidInput naming the part (from 1), TooLarge.
    """
    if payload.count(b"\n--") > _DELIMITERS_MAX:
        raise TooLarge(f"more than {PARTS_MAX} requests in a batch", mend="send them in several batches")
    if max(payload.count(b"\n"), payload.count(b"\r")) > LINES_MAX:
        raise TooLarge(f"more than {LINES_MAX} lines in a batch", mend="write the JSON in fewer lines")
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    try:
        message = BytesParser().parsebytes(head + payload)
    except (MessageError, ValueError) as error:
        raise InvalidInput(f"not a multipart body: {error}") from None
    except RecursionError:
        raise TooLarge("nested too deeply") from None
    return [
        _several(item, number) if item.is_multipart() else [_part(item, "", str(number))]
        for number, item in enumerate(_inside(message, "batch"), start=1)
    ]


def _several(change_set: Message, number: int) -> list[Part]:
    where = f"part {number}"
    return [
        _part(item, f"change set {number}", f"{where}.{place}")
        for place, item in enumerate(_inside(change_set, where), start=1)
    ]


def _inside(message: Message, where: str) -> list[Any]:
    items = message.get_payload()
    if message.get_content_type() != MEDIA_TYPE or not isinstance(items, list) or not items:
        raise InvalidInput("not a multipart/mixed body with its boundary", where=where)
    if message.defects:
        raise InvalidInput(
            f"the parts cannot be told apart: {type(message.defects[0]).__name__}",
            where=where,
            mend="begin each with --boundary and end the last with --boundary--",
        )
    return items


def _part(item: Message, group: str, where: str) -> Part:
    if item.get_content_type() != "application/http":
        raise InvalidInput(
            f"a part is application/http, not {item.get_content_type():.60}",
            where=where,
            mend="set its Content-Type; a change set stands in no other",
        )
    payload: Any = item.get_payload(decode=True)
    line, _, rest = payload.lstrip(b"\r\n").partition(b"\n")
    request = _REQUEST_LINE.fullmatch(line.decode("utf-8", "replace"))
    if request is None:
        raise InvalidInput("not a request line", where=where, mend="e.g. GET /v1.1/Things HTTP/1.1")
    inner = BytesHeaderParser().parsebytes(rest)
    content: Any = inner.get_payload(decode=True)
    media_type = str(inner.get("Content-Type", "application/json"))
    name = _id(item.get("Content-ID") or inner.get("Content-ID"), where)
    return Part(name, request[1].upper(), request[2], media_type, content.strip(b"\r\n"), group)


def _id(value: Any, where: str) -> str:
    if value is None:
        return ""
    found = _ID.fullmatch(str(value).strip())
    if found is None:
        raise InvalidInput("a Content-ID is 1 to 200 plain characters", where=where)
    return found[1]


def render_multipart(answers: Sequence[Sequence[Answer]]) -> tuple[str, bytes]:
    """The content type with its boundary, and the body.

    A change set that failed has one answer, of the request that failed.
    """
    return _mixed([_rendered(several) for several in answers], "batch")


def _rendered(answers: Sequence[Answer]) -> bytes:
    if not answers[0].part.group:
        return _http(answers[0])
    bad = [answer for answer in answers if not answer.good]
    if bad:
        return _http(next((answer for answer in bad if answer.status != 424), bad[0]))
    content_type, body = _mixed([_http(answer) for answer in answers], "changeset")
    return f"Content-Type: {content_type}\r\n\r\n".encode() + body


def _mixed(items: Sequence[bytes], kind: str) -> tuple[str, bytes]:
    boundary = f"{kind}_{token_hex(16)}"
    delimiter = f"--{boundary}".encode()
    pieces = [piece for item in items for piece in (delimiter, item)]
    return f"{MEDIA_TYPE}; boundary={boundary}", b"\r\n".join([*pieces, delimiter + b"--", b""])


def _http(answer: Answer) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if answer.part.id:
        head.append(f"Content-ID: {answer.part.id}")
    head += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    head += [f"{name.title()}: {value}" for name, value in answer.headers.items() if name not in _NOT_SAID]
    head.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + answer.body
