# SPDX-License-Identifier: Apache-2.0
"""What people type: `cheoyong COMMAND`. Data goes to stdout, talk to stderr; imports wait until needed."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the program."""
    from cheoyong.cli.program import app

    sys.exit(app())
