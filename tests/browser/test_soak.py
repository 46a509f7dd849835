# SPDX-License-Identifier: Apache-2.0
"""O14: the console open for many hours of events grows by less than 50 MB an hour and makes no lasting sound.

The page, its server and its browser are real; the stream of events is a fake at the edge of the machine,
because hours must pass in seconds: a minute of the facts is a clock, a value of every gauge, and every few
minutes a step of an alarm, a forecast, an unusual signal. Hours are those of the facts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .living import Site
from .looking import Look

Window = Callable[..., Look]
Tell = Callable[[str], None]
MB = 1e6
GROWTH_MB_H_MAX = 50.0
WARM_H = 2

_FAKES = """() => {
  globalThis.EventSource = class FakeStream extends EventTarget {
    static CLOSED = 2;
    constructor() {
      super();
      this.readyState = 1;
      globalThis.stream = this;
      setTimeout(() => this.onopen?.(), 0);
    }
    close() { this.readyState = 2; }
  };
  globalThis.sounds = []; // { what, loop, from, to }: everything that can be heard passes here
  const heard = (what, loop) => {
    const one = { what, loop, from: performance.now(), to: null };
    sounds.push(one);
    return one;
  };
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    const one = heard('media', this.loop);
    const over = () => (one.to ??= performance.now());
    for (const end of ['pause', 'ended', 'error']) this.addEventListener(end, over);
    return play.call(this);
  };
  for (const kind of [AudioScheduledSourceNode, AudioBufferSourceNode]) {
    if (!Object.hasOwn(kind.prototype, 'start')) continue;
    const start = kind.prototype.start;
    kind.prototype.start = function (...given) {
      const one = heard('audio', !!this.loop);
      this.addEventListener('ended', () => (one.to ??= performance.now()));
      return start.apply(this, given);
    };
  }
}"""
_HOUR = """async ([hour, begin_us]) => {
  const MINUTE = 60e6;
  const say = (type, body) => stream.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(body) }));
  const { gauges } = await (globalThis.gaugesAsked ??= fetch('/api/map').then((r) => r.json()));
  globalThis.seq ??= (await (await fetch('/api/state')).json()).seq;
  const uuid = (n) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;
  const fact = (kind, about_us, body) =>
    say('fact', { id: uuid(++seq), seq, kind, about_us, recorded_us: about_us, body });
  for (let minute = 0; minute < 60; minute++) {
    const now_us = begin_us + (hour * 60 + minute) * MINUTE;
    say('clock', { now_us, mode: 'live', simulated: false, replay: null });
    say('observations', { rows: gauges.map((gauge, i) => ({
      series: gauge.series, time_us: now_us, value: 1 + Math.sin(minute / 9 + i), flag: 1 })) });
    const gauge = gauges[(hour * 12 + minute) % gauges.length];
    if (minute % 3 === 0) {
      const n = Math.floor((hour * 60 + minute) / 6);
      fact('alarm', now_us, { alarm_id: uuid(1e9 + n), cause: 'level',
        step: minute % 6 ? 'cleared' : 'raised', series: gauge.series,
        rule: `${gauge.series}:advisory`, priority: 'high', crisis_level: 1 + (n % 4),
        since_us: now_us, value: 3.2, limit: 3, by: '', reason: '', until_us: null, row: null, times: 1 });
    }
    if (minute % 10 === 0) fact('forecast', now_us, { hazard: 'river', model: 'soak',
      series: gauges[0].series, issued_us: now_us, lead_s: [3600, 7200, 21600],
      quantile: [0.05, 0.25, 0.5, 0.75, 0.95],
      value: [1, 2, 3].map((k) => [1, 1.1, 1.2, 1.3, 1.4].map((v) => v * k)),
      crossings: [], used: [], missing: [], degraded: false, maturity: 'advisory' });
    if (minute % 20 === 0) fact('detection', now_us, {
      datastream_id: 1, name: 'soak', series: gauge.series, value: 2, p: 0.001 });
    if (minute % 5 === 4) await new Promise((done) => setTimeout(done, 60)); // drawn, as it is in life
  }
}"""


class Soak:
    """A page under the fake stream, and its heap by Chromium's own figure."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.devtools = look.context.new_cdp_session(look.page)
        self.begin_us = look.json("/api/state")["clock"]["now_us"]
        self.hours = 0

    def heap_bytes(self) -> int:
        self.devtools.send("HeapProfiler.collectGarbage")
        found: Any = self.devtools.send("Runtime.getHeapUsage")
        return int(found["usedSize"])

    def hour(self) -> None:
        """One hour of events, and what a person does in it."""
        page = self.look.page
        page.evaluate(_HOUR, [self.hours, self.begin_us])
        self.hours += 1
        page.locator(".layers button").nth(self.hours % 2).click()  # levels, sensor health, levels …
        cards = page.locator("#needs article .open, .twin .name")
        cards.nth(self.hours % max(1, min(5, cards.count()))).dispatch_event("click")  # rows move under it
        page.get_by_role("button", name="어두운 화면으로").or_(
            page.get_by_role("button", name="밝은 화면으로")
        ).click()


def soaked(look: Look, live: Site, login: str, hours: int, tell: Tell) -> None:
    look.page.add_init_script(f"({_FAKES})()")
    look.open(live.link_for(login, "operator"))
    look.page.locator("tbody .value").first.wait_for()
    soak = Soak(look)
    for _ in range(WARM_H):
        soak.hour()
    before = soak.heap_bytes()
    for _ in range(hours):
        soak.hour()
    growth_mb_h = (soak.heap_bytes() - before) / MB / hours
    tell(f"heap {before / MB:.1f} MB after {WARM_H} h, then {growth_mb_h:+.2f} MB an hour over {hours} h")
    assert growth_mb_h < GROWTH_MB_H_MAX
    lasting = look.page.evaluate(
        "() => sounds.filter((one) => one.loop || (one.to ?? performance.now()) - one.from > 3000)"
    )
    assert lasting == []
    assert look.page.evaluate("performance.getEntriesByName('live-update').length") == 1  # it was drawn
    expect(look.page.locator("#needs")).to_be_visible()
    assert look.troubles() == []


def test_O14_six_hours_of_events_leave_the_heap_as_it_was(live: Site, window: Window, tell: Tell) -> None:
    soaked(window(live.url), live, "soak", 6, tell)


def test_O14_a_sound_would_have_been_heard_by_the_soak(live: Site, window: Window) -> None:
    """What the soak listens with does hear: a loop of silence that goes on is found."""
    look = window(live.url)
    look.page.add_init_script(f"({_FAKES})()")
    look.open(live.link_for("soak-sound"))
    found = look.page.evaluate(
        """async () => {
          const context = new AudioContext();
          const loop = context.createBufferSource();
          loop.buffer = context.createBuffer(1, 800, 8000);
          loop.loop = true;
          loop.connect(context.destination);
          loop.start();
          return sounds.filter((one) => one.loop).length;
        }"""
    )
    assert found == 1


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_O14_two_days_of_events_leave_the_heap_as_it_was(live: Site, window: Window, tell: Tell) -> None:
    soaked(window(live.url), live, "soak-long", 48, tell)
