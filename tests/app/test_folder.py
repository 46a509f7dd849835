# SPDX-License-Identifier: Apache-2.0
"""The data folder: made with care, held by one, closed to others."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cheoyong.app import privileges
from cheoyong.app.folder import SOCKET_PATH_BYTES_MAX, DataFolder
from cheoyong.app.privileges import Identity, blocked_parent
from cheoyong.domain.errors import ConfigurationError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
not_as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root passes everywhere")


def modes_of_parents(path: Path) -> dict[Path, tuple[int, int, int]]:
    found = {parent: parent.stat() for parent in path.parents if parent.exists()}
    return {parent: (state.st_mode, state.st_uid, state.st_gid) for parent, state in found.items()}


def test_making_the_folder_changes_no_mode_and_no_owner_of_any_parent(outside_homes: Path) -> None:
    root = outside_homes / "made" / "deeper" / "data"
    before = modes_of_parents(root)
    DataFolder(root).prepare()
    after = modes_of_parents(root)
    assert {parent: after[parent] for parent in before} == before
    assert stat.S_IMODE((root / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((root / "pg").stat().st_mode) == 0o700


@as_root
def test_as_root_a_private_parent_is_named_and_left_as_it_is(outside_homes: Path) -> None:
    private = outside_homes / "home"
    private.mkdir(mode=0o700)
    with pytest.raises(ConfigurationError) as refused:
        DataFolder(private / "data").prepare()
    assert str(private) in refused.value.detail
    assert "/var/lib/cheoyong" in refused.value.mend
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_as_root_the_engines_get_an_existing_user_without_privileges(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    assert folder.engine_user.uid != 0
    assert folder.pg.stat().st_uid == folder.engine_user.uid
    assert folder.secrets.stat().st_uid == 0
    again = DataFolder(outside_homes / "data")
    assert again.engine_user.uid == folder.engine_user.uid


@as_root
def test_as_root_the_engines_never_get_root() -> None:
    with pytest.raises(ConfigurationError, match="do not run as root"):
        DataFolder(Path("/nonexistent"), engine_user="root")


@not_as_root
def test_another_user_for_the_engines_needs_root() -> None:
    with pytest.raises(ConfigurationError, match="only root"):
        DataFolder(Path("/nonexistent"), engine_user="root")


def test_an_unknown_engine_user_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        DataFolder(Path("/nonexistent"), engine_user="no-such-user-here")


def test_as_root_the_default_folder_is_outside_private_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert DataFolder.default_root() == Path("/var/lib/cheoyong")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere/share")
    assert DataFolder.default_root() == Path("/somewhere/share/cheoyong")


HOLDER = """
import sys; from pathlib import Path; from cheoyong.app.folder import DataFolder
with DataFolder(Path(sys.argv[1])).locked():
    print("held", flush=True); sys.stdin.read()
"""


def test_a_second_serve_on_the_same_folder_is_refused_and_told_by_whom(outside_homes: Path) -> None:
    root = outside_homes / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        assert DataFolder(root).holder() == first.pid
        with (
            pytest.raises(ConfigurationError, match=f"in use by process {first.pid}"),
            DataFolder(root).locked(),
        ):
            pass
        first.kill()
        first.wait()
        with DataFolder(root).locked():  # the system let go of it with the process
            assert DataFolder(root).holder() == os.getpid()
    assert DataFolder(root).holder() is None


def test_a_folder_that_is_free_has_no_holder(outside_homes: Path) -> None:
    assert DataFolder(outside_homes / "data").holder() is None


def test_S14_secrets_are_random_private_and_stay_the_same(outside_homes: Path) -> None:
    one, two = DataFolder(outside_homes / "one"), DataFolder(outside_homes / "two")
    one.prepare()
    two.prepare()
    assert one.secret("x") == DataFolder(one.root).secret("x")
    assert one.secret("x") != two.secret("x")
    assert one.secret("x") != one.secret("y")
    assert len(one.secret("x")) >= 43  # 256 bits in base64
    assert stat.S_IMODE((one.secrets / "x").stat().st_mode) == 0o600


def test_a_secret_asked_for_by_many_at_once_is_one_and_whole(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    with ThreadPoolExecutor(16) as pool:
        for name in ("a", "b", "c", "d"):
            given = list(pool.map(lambda _, name=name: DataFolder(folder.root).secret(name), range(16)))
            assert set(given) == {folder.secret(name)}
    assert {path.name for path in folder.secrets.iterdir()} == {"a", "b", "c", "d"}


def test_S13_a_secret_that_others_can_read_is_refused(outside_homes: Path) -> None:
    folder = DataFolder(outside_homes / "data")
    folder.prepare()
    folder.secret("x")
    (folder.secrets / "x").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        folder.secret("x")
    with pytest.raises(ConfigurationError, match="chmod 600"):
        folder.inspect()


def test_a_folder_with_a_long_path_keeps_its_sockets_in_a_short_private_one(outside_homes: Path) -> None:
    root = outside_homes / ("long-" * 20) / "data"
    folder = DataFolder(root)
    folder.prepare()
    try:
        assert len(os.fsencode(folder.run / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX
        assert stat.S_IMODE(folder.run.stat().st_mode) == 0o700
        assert DataFolder(root).run == folder.run
    finally:
        folder.run.rmdir()


def test_a_link_in_place_of_a_folder_is_refused(outside_homes: Path) -> None:
    root = outside_homes / "data"
    root.mkdir()
    (root / "pg").symlink_to("/etc")
    with pytest.raises(ConfigurationError, match="is not a folder"):
        DataFolder(root).prepare()


def test_inspecting_creates_nothing(outside_homes: Path) -> None:
    DataFolder(outside_homes).inspect()
    assert list(outside_homes.iterdir()) == []


def test_the_first_closed_folder_on_the_way_is_found(outside_homes: Path) -> None:
    closed = outside_homes / "closed"
    closed.mkdir(mode=0o700)
    stranger = Identity("stranger", 54321, 54321)
    assert blocked_parent(closed / "inner", stranger) == closed
    assert blocked_parent(outside_homes / "data", stranger) is None
    assert blocked_parent(closed / "inner", privileges.current_identity()) is None
