# SPDX-License-Identifier: Apache-2.0
"""The flood layer on the page: off until asked for, then depths, chances, a place, towns, the computing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from serving import Serving

from .flooded import fill
from .living import Site
from .looking import AXE, PHONE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]
RISING_M = [round(1.0 + 0.26 * hour, 2) for hour in range(26)]  # up to 7.5 m: above the banks


@pytest.fixture(scope="module")
def flooded(outside: Path) -> Iterator[Site]:
    """A river above its banks, and floods laid ready for it."""
    serving = Serving(outside / "flooded", CHEOYONG_TERRAIN="illustrative")
    fill(serving.root)
    try:
        yield Site(serving.start(), RISING_M)
    finally:
        serving.clear_away()


def switched_on(window: Window, site: Site, login: str, **options: object) -> Look:
    """A person's page with the flood layer on."""
    look = window(site.url, **options).open(site.link_for(login, "operator"))
    if look.page.viewport_size == PHONE:
        look.button("지도").click()
    look.button("침수 예측").click()
    look.page.locator(".twin table").first.wait_for()
    return look


@pytest.mark.parametrize("size", SIZES)
def test_the_flood_layer_has_no_violation_in_any_look(flooded: Site, window: Window, size: str) -> None:
    look = switched_on(window, flooded, f"flood-{size}", size=SIZES[size])
    wrong = [line for name in looks(look, "flood") for line in wrong_with(look, name)]
    look.button("Danger").click()
    look.button("Depth at a place").click()
    look.page.locator("section.detail table").wait_for()
    wrong += [line for name in looks(look, "flood-place") for line in wrong_with(look, name)]
    assert wrong == []


def test_it_is_off_until_asked_for_and_says_on_what_ground_it_stands(flooded: Site, window: Window) -> None:
    look = window(flooded.url).open(flooded.link_for("flood-calm"))
    page, words = look.page, re.compile("예시 지형")
    expect(look.button("침수 예측")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text(words)).to_have_count(0)
    with page.expect_response(re.compile(r"/api/flood/map\.png")) as answer:
        look.button("침수 예측").click()
    assert answer.value.headers["content-type"] == "image/png"
    expect(page.get_by_role("group", name="범례").get_by_text(words)).to_be_visible()
    box = page.locator(".map .canvas").bounding_box()
    assert box is not None

    def blue() -> bool:
        return any(b > 120 and b - r > 60 for r, _, b in look.pixels(dict(box)))

    for _ in range(120):  # drawn by a worker that does not say when
        if blue():
            break
        page.wait_for_timeout(250)
    assert blue()


def test_leads_are_chosen_by_keys_and_the_twin_follows(flooded: Site, window: Window) -> None:
    look = switched_on(window, flooded, "flood-keys")
    page = look.page
    slider = page.get_by_role("slider", name="언제까지 볼지")
    slider.focus()
    with page.expect_response(re.compile(r"/api/flood/towns\?lead_s=21600")):
        page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("6시간 뒤"))
    expect(look.button("더 뒤까지")).to_be_disabled()
    with page.expect_response(re.compile(r"/api/flood/towns\?lead_s=0")):
        page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("잰 수위 그대로"))
    look.button("더 뒤까지").click()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("1시간 뒤"))
    towns = page.get_by_role("region", name="잠길 수 있는 읍면동")
    expect(towns.locator("tbody tr").first).to_contain_text("합계")
    heads = [
        int(text.split("(")[0].replace(",", ""))
        for text in towns.locator("tbody tr:not(.sum) td:nth-of-type(3)").all_inner_texts()
    ]
    assert len(heads) > 3
    assert heads == sorted(heads, reverse=True)
    look.button("확률").click()
    with page.expect_response(re.compile(r"map\.png\?.*kind=probability&limit_m=1&")):
        page.get_by_label("깊이 기준").select_option("1")


def test_the_time_line_moved_ahead_takes_the_lead_that_reaches_there(flooded: Site, window: Window) -> None:
    look = switched_on(window, flooded, "flood-ahead")
    slider = look.page.get_by_role("slider", name="언제까지 볼지")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("3시간 뒤"))
    for _ in range(4):
        look.button("+1시간 한 시간 뒤로", "+1시간").or_(
            look.page.locator("button", has_text=re.compile(r"^\+1시간"))
        ).first.click()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("[45]시간 뒤"))


def test_before_any_forecast_was_known_there_is_no_flood_to_draw(flooded: Site, window: Window) -> None:
    look = switched_on(window, flooded, "flood-then")
    for _ in range(2):
        look.page.locator("button", has_text=re.compile("^−1시간")).click()
    expect(look.page.get_by_text("이 시각에 알려진 강 수위 예측이 없어")).to_be_visible()
    expect(look.page.locator(".twin table")).to_have_count(0)


def test_a_click_and_coordinates_tell_the_depth_at_a_place(flooded: Site, window: Window) -> None:
    look = switched_on(window, flooded, "flood-place")
    page, detail = look.page, look.page.locator("section.detail")
    canvas = page.locator(".map .canvas canvas")
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] / 2, "y": box["height"] * 0.7})
    expect(detail.get_by_text("침수 예측 · 지점")).to_be_visible()
    detail.get_by_label("위도").fill("35.5514")
    detail.get_by_label("경도").fill("129.3331")
    page.keyboard.press("Enter")
    expect(detail.get_by_role("heading", level=2)).to_have_text("35.5514, 129.3331")
    expect(detail.get_by_text(re.compile(r"깊이 \d\.\d m \(90 % 범위"))).to_be_visible()
    expect(detail.locator("tbody tr")).to_have_count(7)
    expect(detail.get_by_text("예시 지형")).to_be_visible()
    detail.get_by_label("위도").fill("36.2")
    page.keyboard.press("Enter")
    expect(detail.get_by_text("계산한 범위 밖입니다")).to_be_visible()
    assert look.troubles() == []


def test_where_there_is_no_ground_it_says_why(live: Site, window: Window) -> None:
    look = window(live.url).open(live.link_for("flood-off"))
    look.button("침수 예측").click()
    expect(look.page.get_by_text("침수 예측이 꺼져 있습니다")).to_be_visible()
    expect(look.button("계산 시작")).to_have_count(0)
    assert look.troubles() == []


def test_the_computing_is_told_and_those_who_may_stop_and_begin_it(outside: Path, window: Window) -> None:
    serving = Serving(outside / "computing", CHEOYONG_TERRAIN="illustrative")
    try:
        site = Site(serving.start())
        guest = window(site.url).open(site.link_for("flood-guest"))
        guest.button("침수 예측").click()
        expect(guest.page.get_by_text("침수 계산 중")).to_be_visible()
        expect(guest.button("계산 멈춤")).to_have_count(0)
        look = window(site.url).open(site.link_for("flood-stopper", "operator"))
        look.button("침수 예측").click()
        look.button("계산 멈춤").click()
        expect(look.page.get_by_text(re.compile(r"계산 멈춤: \d+개 가운데 \d+개"))).to_be_visible()
        expect(guest.page.get_by_text(re.compile(r"계산 멈춤: \d+개 가운데 \d+개"))).to_be_visible()
        look.button("계산 시작").click()
        expect(look.button("계산 멈춤")).to_be_visible()
    finally:
        serving.clear_away()
