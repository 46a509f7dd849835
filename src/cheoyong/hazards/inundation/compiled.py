# SPDX-License-Identifier: Apache-2.0
"""How kernels are compiled: with Numba, kept on disk where that is possible, never failing where it is not.

Numba is imported by this file only, and this file only by kernels, so that the program starts without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
from llvmlite import binding  # type: ignore[import-untyped]

_Function = TypeVar("_Function", bound=Callable[..., Any])

# A row kernel reads and writes a dozen slices. LLVM gives up vectorising when it would need more than eight
# pairwise tests that they do not overlap; the tests cost nothing beside a row of a thousand cells.
binding.set_option("cheoyong", "-runtime-memory-check-threshold=512")

# No reciprocal estimates (arcp, afn): vector and scalar code would round differently, and a result would
# depend on where a tile begins. Left out of "fast" is also what assumes that no infinity exists.
_HARMLESS = {"contract", "nsz", "nnan"}


def compiled(*, parallel: bool = False) -> Callable[[_Function], _Function]:
    """Decorator: compile at first call; a folder that cannot be written only costs compiling again.

    >>> from cheoyong.hazards.inundation.compiled import compiled
    >>> @compiled()
    ... def double(x):
    ...     return x + x
    >>> double(2.0)
    4.0
    """
    options: dict[str, Any] = {
        "parallel": parallel,
        "fastmath": _HARMLESS,
        "error_model": "numpy",
        "nogil": True,
    }

    def decorate(function: _Function) -> _Function:
        try:
            return cast("_Function", numba.njit(cache=True, **options)(function))
        except RuntimeError:  # Numba found no folder for its cache: read-only installation without a home
            return cast("_Function", numba.njit(**options)(function))

    return decorate


prange = numba.prange

_CELLS_WORTH_A_THREAD = 16_000


@contextmanager
def threads_for(cells: int) -> Iterator[None]:
    """Use one thread on a small grid: waiting for each other would cost more than it brings."""
    before = numba.get_num_threads()
    numba.set_num_threads(max(1, min(before, cells // _CELLS_WORTH_A_THREAD)))
    try:
        yield
    finally:
        numba.set_num_threads(before)
