# SPDX-License-Identifier: Apache-2.0
"""Find and read the scenarios in a city's folder."""

from __future__ import annotations

import csv
import gzip
import tomllib
import zlib
from pathlib import Path

from cheoyong.domain.errors import ConfigurationError, NotFound
from cheoyong.links.scenario.parse import Scenario, parse_scenario
from cheoyong.links.scenario.schema import ManifestFile, fit

_BYTES_MAX = 64 * 1024 * 1024


def list_scenarios(city_folder: Path) -> tuple[str, ...]:
    """Ids of the scenarios of a city, sorted; empty when it has none."""
    return tuple(sorted(path.parent.name for path in (city_folder / "scenarios").glob("*/manifest.toml")))


def load_scenario(city_folder: Path, scenario_id: str) -> Scenario:
    """A scenario of a city. NotFound for an unknown id, ConfigurationError for a fault in its files."""
    if scenario_id not in list_scenarios(city_folder):
        known = ", ".join(list_scenarios(city_folder)) or "none"
        raise NotFound(
            f"there is no scenario {scenario_id!r}", where=city_folder.name, mend=f"known: {known}"
        )
    folder = city_folder / "scenarios" / scenario_id
    manifest = _toml(folder / "manifest.toml", scenario_id)
    names = fit(manifest, ManifestFile, f"{scenario_id}/manifest.toml")
    table = csv.reader(_unzipped(_inside(folder, names.measurements), scenario_id).splitlines())
    return parse_scenario(
        manifest, _toml(_inside(folder, names.official), scenario_id), table, folder=scenario_id
    )


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise ConfigurationError(
            f"{name!r} is no plain file name",
            where=f"{folder.name}/manifest.toml",
            mend="keep it in the folder",
        )
    return folder / name


def _toml(path: Path, folder: str) -> object:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        where = f"{folder}/{path.name}"
        raise ConfigurationError(f"cannot be read: {error}", where=where, mend="correct the file") from None


def _unzipped(path: Path, folder: str) -> str:
    where = f"{folder}/{path.name}"
    try:
        with gzip.open(path) as stream:
            raw = stream.read(_BYTES_MAX + 1)
        text = raw.decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot be read: {error}", where=where, mend="pack it with gzip") from None
    if len(raw) > _BYTES_MAX:
        raise ConfigurationError(f"larger than {_BYTES_MAX} bytes", where=where, mend="cut the table")
    return text
