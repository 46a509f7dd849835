# SPDX-License-Identifier: Apache-2.0
"""Bench of the console in headless Chromium over a made-up city: first useful screen, and live updates."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from rich.console import Console
from rich.progress import Progress

from cheoyong.app.clock import real_us
from cheoyong.app.synthetic_city import LEVEL_M, fill, register_gauges, write_synthetic_city
from cheoyong.app.under_test import UnderTest, installation_under_test
from cheoyong.domain.errors import ConfigurationError, Unavailable
from cheoyong.domain.instant import format_instant

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

LOADS = 8
UPDATES = 60
SIZE = (1920, 1080)
_WATCHED = 2  # a gauge at the highest level: it stands in the first row
_WAIT_MS = 60_000
_ALARMS_S_MAX = 120.0
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--no-first-run", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)  # fmt: skip
_MARK = """(name) => new Promise((done) => {
  const look = () => {
    const [mark] = performance.getEntriesByName(name);
    if (mark) done(mark.startTime);
    else setTimeout(look, 20);
  };
  look();
})"""
# When the value stands on the painted screen, by the wall clock both processes share, ms.
_UPDATED = """(text) => { globalThis.updated = new Promise((done) => {
  const watch = new PerformanceObserver((list) => {
    const values = [...document.querySelectorAll('tbody .value')].map((one) => one.textContent.trim());
    const [mark] = list.getEntriesByName('live-update');
    if (!mark || !values.includes(text)) return;
    watch.disconnect();
    done(performance.timeOrigin + mark.startTime);
  });
  watch.observe({ entryTypes: ['mark'] });
}); }"""

_STATE_BYTES = """() => {
  const [state] = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/state'));
  return [state.decodedBodySize, state.encodedBodySize];
}"""


async def bench_console(gauges: int, alarms: int) -> dict[str, Any]:
    """All figures of one run, times in ms; ConfigurationError without chromium, playwright or the console."""
    chromium = _chromium()
    with tempfile.TemporaryDirectory(prefix="cheoyong-city-") as name, _bar() as bar:
        task = bar.add_task("", total=5)

        def step(what: str) -> None:
            bar.update(task, advance=1, description=what)

        city = write_synthetic_city(Path(name), gauges)
        step("start")
        async with installation_under_test(CHEOYONG_CITY=name) as under_test:
            step("register gauges")
            datastreams = await register_gauges(under_test.url, under_test.headers, city)
            step("a day of observations")
            ids = [datastreams[series] for series in city.gauges]
            await fill(under_test.url, under_test.headers, ids, real_us(), alarms)
            await _until_raised(under_test, alarms)
            step("state")
            state_ms = await _state_ms(under_test)
            step("browser")
            async with _browser(chromium) as browser:
                screens = await _screens(browser, under_test, ids[_WATCHED])
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "city": "synthetic",
        "gauges": gauges,
        "alarms": alarms,
        **screens,
        "state_ms": state_ms,
    }


def _chromium() -> str:
    """Where chromium is; says what is missing."""
    try:
        import playwright  # noqa: F401 - only whether it is there
    except ImportError:
        raise ConfigurationError(
            "this bench drives a browser by playwright, which is not installed",
            mend="pip install playwright (it is among the dev tools: make install)",
        ) from None
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        raise ConfigurationError("there is no chromium here", mend="apt-get install chromium")
    return found


@asynccontextmanager
async def _browser(chromium: str) -> AsyncIterator[Browser]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


async def _until_raised(under_test: UnderTest, alarms: int) -> None:
    """The pipeline has judged everything, and raised as many alarms as levels were reached."""
    async with asyncio.timeout(_ALARMS_S_MAX):
        while len((await under_test.admin.get("/api/state"))["alarms"]) < alarms:  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def _state_ms(under_test: UnderTest) -> dict[str, float]:
    """How long the whole state takes to be read from the records and answered."""
    taken_ms = []
    for _ in range(LOADS):
        began_s = time.perf_counter()
        await under_test.admin.get("/api/state")
        taken_ms.append((time.perf_counter() - began_s) * 1e3)
    return _spread(taken_ms, 1.0, "max")


async def _screens(browser: Browser, under_test: UnderTest, datastream: int) -> dict[str, Any]:
    width, height = SIZE
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="ko-KR", reduced_motion="reduce"
    )
    context.set_default_timeout(_WAIT_MS)
    page = await _signed_in(context, under_test)
    useful_ms, map_ms = [], []
    for _ in range(LOADS):
        await page.goto(f"{under_test.url}/console/")
        useful_ms.append(float(await page.evaluate(_MARK, "first-useful-screen")))
        map_ms.append(float(await page.evaluate(_MARK, "map-drawn")))
    plain, sent = await page.evaluate(_STATE_BYTES)
    updates_ms = await _updates(page, under_test, datastream)
    return {
        "first_useful_screen_ms": _spread(useful_ms, 1.0, "max"),
        "map_drawn_ms": _spread(map_ms, 1.0, "max"),
        "live_update_ms": _spread(updates_ms, 0.99, "p99"),
        "state_bytes": {"plain": plain, "sent": sent},
        "rows_drawn": await page.locator("tbody tr").count(),
    }


async def _signed_in(context: BrowserContext, under_test: UnderTest) -> Page:
    person = {"login": "bench", "name": "bench", "role": "operator"}
    made = await under_test.admin.post("/api/people", person)
    page = await context.new_page()
    await page.goto(f"{under_test.url}/console/#/link/{made['link']['token']}")
    await page.evaluate(_MARK, "first-useful-screen")
    return page


async def _updates(page: Page, under_test: UnderTest, datastream: int) -> list[float]:
    """From sending an observation to the painted screen that shows it, ms."""
    taken_ms = []
    path = f"/v1.1/Datastreams({datastream})/Observations"
    async with httpx.AsyncClient(
        base_url=under_test.url, headers=under_test.headers, trust_env=False
    ) as client:
        for number in range(UPDATES):
            value = LEVEL_M + 1 + number / 100
            await page.evaluate(_UPDATED, f"{value:.2f}")
            began_ms = time.time() * 1e3
            body = {"phenomenonTime": format_instant(real_us()), "result": round(value, 2)}
            answer = await client.post(path, json=body)
            if answer.status_code != 201:
                raise Unavailable(f"the server answered {answer.status_code}: {answer.text[:200]}")
            taken_ms.append(float(await page.evaluate("updated")) - began_ms)
    return taken_ms


def _spread(values: list[float], high: float, name: str) -> dict[str, float]:
    return {"p50": round(statistics.median(values)), name: round(float(np.quantile(values, high)))}


def _bar() -> Progress:
    return Progress(transient=True, console=Console(file=sys.stderr))
