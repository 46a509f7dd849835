# SPDX-License-Identifier: Apache-2.0
"""Reads hourly CSV files, plain or gzipped, and folders of them described by a ``columns.toml``."""

from __future__ import annotations

import gzip
import math
import tomllib
import zlib
from pathlib import Path

from cheoyong.domain.errors import ConfigurationError, InvalidInput, NotFound, TooLarge
from cheoyong.domain.observation import Series
from cheoyong.links.hourly_csv.parse import Column, Table, parse_table, to_series

BYTES_MAX = 200_000_000  # of text, unpacked
_KEYS = {"file", "column", "series", "scale", "valid", "source"}


def read_table(path: Path) -> Table:
    """Table of a ``.csv`` or ``.csv.gz`` file; NotFound, TooLarge or InvalidInput name the file."""
    try:
        with path.open("rb") as raw:
            data = (gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw).read(BYTES_MAX + 1)
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound("there is no such file", where=str(path)) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(f"is not whole gzip: {error}", where=str(path)) from None
    if len(data) > BYTES_MAX:
        raise TooLarge(f"is over {BYTES_MAX} bytes unpacked", where=str(path))
    try:
        return parse_table(data.decode("utf-8-sig"), file=path.name)
    except UnicodeDecodeError:
        raise InvalidInput("is not UTF-8 text", where=str(path)) from None


def read_columns(path: Path) -> dict[str, dict[str, Column]]:
    """File name → column name → :class:`Column`, from a ``columns.toml``."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise NotFound("there is no such file", where=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"is not TOML: {error}", where=str(path)) from None
    files: dict[str, dict[str, Column]] = {}
    for number, entry in enumerate(table.get("column", []), start=1):
        where = f"{path.name} column {number}"
        if unknown := set(entry) - _KEYS:
            raise ConfigurationError(f"unknown key {sorted(unknown)[0]!r}", where=where)
        if not all(isinstance(entry.get(key), str) for key in ("file", "column", "series")):
            raise ConfigurationError("needs file, column and series", where=where)
        low, high = entry.get("valid", (-math.inf, math.inf))
        column = Column(entry["column"], entry["series"], float(entry.get("scale", 1.0)), (low, high))
        files.setdefault(entry["file"], {})[column.column] = column
    return files


def read_history(folder: Path) -> dict[str, Series]:
    """Every series of a folder of hourly files, as its ``columns.toml`` describes them."""
    history: dict[str, Series] = {}
    for name, columns in read_columns(folder / "columns.toml").items():
        history |= to_series(read_table(folder / name), columns)
    return history
