# SPDX-License-Identifier: Apache-2.0
"""Score the inundation solvers on floods that were measured; nothing is fitted to the measurements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cheoyong.app.flood_cases import malpasset, merewether, monai
from cheoyong.app.flood_cases.result import Result
from cheoyong.domain.errors import InvalidInput
from cheoyong.hazards.inundation.run import Method

CASES: dict[str, tuple[Callable[[Path, Method], Result], Method]] = {
    "merewether": (merewether.merewether, merewether.DEFAULT_METHOD),
    "monai": (monai.monai, monai.DEFAULT_METHOD),
    "malpasset": (malpasset.malpasset, malpasset.DEFAULT_METHOD),
}
METHODS: tuple[Method, ...] = ("local_inertial", "shallow_water", "shallow_water_muscl")


def score_inundation(case: str, folder: Path, method: str | None = None) -> Result:
    """One case by one method, by the case's own where none is given; InvalidInput for a name that is none."""
    if case not in CASES:
        raise InvalidInput(f"{case!r} is no case", where="case", mend=f"use one of {', '.join(CASES)}")
    compute, usual = CASES[case]
    chosen = next((name for name in METHODS if name == method), None)
    if method and chosen is None:
        raise InvalidInput(
            f"{method!r} is no method", where="method", mend=f"use one of {', '.join(METHODS)}"
        )
    return compute(folder, chosen or usual)
