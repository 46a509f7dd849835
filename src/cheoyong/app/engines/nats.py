# SPDX-License-Identifier: Apache-2.0
"""The embedded nats-server: JetStream that syncs every write, MQTT in front, nobody in without a password.

::

    Nats(folder: DataFolder, *, host="127.0.0.1", port=0, mqtt_host="127.0.0.1", mqtt_port=0,
         mqtt_tls: tuple[Path, Path] | None = None)
        .start(timeout_s=30.0) -> None      writes the configuration, ends leftovers, waits for JetStream
        .stop(timeout_s=8.0) -> None
        .url -> str                         "nats://127.0.0.1:PORT", no secret inside
        .user, .password -> str             the platform's own account user (everything allowed)
        .admit(organisation_id) -> str      its account, made without stopping anybody; its user's keywords:
        .connect_options(organisation_id=None) -> dict      keywords for nats.connect(**...)
        .updates_options() -> dict          keywords of the connection that publishes updates
        .issuer_seed -> str                 signs MQTT sign-ins; give it to links.mqtt.SignIn
        .account -> str                     "CITY"
        .mqtt_host -> str   .mqtt_port -> int   .monitor_url -> str   .log_file -> Path   .running   .pid

A port of 0 means: the one of the last start if still free, else a free one. Everybody but the platform's user
is asked about by auth callout (``$SYS.REQ.USER.AUTH``): as long as nobody answers, nobody gets in.
"""

from __future__ import annotations

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import psutil

from cheoyong.app.engines.binaries import nats_server, within_reach
from cheoyong.app.engines.nats_config import (
    ACCOUNT,
    ORGANISATIONS_MAX,
    PLATFORM_USER,
    UPDATES_USER,
    NatsPorts,
    NatsSecrets,
    account_of,
    config_text,
    user_of,
)
from cheoyong.app.engines.process import EngineProcess, end_leftovers
from cheoyong.app.folder import DataFolder
from cheoyong.domain.errors import ConfigurationError, Unavailable

_START_ATTEMPTS = 3  # a picked port can be taken by somebody else before the server has it
_LAME_S = 3.0
_RELOAD_S_MAX = 3.0


class Nats:
    """The embedded server of one data folder. The caller holds the folder's lock."""

    account = ACCOUNT
    user = PLATFORM_USER

    def __init__(
        self,
        folder: DataFolder,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        mqtt_host: str = "127.0.0.1",
        mqtt_port: int = 0,
        mqtt_tls: tuple[Path, Path] | None = None,
    ) -> None:
        self._folder = folder
        self._wanted = NatsPorts(port, 0, mqtt_port)
        self._ports = self._wanted
        self._process: EngineProcess | None = None
        self.host = host
        self.mqtt_host = mqtt_host
        self.mqtt_tls = mqtt_tls
        self.config_file = folder.nats / "nats-server.conf"
        self.log_file = folder.logs / "nats-server.log"

    def start(self, timeout_s: float = 30.0) -> None:
        """End leftovers, start, and return when JetStream has recovered its streams.

        Raises ConfigurationError when a port that was asked for is taken, Unavailable if it does not come up.
        """
        if self.running:
            return
        end_leftovers(self._is_ours, [(signal.SIGTERM, 8.0)])
        for attempt in range(1, _START_ATTEMPTS + 1):
            self._ports = self._choose_ports()
            try:
                self._start_once(timeout_s)
            except Unavailable as error:
                self.stop()
                if attempt == _START_ATTEMPTS or "address already in use" not in error.detail:
                    raise
            except BaseException:
                self.stop()
                raise
            else:
                break
        self._ports_file.write_bytes(msgspec.json.encode(self._ports))

    def stop(self, timeout_s: float = 8.0) -> None:
        """Let it close its stores and end; nothing happens when not running."""
        process, self._process = self._process, None
        if process is not None:
            process.stop([(signal.SIGTERM, timeout_s)])

    def attach(self) -> None:
        """Look at the server that another process runs on this folder: its ports, without starting it."""
        self._ports = self._last_ports()

    @property
    def running(self) -> bool:
        """Whether our child is alive."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """Process id; 0 when not started."""
        return self._process.pid if self._process else 0

    @property
    def url(self) -> str:
        """Where NATS clients connect."""
        return f"nats://{self.host}:{self._ports.client}"

    @property
    def mqtt_port(self) -> int:
        """Where MQTT clients connect."""
        return self._ports.mqtt

    @property
    def monitor_url(self) -> str:
        """Health and figures over HTTP, on loopback only."""
        return f"http://127.0.0.1:{self._ports.monitor}"

    @property
    def password(self) -> str:
        """The platform user's password, made at random on first use."""
        return self._folder.secret("nats-platform")

    @property
    def issuer_seed(self) -> str:
        """The account key that signs what MQTT devices may do (nkey seed, starts with SA)."""
        return issuer_seed_of(self._folder.secret("nats-issuer"))

    def connect_options(self, organisation_id: int | None = None) -> dict[str, Any]:
        """Keywords for ``nats.connect``, into the account of an organisation that was admitted or CITY."""
        user = self.user if organisation_id is None else user_of(self.organisations.index(organisation_id))
        return {"servers": [self.url], "user": user, "password": self.password}

    def updates_options(self) -> dict[str, Any]:
        """Keywords for ``nats.connect``, into the account that updates are published from."""
        return {**self.connect_options(), "user": UPDATES_USER}

    @property
    def organisations(self) -> list[int]:
        """The organisations that have an account of their own, now and after a restart."""
        try:
            return msgspec.json.decode(self._organisations_file.read_bytes(), type=list[int])
        except (FileNotFoundError, msgspec.DecodeError):
            return []

    def admit(self, organisation_id: int) -> str:
        """The name of an organisation's account, which is made if it has none; nobody is disconnected.

        Raises Unavailable when the server does not take it, or there are 200 already.
        """
        name, known = account_of(organisation_id), self.organisations
        if organisation_id not in known:
            if len(known) >= ORGANISATIONS_MAX:
                raise Unavailable(f"{ORGANISATIONS_MAX} organisations have accounts", where="nats-server")
            self._organisations_file.write_bytes(msgspec.json.encode([*known, organisation_id]))
        if not self._has_account(name):
            self._write_configuration()
            os.kill(self.pid, signal.SIGHUP)
        until_s = time.monotonic() + _RELOAD_S_MAX
        while not self._has_account(name):
            if time.monotonic() > until_s:
                raise Unavailable(f"does not take account {name}", where="nats-server", mend="see its log")
            time.sleep(0.02)
        return name

    def _has_account(self, name: str) -> bool:
        return name in self.figures("accountz").get("accounts", [])

    def figures(self, page: str = "varz") -> dict[str, Any]:
        """A page of the server's monitor (``varz``, ``jsz``, ``connz``, ``healthz``) as a dict.

        Raises Unavailable when the server does not answer.
        """
        try:
            with urllib.request.urlopen(f"{self.monitor_url}/{page}", timeout=2.0) as answer:  # noqa: S310
                return dict(msgspec.json.decode(answer.read()))
        except (urllib.error.URLError, OSError) as error:
            raise Unavailable(f"does not answer: {error}", where="nats-server") from error

    @property
    def _ports_file(self) -> Path:
        return self._folder.root / "nats-ports.json"  # not in nats/, which the engine could rewrite

    @property
    def _organisations_file(self) -> Path:
        return self._folder.root / "nats-organisations.json"

    def _start_once(self, timeout_s: float) -> None:
        self._write_configuration()
        process = EngineProcess(
            [str(self._program()), "-c", str(self.config_file)],
            self._folder.engine_user,
            log_file=self._folder.logs / "nats-start.log",
            also_says_in=self.log_file,
            cwd=self._folder.nats,
            death_signal=signal.SIGTERM,
        )
        process.start()
        self._process = process
        process.wait_ready(self._says_ready, timeout_s)

    def _program(self) -> Path:
        return within_reach(nats_server(), self._folder.engine_user, self._folder.root / "engines")

    def _write_configuration(self) -> None:
        secrets = NatsSecrets(self.password, public_key_of(self.issuer_seed))
        text = config_text(
            self._ports,
            secrets,
            host=self.host,
            mqtt_host=self.mqtt_host,
            mqtt_tls=self.mqtt_tls,
            store_dir=self._folder.nats,
            log_file=self.log_file,
            organisations=self.organisations,
        )
        self._folder.give_to_engines(self.config_file, text)

    def _is_ours(self, process: psutil.Process) -> bool:
        return process.name().startswith("nats-server") and str(self.config_file) in process.cmdline()

    def _says_ready(self) -> bool:
        try:
            return bool(self.figures("healthz").get("status") == "ok")
        except Unavailable:
            return False

    def _choose_ports(self) -> NatsPorts:
        last = self._last_ports()
        client = _port(self.host, self._wanted.client, last.client, "NATS")
        mqtt = _port(self.mqtt_host, self._wanted.mqtt, last.mqtt, "MQTT", taken={client})
        return NatsPorts(client, _port("127.0.0.1", 0, last.monitor, "monitor", taken={client, mqtt}), mqtt)

    def _last_ports(self) -> NatsPorts:
        try:
            return msgspec.json.decode(self._ports_file.read_bytes(), type=NatsPorts)
        except (FileNotFoundError, msgspec.DecodeError):
            return NatsPorts(0, 0, 0)


def issuer_seed_of(secret: str) -> str:
    """An account key's seed, derived from a secret text of 256 random bits.

    >>> issuer_seed_of("x")[:2]
    'SA'
    """
    import hashlib

    import nkeys

    raw = hashlib.blake2b(secret.encode(), digest_size=32, person=b"nats issuer").digest()
    return str(nkeys.encode_seed(raw, nkeys.PREFIX_BYTE_ACCOUNT).decode())


def public_key_of(seed: str) -> str:
    """The public half of an nkey seed.

    >>> public_key_of(issuer_seed_of("x"))[0]
    'A'
    """
    import nkeys

    return str(nkeys.from_seed(bytearray(seed.encode())).public_key.decode())


def port_is_free(host: str, port: int) -> bool:
    """Whether a TCP server could listen there now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _port(host: str, wanted: int, last: int, name: str, taken: set[int] | None = None) -> int:
    if wanted:
        if not port_is_free(host, wanted):
            raise ConfigurationError(
                f"port {wanted} on {host} is taken", where=f"{name} port", mend="free it or choose another"
            )
        return wanted
    if last and last not in (taken or ()) and port_is_free(host, last):
        return last
    while True:  # ends: the system hands out another free port each time
        with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            picked = int(probe.getsockname()[1])
        if picked not in (taken or ()):
            return picked


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
