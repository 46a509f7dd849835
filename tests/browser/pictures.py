# SPDX-License-Identifier: Apache-2.0
"""Takes the pictures of the README from a running demo: python -m tests.browser.pictures docs/images"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "system"))

from .looking import ARGUMENTS, CHROMIUM, Look
from .walking import Demo, Walk

SIZE = {"width": 1600, "height": 900}
PICTURES = {"console.png": ("ko", "light"), "console-dark-en.png": ("en", "dark")}


def take(folder: Path) -> None:
    """The console when the storm's first warning waits for a person, in both languages and themes."""
    root = Path(tempfile.mkdtemp(prefix="cheoyong-pictures-"))
    root.chmod(0o755)
    demo = Demo(root / "demo")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            walk = Walk.begin(demo.start(), browser)
            walk.to_the_draft()
            for name, (language, theme) in PICTURES.items():
                look = Look.at(browser, demo.url, size=SIZE, language=language, theme=theme, beside=walk.look)
                look.open().card("상황" if language == "ko" else "Incident").click()
                look.page.locator("section[aria-labelledby^=residents]").wait_for()
                look.page.wait_for_timeout(4_000)  # the map is drawn by a worker that does not say when
                look.page.screenshot(path=folder / name)
                look.close()
            browser.close()
    finally:
        demo.clear_away()
        shutil.rmtree(root)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
