# SPDX-License-Identifier: Apache-2.0
"""Chromium keeps our Secure, __Host- cookie over plain http on loopback, so the laptop needs no exception."""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import async_playwright

from cheoyong.faces.access import COOKIE

CHROMIUM = shutil.which("chromium")


class Echo(BaseHTTPRequestHandler):
    """Sets the cookie at /set and shows what came back at /."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/set":
            self.send_header("Set-Cookie", f"{COOKIE}=kept; Path=/; Secure; HttpOnly; SameSite=Strict")
        self.end_headers()
        self.wfile.write((self.headers.get("Cookie") or "none").encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
async def test_chromium_keeps_the_secure_cookie_on_loopback() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = await browser.new_page()
            seen = {}
            for host in ("127.0.0.1", "localhost"):
                await page.goto(f"http://{host}:{server.server_port}/set")
                await page.goto(f"http://{host}:{server.server_port}/")
                seen[host] = (await page.inner_text("body"), await page.evaluate("document.cookie"))
            await browser.close()
    finally:
        server.shutdown()
        server.server_close()
    assert seen == dict.fromkeys(("127.0.0.1", "localhost"), (f"{COOKIE}=kept", ""))
