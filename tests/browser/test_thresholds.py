# SPDX-License-Identifier: Apache-2.0
"""M3 on the page: what a limit would have alarmed is seen before it can be saved, on phone and desk."""

import math
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from serving import data_array, register, send

from .living import HOUR_US, Site
from .looking import AXE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]
HOT_DAYS = (4, 11, 20)


def a_hot_month(site: Site, name: str) -> None:
    """A rack room with a temperature an hour for 29 days, above 30 degrees on three of them."""
    _, stream = register(site.device, name)
    now_us = int(time.time()) * 1_000_000
    hot = [day * 24 for day in HOT_DAYS]
    rows = [
        (now_us - hour * HOUR_US, 33.5 if hour in hot else round(24 + 3 * math.sin(hour * math.pi / 12), 2))
        for hour in range(29 * 24, 0, -1)
    ]
    assert send(site.device, data_array(stream, rows)).status_code == 201


@pytest.mark.parametrize("size", SIZES)
def test_M3_a_limit_is_seen_on_30_days_before_it_is_saved(live: Site, window: Window, size: str) -> None:
    look = window(live.url, size=SIZES[size]).open(live.link_for(f"heat-{size}", "administrator"))
    page, name = look.page, f"Rack room {size}"
    a_hot_month(live, name)
    page.goto(f"{live.url}/console/#/thresholds")
    page.get_by_role("button", name="새 기준").click()
    page.get_by_label("자료 흐름 찾기").fill(name)
    page.get_by_role("button", name=re.compile(f"{name}")).click()
    page.get_by_label("이름").fill("랙실 과열")
    page.get_by_label("기준값").fill("30")
    page.get_by_label("해제 폭").fill("1")
    save = page.get_by_role("button", name="저장", exact=True)
    page.get_by_label("저장하는 사유").fill("제조사 사용 온도 30 °C")
    expect(save).to_be_disabled()
    page.get_by_role("button", name="지난 30일로 미리 보기").click()
    expect(page.get_by_text("지난 30일에 3번 울렸을 것입니다")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator("tbody")).to_contain_text("33.50")
    wrong = [line for scene in looks(look, "threshold") for line in wrong_with(look, scene)]
    look.button("한국어").click()
    page.get_by_label("기준값").fill("35")
    expect(save).to_be_disabled()
    page.get_by_role("button", name="지난 30일로 미리 보기").click()
    expect(page.get_by_text("지난 30일에 한 번도 울리지 않았을 것입니다")).to_be_visible()
    save.click()
    expect(page.get_by_text("저장했습니다. 다음 자료부터 적용됩니다.")).to_be_visible()
    card = page.locator("article", has_text=f"{name}")
    expect(card).to_contain_text(re.compile(r"35\.00 \S+ 이상이면"))
    card.get_by_role("button", name="바꾼 기록").click()
    expect(card.locator("ol")).to_contain_text("제조사 사용 온도 30 °C")
    wrong += [line for scene in looks(look, "thresholds") for line in wrong_with(look, scene)]
    assert wrong == []
