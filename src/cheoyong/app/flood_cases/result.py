# SPDX-License-Identifier: Apache-2.0
"""What a case gives: places with what was measured and what was computed, and their errors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cheoyong.domain.errors import InvalidInput, NotFound, TooLarge

FILE_BYTES_MAX = 50_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Measured and computed at one place, in the unit of its result; not ``wet``: no water came."""

    name: str
    measured: float
    computed: float
    wet: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The places of one case by one method; ``what`` names quantity and unit.

    >>> two = (Place("a", 1.0, 1.5), Place("b", 2.0, 1.5))
    >>> Result("x", "shallow_water", "level, m", two).as_json()["rmse"]
    0.5
    """

    case: str
    method: str
    what: str
    places: tuple[Place, ...]
    steps: int = 0

    def as_json(self) -> dict[str, Any]:
        """All of it, with root mean square, mean and worst error over all places, the dry ones included."""
        error = np.array([place.computed - place.measured for place in self.places])
        return {
            **asdict(self),
            "rmse": round(float(np.sqrt((error**2).mean())), 4),
            "bias": round(float(error.mean()), 4),
            "worst": round(float(np.abs(error).max()), 4),
            "dry": sum(not place.wet for place in self.places),
        }


def read_bytes(path: Path) -> bytes:
    """A file of a case; NotFound or TooLarge names it."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise TooLarge(f"larger than {FILE_BYTES_MAX:,} bytes", where=str(path))
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound("a file of this case is missing", where=str(path), mend="give its folder") from None
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path)) from None
