# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL 18: made, started, recovered and stopped; reachable only through a private socket.

::

    Postgres(folder: DataFolder)
        .start(timeout_s=60.0) -> None      makes the cluster on first use; recovers after any crash
        .stop(timeout_s=10.0) -> None       fast shutdown, bounded; nothing happens when not running
        .dsn -> str                         superuser, database "cheoyong"; carries no secret (a passfile)
        .dsn_of(database, user="postgres") -> str
        .new_database(name) -> str          empty database; its dsn       .drop_database(name)
        .ask(statement) -> str              one statement through psql, for health and tests
        .running -> bool    .pid -> int     .socket_dir -> Path     .passfile -> Path
        .log_file -> Path                   what it said before its own logs in folder.logs began

One cluster, one superuser ``postgres`` with a random password in ``secrets/``; no TCP. If we are killed the
kernel tells PostgreSQL to shut down (fast); if that fails too, the next ``start`` ends what is left over,
known by its working directory, before it begins.
"""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil

from cheoyong.app.engines.binaries import postgres_bin, within_reach
from cheoyong.app.engines.postgres_config import HBA, settings_text
from cheoyong.app.engines.process import EngineProcess, end_leftovers, run_once
from cheoyong.app.folder import DataFolder
from cheoyong.app.privileges import current_identity
from cheoyong.domain.errors import ConfigurationError

PORT = 5432  # names the socket file only; nothing listens on TCP
SUPERUSER = "postgres"
DATABASE = "cheoyong"
_INITDB_S_MAX = 120.0
_IMMEDIATELY_S = 3.0


class Postgres:
    """The embedded server of one data folder. The caller holds the folder's lock."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._process: EngineProcess | None = None
        self.data = folder.pg / "data"
        self._draft = folder.pg / "draft"  # renamed when whole: a crash leaves no half-made cluster
        self.socket_dir = folder.run
        self.passfile = folder.secrets / "pgpass"
        self.log_file = folder.logs / "postgres-start.log"

    def start(self, timeout_s: float = 60.0) -> None:
        """Make the cluster if there is none, end leftovers, start, and return when it takes connections.

        Raises ConfigurationError for a cluster of another major version, Unavailable if it does not come up.
        """
        if self.running:
            return
        self._end_leftovers()
        self._make_cluster()
        self._write_configuration()
        self.log_file.unlink(missing_ok=True)
        process = EngineProcess(
            [str(self._program("postgres")), "-D", str(self.data)],
            self._folder.engine_user,
            log_file=self.log_file,
            cwd=self.data,
            death_signal=signal.SIGINT,
        )
        process.start()
        self._process = process
        try:
            process.wait_ready(self._says_ready, timeout_s)
            self._make_database()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = 10.0) -> None:
        """Fast shutdown: roll back sessions, write a checkpoint; at once if that takes too long."""
        process, self._process = self._process, None
        if process is not None:
            process.stop([(signal.SIGINT, timeout_s), (signal.SIGQUIT, _IMMEDIATELY_S)])

    @property
    def running(self) -> bool:
        """Whether our child is alive."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """Process id of the postmaster; 0 when not started."""
        return self._process.pid if self._process else 0

    @property
    def dsn(self) -> str:
        """Where the system of record is, for asyncpg and psql."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str, user: str = SUPERUSER) -> str:
        """Connection string of a database over the private socket; the password stays in the passfile."""
        query = urlencode({"host": str(self.socket_dir), "port": PORT, "passfile": str(self.passfile)})
        return f"postgresql://{quote(user)}@/{quote(database)}?{query}"

    def new_database(self, name: str) -> str:
        """Create an empty database; its connection string. Raises ConfigurationError when it exists."""
        self._sql("postgres", f'CREATE DATABASE "{_plain(name)}"')
        return self.dsn_of(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, closing its sessions; nothing happens when there is none."""
        self._sql("postgres", f'DROP DATABASE IF EXISTS "{_plain(name)}" WITH (FORCE)')

    def _program(self, name: str) -> Path:
        who, shelf = self._folder.engine_user, self._folder.root / "engines"
        return within_reach(postgres_bin() / name, who, shelf)

    def _end_leftovers(self) -> None:
        end_leftovers(self._is_our_postmaster, [(signal.SIGINT, 10.0), (signal.SIGQUIT, _IMMEDIATELY_S)])
        end_leftovers(self._is_ours, [(signal.SIGQUIT, 1.0)])  # workers that lost their postmaster
        end_leftovers(self._makes_our_cluster, [])
        # Nobody holds the cluster now. A lock file would still stop the start if its process id has meanwhile
        # gone to somebody else, which is the rule in containers.
        leftovers = [self.data / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*")]
        for file in leftovers:
            file.unlink(missing_ok=True)

    def _is_our_postmaster(self, process: psutil.Process) -> bool:
        return self._is_ours(process) and "-D" in process.cmdline()  # workers rewrite their command line

    def _is_ours(self, process: psutil.Process) -> bool:
        # Every process of a cluster, the workers of a killed postmaster too, works in the data directory.
        return bool(process.name() == "postgres" and process.cwd() == str(self.data.resolve()))

    def _makes_our_cluster(self, process: psutil.Process) -> bool:
        if process.name() not in ("initdb", "postgres"):
            return False
        return str(self._draft) in process.cmdline() or process.cwd() == str(self._draft.resolve())

    def _make_cluster(self) -> None:
        program = self._program("postgres")
        if (self.data / "PG_VERSION").exists():
            self._refuse_other_version(program)
            return
        draft = self._draft
        password = self._folder.secret("postgres-superuser")
        who = self._folder.engine_user
        handover = self._folder.pg / "password"
        self._write(handover, password + "\n")
        try:
            run_once(["/bin/rm", "-rf", str(draft)], who, cwd=self._folder.pg, timeout_s=60, where="pg/draft")
            run_once(
                [
                    *(str(program.with_name("initdb")), "-D", str(draft), "-U", SUPERUSER),
                    *(
                        "--encoding=UTF8",
                        "--locale=C",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                    ),
                    *(
                        "--data-checksums",
                        "--auth=scram-sha-256",
                        f"--pwfile={handover}",
                        "--no-instructions",
                    ),
                ],
                who,
                cwd=self._folder.pg,
                timeout_s=_INITDB_S_MAX,
                where="initdb",
            )
        finally:
            handover.unlink(missing_ok=True)
        draft.rename(self.data)

    def _refuse_other_version(self, program: Path) -> None:
        found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        shown = run_once(
            [str(program), "-V"], self._folder.engine_user, cwd=self.data, timeout_s=20, where="postgres"
        )
        ours = shown.split()[-1].split(".")[0]
        if found != ours:
            raise ConfigurationError(
                f"the data were written by PostgreSQL {found}, this program carries {ours}",
                where=str(self.data),
                mend=f"install the release of cheoyong that carries PostgreSQL {found}, or restore a dump",
            )

    def _write_configuration(self) -> None:
        text = settings_text(
            socket_dir=self.socket_dir,
            log_dir=self._folder.logs,
            port=PORT,
            memory_bytes=psutil.virtual_memory().total,
        )
        self._write(self.data / "postgresql.conf", text)
        self._write(self.data / "pg_hba.conf", HBA)
        password = self._folder.secret("postgres-superuser")
        self.passfile.touch(mode=0o600)
        self.passfile.write_text(f"*:*:*:{SUPERUSER}:{password}\n", encoding="ascii")

    def _write(self, path: Path, text: str) -> None:
        self._folder.give_to_engines(path, text)

    def _says_ready(self) -> bool:
        """Line 8 of the postmaster's pid file is its state (miscadmin.h, LOCK_FILE_LINE_PM_STATUS)."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _make_database(self) -> None:
        known = self._sql("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")
        if not known.strip():
            self.new_database(DATABASE)

    def ask(self, statement: str) -> str:
        """What one SQL statement answers, as psql prints it; works on a server another process runs too."""
        return self._sql(DATABASE, statement)

    def _sql(self, database: str, statement: str) -> str:
        return run_once(
            [str(postgres_bin() / "psql"), "-X", "-A", "-t", "-w", "-c", statement, self.dsn_of(database)],
            current_identity(),
            cwd=Path("/"),
            timeout_s=30,
            where="psql",
        )


def _plain(name: str) -> str:
    if not name.replace("_", "").isalnum() or not name.isascii() or len(name) > 63:
        raise ConfigurationError("use letters, digits and _", where=f"database {name!r:.80}")
    return name
