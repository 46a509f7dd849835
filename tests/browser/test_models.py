# SPDX-License-Identifier: Apache-2.0
"""The page of models: every card in the reader's language, its limits in sight, the same in every look."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from serving import Serving

from cheoyong.flow.model_cards import cards

from .living import Site
from .looking import AXE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]


@pytest.fixture(scope="module")
def drifting(outside: Path) -> Iterator[Site]:
    """An installation of which it is on record that the bridge's gauge moves otherwise than it did."""
    serving = Serving(outside / "drifting")
    try:
        site = Site(serving.start(), [1.0] * 3)
        body = (
            '{"series": "taehwa_stage_m", "sign": "changes", "step": "drifting", "value": 1.3, "limit": 0.67,'
            ' "since_us": 1790000000000000, "models": ["river:taehwa_stage_m"]}'
        )
        serving.database.fetch(
            "INSERT INTO fact (id, organisation_id, kind, about_at, recorded_at, body)"
            f" SELECT '{uuid4()}', min(id), 'drift', now(), now(), '{body}'::jsonb FROM organisation"
        )
        yield site
    finally:
        serving.clear_away()


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_models_has_no_violation_in_any_look(drifting: Site, window: Window, size: str) -> None:
    look = window(drifting.url, size=SIZES[size]).open(drifting.link_for(f"models-{size}"))
    look.page.goto(f"{drifting.url}/console/#/models")
    expect(look.page.locator("section[aria-labelledby^=model-]")).to_have_count(len(cards()))
    assert [line for name in looks(look, "models") for line in wrong_with(look, name)] == []


def test_R7_every_card_says_which_way_it_errs_and_its_limits_in_korean(live: Site, window: Window) -> None:
    look = window(live.url).open(live.link_for("reader"))
    page = look.page
    page.goto(f"{live.url}/console/#/models")
    for card in cards():
        assert card.ko is not None, f"{card.id} has no Korean words"
        shown = page.locator(f"section[aria-labelledby='model-{card.id}']")
        expect(shown).to_contain_text(card.ko.name)
        expect(shown).to_contain_text(card.ko.direction_of_error)
        for limit in card.ko.limits:
            expect(shown).to_contain_text(limit)
    figure = page.get_by_text(cards()[0].figures[0].what)
    expect(figure).to_be_hidden()
    page.locator("summary").first.click()
    expect(figure).to_be_visible()
    assert page.title().startswith("모델")
    expect(page.locator("section[aria-labelledby=drifting]")).to_contain_text("달라진 것이 없습니다")


def test_an_input_unlike_its_training_is_named_with_how_much_and_since_when(
    drifting: Site, window: Window
) -> None:
    look = window(drifting.url).open(drifting.link_for("data-engineer"))
    look.page.goto(f"{drifting.url}/console/#/models")
    said = look.page.locator("section[aria-labelledby=drifting]")
    expect(said).to_contain_text("태화교: 움직임이 달라짐: 지수 1.30 (한계 0.67) · 2026")
    expect(said).to_contain_text("멈추지 않습니다")
