# SPDX-License-Identifier: Apache-2.0
"""What every face needs to know of the installation it serves; the app room provides it as ``state.site``."""

from __future__ import annotations

from typing import Protocol

from cheoyong.domain.city import CityPack

LIVE, EXERCISE = "live", "exercise"


class Site(Protocol):
    """One running installation, as the faces see it."""

    @property
    def mode(self) -> str:
        """``live``, or ``exercise`` while a replay or a drill runs. Exercise accounts work only then."""
        ...

    @property
    def city(self) -> CityPack:
        """The city this installation serves."""
        ...

    def now_us(self) -> int:
        """The machine's own time, µs since 1970 UTC: sign-ins and keys never live on a replay's clock."""
        ...
