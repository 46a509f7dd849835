# SPDX-License-Identifier: Apache-2.0
"""How the kernels of this hazard are compiled; the one file of the folder that imports Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile at first call; kept on disk where there is a folder for it. Rounding as written, no fast-math.

    >>> compiled(lambda x: x + x)(2.0)
    4.0
    """
    try:
        return cast("_Function", numba.njit(cache=True, error_model="numpy", nogil=True)(function))
    except RuntimeError:  # Numba found no folder for its cache
        return cast("_Function", numba.njit(error_model="numpy", nogil=True)(function))
