# SPDX-License-Identifier: Apache-2.0
"""What is wrong with this installation, and how to mend it.

::

    examine(data: Path) -> list[Check]                          with the settings that serve would read
    run_checks(Patient(data=Path(...), ...)) -> list[Check]     never raises for what it examines
    worst(checks) -> "ok" | "warn" | "fail"
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from cheoyong.app import machine
from cheoyong.app.engines.binaries import nats_server, postgres_bin
from cheoyong.app.engines.nats import Nats, port_is_free
from cheoyong.app.engines.outside import check_nats, check_postgres
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.engines.process import run_once
from cheoyong.app.folder import DataFolder
from cheoyong.app.models import obstacles
from cheoyong.app.privileges import current_identity
from cheoyong.app.settings import read_settings
from cheoyong.domain.errors import CheoyongError
from cheoyong.links.city_pack import city_folder, load_city
from cheoyong.records.migrate import compared, migrations

State = Literal["ok", "warn", "fail"]

_DISK_FAIL_BYTES = 1 << 30
_DISK_WARN_BYTES = 5 << 30
_SYNC_WARN_PER_S = 50.0  # a commit waits for one sync; below this a laptop disk is asleep or failing
_SYNC_DOUBT_PER_S = 200_000.0  # faster than any drive: something answers before the data are safe
_YEARS = range(2026, 2100)
_OFF_NOW = """
SELECT body ->> 'hazard', body ->> 'series', body ->> 'cause', body ->> 'reason'
FROM (SELECT DISTINCT ON (organisation_id, body ->> 'hazard', body ->> 'series') body FROM fact
      WHERE kind = 'model' ORDER BY organisation_id, body ->> 'hazard', body ->> 'series', seq DESC) newest
WHERE body ->> 'step' = 'off'
"""
_DRIFTING_NOW = """
SELECT body ->> 'series', body ->> 'sign', body ->> 'value', body ->> 'limit'
FROM (SELECT DISTINCT ON (organisation_id, body ->> 'series', body ->> 'sign') body FROM fact
      WHERE kind = 'drift' ORDER BY organisation_id, body ->> 'series', body ->> 'sign', seq DESC) newest
WHERE body ->> 'step' = 'drifting'
"""
_LOOPBACK = ("127.", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it stands, what was found, and the line that mends it."""

    name: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What to examine: the data folder, given engines (empty: embedded), wanted ports (0: any)."""

    data: Path
    database_url: str = ""
    nats_url: str = ""
    http: tuple[str, int] = ("127.0.0.1", 0)
    mqtt: tuple[str, int] = ("127.0.0.1", 0)
    mqtt_has_tls: bool = False
    wall_clock: Callable[[], float] = time.time


def examine(data: Path) -> list[Check]:
    """Check the installation in ``data`` under the settings that ``serve`` would read."""
    try:
        settings = read_settings(data)
    except CheoyongError as error:
        return [_failed("settings", error), *run_checks(Patient(data))]
    patient = Patient(
        data,
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        http=(settings.host, settings.port),
        mqtt=(settings.mqtt_host, settings.mqtt_port),
    )
    return [
        Check("settings", "ok", f"{len(settings.values)} set, the others as shipped"),
        *run_checks(patient),
        *_models(settings.city),
        *_models_off(patient),
    ]


def run_checks(patient: Patient) -> list[Check]:
    """Every check in turn; at most about ten seconds when given engines do not answer."""
    return [
        *_software(),
        *_clock(patient),
        *_folder(patient.data),
        *_disk(patient.data),
        *_ports(patient),
        *_broker_address(patient),
        *_database(patient),
        *_bus(patient),
    ]


def worst(checks: list[Check]) -> State:
    """The worst state among them.

    >>> worst([Check("a", "ok", ""), Check("b", "warn", "")])
    'warn'
    """
    states = {check.state for check in checks}
    return "fail" if "fail" in states else "warn" if "warn" in states else "ok"


def _software() -> Iterator[Check]:
    yield Check("python", "ok", platform.python_version())
    for name, floor in _wanted_libraries():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Check(f"library {name}", "fail", "not installed", f"pip install '{name}>={floor}'")
            continue
        if _numbers(found) < _numbers(floor):
            yield Check(f"library {name}", "fail", f"{found} < {floor}", f"pip install '{name}>={floor}'")
    yield _said("PostgreSQL", lambda: _version_said(postgres_bin() / "postgres", "-V"))
    yield _said("nats-server", lambda: _version_said(nats_server(), "--version"))


def _wanted_libraries() -> Iterator[tuple[str, str]]:
    for line in importlib.metadata.requires("cheoyong") or []:
        match = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[.*\])?>=([0-9.]+)", line.strip())
        if match:  # extras carry a marker and do not match
            yield match[1], match[2]


def _version_said(program: Path, option: str) -> str:
    who = current_identity()
    return run_once([str(program), option], who, cwd=Path("/"), timeout_s=10, where=program.name).strip()


def _clock(patient: Patient) -> Iterator[Check]:
    now = datetime.fromtimestamp(patient.wall_clock(), UTC)
    if now.year in _YEARS:
        yield Check("clock", "ok", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    else:
        yield Check("clock", "fail", f"the year is {now.year}", "set the clock: timedatectl set-ntp true")
    kept = machine.clock_is_kept()
    found = {True: "kept by a time service", False: "not synchronised", None: "the system does not say"}[kept]
    mend = "" if kept else "timedatectl set-ntp true, or run chrony"
    yield Check("clock service", "ok" if kept else "warn", found, mend)


def _folder(data: Path) -> Iterator[Check]:
    try:
        folder = DataFolder(data)
        holder = folder.holder() if os.access(data, os.R_OK) else None
        folder.inspect()
    except CheoyongError as error:
        yield _failed("data folder", error)
        return
    except OSError as error:
        yield Check("data folder", "fail", f"{data}: {error.strerror}", "choose another with --data")
        return
    if holder is not None:
        yield Check("data folder", "ok", f"{data}, in use by process {holder}")
    elif not data.exists():
        yield _new_folder(data)
    elif not os.access(data, os.W_OK):
        yield Check("data folder", "fail", f"{data} is not ours to write", "choose another with --data")
    else:
        yield Check("data folder", "ok", f"{data}, free")


def _new_folder(data: Path) -> Check:
    parent = _existing(data)
    if os.access(parent, os.W_OK | os.X_OK):
        return Check("data folder", "ok", f"{data}, made at the first start")
    return Check("data folder", "fail", f"{parent} is not ours to write", "choose another with --data")


def _disk(data: Path) -> Iterator[Check]:
    place = _existing(data)
    free = psutil.disk_usage(str(place)).free
    state: State = "fail" if free < _DISK_FAIL_BYTES else "warn" if free < _DISK_WARN_BYTES else "ok"
    mend = "" if state == "ok" else f"free space under {place}, or choose another disk with --data"
    yield Check("disk space", state, f"{free / 2**30:.1f} GiB free under {place}", mend)
    try:
        rate = machine.measure_sync(place)
    except OSError as error:
        yield Check("disk sync", "fail", f"{place}: {error.strerror}", "choose another with --data")
        return
    found = f"{rate.per_s:,.0f} synced writes/s, slowest {rate.slowest_ms:.1f} ms"
    if rate.per_s > _SYNC_DOUBT_PER_S:
        yield Check("disk sync", "warn", f"{found}: too fast to be true", "use a disk, not memory, for data")
    elif rate.per_s < _SYNC_WARN_PER_S:
        yield Check("disk sync", "warn", found, "use a faster disk for the data folder")
    else:
        yield Check("disk sync", "ok", found)


def _ports(patient: Patient) -> Iterator[Check]:
    running = _holder(patient.data) is not None
    for name, (host, port) in (("web port", patient.http), ("MQTT port", patient.mqtt)):
        if port == 0:
            yield Check(name, "ok", "picked at the start")
        elif running or port_is_free(host, port):
            yield Check(name, "ok", f"{host}:{port} {'in use by us' if running else 'free'}")
        else:
            yield Check(name, "fail", f"{host}:{port} is taken", "stop what holds it, or choose another port")


def _broker_address(patient: Patient) -> Iterator[Check]:
    host = patient.mqtt[0]
    if host.startswith(_LOOPBACK) or patient.mqtt_has_tls:
        yield Check("MQTT door", "ok", f"{host}, {'TLS' if patient.mqtt_has_tls else 'this machine only'}")
    else:
        yield Check(
            "MQTT door", "warn", f"{host} without TLS: keys cross the net readable", "give a certificate"
        )


def _database(patient: Patient) -> Iterator[Check]:
    if patient.database_url:
        yield _judged("PostgreSQL (given)", check_postgres(patient.database_url))
    elif _holder(patient.data) is None:
        yield Check("PostgreSQL (embedded)", "ok", "not running")
    else:
        yield _said(
            "PostgreSQL (embedded)", lambda: Postgres(DataFolder(patient.data)).ask("SELECT 'answers'")
        )
        yield _schema(lambda statement: Postgres(DataFolder(patient.data)).ask(statement))


def _schema(ask: Callable[[str], str]) -> Check:
    """Whether database and program are of one release (F29)."""
    try:
        if not ask("SELECT to_regclass('schema_version')").strip():
            return Check("schema", "ok", "made at the first start")
        names = ask("SELECT name FROM schema_version").split()
    except CheoyongError as error:
        return _failed("schema", error)
    missing, newer = compared(names)
    if newer:
        return Check("schema", "warn", f"{newer[-1]} is newer than this program", "upgrade this program too")
    if missing:
        return Check("schema", "ok", f"{len(missing)} migrations are applied at the next start")
    return Check("schema", "ok", f"{migrations()[-1][0]}, as this program has it")


def _models(named: str) -> Iterator[Check]:
    """Whether every model the city asks for could be trained at the next start."""
    try:
        city = load_city(named)
        lacking = obstacles(city, city_folder(named))
    except CheoyongError as error:
        yield _failed("city", error)
        return
    for one in lacking:
        found = f"AI off: {one.reason}; levels alarm without it"
        yield Check(
            f"model {one.hazard} {one.series}", "warn", found, "put back what is missing, start again"
        )
    if not lacking:
        yield Check("models", "ok", f"{sum(map(len, city.hazards.values()))} can be trained")


def _models_off(patient: Patient) -> Iterator[Check]:
    """Models that the running worker does not hear; another's database is left to /health."""
    if patient.database_url or _holder(patient.data) is None:
        return
    try:
        if not Postgres(DataFolder(patient.data)).ask("SELECT to_regclass('fact')").strip():
            return
        said = Postgres(DataFolder(patient.data)).ask(_OFF_NOW)
        drifting = Postgres(DataFolder(patient.data)).ask(_DRIFTING_NOW)
    except CheoyongError as error:
        yield _failed("models now", error)
        return
    lines = [line for line in said.splitlines() if line.strip()]
    for line in lines:
        yield Check("models now", "warn", f"AI off: {line}", "see the worker's log for the whole error")
    if not lines:
        yield Check("models now", "ok", "none is off")
    for line in filter(str.strip, drifting.splitlines()):
        series, sign, value, limit = line.split("|")
        found = f"{series} is unlike its training: {sign} {value}, limit {limit}"
        yield Check("inputs now", "warn", found, "look at the gauge, or train the model on what is so now")


def _bus(patient: Patient) -> Iterator[Check]:
    if patient.nats_url:
        yield _judged("NATS (given)", check_nats({"servers": [patient.nats_url]}))
    elif _holder(patient.data) is None:
        yield Check("NATS (embedded)", "ok", "not running")
    else:
        try:
            nats = Nats(DataFolder(patient.data))
            nats.attach()
            yield judge_broker(nats.figures("varz"))
        except CheoyongError as error:
            yield _failed("NATS (embedded)", error)


def judge_broker(figures: dict[str, Any]) -> Check:
    """Whether a nats-server (its ``varz`` page) keeps what it acknowledges and asks who comes in.

    >>> judge_broker({"version": "2.15.1", "auth_required": True, "jetstream": {"config": {}}}).found
    'acknowledges before the disk has it'
    """
    name, config = "NATS (embedded)", (figures.get("jetstream") or {}).get("config")
    if config is None:
        return Check(name, "fail", "JetStream is off", "restart cheoyong serve")
    if not config.get("sync_always"):
        return Check(name, "fail", "acknowledges before the disk has it", "set sync_interval: always")
    if not figures.get("auth_required"):
        return Check(name, "fail", "lets anybody in", "restart cheoyong serve")
    return Check(name, "ok", f"{figures.get('version')} answers, syncs every write")


def _judged(name: str, judgement: Coroutine[Any, Any, list[str]]) -> Check:
    try:
        remarks = asyncio.run(judgement)
    except CheoyongError as error:
        return _failed(name, error)
    return Check(name, "warn" if remarks else "ok", "; ".join(remarks) or "answers")


def _said(name: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", ask().strip())
    except CheoyongError as error:
        return _failed(name, error)


def _failed(name: str, error: CheoyongError) -> Check:
    where = f"{error.where}: " if error.where else ""
    return Check(name, "fail", where + error.detail, error.mend)


def _holder(data: Path) -> int | None:
    try:
        return DataFolder(data).holder()
    except (CheoyongError, OSError):
        return None  # the check of the folder says why


def _existing(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
