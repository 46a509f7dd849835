# SPDX-License-Identifier: Apache-2.0
"""What the flood layer needs of the installation: ground, library of floods, hands on the computing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cheoyong.assess.flooded_places import Underpass
from cheoyong.assess.flooded_towns import Streets


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the library is. ``state``: off, computing, ready, stopped or failed; ``reason`` says why."""

    state: str
    reason: str
    done: int
    total: int


class FloodDesk(Protocol):
    """The floods of one installation, as the console sees them."""

    @property
    def terrain_name(self) -> Mapping[str, str]:
        """Name of the ground in the city's languages; empty when there is none."""
        ...

    @property
    def terrain_source(self) -> str:
        """Where the ground comes from, in words."""
        ...

    @property
    def underpasses(self) -> Sequence[Underpass]:
        """Underpasses that the city states."""
        ...

    def standing(self) -> Standing:
        """How far the computing is."""
        ...

    async def streets(self) -> tuple[str, Streets] | None:
        """Id and content of the library so far; None before two floods are there."""
        ...

    def begin(self) -> None:
        """Compute what is missing, if nothing computes already. Raises Conflict when there is no ground."""
        ...

    async def end(self) -> None:
        """Stop computing, within two seconds; what is finished stays."""
        ...
