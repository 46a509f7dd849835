# SPDX-License-Identifier: Apache-2.0
"""S26: words that would be markup, wherever a person or a device can put words, are shown as words."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from serving import thing

from .living import Site
from .looking import Look
from .walking import APPROVER, OPERATOR, Walk

Window = Callable[..., Look]
CORPUS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "<svg/onload=alert(1)>",
    "javascript:alert(1)//",
    "'\"--><iframe srcdoc='<script>alert(1)</script>'>",
    "{{constructor.constructor('alert(1)')()}}",
    "<a href=javascript:alert(1)>눌러</a>",
)
HOSTILE = " ".join(CORPUS)
_PLANTED = """document.querySelectorAll(
  'img, iframe, [onerror], [onload], a[href^=javascript], script:not([src])').length"""


def unharmed(look: Look) -> None:
    """No element came of the words, and nothing was reported."""
    assert look.page.evaluate(_PLANTED) == 0
    assert look.troubles() == []


@pytest.mark.parametrize("path", ["/v1.1/Things", "/v1.1/Things?$resultFormat=GeoJSON", "/v1.1/Datastreams"])
def test_S26_a_things_name_is_never_taken_for_a_page(live: Site, path: str) -> None:
    assert live.device.post("/v1.1/Things", json=thing(HOSTILE)).status_code == 201
    answer = live.device.get(path)
    assert "json" in answer.headers["content-type"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_S26_names_of_persons_and_organisations_are_shown_as_words(live: Site, window: Window) -> None:
    look = window(live.url).open(live.link_for("hostile", "operator", HOSTILE[:100]))
    opener = look.page.locator(".menu > button")
    expect(opener).to_contain_text(CORPUS[0])
    opener.click()
    expect(look.page.locator(".sheet")).to_contain_text("<img src=x onerror=")
    unharmed(look)


def test_S26_what_is_typed_at_sign_in_is_not_run(live: Site, window: Window) -> None:
    look = window(live.url).open()
    look.page.locator("[name=login]").fill(HOSTILE)
    look.page.locator("[name=password]").fill(HOSTILE)
    look.button("로그인").click()
    expect(look.page.locator(".problem")).to_be_visible()
    look.trouble = [
        line for line in look.trouble if "40" not in line
    ]  # the refusal itself, as Chromium words it
    unharmed(look)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_S26_a_warnings_words_and_reasons_are_shown_as_words(
    walk: Walk, window: Window, language: str
) -> None:
    walk.to_an_update(HOSTILE)
    look = window(walk.look.url, beside=walk.look, language=language).open()
    look.card("경보 · 승인 대기" if language == "ko" else "Warning · Waiting").click()
    expect(look.page.locator("section[aria-labelledby=texts-title]")).to_contain_text(CORPUS[1])
    unharmed(look)


def test_S26_a_reason_is_shown_as_words(walk: Walk, window: Window) -> None:
    walk.to_an_update(HOSTILE)
    look = window(walk.look.url, beside=walk.look).open()
    look.be(APPROVER)
    look.card("경보 · 승인 대기").click()
    look.button("반려").click()
    look.page.locator("dialog textarea").fill(HOSTILE)
    look.page.locator("dialog").get_by_role("button", name="반려").click()
    look.page.locator("dialog").wait_for(state="detached")
    expect(look.page.get_by_text(CORPUS[1]).first).to_be_visible()
    unharmed(look)
    look.be(OPERATOR)
