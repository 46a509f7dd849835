# SPDX-License-Identifier: Apache-2.0
"""Settings, one row each: name, unit, default, range, help.

They come from CHEOYONG_* and from cheoyong.toml in the data folder; the environment wins over the
file. An unknown key, a wrong type or a value out of range is an error that names file, line and mend.
Settings are passed down, never imported.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cheoyong.domain.errors import ConfigurationError

FILE = "cheoyong.toml"
PREFIX = "CHEOYONG_"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting. ``least``/``most`` bound numbers, ``choices`` words; ``secret`` values are never shown."""

    name: str
    default: str | int | float
    help: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False


ROWS: tuple[Row, ...] = (
    Row("host", "127.0.0.1", "Address the web server listens on."),
    Row("port", 8080, "Port the web server listens on; 0 picks a free one.", "port", 0, 65535),
    Row("mqtt_host", "127.0.0.1", "Address the MQTT door listens on."),
    Row("mqtt_port", 0, "Port of the MQTT door; 0 picks a free one and keeps it.", "port", 0, 65535),
    Row("mode", "live", "live, or exercise: simulated clock, Exercise only.", choices=("live", "exercise")),
    Row("city", "ulsan", "City pack: the name of a packaged one, or a folder."),
    Row("organisation", "", "Organisation that owns the city's facts; empty: the city's own name."),
    Row("database_url", "", "PostgreSQL 15 or newer to use instead of the embedded one.", secret=True),
    Row("nats_url", "", "NATS with JetStream to use instead of the embedded one.", secret=True),
    Row("public_url", "", "Address others know the service by; every link in an answer begins with it."),
    Row("trusted_proxies", "", "Addresses whose X-Forwarded-For is believed, with commas between."),
    Row("log", "info", "Least weight of log lines.", choices=("debug", "info", "warning", "error")),
    Row(
        "retention_months", 0,
        "Months of observations the database keeps; older ones go to archives that stay readable; 0: all.",
        "months", 0, 1200,
    ),
    Row("archive_folder", "", "Folder of the archives; empty: archives, in the data folder."),
    Row(
        "unusual_per_month", 1.0,
        "How often a stream may be called unusual in the long run; 0: streams are not watched.",
        "a month and stream", 0, 1000,
    ),
    Row(
        "alarm_rows_days", 90,
        "Days that ended alarms stay in the tables that are worked with; their facts stay for ever.",
        "days", 7, 3650,
    ),
    Row(
        "terrain", "illustrative",
        "Ground that floods are computed on: illustrative (from the city pack), a GeoTIFF's path, or off.",
    ),
    Row("tick_s", 10.0, "How often time is noted: bounds the delay of silence alarms.", "s", 1, 600),
)  # fmt: skip
NAMES = {row.name: row for row in ROWS}


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting by its name; see ``ROWS``.

    >>> Settings().port, Settings().mode
    (8080, 'live')
    """

    values: Mapping[str, str | int | float] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """The value of a setting; AttributeError for a name that is none."""
        if name in NAMES:
            return self.values.get(name, NAMES[name].default)
        raise AttributeError(name)


def read_settings(
    folder: Path | None, environment: Mapping[str, str] | None = None, **given: str | int | float | None
) -> Settings:
    """Settings from the file in ``folder``, over it the environment, over it what was ``given``.

    Raises ConfigurationError for anything unknown, of the wrong type or out of range.
    """
    values: dict[str, str | int | float] = {}
    if folder is not None and (folder / FILE).exists():
        values.update(_from_file(folder / FILE))
    for name, text in (os.environ if environment is None else environment).items():
        key = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and key in NAMES:
            values[key] = _checked(NAMES[key], text, name)
    for key, value in given.items():
        if value is not None:
            values[key] = _checked(NAMES[key], value, f"--{key.replace('_', '-')}")
    return Settings(values)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a process of ours: this one's, with these settings and no others of ours.

    A demo takes nothing from the environment; what it starts must not either.
    """
    foreign = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX).lower() not in NAMES
    }
    return foreign | {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.values.items()}


def _from_file(path: Path) -> dict[str, str | int | float]:
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(str(error), where=str(path)) from None
    values = {}
    for key, value in table.items():
        where = f"{path}:{_line_of(text, key)}: {key}"
        if key not in NAMES:
            known = ", ".join(NAMES)
            raise ConfigurationError("there is no such setting", where=where, mend=f"known are {known}")
        values[key] = _checked(NAMES[key], value, where)
    return values


def _line_of(text: str, key: str) -> int:
    return next(
        (n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith((key, f'"{key}'))), 1
    )


def _checked(row: Row, value: Any, where: str) -> str | int | float:
    kind = type(row.default)
    try:
        if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
            raise ValueError
        if kind is int and isinstance(value, float):
            raise ValueError  # int() would cut it off silently
        converted: str | int | float = kind(value)
    except (ValueError, TypeError):
        raise ConfigurationError(f"{kind.__name__} expected, not {value!r:.40}", where=where) from None
    if row.choices and converted not in row.choices:
        raise ConfigurationError(f"{converted!r:.40} is not one of {', '.join(row.choices)}", where=where)
    if isinstance(converted, (int, float)) and not (
        (row.least is None or converted >= row.least) and (row.most is None or converted <= row.most)
    ):
        raise ConfigurationError(
            f"{converted} is outside {row.least:g} to {row.most:g} {row.unit}", where=where
        )
    return converted
