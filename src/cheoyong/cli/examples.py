# SPDX-License-Identifier: Apache-2.0
"""A command whose help keeps its examples line by line."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

_KEEP_LINES = "\b\n"  # click's mark for a paragraph that must not be rewrapped


class Command(TyperCommand):
    """As Typer's, with the paragraph that begins with ``Examples:`` left as it was written."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        text = keywords.get("help") or ""
        keywords["help"] = text.replace("Examples:\n", f"{_KEEP_LINES}Examples:\n")
        super().__init__(*arguments, **keywords)
