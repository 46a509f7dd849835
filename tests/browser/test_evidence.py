# SPDX-License-Identifier: Apache-2.0
"""O3, O4, O5, O12: evidence with all its answers, the map of where the city is blind, and keys."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import expect
from serving import data_array, register, send, wait_until

from .living import SECOND_US, Site
from .looking import PHONE, WIDE, Look
from .test_every_look import SIZES, looks, wrong_with
from .walking import OPERATOR, SILENT, Walk

Window = Callable[..., Look]
ANSWERS = ["what", "where", "sure", "since", "why", "do", "who"]
NAMED = "우물 수위 <b>"  # a name that would be markup, were it believed


@pytest.fixture(scope="module")
def unusual(live: Site) -> str:
    """A stream that leaps after five hours of calm, and the id of what the watch found in it."""
    _, stream = register(live.device, NAMED)
    now_us = int(time.time()) * SECOND_US
    value = np.random.default_rng(1).normal(2.0, 0.02, 300)
    value[-4:] += 1.5
    rows = [(now_us - (300 - i) * 60 * SECOND_US, float(one)) for i, one in enumerate(value)]
    assert send(live.device, data_array(stream, rows)).status_code == 201

    def found() -> str:
        shown = live.admin.get("/api/state").json()["unusual"]
        return next((one["id"] for one in shown if one["datastream_id"] == stream), "")

    return str(wait_until(found, "the watch to find the leap", 30))


def open_unusual(look: Look) -> None:
    if look.page.viewport_size == PHONE:
        look.page.locator("nav button").first.click()
    details = look.page.locator("#needs details", has_text=re.compile("평소와 다른 신호|Unusual signals"))
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.get_by_role("button", name=NAMED).first.click()


def evidence_of(look: Look) -> None:
    """Wait until the evidence is drawn."""
    look.page.locator(".detail .evidence [role=img] canvas").first.wait_for()
    look.page.locator(".detail .why li, .detail .why p").first.wait_for()


@pytest.mark.parametrize("size", SIZES)
def test_O5_an_unusual_signal_answers_all_seven_and_shows_which_members_spoke(
    live: Site, unusual: str, window: Window, size: str
) -> None:
    look = window(live.url, size=SIZES[size]).open(live.link_for(f"unusual-{size}"))
    open_unusual(look)
    evidence_of(look)
    detail = look.page.locator("section.detail")
    for answer in ANSWERS:
        assert len(detail.locator(f"[data-answer={answer}] dd").inner_text().strip()) > 1, answer
    why = detail.locator("[data-answer=machine]")
    expect(why).to_contain_text("한계")
    assert why.locator("li").count() >= 1
    shares = [int(one.rstrip(" %")) for one in why.locator("li .num").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    expect(detail).to_contain_text(re.compile(r"그때 판정 \d+건과 같습니다"))
    expect(detail.locator(".evidence [role=img]").first).to_have_attribute(
        "aria-label", re.compile(r"관측 3\d\d")
    )
    detail.get_by_role("button", name="표", exact=True).click()
    expect(detail.locator(".evidence .table")).to_contain_text("이상 판정")
    detail.get_by_role("button", name="표", exact=True).click()
    evidence_of(look)
    wrong = [line for name in looks(look, "unusual") for line in wrong_with(look, name)]
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_O5_an_alarm_answers_all_seven_with_band_witnesses_and_members(
    walk: Walk, window: Window, size: str
) -> None:
    walk.to_the_peak()
    look = window(walk.look.url, size=SIZES[size], beside=walk.look).open()
    detail = look.page.locator("section.detail")
    look.page.locator("article .open", has_text="기준 도달").first.click()
    evidence_of(look)
    for answer in ANSWERS:
        assert len(detail.locator(f"[data-answer={answer}] dd").inner_text().strip()) > 1, answer
    says = detail.locator(".witnesses tbody tr")
    assert says.count() >= 3  # the gauges of the river and the dam, as the pack names them
    known = "평소와 같음|이곳도 평소와 다름|예상 범위 밖|수신 없음|값을 믿을 수 없음|과거가 짧아 모름"
    for row in says.all():
        expect(row).to_contain_text(re.compile(known))
    expect(detail.locator("[data-answer=machine]")).not_to_be_empty()
    wrong = [line for name in looks(look, "alarm") for line in wrong_with(look, name)]
    detail.locator(".evidence").evaluate("(e) => e.scrollIntoView()")
    wrong += wrong_with(look, f"alarm-why-{size}")
    assert wrong == []


@pytest.mark.parametrize("size", SIZES)
def test_O4_the_map_shows_where_the_city_is_blind_and_never_calls_the_silent_well(
    walk: Walk, window: Window, size: str
) -> None:
    walk.to_the_peak()
    look = window(walk.look.url, size=SIZES[size], beside=walk.look).open()
    if size == "phone":
        look.page.locator("nav button").nth(1).click()
    look.button("센서 상태").click()
    table = look.page.locator(".twin .sensors")
    table.wait_for()
    told = look.json("/api/sensors/health")
    state = {one["series"]: one["state"] for one in told["sensors"]}
    assert state[SILENT] in ("never", "silent")  # sends nothing in the scenario
    assert look.page.locator(".twin tr[data-state]").count() == len(told["sensors"])
    for row in look.page.locator(".twin tr[data-state]:not([data-state=heard])").all():
        expect(row).not_to_contain_text("수신 중")
    blind = [one["code"] for one in told["towns"] if one["blind"]]
    assert 0 < len(blind) < len(told["towns"])
    assert look.page.locator(".twin tr[data-blind=true]").count() == len(blind)
    expect(look.page.locator(".twin")).to_contain_text("모르는 것은 보이지 않는 것으로 셉니다")
    wrong = [line for name in looks(look, "health") for line in wrong_with(look, name)]
    assert wrong == []
    look.button("Levels", "수위와 단계").click()
    expect(look.page.locator(".twin .sensors")).to_be_hidden()


def test_O3_the_states_of_sensors_differ_in_shape_without_colour(walk: Walk, window: Window) -> None:
    """The marks are drawn in the one colour of ink: what differs is the drawing."""
    look = window(walk.look.url, size=WIDE, beside=walk.look).open()
    look.button("센서 상태").click()
    look.page.locator(".twin .sensors").wait_for()
    drawn = look.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.twin tr[data-state]')].map((row) =>
          [row.dataset.state, [...row.querySelectorAll('svg path')].map((p) =>
            p.getAttribute('d') + getComputedStyle(p).fill + getComputedStyle(p).strokeDasharray).join()]))"""
    )
    assert len(drawn) >= 2
    assert len(set(drawn.values())) == len(drawn)
    strokes = look.page.evaluate(
        "() => [...new Set([...document.querySelectorAll('.twin tr[data-state] svg')]"
        ".map((e) => getComputedStyle(e).stroke))]"
    )
    assert len(strokes) == 1


def test_O12_by_keys_through_the_list_to_the_evidence_acknowledged_and_shelved(
    walk: Walk, window: Window
) -> None:
    walk.to_the_peak()
    look = window(walk.look.url, beside=walk.look).open()
    look.be(OPERATOR)
    keys, page = look.page.keyboard, look.page
    row = "document.activeElement.closest('article')?.textContent ?? ''"
    page.locator("#needs").focus()
    seen = []
    for _ in range(20):
        keys.press("j")
        page.wait_for_timeout(50)
        seen.append(page.evaluate(row))
        if "알람" in seen[-1]:
            break
    assert "알람" in seen[-1]
    assert len(set(seen)) == len(seen)
    if len(seen) > 1:
        keys.press("k")
        page.wait_for_timeout(50)
        assert page.evaluate(row) == seen[-2]
        keys.press("j")
        page.wait_for_timeout(50)
    keys.press("a")  # opens it first: nobody acknowledges what they have not seen
    page.locator("section.detail [data-answer=what]").wait_for()
    before = len(look.json("/api/state")["alarms"])
    assert before >= 1
    keys.press("s")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    dialog.get_by_label("사유").fill("as 점검")  # letters in a field are letters
    expect(dialog.get_by_label("사유")).to_have_value("as 점검")
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.locator("#needs .picked .open").focus()
    keys.press("a")
    if page.locator("#needs .picked .do").count():
        wait_until(lambda: any("acknowledge" in url for url in asked), "the alarm to be acknowledged")
    page.locator("#needs").evaluate("(e) => e.blur()")
    page.locator("header button, .bar button").first.focus()
    asked.clear()
    keys.press("a")  # outside the list and the alarm the letter is only a letter
    page.wait_for_timeout(300)
    assert asked == []
