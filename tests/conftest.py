# SPDX-License-Identifier: Apache-2.0
"""The real engines, started once for the whole run in a temporary data folder and stopped at its end.

``postgres``: cheoyong.app.engines.postgres.Postgres; ``postgres.new_database("name")`` gives an empty
database's connection string. ``nats_server``: cheoyong.app.engines.nats.Nats.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from cheoyong.app.engines.nats import Nats
from cheoyong.app.engines.postgres import Postgres
from cheoyong.app.folder import DataFolder

_database_numbers = count(1)


class Rooms(LoadScopeScheduling):
    """Deals out whole folders of tests, so that what a folder's tests share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::", 1)[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Rooms:
    """Folders, in place of xdist's own ways to deal out tests."""
    return Rooms(config, log)


def pytest_sessionstart() -> None:
    """Forget compiled kernels that are older than a source beside them.

    Numba looks at the file of the kernel alone: a change in one that it calls would go untested.
    """
    import cheoyong

    for cache in Path(cheoyong.__file__).parent.rglob("__pycache__"):
        newest_s = max((path.stat().st_mtime for path in cache.parent.glob("*.py")), default=0.0)
        for index in cache.glob("*.nbi"):
            if index.stat().st_mtime < newest_s:
                index.unlink(missing_ok=True)


@pytest.fixture
def outside_homes() -> Iterator[Path]:
    """A short temporary folder that the engines' user can reach (pytest's own is closed to others)."""
    made = Path(tempfile.mkdtemp(prefix="cheoyong-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def engine_folder() -> Iterator[DataFolder]:
    """The data folder of this run, held by it."""
    made = Path(tempfile.mkdtemp(prefix="cheoyong-test-"))
    made.chmod(0o755)
    folder = DataFolder(made / "data")
    try:
        with folder.locked():
            yield folder
    finally:
        shutil.rmtree(made)


@pytest.fixture(scope="session")
def postgres(engine_folder: DataFolder) -> Iterator[Postgres]:
    """A real PostgreSQL."""
    engine = Postgres(engine_folder)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def nats_server(engine_folder: DataFolder) -> Iterator[Nats]:
    """A real nats-server with JetStream and MQTT."""
    engine = Nats(engine_folder)
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """Connection string of an empty database, dropped afterwards."""
    name = f"test_{next(_database_numbers)}"
    yield postgres.new_database(name)
    postgres.drop_database(name)
