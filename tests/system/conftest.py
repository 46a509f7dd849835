# SPDX-License-Identifier: Apache-2.0
"""Whole installations for the tests: two that stay up for the run, and a maker of short-lived ones.

``live``: a live one with its administrator and a key that may write. ``drill``: an exercise one into
which the storm of 2016-10-05 has been replayed. ``new_serving``: folders of one's own, cleared away.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from serving import PROGRAM, Person, Serving, administrator, bare_environment, every_table, new_key


@pytest.fixture(scope="session")
def outside() -> Iterator[Path]:
    """A folder outside private homes, which the engines' user can reach."""
    made = Path(tempfile.mkdtemp(prefix="cheoyong-system-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def new_serving(outside: Path) -> Iterator[Callable[..., Serving]]:
    """Makes installations that are gone after the test."""
    made: list[Serving] = []

    def make(**options: Any) -> Serving:
        folder = Path(tempfile.mkdtemp(dir=outside))
        folder.chmod(0o755)
        made.append(Serving(folder / "data", **options))
        return made[-1]

    yield make
    for serving in made:
        serving.clear_away()
        shutil.rmtree(serving.root.parent)


@dataclass
class Live:
    """A live installation, its administrator, and a device's HTTP client that may write."""

    serving: Serving
    admin: Person
    key: str
    device: httpx.Client


@pytest.fixture(scope="session")
def live(outside: Path) -> Iterator[Live]:
    serving = Serving(outside / "live").start()
    try:
        admin = administrator(serving)
        key = new_key(admin)
        with serving.client(key) as device:
            yield Live(serving, admin, key, device)
    finally:
        serving.clear_away()


@dataclass
class Drill:
    """An exercise installation after the whole storm: its report and its two exercise people."""

    serving: Serving
    report: dict[str, Any]
    tables: dict[str, list[str]]
    key: str
    operator: Person
    approver: Person


def replay_into(serving: Serving, *options: str) -> dict[str, Any]:
    """`cheoyong replay chaba-2016`, headless; its report."""
    argv = [str(PROGRAM), "replay", "chaba-2016", "--data", str(serving.root), "--url", serving.url,
            "--headless", "--json", *options]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, timeout=200, env=bare_environment(), check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="session")
def drill(outside: Path) -> Iterator[Drill]:
    serving = Serving(outside / "drill", mode="exercise").start()
    try:
        report = replay_into(serving)
        tables = every_table(serving.database)
        serving.stop()  # its driver has used the links up: the next start makes fresh ones
        serving.start()
        operator, approver = serving.secret("exercise-links").split()
        yield Drill(
            serving,
            report,
            tables,
            serving.secret("exercise-key"),
            Person(serving, operator),
            Person(serving, approver),
        )
    finally:
        serving.clear_away()
