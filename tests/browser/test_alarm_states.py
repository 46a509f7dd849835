# SPDX-License-Identifier: Apache-2.0
"""O3: the states of an alarm are told apart without colour, by shape and by word; O and ? by keys.

The page, its server and its browser are real; the states stand on alarms put into the server's answer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from .living import Site
from .looking import Look

Window = Callable[..., Look]
PATIENCE_MS = 120_000
UNLIKE = 96  # of 255: what an eye tells apart on any screen
PIXELS_MIN = 12  # of the 14 x 14 of a mark
STATES = [
    ("raised", "raised"), ("raised", "escalated"), ("acknowledged", "acknowledged"),
    ("acknowledged", "downgraded"), ("returned", "cleared"), ("suppressed", "suppressed"),
    ("shelved", "shelved"), ("out_of_service", "removed"), ("out_of_service_calm", "cleared"),
]  # fmt: skip
_GREYS = """async (shot) => {
  const bytes = Uint8Array.from(atob(shot), (c) => c.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
}"""

_AT_ONE_PLACE = """(mark) => Object.assign(mark.style,
  { position: 'fixed', left: '0', top: '0', zIndex: 9, margin: '0', background: 'var(--panel)' })"""


def every_state(look: Look) -> None:
    """From now on the server's answer holds one alarm of every state."""

    def answered(route: Route) -> None:
        response = route.fetch()
        body: dict[str, Any] = response.json()
        now_us = body["clock"]["now_us"]
        body["alarms"] = [
            {"alarm_id": f"00000000-0000-7000-8000-{i:012d}", "cause": "silence",
             "state": state, "step": step,
             "series": body["gauges"][0]["series"], "rule": "silence", "priority": "low", "crisis_level": 1,
             "since_us": now_us - i, "value": None, "limit": None, "by": "", "reason": "", "times": 1,
             "until_us": now_us + 3_600_000_000, "row": None}
            for i, (state, step) in enumerate(STATES)
        ]  # fmt: skip
        body["alarm_rows"] = []
        route.fulfill(response=response, json=body)

    look.page.route("**/api/state", answered)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_O3_every_state_of_an_alarm_has_a_shape_and_a_word_of_its_own_in_grey(
    live: Site, window: Window, theme: str
) -> None:
    look = window(live.url, theme=theme)
    every_state(look)
    look.open(live.link_for(f"states-{theme}"))
    page = look.page
    rows = page.locator("#needs article")
    expect(rows).to_have_count(len(STATES), timeout=PATIENCE_MS)
    page.evaluate("document.documentElement.style.filter = 'grayscale(1)'")
    greys, words = [], []
    for i in range(len(STATES)):
        mark = rows.nth(i).locator("svg[data-state]")
        mark.evaluate(_AT_ONE_PLACE)  # else the parts of a pixel it stands at would count as shape
        greys.append(page.evaluate(_GREYS, base64.b64encode(mark.screenshot()).decode()))
        mark.evaluate("(mark) => mark.removeAttribute('style')")
        words.append(rows.nth(i).locator(".meta").first.inner_text())
    assert len(set(words)) == len(STATES), words
    for a, b in combinations(range(len(STATES)), 2):
        unlike = sum(abs(x - y) >= UNLIKE for x, y in zip(greys[a], greys[b], strict=True))
        assert unlike >= PIXELS_MIN, (words[a], words[b], unlike)


def test_O3_the_keys_are_listed_at_a_question_mark_and_the_focus_comes_back(
    live: Site, window: Window
) -> None:
    look = window(live.url)
    every_state(look)
    look.open(live.link_for("keys-listed"))
    page = look.page
    row = page.locator("#needs article .open").first
    row.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="키")
    expect(dialog).to_be_visible()
    assert dialog.locator("kbd").all_inner_texts() == ["J", "K", "Enter", "A", "S", "O", "?", "Esc", "Tab"]
    assert dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row).to_be_focused()


def test_O3_o_asks_for_a_reason_and_the_same_letter_written_does_nothing(live: Site, window: Window) -> None:
    look = window(live.url)
    every_state(look)
    look.open(live.link_for("keys-service", "operator"))
    page = look.page
    asked: list[dict[str, Any]] = []

    def kept(route: Route) -> None:
        asked.append({"path": route.request.url.rsplit("/", 1)[1], **(route.request.post_data_json or {})})
        route.fulfill(json={})

    page.route("**/api/alarms/*/*", kept)
    row = page.locator("#needs article", has=page.locator("svg[data-state=raised]")).first.locator(".open")
    row.click()
    row.focus()
    page.keyboard.press("o")
    dialog = page.get_by_role("dialog")
    dialog.locator("button.primary").click()
    expect(dialog.get_by_role("alert")).to_be_visible()  # no reason, no service taken
    assert asked == []
    dialog.locator("textarea").focus()
    page.keyboard.type("so?ao")
    expect(page.get_by_role("dialog")).to_have_count(1)
    expect(dialog.locator("textarea")).to_have_value("so?ao")
    dialog.locator("button.primary").click()
    expect(dialog).to_be_hidden()
    assert asked == [{"path": "remove", "reason": "so?ao"}]
    gone = page.locator("#needs article", has=page.locator("svg[data-state=out_of_service]")).locator(".open")
    gone.click()
    gone.focus()
    page.keyboard.press("o")
    page.get_by_role("dialog").locator("button.primary").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert [one["path"] for one in asked] == ["remove", "restore"]
