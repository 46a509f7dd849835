# SPDX-License-Identifier: Apache-2.0
"""Every scene in both languages, both themes, wide and on a phone: no axe violation, nothing beyond the edge.

With CHEOYONG_PICTURES naming a folder, each look is kept there as a picture.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .living import Site
from .looking import AXE, PHONE, WIDE, Look
from .walking import APPROVER, Walk

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
PICTURES = os.environ.get("CHEOYONG_PICTURES", "")
SIZES = {"wide": WIDE, "phone": PHONE}
Window = Callable[..., Look]
_BEYOND = """() => [...document.querySelectorAll('button, p, h2, h3, td, th, dd, li')].filter((e) =>
  e.getClientRects().length && !e.closest('.out-of-sight, svg, .scroll, .table') &&
  e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.textContent.trim().slice(0, 60))"""


def looks(look: Look, scene: str) -> Iterator[str]:
    """The scene in each theme and language, by the page's own switches."""
    size = "phone" if look.page.viewport_size == PHONE else "wide"
    for language, name in (("ko", "한국어"), ("en", "English")):
        here = look.page.locator("html").get_attribute("lang")
        if here != language:
            look.button(name).click()
        for theme in ("light", "dark"):
            if look.page.locator("html").get_attribute("data-theme") != theme:
                look.button("어두운 화면으로", "밝은 화면으로", "Switch to dark", "Switch to light").click()
            expect(look.page.locator(f"html[lang={language}][data-theme={theme}]")).to_have_count(1)
            yield f"{scene}-{size}-{theme}-{language}"


def wrong_with(look: Look, name: str) -> list[str]:
    """What axe finds, what lies beyond the edge, and what the page reported."""
    if PICTURES:
        look.page.screenshot(path=Path(PICTURES) / f"{name}.png")
    wide = look.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found = [*look.violations(), *look.page.evaluate(_BEYOND), *look.troubles()]
    return [f"{name}: {line}" for line in ([f"{wide} px too wide"] if wide > 0 else []) + found]


@pytest.mark.parametrize("size", SIZES)
def test_L10_the_sign_in_page_has_no_violation(live: Site, window: Window, size: str) -> None:
    wrong: list[str] = []
    for theme in ("light", "dark"):
        look = window(live.url, size=SIZES[size], theme=theme).open()
        for language, name in (("ko", "한국어"), ("en", "English")):
            if look.page.locator("html").get_attribute("lang") != language:
                look.button(name).click()
            # Asking who is signed in is answered 401, and the browser reports that as an error.
            look.trouble = [line for line in look.trouble if "401" not in line]
            wrong += wrong_with(look, f"signin-{size}-{theme}-{language}")
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_a_calm_live_screen_has_no_violation(live: Site, window: Window, size: str) -> None:
    look = window(live.url, size=SIZES[size]).open(live.link_for(f"calm-{size}"))
    wrong = [line for name in looks(look, "calm") for line in wrong_with(look, name)]
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_a_storm_has_no_violation(walk: Walk, window: Window, size: str) -> None:
    walk.to_the_peak()
    look = window(walk.look.url, size=SIZES[size], beside=walk.look).open()
    wrong = [line for name in looks(look, "storm") for line in wrong_with(look, name)]
    look.card("Incident").click()
    wrong += [line for name in looks(look, "incident") for line in wrong_with(look, name)]
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_the_approval_dialog_has_no_violation(walk: Walk, window: Window, size: str) -> None:
    walk.to_an_update()
    look = window(walk.look.url, size=SIZES[size], beside=walk.look).open()
    look.be(APPROVER)
    wrong = []
    look.card("경보 · 승인 대기").click()
    for name in looks(look, "approve"):
        wrong += wrong_with(look, name.replace("approve", "review"))
        look.button("승인 (훈련 발령)", "Approve (exercise)").click()
        look.page.locator("dialog input").wait_for()
        wrong += wrong_with(look, name)
        look.page.keyboard.press("Escape")
        look.page.locator("dialog").wait_for(state="detached")
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_O8_an_exercise_is_framed_named_and_marked_unlike_live(
    walk: Walk, live: Site, window: Window, size: str
) -> None:
    drill = window(walk.look.url, size=SIZES[size], beside=walk.look).open()
    real = window(live.url, size=SIZES[size]).open()
    height = SIZES[size]["height"]
    edge = {"x": 1, "y": height / 2, "width": 3, "height": 60}
    striped = drill.pixels(edge)  # type: ignore[arg-type]
    assert (255, 255, 255) in striped
    assert (0x6A, 0x1B, 0x9A) in striped
    assert (0x6A, 0x1B, 0x9A) not in real.pixels(edge)  # type: ignore[arg-type]
    assert "훈련" in drill.page.title()
    assert "훈련" not in real.page.title()
    icons = [one.page.locator("#favicon").get_attribute("href") for one in (drill, real)]
    assert all(icons)
    assert icons[0] != icons[1]
    assert "훈련 중입니다" in drill.page.locator("[role=note]").inner_text()


def test_L10_the_language_chosen_is_kept_over_a_reload(walk: Walk, window: Window) -> None:
    look = window(walk.look.url, beside=walk.look).open()
    look.button("English").click()
    expect(look.page.locator("#needs-title")).to_have_text("Needs eyes")
    look.page.reload()
    expect(look.page.locator("#needs-title")).to_have_text("Needs eyes")
    expect(look.page.locator("html")).to_have_attribute("lang", "en")
