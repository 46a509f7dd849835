# SPDX-License-Identifier: Apache-2.0
"""The embedded nats-server: every write synced, nobody in unasked, ports that stay."""

import asyncio
import json
import signal
import socket
from pathlib import Path

import nats
import psutil
import pytest
from nats.aio.msg import Msg

from cheoyong.app.engines.binaries import nats_server as nats_program
from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.nats_config import NatsPorts, NatsSecrets, config_text
from cheoyong.app.engines.outside import check_nats
from cheoyong.app.engines.process import EngineProcess, run_once
from cheoyong.app.folder import DataFolder
from cheoyong.app.privileges import current_identity
from cheoyong.domain.errors import ConfigurationError, Unavailable

pytestmark = pytest.mark.engines


def test_F02_jetstream_syncs_every_write_before_it_acknowledges(nats_server: Nats) -> None:
    for page in ("varz", "jsz"):
        figures = nats_server.figures(page)
        config = figures["config"] if page == "jsz" else figures["jetstream"]["config"]
        assert config["sync_always"] is True


async def test_the_platform_gets_in_with_its_password(nats_server: Nats) -> None:
    bus = await nats.connect(**nats_server.connect_options())
    try:
        await bus.jetstream().account_info()
    finally:
        await bus.close()


@pytest.mark.parametrize("words", ["{}", '{"user":"platform","pass":"guess"}', '{"user":"a","pass":"b"}'])
def test_S23_nobody_else_gets_in_while_nobody_answers_for_them(nats_server: Nats, words: str) -> None:
    host, port = nats_server.url.removeprefix("nats://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as door:
        heard = door.makefile("rb")
        assert heard.readline().startswith(b"INFO")
        door.sendall(f"CONNECT {words}\r\nPING\r\n".encode())
        assert b"PONG" not in heard.read()  # until the server closes


def test_a_port_that_was_asked_for_and_is_taken_is_refused(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} on 127.0.0.1 is taken"):
            Nats(folder, mqtt_port=port).start()


def test_the_broker_listens_on_loopback_only_unless_told_otherwise(nats_server: Nats) -> None:
    listening = psutil.Process(nats_server.pid).net_connections(kind="tcp")
    assert {found.laddr.ip for found in listening if found.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_certificate_turns_on_tls_for_sensors() -> None:
    text = config_text(
        NatsPorts(1, 2, 3),
        NatsSecrets("p", "A"),
        host="127.0.0.1",
        mqtt_host="0.0.0.0",
        mqtt_tls=(Path("/c.pem"), Path("/k.pem")),
        store_dir=Path("/d"),
        log_file=Path("/l"),
    )
    assert json.loads(text)["mqtt"]["tls"] == {"cert_file": "/c.pem", "key_file": "/k.pem"}


def test_the_written_configuration_is_what_the_server_itself_accepts(nats_server: Nats) -> None:
    argv = [str(nats_program()), "-t", "-c", str(nats_server.config_file)]
    run_once(argv, current_identity(), cwd=Path("/"), timeout_s=10, where="nats-server -t")
    assert nats_server.config_file.stat().st_mode & 0o777 == 0o600


async def test_F17_a_given_broker_with_jetstream_is_accepted_with_a_remark(nats_server: Nats) -> None:
    remarks = await check_nats(nats_server.connect_options())
    assert any("sync_interval" in remark for remark in remarks)


async def test_F17_a_given_broker_without_jetstream_is_refused(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bare = EngineProcess(
        [str(nats_program()), "-a", "127.0.0.1", "-p", str(port)],
        folder.engine_user,
        cwd=folder.nats,
        death_signal=signal.SIGTERM,
        log_file=folder.logs / "bare.log",
    )
    bare.start()
    try:
        bare.wait_ready(lambda: b"Server is ready" in (folder.logs / "bare.log").read_bytes(), 10)
        with pytest.raises(ConfigurationError, match="no JetStream"):
            await check_nats({"servers": [f"nats://127.0.0.1:{port}"]})
    finally:
        bare.stop([(signal.SIGTERM, 5.0)])
    assert not psutil.pid_exists(bare.pid)


async def test_F17_a_given_broker_that_is_away_is_said_to_be_away() -> None:
    with pytest.raises(Unavailable, match="does not let us in"):
        await check_nats({"servers": ["nats://127.0.0.1:1"]})


def test_an_engine_whose_program_is_missing_says_so(outside_homes: Path) -> None:
    ghost = EngineProcess(
        ["/no/such/program"],
        current_identity(),
        cwd=outside_homes,
        death_signal=signal.SIGTERM,
        log_file=outside_homes / "ghost.log",
    )
    ghost.start()
    with pytest.raises(Unavailable, match="No such file"):
        ghost.wait_ready(lambda: False, 10)
    assert ghost.exit_code not in (None, 0)
    assert (outside_homes / "ghost.log").exists()


async def test_S08_an_organisation_has_an_account_where_nobody_else_is_heard_and_keeps_it(
    nats_server: Nats,
) -> None:
    city = await nats.connect(**nats_server.connect_options())
    heard: list[str] = []

    async def hear(message: Msg) -> None:
        heard.append(message.data.decode())

    try:
        for organisation_id in (71, 72, 71):  # the second time nothing is made
            await asyncio.to_thread(nats_server.admit, organisation_id)
        first = await nats.connect(**nats_server.connect_options(71))
        second = await nats.connect(**nats_server.connect_options(72))
        await first.subscribe(">", cb=hear)
        await first.flush()
        for bus, said in ((city, "the city"), (second, "another"), (first, "itself")):
            await bus.publish("any", said.encode())
            await bus.flush()
        await first.flush()
        assert city.is_connected
        assert heard == ["itself"]
        await first.close()
        await second.close()
    finally:
        await city.close()
    assert nats_server.organisations == [71, 72]
    await asyncio.to_thread(nats_server.stop)
    await asyncio.to_thread(nats_server.start)
    again = await nats.connect(**nats_server.connect_options(72))
    await again.close()
