# SPDX-License-Identifier: Apache-2.0
"""Links between pages lead somewhere, and every page can be reached from the navigation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from reference_writer import DOCS, ROOT
from yaml import SafeLoader, load

PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)


def _links(page: Path) -> list[str]:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


def _anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def _pages_in(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    children = nav.values() if isinstance(nav, dict) else nav
    return [page for child in children for page in _pages_in(child)]


def test_the_navigation_names_every_page_once_and_no_other() -> None:
    nav = load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), SafeLoader)["nav"]
    assert sorted(_pages_in(nav)) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_built_pages_fetch_nothing_from_elsewhere() -> None:
    config = load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), SafeLoader)
    assert config["theme"]["font"] is False
    assert not {"extra_css", "extra_javascript"} & set(config)
    assert "analytics" not in config.get("extra", {})
