# SPDX-License-Identifier: Apache-2.0
"""Log lines: time with zone, level, what happened, its particulars; JSON on stderr (L12)."""

from __future__ import annotations

import logging
import sys

import msgspec
import structlog


def configure_logs(least: str = "info", *, to_people: bool = False) -> None:
    """JSON lines for machines, or coloured lines for people at a terminal."""
    render = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if to_people
        else structlog.processors.JSONRenderer(
            serializer=lambda event, **_: msgspec.json.encode(event).decode()
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks if not to_people else structlog.dev.set_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[least.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
