# SPDX-License-Identifier: Apache-2.0
"""A page that is watched: whatever it reports, asks of strangers or pops up is kept as trouble."""

from __future__ import annotations

import base64
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page

from cheoyong.faces.console.pages import FOLDER

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--use-gl=angle",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip
WIDE = {"width": 1920, "height": 1080}
PHONE = {"width": 390, "height": 844}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# A software renderer says so; that is about this machine, not about the page.
_OF_THE_MACHINE = ("GPU stall", "GL Driver", "swiftshader")
_AT_START = """([language, theme]) => {
  if (location.protocol === 'about:') return; // a blank page keeps nothing
  if (!sessionStorage.getItem('begun')) { // once in each tab: a reload shows what the page has kept
    sessionStorage.setItem('begun', 'yes');
    localStorage.setItem('cheoyong.language', language);
    localStorage.setItem('cheoyong.theme', theme);
  }
  globalThis.csp = [];
  const refused = (e) => csp.push(`${e.violatedDirective} ${e.blockedURI}`);
  document.addEventListener('securitypolicyviolation', refused);
  globalThis.marks = {};
  const mark = (name, selector) => {
    if (!(name in marks) && document.querySelector(selector)) marks[name] = performance.now();
  };
  new MutationObserver(() => {
    mark('useful', '#needs article, #needs .calm');
    mark('figures', 'tbody .value');
    mark('lost', '[role=alert] .banner');
  }).observe(document, { childList: true, subtree: true });
}"""


def missing() -> str:
    """Why nothing can be looked at here; empty when it can."""
    if CHROMIUM is None:
        return "no chromium here (apt-get install chromium)"
    if not (FOLDER / "index.html").exists():
        return "the console is not built (make console)"
    return ""


@dataclass
class Look:
    """One person's page on one installation, and the trouble seen on it."""

    context: BrowserContext
    page: Page
    url: str
    alone: bool = True
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def at(
        cls, browser: Browser, url: str, *, size: dict[str, int] = WIDE, language: str = "ko",
        theme: str = "light", beside: Look | None = None,
    ) -> Look:  # fmt: skip
        """A new page, signed in as the one it stands beside; else in a browser of its own."""
        context = beside.context if beside else browser.new_context(locale="ko-KR")
        context.set_default_timeout(60_000)
        look = cls(context, context.new_page(), url, alone=beside is None)
        look.page.set_viewport_size(size)  # type: ignore[arg-type]
        look.page.add_init_script(f"({_AT_START})({[language, theme]})")
        look.page.on("console", look._said)
        look.page.on("pageerror", lambda error: look.trouble.append(f"page error: {error}"))
        look.page.on("dialog", look._popped_up)
        look.page.on("request", lambda request: look._asked(request.url))
        return look

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in _OF_THE_MACHINE):
            self.trouble.append(f"{message.type}: {message.text}")

    def _popped_up(self, dialog: Dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "blob:", "data:")):
            self.trouble.append(f"left the origin: {url}")

    def open(self, path: str = "/console/") -> Look:
        """Load a page of the installation, and wait until it is of use."""
        self.page.goto(self.url + path)
        self.page.locator("#needs article, #needs .calm, form").first.wait_for()
        return self

    def be(self, login: str) -> None:
        """In an exercise: go on as another of its people.

        From a page that asks for nothing by itself: what the console asks while the session ends is
        refused, and would stand here as trouble.
        """
        self.page.goto("about:blank")
        asked = self.context.request
        token = asked.get(f"{self.url}/api/session").json()["csrf"]
        answer = asked.post(
            f"{self.url}/api/exercise/person",
            data={"login": login},
            headers={"X-CSRF-Token": token, "Origin": self.url},
        )
        assert answer.ok, answer.text()
        self.open()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the server answers to what this page's person asks; an error when it refuses."""
        return self.page.evaluate(
            """async ([path, body]) => {
              const { csrf } = await (await fetch('/api/session')).json();
              const headers = { 'X-CSRF-Token': csrf, 'Content-Type': 'application/json' };
              const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
              if (!answer.ok) throw new Error(await answer.text());
              return answer.json();
            }""",
            [path, body],
        )

    def json(self, path: str) -> Any:
        """What the server answers this page."""
        return self.page.evaluate("async (path) => (await fetch(path)).json()", path)

    def button(self, *names: str) -> Locator:
        """The button with one of these names, whichever language the page speaks."""
        found = self.page.get_by_role("button", name=names[0], exact=True)
        for name in names[1:]:
            found = found.or_(self.page.get_by_role("button", name=name, exact=True))
        return found

    def card(self, kind: str) -> Locator:
        """The first row of the list on the left whose kind begins so: 경보, 상황 or 알람."""
        meta = self.page.locator(".meta", has_text=kind)
        return self.page.locator("article .open", has=meta).first

    def troubles(self) -> list[str]:
        """Everything wrong so far, what the content security policy refused included."""
        return [*self.trouble, *(f"policy: {line}" for line in self.page.evaluate("csp"))]

    def violations(self) -> list[str]:
        """What axe-core finds; by the debugger's evaluation, for the policy rightly refuses a script tag."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "(tags) => axe.run(document, { runOnly: tags }).then((r) => r.violations)", RULES
        )
        return [f"axe {one['id']} ({one['impact']}): {_where(one['nodes'])}" for one in found]

    def pixels(self, clip: dict[str, float]) -> set[tuple[int, int, int]]:
        """The colours of a part of the page as painted."""
        shot = base64.b64encode(self.page.screenshot(clip=clip)).decode()  # type: ignore[arg-type]
        found = self.page.evaluate(
            """async (shot) => {
              const bytes = Uint8Array.from(atob(shot), (c) => c.charCodeAt(0));
              const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
              const canvas = new OffscreenCanvas(image.width, image.height);
              const context = canvas.getContext('2d');
              context.drawImage(image, 0, 0);
              const { data } = context.getImageData(0, 0, image.width, image.height);
              const colours = new Set();
              for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 3).join(','));
              return [...colours];
            }""",
            shot,
        )
        return {tuple(int(part) for part in colour.split(",")) for colour in found}  # type: ignore[misc]

    def close(self) -> None:
        """Close the page, and its browser if it was alone in it; else leave its neighbours as they were."""
        self.page.unroute_all(behavior="ignoreErrors")  # one on its way would fail the next test
        if not self.alone:
            self.page.evaluate("localStorage.setItem('cheoyong.language', 'ko')")
            self.page.evaluate("localStorage.setItem('cheoyong.theme', 'light')")
        self.page.close()
        if self.alone:
            self.context.close()


def _where(nodes: list[dict[str, Any]]) -> str:
    return " | ".join(f"{node['target']} {node['failureSummary']}" for node in nodes[:3])
