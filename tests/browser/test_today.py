# SPDX-License-Identifier: Apache-2.0
"""M2 on the page: every part of a site manager's day says something, and a person acts on it, phone first."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from serving import data_array, send

from .living import SECOND_US, Site
from .looking import AXE, PHONE, Look
from .test_every_look import SIZES, looks, wrong_with

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed (make console)")
Window = Callable[..., Look]
PARTS = ("hazards", "checks", "sensors", "weather", "presence")


def text_of(page: Page, part: str) -> str:
    """What a part says besides its title."""
    section = page.locator(f"section[aria-labelledby={part}]")
    return section.inner_text().removeprefix(section.locator("h2").inner_text()).strip()


def weather_of(site: Site, air_c: float, humidity: float) -> None:
    """A gate that measures air temperature and humidity, just now."""
    body = {"name": "gate", "description": "weather", "Datastreams": []}
    om = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
    for name, symbol in (("air temperature", "°C"), ("relative humidity", "%")):
        body["Datastreams"].append(  # type: ignore[attr-defined]
            {
                "name": name, "description": name, "observationType": om,
                "unitOfMeasurement": {"name": symbol, "symbol": symbol, "definition": "ucum"},
                "Sensor": {"name": "s", "description": "s", "encodingType": "text/html", "metadata": "x"},
                "ObservedProperty": {"name": name, "definition": "urn:x", "description": name},
            }
        )  # fmt: skip
    answer = site.device.post("/v1.1/Things", json=body)
    assert answer.status_code == 201, answer.text
    found = site.device.get(f"/v1.1/Things({answer.json()['@iot.id']})/Datastreams?$orderby=name").json()[
        "value"
    ]
    now_us = int(time.time()) * SECOND_US
    for stream, value in zip(found, (air_c, humidity), strict=True):
        assert send(site.device, data_array(stream["@iot.id"], [(now_us, value)])).status_code == 201


@pytest.mark.parametrize("size", SIZES)
def test_M2_every_part_of_the_day_says_something(live: Site, window: Window, size: str) -> None:
    look = window(live.url, size=SIZES[size]).open(live.link_for(f"day-{size}", "approver", name="현장 소장"))
    page = look.page
    page.goto(f"{live.url}/console/#/today")
    for part in PARTS:
        expect(page.locator(f"#{part}")).to_be_visible()
        assert len(text_of(page, part)) > 5, part
    page.get_by_text("점검 더하기").click()
    page.get_by_label("무엇을 점검하나").fill(f"방화문 {size}")
    page.get_by_role("button", name="더하기", exact=True).click()
    check = page.locator("li", has_text=f"방화문 {size}")
    expect(check).to_contain_text("아직 한 번도 하지 않음")
    check.get_by_role("button", name="점검함").click()
    check.get_by_label("적을 것").fill("이상 없음")
    check.get_by_role("button", name="점검함", exact=True).click()
    expect(check).to_contain_text("이상 없음")
    page.get_by_role("button", name="현장에 왔습니다").click()
    expect(page.locator("section[aria-labelledby=presence]")).to_contain_text("현장 소장")
    expect(page.get_by_role("button", name="현장을 떠납니다")).to_be_visible()
    wrong = [line for scene in looks(look, "today") for line in wrong_with(look, scene)]
    look.button("한국어").click()
    page.get_by_role("button", name="현장을 떠납니다").click()
    expect(page.get_by_role("button", name="현장에 왔습니다")).to_be_visible()
    assert wrong == []


def test_M2_a_hot_day_says_what_is_due(live: Site, window: Window) -> None:
    look = window(live.url, size=PHONE).open(live.link_for("hot-day", "viewer"))
    look.page.goto(f"{live.url}/console/#/today")
    expect(look.page.locator("#weather")).to_be_visible()
    weather_of(live, 34.0, 60.0)
    look.page.reload()
    heat = look.page.locator("section[aria-labelledby=weather]")
    expect(heat).to_contain_text("34.5 °C")
    expect(heat).to_contain_text("2시간마다 20분 이상")
    wrong = [line for scene in looks(look, "hot-day") for line in wrong_with(look, scene)]
    assert wrong == []
