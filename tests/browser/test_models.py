# SPDX-License-Identifier: Apache-2.0
"""The page of models: every card in the reader's language, its limits in sight, the same in every look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from cheoyong.flow.model_cards import cards

from .living import Site
from .looking import AXE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_models_has_no_violation_in_any_look(live: Site, window: Window, size: str) -> None:
    look = window(live.url, size=SIZES[size]).open(live.link_for(f"models-{size}"))
    look.page.goto(f"{live.url}/console/#/models")
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
