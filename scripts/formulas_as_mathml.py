# SPDX-License-Identifier: Apache-2.0
"""A hook of mkdocs: formulas become MathML, which browsers draw without a script from elsewhere."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Replace each formula that pymdownx.arithmatex marked."""
    return _FORMULA.sub(_mathml, html)


def _mathml(found: re.Match[str]) -> str:
    return str(convert(unescape(found[2]).strip(), display="inline" if found[1] == "span" else "block"))
