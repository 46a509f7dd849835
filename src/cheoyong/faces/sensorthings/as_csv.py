# SPDX-License-Identifier: Apache-2.0
"""Entities as a table (``$resultFormat=CSV``, RFC 4180), as FROST-Server's CSV extension has it.

The columns follow from the entity type and the options alone, so every page of a set has the same ones.
An expanded link gives columns behind its name (``Datastream/name``); of many related entities a row has
place for one. A text that a spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cheoyong.domain.errors import InvalidInput
from cheoyong.faces.sensorthings.entities import ENTITIES, EntityType
from cheoyong.faces.sensorthings.options import Options

MEDIA_TYPE = b"text/csv; charset=utf-8; header=present"
COLUMNS_MAX = 1_000
# Objects whose members are known beforehand have a column of each; all other objects are JSON in one cell.
_MEMBERS = {
    "unitOfMeasurement": ("name", "symbol", "definition"),
    "resultQuality": ("flag", "name", "tests", "reported"),
}
_FORMULA = frozenset("=+-@＝＋－＠")  # spreadsheets take the wide ones too
_encode = msgspec.json.Encoder().encode
Column = tuple[str, tuple[str | int, ...]]


def csv_table(entities: Sequence[Mapping[str, Any]], entity: EntityType, options: Options) -> bytes:
    """The table of entities as they are shown in JSON: a line of names, then a line for each.

    Raises InvalidInput when an expanded link leads to more than one entity of a row.
    """
    columns = list(_columns(entity, options, "", ()))
    if len(columns) > COLUMNS_MAX:
        raise InvalidInput(f"more than {COLUMNS_MAX} columns", where="$expand", mend="use $select inside")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([name for name, _ in columns])
    paths = [path for _, path in columns]
    writer.writerows([_cell(_at(shown, path)) for path in paths] for shown in entities)
    return text.getvalue().encode()


def _columns(
    entity: EntityType, options: Options, prefix: str, path: tuple[str | int, ...]
) -> Iterator[Column]:
    """The name of each column and where its value stands in an entity."""
    for name, member in (("id", "@iot.id"), ("@iot.selfLink", "@iot.selfLink")):
        if options.shows(member) and (name == "id" or options.select is not None):
            yield prefix + name, (*path, member)
    for name in entity.properties:
        if options.shows(name):
            for member in _MEMBERS.get(name, ("",)):
                below = (member,) if member else ()
                yield "/".join((prefix + name, *below)), (*path, name, *below)
    for name, inner in options.expand.items():
        navigation = entity.navigations[name]
        if navigation.many and inner.top != 1:
            raise InvalidInput(
                f"a row has place for one of {name}",
                where="$expand",
                mend=f"write {name}($top=1), or ask for {name} and expand the other way",
            )
        first = (0,) if navigation.many else ()
        yield from _columns(ENTITIES[navigation.target], inner, f"{prefix}{name}/", (*path, name, *first))


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a path; None when there is nothing."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step == 0 and value:
            value = value[0]
        else:
            return None
    return value


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return _encode(value).decode()


def guarded(text: str) -> str:
    """The text, with an apostrophe before it when a spreadsheet would work it out.

    >>> guarded("=cmd|' /C calc'!A0"), guarded("3 = three")
    ("'=cmd|' /C calc'!A0", '3 = three')
    """
    if text[:1].isalnum():
        return text
    return f"'{text}" if text[:1] in _LEADING or text.lstrip()[:1] in _FORMULA else text


_LEADING = ("\t", "\r", "\n")
