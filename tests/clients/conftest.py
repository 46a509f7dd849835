# SPDX-License-Identifier: Apache-2.0
"""A server as a person runs it, and a key for the clients that other people wrote."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "system"))  # serving.py: the program as a process

from running_city import City
from serving import Serving, administrator, new_key


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """One installation for all clients; they keep apart by what they create."""
    folder = Path(tempfile.mkdtemp(prefix="cheoyong-clients-"))
    folder.chmod(0o755)
    serving = Serving(folder / "data")
    try:
        serving.start()
        admin = administrator(serving)
        key = new_key(admin)
        with serving.client(key) as http:
            yield City(serving, admin, key, http)
    finally:
        serving.clear_away()
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients are built on requests, which would ask a proxy of this shell for 127.0.0.1."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def netrc(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where requests looks it up by itself when a client brings no way to sign in."""
    file = tmp_path / "netrc"
    file.write_text(f"machine 127.0.0.1 login any password {city.key}\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
