# SPDX-License-Identifier: Apache-2.0
"""The whole story as a newcomer sees it, from the printed link to the published warning, in order."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from cheoyong.faces.cap.read import cap_problems
from cheoyong.warn.confirmation import plain

from .looking import Look
from .walking import APPROVER, GAUGE, OPERATOR, Walk

ADVISORY_M = 4.5
ANSWERS = {"what", "where", "sure", "since", "why", "do", "who"}
Window = Callable[..., Look]


def percent(text: str) -> int:
    """`91 %` and `>99 %` as 91 and 99."""
    return int(re.sub(r"\D", "", text))


def seven_answers(look: Look) -> dict[str, str]:
    """What the chosen alarm or incident answers."""
    rows = look.page.locator("[data-answer]")
    rows.first.wait_for()
    return {
        row.get_attribute("data-answer") or "": row.locator("dd").inner_text().strip() for row in rows.all()
    }


def test_the_river_rises_on_the_page_and_the_forecast_crosses_the_advisory_level_first(walk: Walk) -> None:
    look = walk.look
    assert "#/link/" not in look.page.url, "a used secret stays in the address bar"
    assert look.json("/api/flood")["state"] == "off", "the demo was started with CHEOYONG_TERRAIN=off"
    walk.to_the_draft()
    assert walk.stages[-1] > 2 * walk.stages[0], walk.stages
    assert walk.stages[-1] < ADVISORY_M, "the river is over the level before the forecast was looked at"
    look.button(GAUGE).click()
    row = look.page.locator("section[aria-labelledby^=crossings] tr", has_text="홍수주의보")
    assert percent(row.locator("b").nth(2).inner_text()) >= 50  # within three hours
    look.button("표").click()
    fan = look.page.locator("tr.expected")
    highs = [float(text.split("–")[1]) for text in fan.locator("td:nth-child(3)").all_inner_texts()]
    medians = [float(text) for text in fan.locator("td:nth-child(2)").all_inner_texts()]
    assert max(medians) > ADVISORY_M
    assert all(high > mid for high, mid in zip(highs, medians, strict=True))


def test_the_incident_tells_who_lives_along_the_reach(walk: Walk) -> None:
    walk.to_the_draft()
    walk.look.card("상황").click()
    table = walk.look.page.locator("section[aria-labelledby^=residents]")
    table.wait_for()
    cells = [int(text.replace(",", "")) for text in table.locator("tr.sum td").all_inner_texts()]
    impact = walk.look.json("/api/state")["impacts"]["taehwa_stage_m"]
    assert cells == [impact["people"], impact["over_65"], impact["under_7"]]
    assert cells[0] > 100_000
    assert "피해 추정이 아닙니다" in table.inner_text()


def test_O5_the_incident_answers_all_seven_questions(walk: Walk) -> None:
    walk.to_the_draft()
    walk.look.card("상황").click()
    answers = seven_answers(walk.look)
    assert set(answers) == ANSWERS
    assert all(answers.values()), answers


def test_O9_the_author_cannot_approve_and_is_told_why(walk: Walk) -> None:
    walk.to_the_draft()
    walk.submit()
    expect(walk.look.button("승인 (훈련 발령)")).to_be_disabled()
    assert walk.alerts()[-1]["state"] == "submitted"


def test_O9_the_second_person_sees_what_goes_out_and_ok_is_not_enough(walk: Walk) -> None:
    look, page = walk.look, walk.look.page
    walk.go_on_as_approver()
    alert = look.json(f"/api/alerts/{walk.alerts()[-1]['alert_id']}")
    look.button("승인 (훈련 발령)").click()
    dialog = page.locator("dialog")
    dialog.locator("summary").click()
    shown = plain(dialog.inner_text())
    for text in alert["content"]["texts"]:
        for part in ("headline", "description", "instruction", "area"):
            assert plain(text[part]) in shown, f"{text['language']} {part} is not shown"
    assert plain(str(alert["people"])) in shown
    for word in ("OK", "ok", "네", str(alert["people"] + 1), ""):
        dialog.locator("input").fill(word)
        page.keyboard.press("Enter")
        expect(dialog.locator("#confirm-wrong")).to_have_text(re.compile("다릅니다"))
    assert walk.alerts()[-1]["state"] == "submitted"
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_O8_the_confirmation_of_an_exercise_says_that_it_goes_to_nobody(walk: Walk) -> None:
    walk.look.button("승인 (훈련 발령)").click()
    assert walk.look.page.locator("dialog .sentence").inner_text() == "훈련: 아무에게도 보내지 않습니다"
    walk.look.page.keyboard.press("Escape")


def test_O9_typing_the_head_count_publishes_and_the_page_links_to_valid_CAP(walk: Walk) -> None:
    look = walk.look
    walk.to_the_published_warning()
    link = look.page.locator("a[href*='/cap/'], a[href*='.xml']").first
    address = link.get_attribute("href")
    assert address
    document = look.context.request.get(look.url + address)
    assert document.status == 200
    assert cap_problems(document.body()) == []
    assert "<status>Exercise</status>" in document.text()
    published = walk.alerts()[-1]
    assert (published["state"], published["approver"]) == ("published", APPROVER)
    assert OPERATOR in published["author"]


def test_the_walk_reported_no_error_and_asked_nothing_of_another_machine(walk: Walk) -> None:
    assert walk.look.troubles() == []


def test_O10_cancelling_is_three_presses_from_the_list(walk: Walk, window: Window) -> None:
    walk.to_the_published_warning()
    look = window(walk.look.url, beside=walk.look).open()
    look.be(OPERATOR)
    look.card("경보 · 발령됨").click()
    look.button("경보 해제").click()
    dialog = look.page.locator("dialog")
    assert dialog.locator("textarea").input_value().strip(), "no reason is ready"
    dialog.get_by_role("button", name="경보 해제").click()
    look.page.get_by_role("heading", name=re.compile("해제")).wait_for()
    expect(look.button("승인 요청", "승인 (훈련 발령)")).to_be_visible()
    drafted = walk.alerts()[-1]
    assert (drafted["kind"], drafted["state"]) == ("Cancel", "drafted"), "it must go the two-person way"
    assert look.troubles() == []


def test_O5_every_alarm_answers_all_seven_questions(walk: Walk) -> None:
    walk.to_the_peak()
    alarms = walk.look.page.locator("article .open", has=walk.look.page.locator(".meta", has_text="알람 ·"))
    found = {}
    for row in alarms.all():
        row.click()
        found[row.locator(".title").inner_text()] = seven_answers(walk.look)
    assert any("끊김" in title for title in found), found.keys()
    assert any("도달" in title for title in found), found.keys()
    for title, answers in found.items():
        assert set(answers) == ANSWERS, title
        assert all(
            len(text) > 1 and "undefined" not in text and "NaN" not in text for text in answers.values()
        ), title


def test_F14_O4_the_silent_gauge_is_hatched_with_its_age_and_not_green(walk: Walk) -> None:
    walk.to_the_peak()
    row = walk.look.page.locator("tr", has=walk.look.button("척과"))
    expect(row.locator(".value")).to_have_class(re.compile("stale"))
    hatched = row.locator(".value").evaluate("(e) => getComputedStyle(e).backgroundImage")
    assert "repeating-linear-gradient" in hatched
    assert re.search(r"오래됨 \d:\d\d:\d\d", row.inner_text()), row.inner_text()
    assert "평시" not in row.inner_text()


def test_what_was_forecast_stands_beside_what_came(walk: Walk) -> None:
    walk.to_the_peak()
    page = walk.look.page
    page.locator("tr", has=walk.look.button(GAUGE)).locator("button").first.click()
    past = page.locator(".detail [data-past]")
    past.locator("canvas").wait_for()
    says = past.locator("p")
    expect(says).to_have_text(re.compile(r"값 \d+개 가운데 \d+개가 3시간 전에 낸 예측"))
    past.get_by_role("button", name="1시간 전").click()
    expect(says).to_have_text(re.compile(r"값 \d+개 가운데 \d+개가 1시간 전에 낸 예측"))
    of, inside = map(int, re.findall(r"(\d+)개", says.inner_text())[:2])
    assert 0 < inside <= of
    assert walk.look.troubles() == []
