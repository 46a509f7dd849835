# SPDX-License-Identifier: Apache-2.0
"""Measure ingest; written below."""

from __future__ import annotations

from typing import Any


async def bench_ingest(observations: int, seconds: float) -> dict[str, Any]:
    """Placeholder until the measuring code is in."""
    raise NotImplementedError
