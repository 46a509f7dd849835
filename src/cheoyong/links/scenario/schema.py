# SPDX-License-Identifier: Apache-2.0
"""The shape of a scenario's files: keys, types and plain bounds; an unknown key is an error."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from cheoyong.domain.errors import ConfigurationError

T = TypeVar("T")
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Words = dict[str, Text]
_MESSAGE = re.compile(r"^(?P<detail>.*?)(?: - at `\$\.?(?P<key>.*)`)?$", re.DOTALL)


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class ManifestFile(_Strict):
    """The whole of ``manifest.toml``: times as ISO 8601 with zone, ``speed`` in simulated s per s."""

    id: Slug
    title: Words
    summary: Words
    city: Slug
    start: str
    end: str
    warm_up_until: str
    speed: Annotated[float, Meta(gt=0, le=1e6)]
    seed: Annotated[int, Meta(ge=0, le=2**53)]
    measurements: Text
    official: Text
    note: Words


class EventTable(_Strict):
    """One ``[[events]]`` table; ``series`` and ``level`` say which level of which gauge it speaks of."""

    id: Slug
    at: str
    name: Words
    source: Text
    sent: str | None = None
    series: str = ""
    level: str = ""


class PeakTable(_Strict):
    """The ``[peak]`` table; ``value`` in the gauge's unit."""

    series: str
    at: str
    value: float
    source: Text


class OfficialFile(_Strict):
    """The whole of ``official.toml``."""

    events: tuple[EventTable, ...]
    peak: PeakTable


def fit(parsed: object, shape: type[T], file: str) -> T:
    """``parsed`` as ``shape``; ConfigurationError naming file and key.

    >>> fit({"a": 1}, dict[str, str], "x.toml")
    Traceback (most recent call last):
    cheoyong.domain.errors.ConfigurationError: x.toml: [...]: Expected `str`, got `int` (correct this key)
    """
    try:
        return msgspec.convert(parsed, shape)
    except msgspec.ValidationError as error:
        match = _MESSAGE.match(str(error))
        detail, key = (match["detail"], match["key"] or "") if match else (str(error), "")
        where = f"{file}: {key}" if key else file
        raise ConfigurationError(detail, where=where, mend="correct this key") from None
