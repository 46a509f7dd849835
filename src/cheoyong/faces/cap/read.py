# SPDX-License-Identifier: Apache-2.0
"""A hardened reader of CAP 1.2: refuses what could harm before parsing, then checks schema and rules."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from importlib.resources import files

from lxml import etree

from cheoyong.domain.errors import InvalidInput, TooLarge
from cheoyong.faces.cap.vocabulary import NAMESPACE

SIZE_MAX = 1_000_000  # bytes; our largest area of 5,000 points takes a quarter of it
DEPTH_MAX = 64  # elements inside each other (requirement S21); CAP itself needs 5
PROBLEMS_MAX = 20

_FORBIDDEN = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"\A<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_TOKEN = re.compile(r"[^\s,<&]+")
_CAP = {"cap": NAMESPACE}


def read_cap(data: bytes) -> etree._Element:
    """The root element of XML bytes that are safe to read; the schema is not checked here.

    Raises TooLarge over ``SIZE_MAX`` bytes or ``DEPTH_MAX`` levels, InvalidInput for any DOCTYPE or
    entity declaration, any encoding but UTF-8, and malformed XML. Reads no file and no network.
    """
    if len(data) > SIZE_MAX:
        raise TooLarge(f"{len(data)} bytes are more than {SIZE_MAX}", where="cap")
    _check_encoding(data)
    if _FORBIDDEN.search(data):
        raise InvalidInput("DOCTYPE and entity declarations are refused", where="cap", mend="leave them out")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise InvalidInput(f"not well-formed XML: {error.msg}", where="cap") from None
    _check_depth(root)
    return root


def cap_problems(data: bytes) -> list[str]:
    """What is wrong with a CAP 1.2 message, at most 20 lines; empty when nothing is.

    Checks safety, the OASIS schema, and what the schema cannot say: identifier and sender are
    tokens, references are triples, polygons are closed and on the globe, it expires after it is sent.

    >>> cap_problems(b"<alert/>")[0].startswith("line 1")
    True
    """
    try:
        root = read_cap(data)
    except (InvalidInput, TooLarge) as error:
        return [str(error)]
    schema = etree.XMLSchema(etree.fromstring(_schema_bytes()))  # one for each call: its log is not shared
    if not schema.validate(root):
        return [f"line {entry.line}: {entry.message}" for entry in schema.error_log][:PROBLEMS_MAX]
    return [*_rule_problems(root), *_area_problems(root)][:PROBLEMS_MAX]


def cap_valid(data: bytes) -> bool:
    """Whether bytes are a safe, valid CAP 1.2 message."""
    return not cap_problems(data)


@cache
def _schema_bytes() -> bytes:
    """The packaged OASIS schema; see NOTICE.txt beside it."""
    return files("cheoyong.faces.cap").joinpath("schema/CAP-v1.2.xsd").read_bytes()


def _check_encoding(data: bytes) -> None:
    """UTF-8 only: in UTF-16 or UTF-7 a DOCTYPE would hide from the search for it."""
    declared = _ENCODING.search(data.removeprefix(b"\xef\xbb\xbf"))
    named = declared.group(1).decode().lower() if declared else "utf-8"
    try:
        data.decode("utf-8")
        readable = b"\0" not in data
    except UnicodeDecodeError:
        readable = False
    if not readable or named not in ("utf-8", "us-ascii"):
        raise InvalidInput("only UTF-8 is read", where="cap", mend="send it as UTF-8")


def _check_depth(root: etree._Element) -> None:
    """No element deeper than ``DEPTH_MAX``."""
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEPTH_MAX:
            raise TooLarge(f"deeper than {DEPTH_MAX} elements", where="cap")


def _texts(root: etree._Element, path: str) -> list[str]:
    """Texts of the elements at a path."""
    return [element.text or "" for element in root.iterfind(path, _CAP)]


def _rule_problems(root: etree._Element) -> list[str]:
    """Rules of the data dictionary beyond the schema (CAP 1.2 §3.2.1)."""
    found = [
        f"{name}: must be one word without comma"
        for name in ("identifier", "sender")
        if not all(_TOKEN.fullmatch(value) for value in _texts(root, f"cap:{name}"))
    ]
    references = " ".join(_texts(root, "cap:references")).split()
    found += [
        f"references: {reference[:60]!r} is not sender,identifier,sent"
        for reference in references
        if reference.count(",") != 2
    ]
    if _texts(root, "cap:msgType")[0] in ("Update", "Cancel") and not references:
        found.append("references: missing in an Update or Cancel")
    sent = _texts(root, "cap:sent")[0]
    late = [value for value in _texts(root, "cap:info/cap:expires") if not _before(sent, value)]
    return found + [f"expires: {value} is not after sent" for value in late]


def _before(earlier: str, later: str) -> bool:
    """Both are times that can be read, in this order (the schema also allows 24:00:00)."""
    try:
        return datetime.fromisoformat(earlier) < datetime.fromisoformat(later)
    except ValueError:
        return False


def _area_problems(root: etree._Element) -> list[str]:
    """Every polygon has at least four ``lat,lon`` pairs on the globe and ends where it began."""
    return [
        f"polygon: {polygon[:40]!r} is not a closed ring of lat,lon pairs"
        for polygon in _texts(root, "cap:info/cap:area/cap:polygon")
        if not _is_ring(polygon.split())
    ]


def _is_ring(pairs: list[str]) -> bool:
    """Closed, at least four points, latitude before longitude."""
    if len(pairs) < 4 or pairs[0] != pairs[-1]:
        return False
    try:
        points = [tuple(map(float, pair.split(","))) for pair in pairs]
    except ValueError:
        return False
    return all(len(p) == 2 and abs(p[0]) <= 90 and abs(p[1]) <= 180 for p in points)
