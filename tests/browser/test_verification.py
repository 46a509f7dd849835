# SPDX-License-Identifier: Apache-2.0
"""The page of verification: plain words first, nothing said of too few, the same in every look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from serving import Serving

from .flooded import forecast
from .living import Site
from .looking import AXE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]
HOURS = 90
FLAT_M = [1.0 + 0.4 * (hour % 7 == 0) for hour in range(HOURS)]


@pytest.fixture(scope="module")
def judged(outside: Path) -> Iterator[Site]:
    """A gauge that was forecast every hour for three days: always at one metre, half a metre either way."""
    serving = Serving(outside / "judged")
    try:
        site = Site(serving.start(), FLAT_M)
        for hour in range(12, 84):
            forecast(serving, [1.0] * 6, age_s=hour * 3600.0)
        yield site
    finally:
        serving.clear_away()


@pytest.mark.parametrize("size", SIZES)
def test_the_page_of_verification_has_no_violation_in_any_look(
    judged: Site, window: Window, size: str
) -> None:
    look = window(judged.url, size=SIZES[size]).open(judged.link_for(f"verify-{size}"))
    look.page.goto(f"{judged.url}/console/#/verification")
    expect(look.page.locator("#reliability")).to_be_visible()
    assert [line for name in looks(look, "verification") for line in wrong_with(look, name)] == []


def test_R7_an_outsider_reads_in_words_how_often_the_band_held(judged: Site, window: Window) -> None:
    look = window(judged.url).open(judged.link_for("outsider"))
    page = look.page
    page.goto(f"{judged.url}/console/#/verification")
    band = page.locator("section[aria-labelledby=band] li").first
    expect(band).to_contain_text(re.compile(r"1시간 뒤: .*100번 가운데 \d+번"))
    errors = page.locator("section[aria-labelledby=errors]")
    expect(errors.get_by_role("row")).to_have_count(7)
    expect(errors).to_contain_text("그대로 있다고 볼 때보다")
    expect(page.locator("section[aria-labelledby=levels]")).to_contain_text("폭우 하나를 한 번으로")
    expect(page.locator("section[aria-labelledby=reliability] svg[role=img]")).to_be_visible()
    assert page.title().startswith("예측 검증")


def test_where_nothing_came_due_the_page_says_so(live: Site, window: Window) -> None:
    look = window(live.url).open(live.link_for("early-outsider"))
    look.page.goto(f"{live.url}/console/#/verification")
    expect(look.page.get_by_text(re.compile("아직 때가 된 예측이 없습니다|사례가 적어"))).not_to_have_count(0)
