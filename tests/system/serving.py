# SPDX-License-Identifier: Apache-2.0
"""`cheoyong serve` as a person runs it: a process of its own, a data folder of its own, ways to hurt it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.domain.instant import format_instant

PROGRAM = Path(sys.executable).with_name("cheoyong")
START_S_MAX = 240.0
STOP_S_MAX = 40.0  # L7 asks for 10: a busy machine is not a defect
GAUGES = ("taehwa_stage_m", "samho_stage_m", "guyeong_stage_m")
FACTS = (
    "SELECT id, kind, about_at, recorded_at, organisation_id, body, caused_by, observation_ids"
    " FROM fact ORDER BY seq"
)
# batch xid is PostgreSQL's own count of transactions, which background work moves too
TABLES = {
    "fact": FACTS,
    "observation": "SELECT id, datastream_id, phenomenon_time, result, digest FROM observation ORDER BY id",
    "quality": "SELECT * FROM quality ORDER BY observation_id, batch",
    "publication": "SELECT identifier, channel, sent_at, sha256 FROM publication ORDER BY identifier",
    "batch": "SELECT number, recorded_at, first_id, count FROM batch ORDER BY number",
    "alert": "SELECT id, version, state, changed_at FROM alert ORDER BY id",
}
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/"


def bare_environment(**given: str) -> dict[str, str]:
    """Ours without any CHEOYONG_ setting and without proxies: what a newcomer's shell has.

    No floods are computed, which would take minutes of a machine that has other tests to run.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CHEOYONG_") and not name.lower().endswith("_proxy")
    }
    return {**kept, "CHEOYONG_TERRAIN": "off", **given}


def wait_until(true: Callable[[], Any], what: str, patience_s: float = 120.0) -> Any:
    """Its first true answer; fails by name when the time is over."""
    deadline = time.monotonic() + patience_s
    while not (found := true()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


class OwnersLine:
    """A connection as the owner of the database, usable from tests of any kind; made again when it broke."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection: Any = None

    def fetch(self, statement: str) -> list[Any]:
        return list(asyncio.run_coroutine_threadsafe(self._fetch(statement), self._loop).result(60))

    async def _fetch(self, statement: str) -> Any:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._dsn)
            return await self._connection.fetch(statement)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            self._connection = await asyncpg.connect(self._dsn)
            return await self._connection.fetch(statement)

    def close(self) -> None:
        if self._connection is not None:
            self._loop.call_soon_threadsafe(self._connection.terminate)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


def every_table(line: OwnersLine) -> dict[str, list[str]]:
    """What a replay must give bit for bit, row by row."""
    return {table: [repr(tuple(row)) for row in line.fetch(query)] for table, query in TABLES.items()}


class Serving:
    """One installation that can be started, killed, asked and stopped."""

    def __init__(self, root: Path, *, mode: str = "live", before: tuple[str, ...] = (), **env: str) -> None:
        self.root = root
        self.mode = mode
        self.before = before
        self.environment = bare_environment(**env)
        self.process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}
        self.log = root.with_name(root.name + ".log")
        self.first_link = ""
        self._line: OwnersLine | None = None

    # Life ---------------------------------------------------------------------------------------

    def start(self) -> Serving:
        self.launch()
        self.ready = json.loads(self._first_line())
        self.first_link = self.ready["first_link"] or self.first_link
        return self

    def launch(self) -> None:
        """Begin to start; it is not ready yet."""
        argv = [*self.before, str(PROGRAM), "serve", "--data", str(self.root), "--port", "0",
                "--mode", self.mode, "--json"]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=log, env=self.environment, start_new_session=True
            )

    def _first_line(self) -> bytes:
        assert self.process is not None and self.process.stdout is not None
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(START_S_MAX)
        if not said or not said[0]:
            self.kill()
            raise AssertionError(f"serve did not come up: {self.said()[-2000:]}")
        return said[0]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Seconds it took to stop; 0 when it did not run."""
        if self.process is None or self.process.poll() is not None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9 of the program alone; its children are left to the kernel and to the next start."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def kill_all(self) -> None:
        """kill -9 of every process of it at once, engines and worker too, as a power cut would."""
        for process in self.processes():
            with psutil_gone():
                process.kill()
        self.kill()

    def clear_away(self) -> None:
        """Stop, and end whatever should have ended by itself; the caller deletes the folder."""
        if self._line is not None:
            self._line.close()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
        for left in self.processes():
            with psutil_gone():
                left.kill()

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation, found by its working folder or its command line."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

    def workers(self) -> int:
        """How many worker processes there are."""
        found = 0
        for process in self.processes():
            with psutil_gone():
                found += "cheoyong.app.worker_main" in " ".join(process.cmdline())
        return found

    def _belongs(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                return False
            near = process.cwd().startswith(f"{self.root}/")
            return near or str(self.root) in process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def process_named(self, what: str) -> psutil.Process | None:
        """``worker``, ``postgres`` (the postmaster) or ``nats``."""
        for process in self.processes():
            with psutil_gone():
                line = process.cmdline()
                if what == "worker" and "cheoyong.app.worker_main" in line:
                    return process
                if what == "postgres" and process.name() == "postgres" and "-D" in line:
                    return process
                if what == "nats" and "nats-server" in process.name():
                    return process
        return None

    # What a person or a device does ---------------------------------------------------------------

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def mqtt_port(self) -> int:
        return int(self.ready["mqtt_port"])

    def secret(self, name: str) -> str:
        return (self.root / "secrets" / name).read_text().strip()

    def client(self, key: str, **options: Any) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, trust_env=False,
            timeout=60, **options,
        )  # fmt: skip

    def sql(self, statement: str) -> str:
        """What the owner of the database is answered: rows as lines, columns parted by ``|``."""
        rows = self.database.fetch(statement)
        return "\n".join("|".join("" if value is None else str(value) for value in row) for row in rows)

    def count(self, statement: str) -> int:
        return int(self.sql(statement))

    @property
    def database(self) -> OwnersLine:
        if self._line is None:
            self._line = OwnersLine(Postgres(DataFolder(self.root)).dsn)
        return self._line

    def caught_up(self) -> None:
        """Wait until the worker has taken in every batch on record."""
        wait_until(
            lambda: self.sql(
                "SELECT coalesce(max(batch), 0) >= (SELECT coalesce(max(number), 0) FROM batch) FROM bookmark"
                " WHERE stage = 'pipeline'"
            ) == "True",
            "the worker to catch up", 240,
        )  # fmt: skip


def psutil_gone() -> contextlib.AbstractContextManager[None]:
    """A process that ended meanwhile is what we wanted, or nothing to us."""
    return contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess)


class Person:
    """A signed-in person over HTTP: cookie and anti-forgery word in their headers."""

    def __init__(self, serving: Serving, token: str) -> None:
        self.client = httpx.Client(base_url=serving.url, trust_env=False, timeout=60)
        answer = self.client.post("/api/session/link", json={"token": token})
        assert answer.status_code == 200, answer.text
        self.client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        self.client.headers["x-csrf-token"] = answer.json()["csrf"]
        self.client.cookies.clear()

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.client.post(path, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.client.delete(path)


def administrator(serving: Serving) -> Person:
    """The first administrator, by the one-time link printed at the first start."""
    return Person(serving, serving.first_link.rpartition("/")[2])


def new_person(admin: Person, login: str, role: str, **more: Any) -> tuple[str, str]:
    """Id and one-time sign-in token of a new account."""
    answer = admin.post("/api/people", {"login": login, "name": login, "role": role, **more})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return body["person"]["id"], body["link"]["token"]


def new_key(admin: Person, *, can_write: bool = True, thing_id: int | None = None) -> str:
    answer = admin.post("/api/keys", {"name": "test", "can_write": can_write, "thing_id": thing_id})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["text"])


def thing(name: str, *, series: str | None = None, kind: str = "OM_Measurement") -> dict[str, Any]:
    """A Thing with one Datastream, for a deep insert."""
    return {
        "name": name,
        "description": name,
        "Datastreams": [
            {
                "name": name,
                "description": name,
                "observationType": OM + kind,
                "unitOfMeasurement": {"name": "metre", "symbol": "m", "definition": "https://ucum.org"},
                **({"properties": {"series": series}} if series else {}),
                "Sensor": {"name": name, "description": "", "encodingType": "text/html", "metadata": "x"},
                "ObservedProperty": {"name": name, "definition": "urn:x", "description": "x"},
            }
        ],
    }


def register(client: httpx.Client, name: str, **more: Any) -> tuple[int, int]:
    """Ids of a new thing and its datastream."""
    answer = client.post("/v1.1/Things", json=thing(name, **more))
    assert answer.status_code == 201, answer.text
    thing_id = answer.json()["@iot.id"]
    found = client.get(f"/v1.1/Things({thing_id})/Datastreams").json()
    return thing_id, found["value"][0]["@iot.id"]


def data_array(datastream_id: int, rows: list[tuple[int, float]]) -> dict[str, Any]:
    """One entry of a CreateObservations body; ``rows`` are (µs, value)."""
    return {
        "Datastream": {"@iot.id": datastream_id},
        "components": ["phenomenonTime", "result"],
        "dataArray": [[format_instant(time_us), value] for time_us, value in rows],
    }


def send(client: httpx.Client, *arrays: dict[str, Any]) -> httpx.Response:
    return client.post("/v1.1/CreateObservations", json=list(arrays))
