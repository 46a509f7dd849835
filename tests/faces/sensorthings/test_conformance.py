# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import httpx
from sensorthings_bodies import get

from cheoyong.faces.sensorthings.conformance import (
    EXTENSIONS,
    OVER_MQTT,
    REQUIREMENTS,
    Requirement,
    served_identifiers,
)
from cheoyong.faces.sensorthings.entities import ENTITIES


def _tests_written() -> set[str]:
    here = Path(__file__).parent
    files = [*here.glob("test_*.py"), *(here.parents[1] / "clients").glob("test_*.py")]
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def _unshown(requirements: tuple[Requirement, ...], written: set[str]) -> list[str]:
    return [
        item.name
        for item in requirements
        if item.served and not (item.tests and written.issuperset(item.tests))
    ]


def test_every_requirement_that_is_claimed_names_tests_that_exist() -> None:
    written = _tests_written()
    assert _unshown((*REQUIREMENTS, *EXTENSIONS), written) == []
    assert _unshown((Requirement("a"), Requirement("b", ("test_nothing",))), written) == ["a", "b"]


def test_every_requirement_of_the_standard_is_listed_once() -> None:
    names = [item.name for item in REQUIREMENTS]
    # As many as the independent conformance suite of FROST-Server names for version 1.1.
    assert len(names) == len(set(names)) == 48
    assert not [item.name for item in REQUIREMENTS if item.missing and item.tests]


async def test_the_landing_page_lists_the_entity_sets_and_what_is_really_served(
    client: httpx.AsyncClient,
) -> None:
    for address in ("http://city.example/v1.1", "http://city.example/v1.1/"):
        page: Any = await get(client, address)
        assert [item["name"] for item in page["value"]] == list(ENTITIES)
        # No MQTT door stands beside this server, and it does not claim one.
        expected = [name for name in served_identifiers() if name not in OVER_MQTT]
        assert page["serverSettings"]["conformance"] == expected
        for item in page["value"]:
            assert "value" in await get(client, item["url"])
