# SPDX-License-Identifier: Apache-2.0
"""`cheoyong demo` as a newcomer runs it, and the walk from its printed link to the published warning."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, expect
from serving import PROGRAM, Serving, data_array, register, send, wait_until

from cheoyong.domain.instant import parse_instant

from .looking import Look

SERIES = "taehwa_stage_m"
GAUGE, GAUGE_EN = "태화교", "Taehwa Bridge"
SILENT = "cheokgwa_stage_m"  # sends nothing in the scenario
OPERATOR, APPROVER = "exercise.operator", "exercise.approver"
SLOW = "60"  # simulated seconds a second: after the warm-up nothing moves unless a step is asked for
STEPS_MAX = 12
_LINK = re.compile(r"(http://[\d.]+:\d+)(/console/#/link/\S+)")


class Demo(Serving):
    """`cheoyong demo`, its link read from what it prints."""

    link = ""

    def start(self) -> Demo:
        argv = [str(PROGRAM), "demo", "--data", str(self.root), "--port", "0", "--speed", SLOW]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=subprocess.DEVNULL, stderr=log, env=self.environment, start_new_session=True
            )
        found = wait_until(lambda: _LINK.search(self.said()) or self._ended(), "the printed link")
        assert found is not True, self.said()[-2000:]
        self.ready["url"], self.link = found.groups()
        return self

    def _ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None


def is_update(alert: dict[str, Any]) -> bool:
    """Whether an alert is a correction that is not out yet."""
    return alert["kind"] == "Update" and alert["state"] in ("drafted", "submitted", "rejected")


@dataclass
class Walk:
    """A demo, the newcomer's page on it, and what was seen on the way."""

    demo: Demo
    look: Look
    stages: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, demo: Demo, browser: Browser) -> Walk:
        """Open the printed link, hold the replay, and wait until its warm-up is over."""
        look = Look.at(browser, demo.url).open(demo.link)
        look.button("일시정지").click()
        expect(look.button("계속")).to_be_visible()
        end_us = parse_instant("2016-10-05T03:00:00+09:00")  # the scenario's warm_up_until
        wait_until(lambda: look.json("/api/state")["clock"]["now_us"] >= end_us, "the warm-up")
        return cls(demo, look)

    def stage_m(self) -> float:
        """The bridge's stage as the table on the page shows it."""
        row = self.look.page.locator("tr", has=self.look.button(GAUGE, GAUGE_EN))
        return float(row.locator(".value").inner_text())

    def step(self) -> None:
        """One press of the replay's step; returns when the page shows the next hour."""
        newest_us = self._newest(self.look.json("/api/state"))["time_us"]
        self.look.button("한 단계", "Step").click()
        wait_until(lambda: self._shows_later_than(newest_us), "the next step")
        self.stages.append(self.stage_m())

    def _newest(self, state: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in state["gauges"] if one["series"] == SERIES)
        return found

    def _shows_later_than(self, time_us: int) -> bool:
        """Whether the page's figure is the server's newest, of a later hour, and forecast from."""
        state = self.look.json("/api/state")
        newest = self._newest(state)
        issued_us = state["forecasts"].get(SERIES, {}).get("issued_us", 0)
        shown = self.stage_m() == float(f"{newest['value']:.2f}")
        return bool(newest["time_us"] > time_us and issued_us >= newest["time_us"] and shown)

    def to_the_draft(self) -> None:
        """Step until a warning is drafted; the demo then holds the replay for a person."""
        for _ in range(STEPS_MAX):
            if self.alerts():
                break
            self.step()
        self.look.card("경보 ·").wait_for()

    def submit(self) -> None:
        """As the operator: open the draft and ask for approval."""
        self.look.card("경보 · 초안").click()
        self.look.button("승인 요청").click()
        self.look.page.get_by_text("작성한 사람은 승인할 수 없습니다").wait_for()

    def go_on_as_approver(self) -> None:
        """The console offers, in an exercise, to go on as the second person."""
        self.look.page.get_by_role("button", name=re.compile("승인자 Lee.*역할로 계속")).first.click()
        expect(self.look.button("승인 (훈련 발령)")).to_be_enabled()

    def approve(self) -> None:
        """As the approver: type the head-count."""
        people = self.alerts()[-1]["people"]
        self.look.button("승인 (훈련 발령)").click()
        self.look.page.locator("dialog input").fill(f"{people:,}")
        self.look.page.locator("dialog").get_by_role("button", name="승인 (훈련 발령)").click()
        self.look.button("경보 해제").wait_for()

    def to_the_published_warning(self) -> None:
        """What is left of the way from where the walk stands now."""
        self.to_the_draft()
        states = {one["state"] for one in self.alerts()}
        if states == {"drafted"}:
            self.submit()
        if "published" not in states:
            self.look.be(APPROVER)
            self.look.card("경보 · 승인 대기").click()
            self.approve()

    def to_the_peak(self) -> None:
        """About 13:00, with the warning out, and one gauge that has sent nothing since 09:30."""
        self.to_the_published_warning()
        if self.silence():
            return
        with self.demo.client(self.demo.secret("exercise-key")) as device:
            _, datastream = register(device, SILENT, series=SILENT)
            last_us = parse_instant("2016-10-05T09:30:00+09:00")
            assert send(device, data_array(datastream, [(last_us, 0.72)])).status_code == 201
        self.look.be(OPERATOR)
        for _ in range(STEPS_MAX):
            if self.silence():
                break
            self.step()
        self.look.page.get_by_text("자료 수신 끊김").first.wait_for()

    def silence(self) -> bool:
        """Whether an alarm says that a gauge is silent."""
        return any(alarm["cause"] == "silence" for alarm in self.look.json("/api/state")["alarms"])

    def to_an_update(self, words: str = "") -> None:
        """A correction of the warning in force, with these words added, waiting for approval."""
        self.to_the_peak()
        look = self.look
        look.be(OPERATOR)
        alert_id = next((one["alert_id"] for one in self.alerts() if is_update(one)), None)
        if alert_id is None:
            published = [one for one in self.alerts() if one["state"] == "published"]
            made = look.post(f"/api/alerts/{published[-1]['alert_id']}/update", {"reason": ""})
            alert_id = made["alert_id"]
        alert = look.json(f"/api/alerts/{alert_id}")
        path = f"/api/alerts/{alert['alert_id']}"
        if words not in alert["content"]["texts"][0]["description"]:
            texts = [
                {**text, "description": f"{text['description']} {words}"}
                for text in alert["content"]["texts"]
            ]
            alert = look.post(f"{path}/edit", {"texts": texts, "content_hash": alert["content_hash"]})
        if alert["state"] != "submitted":
            look.post(f"{path}/submit", {"content_hash": alert["content_hash"]})

    def alerts(self) -> list[dict[str, Any]]:
        """Warnings as the list shows them, the newest last."""
        found: list[dict[str, Any]] = self.look.json("/api/state")["alerts"]
        return sorted(found, key=lambda one: int(one["changed_us"]))
