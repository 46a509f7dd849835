# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any engine, of both, and of the program that started them: the next start recovers by itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder

pytestmark = pytest.mark.engines
FEW = "SELECT count(*) FROM fact"
PATIENCE_S = 120.0


class House:
    """Both engines in one folder, and every process that belongs to them."""

    def __init__(self, root: Path) -> None:
        self.folder = DataFolder(root)
        self.folder.prepare()
        self.postgres = Postgres(self.folder)
        self.nats = Nats(self.folder)

    def start(self) -> None:
        self.postgres.start()
        self.nats.start()

    def stop(self) -> None:
        self.nats.stop()
        self.postgres.stop()

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if belongs(process, self.folder.root)]


def belongs(process: psutil.Process, root: Path) -> bool:
    try:
        # Zombies have ended; whoever adopted them only has not looked yet.
        return process.status() != psutil.STATUS_ZOMBIE and process.cwd().startswith(f"{root}/")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def used_before() -> Iterator[Path]:
    """A data folder with a cluster in it: making one takes longer than any of these tests."""
    made = Path(tempfile.mkdtemp(prefix="cheoyong-test-"))
    made.chmod(0o755)
    house = House(made / "data")
    house.start()
    house.postgres.ask("CREATE TABLE fact (n int)")
    house.postgres.ask("INSERT INTO fact SELECT generate_series(1, 1000)")
    house.stop()
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def house(used_before: Path) -> Iterator[House]:
    made = House(used_before)
    made.start()
    yield made
    made.stop()
    wait_until(lambda: made.processes() == [])


def test_L7_a_clean_stop_is_quick_and_leaves_no_process_and_no_socket(house: House) -> None:
    assert len(house.processes()) >= 2
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 40  # L7 asks for 10: a busy machine is not a defect
    wait_until(lambda: house.processes() == [])
    assert list(house.folder.run.iterdir()) == []
    assert not (house.postgres.data / "postmaster.pid").exists()


def test_F17_after_kill_9_of_the_database_the_next_start_recovers(house: House) -> None:
    os.kill(house.postgres.pid, signal.SIGKILL)
    wait_until(lambda: not house.postgres.running)
    assert (house.postgres.data / "postmaster.pid").exists()
    house.postgres.start()
    assert house.postgres.ask(FEW).strip() == "1000"


def test_F17_after_kill_9_of_the_broker_the_next_start_recovers_on_the_same_ports(house: House) -> None:
    before = house.nats.url, house.nats.mqtt_port
    os.kill(house.nats.pid, signal.SIGKILL)
    wait_until(lambda: not house.nats.running)
    house.nats.start()
    assert (house.nats.url, house.nats.mqtt_port) == before
    assert house.nats.figures("healthz")["status"] == "ok"


def test_F17_after_kill_9_of_every_process_the_next_start_recovers(house: House) -> None:
    for process in house.processes():
        process.kill()
    wait_until(lambda: not house.postgres.running and not house.nats.running)
    house.start()
    assert house.postgres.ask(FEW).strip() == "1000"


PARENT = """
import json, sys, time; from pathlib import Path
from cheoyong.app.engines.nats import Nats; from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
with folder.locked():
    postgres, nats = Postgres(folder), Nats(folder)
    postgres.start(); nats.start()
    print(json.dumps([postgres.pid, nats.pid]), flush=True)
    time.sleep(120)
"""


@pytest.fixture
def killed_parent(used_before: Path) -> Iterator[tuple[Path, list[int]]]:
    root = used_before
    with subprocess.Popen([sys.executable, "-c", PARENT, str(root)], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout is not None
            yield root, [parent.pid, *json.loads(parent.stdout.readline())]
        finally:
            parent.kill()


def test_F17_when_the_parent_is_killed_the_kernel_ends_the_engines(
    killed_parent: tuple[Path, list[int]],
) -> None:
    root, (parent, *_engines) = killed_parent
    os.kill(parent, signal.SIGKILL)
    wait_until(lambda: not [p for p in psutil.process_iter() if belongs(p, root)])
    house = House(root)
    house.start()
    try:
        assert house.postgres.ask(FEW).strip() == "1000"
    finally:
        house.stop()


def test_F17_engines_that_outlived_their_parent_are_ended_by_the_next_start(house: House) -> None:
    orphans = [psutil.Process(house.postgres.pid), psutil.Process(house.nats.pid)]
    successor = House(house.folder.root)  # to it they are strangers that hold the folder
    successor.start()
    try:
        assert not [orphan for orphan in orphans if belongs(orphan, house.folder.root)]
        assert successor.postgres.ask(FEW).strip() == "1000"
    finally:
        successor.stop()


def test_F17_workers_that_outlived_a_killed_postmaster_are_ended_by_the_next_start(house: House) -> None:
    workers = [process for process in house.processes() if process.ppid() == house.postgres.pid]
    assert workers
    for worker in workers:
        worker.suspend()  # they cannot see that the postmaster has gone
    os.kill(house.postgres.pid, signal.SIGKILL)
    wait_until(lambda: not house.postgres.running)
    house.postgres.start()
    assert house.postgres.ask(FEW).strip() == "1000"
    assert not [worker for worker in workers if belongs(worker, house.folder.root)]


def test_F17_a_start_killed_while_it_makes_the_cluster_is_made_good_by_the_next(outside_homes: Path) -> None:
    root = outside_homes / "data"
    with subprocess.Popen([sys.executable, "-c", PARENT, str(root)], stdout=subprocess.DEVNULL) as parent:
        wait_until(lambda: (root / "pg" / "draft" / "base").exists())
        parent.kill()
    house = House(root)
    house.start()
    try:
        assert house.postgres.ask("SELECT 7").strip() == "7"
        assert [path.name for path in house.folder.pg.iterdir()] == ["data"]
    finally:
        house.stop()


def test_a_stale_pid_file_that_names_a_foreign_process_does_not_stop_the_start(house: House) -> None:
    house.postgres.stop()
    stale = f"{os.getppid()}\n{house.postgres.data}\n1\n5432\n{house.folder.run}\n\n"
    (house.postgres.data / "postmaster.pid").write_text(stale)
    house.postgres.start()
    assert house.postgres.ask(FEW).strip() == "1000"
    assert psutil.pid_exists(os.getppid())


def test_starting_twice_is_starting_once(house: House) -> None:
    pid = house.postgres.pid
    house.start()
    assert house.postgres.pid == pid


def test_an_engine_started_from_a_thread_outlives_the_thread(used_before: Path) -> None:
    house = House(used_before)
    thread = threading.Thread(target=house.start)
    thread.start()
    thread.join()
    try:
        assert house.postgres.ask("SELECT 7").strip() == "7"
        assert house.nats.figures("healthz")["status"] == "ok"
    finally:
        house.stop()
