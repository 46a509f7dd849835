# SPDX-License-Identifier: Apache-2.0
"""One chromium for all of these tests, and one demo whose storm is held where a warning was drafted."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "system"))  # serving.py: the program as a process

from serving import Serving

from .living import Site
from .looking import ARGUMENTS, CHROMIUM, Look, missing
from .walking import Demo, Walk

HERE = Path(__file__).parent
expect.set_options(timeout=60_000)  # it costs on failure only; machines are slow and busy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these need the browser; without it each says why it does not run."""
    why = missing()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if why:
                item.add_marker(pytest.mark.skip(reason=why))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Said at the end of the run, for a row of letters 's' is easily overlooked."""
    if missing():
        terminalreporter.write_line(f"SKIPPED: tests/browser, because {missing()}", yellow=True)


@pytest.fixture(scope="package")
def outside() -> Iterator[Path]:
    """A folder outside private homes, which the engines' user can reach."""
    made = Path(tempfile.mkdtemp(prefix="cheoyong-browser-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium with a fresh profile; every window has its own cookies."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="package")
def walk(browser: Browser, outside: Path) -> Iterator[Walk]:
    """A demo after its warm-up, with the newcomer's page open and the replay held."""
    demo = Demo(outside / "demo")
    try:
        begun = Walk.begin(demo.start(), browser)
        yield begun
        begun.look.close()
    finally:
        demo.clear_away()


@pytest.fixture(scope="package")
def live(outside: Path) -> Iterator[Site]:
    """A live installation whose organisation has a hostile name."""
    serving = Serving(outside / "live", CHEOYONG_ORGANISATION='울산 <img src=x onerror="alert(1)">')
    try:
        yield Site(serving.start())
    finally:
        serving.clear_away()


@pytest.fixture
def window(browser: Browser) -> Iterator[Callable[..., Look]]:
    """Makes windows that are closed after the test."""
    made: list[Look] = []

    def make(url: str, **options: Any) -> Look:
        made.append(Look.at(browser, url, **options))
        return made[-1]

    yield make
    for look in made:
        look.close()


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a measured figure past pytest's capture."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}", end="")

    return say
