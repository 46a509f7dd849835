# SPDX-License-Identifier: Apache-2.0
"""O12: all of the console by keys alone; the focus is always seen, and never under something else."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .looking import PHONE, WIDE, Look
from .walking import GAUGE, OPERATOR, Walk

Window = Callable[..., Look]
STOPS_MAX = 150
# Where the focus stands: its name, whether it is on top there, whether an outline is drawn.
_STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.getBoundingClientRect();
  const x = Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1);
  const y = box.y + Math.min(box.height / 2, 20);
  const top = document.elementFromPoint(x, y);
  const outlined = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const name = (e.ariaLabel ?? e.textContent ?? '').trim().replace(/\\s+/g, ' ').slice(0, 50);
  return { name: `${e.tagName} ${name}`, seen: !!top && (e.contains(top) || top.contains(e)) && box.width > 0,
    outlined: outlined(e) || outlined(e.parentElement) };
}"""


def stops(look: Look) -> list[dict[str, Any]]:
    """Every place Tab comes to, once round."""
    found: list[dict[str, Any]] = []
    for _ in range(STOPS_MAX):
        look.page.keyboard.press("Tab")
        stop = look.page.evaluate(_STOP)
        if stop is None and found:
            break
        if stop:
            found.append(stop)
    return found


def by_tab(look: Look, name: str) -> None:
    """Move the focus to the stop whose name matches, by Tab alone."""
    for _ in range(STOPS_MAX):
        look.page.keyboard.press("Tab")
        stop = look.page.evaluate(_STOP)
        if stop and re.search(name, stop["name"]):
            return
    raise AssertionError(f"Tab never comes to {name}")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_O12_the_focus_is_always_seen_and_nowhere_covered(
    walk: Walk, window: Window, size: dict[str, int]
) -> None:
    walk.to_the_peak()
    look = window(walk.look.url, size=size, beside=walk.look).open()
    found = stops(look)
    names = {stop["name"] for stop in found}
    assert len(names) > 12, names
    assert [stop["name"] for stop in found if not stop["seen"]] == []
    assert [stop["name"] for stop in found if not stop["outlined"]] == []
    if size == WIDE:
        for wanted in ("BUTTON 한국어", "INPUT 보는 시각", "SELECT", "BUTTON 한 단계", f"BUTTON {GAUGE}"):
            assert any(name.startswith(wanted) for name in names), wanted


def test_O12_the_list_beside_the_map_has_every_gauge_of_the_map(walk: Walk) -> None:
    gauges = {gauge["name"]["ko"] for gauge in walk.look.json("/api/map")["gauges"]}
    look = walk.look
    listed = {name.strip() for name in look.page.locator("tbody .name").all_inner_texts()}
    state = look.json("/api/state")
    heard = {one["series"] for one in state["gauges"]}
    assert listed <= gauges
    assert len(listed) >= len(heard) > 5
    assert look.page.get_by_role("img", name=re.compile("관측소 표")).count() == 1


def test_O12_a_gauge_is_opened_and_its_chart_read_as_a_table_by_keys(walk: Walk, window: Window) -> None:
    look = window(walk.look.url, beside=walk.look).open()
    by_tab(look, f"^BUTTON {GAUGE}$")
    look.page.keyboard.press("Enter")
    expect(look.page.locator("h2", has_text=GAUGE)).to_be_visible()
    by_tab(look, "^BUTTON 표$")
    look.page.keyboard.press("Space")
    expect(look.page.locator(".table tbody tr").first).to_be_visible()


def test_O12_the_time_line_and_the_replay_are_moved_by_keys(walk: Walk, window: Window) -> None:
    look = window(walk.look.url, beside=walk.look).open()
    look.be(OPERATOR)
    by_tab(look, "INPUT 보는 시각")
    for _ in range(6):
        look.page.keyboard.press("ArrowLeft")
    expect(look.page.locator(".shown")).to_contain_text("지난 시각을 보고 있습니다")
    expect(look.page.locator(".shown")).to_contain_text("1시간 전")
    look.page.keyboard.press("End")
    expect(look.page.locator(".shown")).to_contain_text("예상 시각을 보고 있습니다")
    by_tab(look, "^SELECT")
    look.page.keyboard.press("Home")
    expect(look.page.locator("select")).to_have_value("1")
    assert look.json("/api/replay")["speed"] == 1
    by_tab(look, "^BUTTON (계속|일시정지)")
    paused = look.json("/api/replay")["paused"]
    for name in ("일시정지", "계속") if paused else ("계속", "일시정지"):
        with look.page.expect_response("**/api/replay"):  # a press while one is under way does nothing
            look.page.keyboard.press("Enter")
        expect(look.button(name)).to_be_focused()
    assert look.json("/api/replay")["paused"] == paused
