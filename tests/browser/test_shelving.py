# SPDX-License-Identifier: Apache-2.0
"""O3: an alarm put aside for a while by what the page offers: it stands apart, with its end and reason."""

import re

from playwright.sync_api import expect

from .test_every_look import looks, wrong_with
from .walking import OPERATOR, Walk


def test_O3_an_alarm_is_put_aside_with_an_end_and_a_reason_and_taken_back(walk: Walk) -> None:
    walk.to_the_peak()
    look = walk.look
    look.be(OPERATOR)
    look.card("알람 ·").click()
    detail = look.page.get_by_role("button", name="보류", exact=True)
    detail.click()
    dialog = look.page.get_by_role("dialog")
    dialog.get_by_role("button", name="보류", exact=True).click()
    expect(dialog.get_by_role("alert")).to_be_visible()  # no shelf without a reason
    dialog.get_by_label("4시간").check()
    dialog.get_by_label("사유").fill("점검 중인 센서")
    wrong = wrong_with(look, "shelving-wide")
    dialog.get_by_role("button", name="보류", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(look.page.get_by_role("heading", name=re.compile("보류한 알람"))).to_be_visible()
    expect(look.page.get_by_text("점검 중인 센서")).to_be_visible()
    wrong += [line for name in looks(look, "shelved") for line in wrong_with(look, name)]
    assert wrong == []
    look.button("보류 해제", "Take off the shelf").click()
    expect(look.page.get_by_role("heading", name=re.compile("보류한 알람|Shelved alarms"))).to_be_hidden()
